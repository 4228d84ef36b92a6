"""Which release answers, and what becomes of conversations: it can be had, and it can be shown."""

from __future__ import annotations

from collections.abc import Iterator

from backout.model import format_duration as written
from backout.playbook import Playbook
from backout.problems import Path, Problem
from backout.release_sets import Conversations, unseen
from backout.serving import pause, takes
from backout.site import Site
from backout.steps import RevertStep, ServedStep, StagedStep

MOST_USERS = 200
"""Users who ask in one step: what each was answered travels in every heartbeat."""


def served_problems(playbook: Playbook, site: Site | None) -> Iterator[Problem]:
    """Yield what is wrong with served steps, and with what is to become of conversations."""
    for i, step in enumerate(playbook.steps):
        if isinstance(step, ServedStep):
            yield from _served(("steps", i), step, playbook)
            yield from _crowd(("steps", i), step, site)
    for name, steps in (("steps", playbook.steps), ("rollout", playbook.rollout)):
        for i, step in enumerate(steps):
            if isinstance(step, StagedStep) and step.conversations:
                path: Path = (name, i, "conversations")
                yield from _seen_to(path, step, step.conversations, site)
                if isinstance(step, RevertStep):
                    yield from _shown(path, step, playbook, site)


def _served(path: Path, step: ServedStep, playbook: Playbook) -> Iterator[Problem]:
    before = playbook.steps[: path[1]] if isinstance(path[1], int) else ()
    if not any(isinstance(one, RevertStep) for one in before):
        msg = "this served step stands before any revert, so the candidate would answer; move it behind one"
        yield Problem(path=path, message=msg)
    if step.within < (whole := takes(step.lag, pause(step.lag))):
        msg = (
            f"a lag of {written(step.lag)} and the questions after it take {written(whole)}, "
            f"longer than within ({written(step.within)}); lengthen within"
        )
        yield Problem(path=(*path, "within"), message=msg)
    for j, probe in enumerate(step.probes):
        if probe in step.probes[:j]:
            yield Problem(path=(*path, "probes", j), message=f"'{probe}' is there twice; name it once")


def _crowd(path: Path, step: ServedStep, site: Site | None) -> Iterator[Problem]:
    probes = [site.probes[name] for name in step.probes if name in site.probes] if site else []
    if (users := sum(probe.sessions for probe in probes)) > MOST_USERS:
        msg = f"{users} users would ask in every round; let the 'sessions' of all be {MOST_USERS} at most"
        yield Problem(path=(*path, "probes"), message=msg)


def _seen_to(path: Path, step: StagedStep, wanted: Conversations, site: Site | None) -> Iterator[Problem]:
    """Yield a policy that no target of the set can carry out, or one that mixes versions in some."""
    if site is None:
        return
    can = {
        part.target: site.targets[part.target].sees_to for part in step.parts if part.target in site.targets
    }
    if can and (told := unseen(wanted, can)) is not None:
        msg = f"no target of the set can let conversations {wanted}. Each can: {told}. Choose one of these"
        yield Problem(path=path, message=msg)
    elif wanted is Conversations.FINISH and (others := [name for name in can if wanted not in can[name]]):
        msg = (
            f"conversations that finish at the candidate meet what {' and '.join(others)} holds for the "
            "baseline, as it cannot let them finish; take it out of the set, or choose migrate or restart"
        )
        yield Problem(path=path, message=msg, severity="warning")


def _shown(path: Path, step: RevertStep, playbook: Playbook, site: Site | None) -> Iterator[Problem]:
    """Yield a policy of which nothing would show whether it was kept."""
    served = [one for one in playbook.steps if isinstance(one, ServedStep)]
    probes = {name for one in served for name in one.probes}
    asks = site is None or any(site.probes[name].path == "session" for name in probes if name in site.probes)
    if not served or not asks:
        msg = (
            f"nothing shows that conversations {step.conversations}; "
            "add a served step with a probe of 'path: session'"
        )
        yield Problem(path=path, message=msg, severity="warning")
    if step.conversations is Conversations.FINISH:
        for one in (one for one in served if one.lag <= step.soak):
            msg = (
                f"conversations may finish until the lag of {written(one.lag)} is over, which it is within "
                f"the last soak of {written(step.soak)}, before any is asked; lengthen the lag of {one.name}"
            )
            yield Problem(path=path, message=msg, severity="warning")
