"""The steps of a playbook: their order, what they may fall back to, and the stages of a revert."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from backout.criteria import AlertTest, EventTest
from backout.lint_queries import RELEASE
from backout.playbook import Playbook
from backout.problems import Path, Problem
from backout.rules import Do
from backout.signals import Signal
from backout.site import ExpositionSource, Site
from backout.steps import DetectStep, Move, PostmortemStep, RevertStep, Step, VerifyStep
from backout.streams import signal_queries

_NO_EVIDENCE = "nothing has fired, so nothing would authorise the steps after it"
_UNREVERTED = "a release that still serves users would pass for reverted"
_UNRELEASED = "a release that only a few users meet would pass for released"
_AGAIN = "users would meet a release again that a rule has just turned back"
_NO_PROOF = "only a verification shows that less exposure is needed"
_NO_RECORD = "the incident would end without its record"
_LOOP = "abort itself ends in the postmortem"
_SAME_TEXT = "more time does not write it; a person must look"

NEVER_OF_SILENCE = {Move.PROCEED: _UNREVERTED, Move.GO_FURTHER: _NO_PROOF}
"""What the silence of those who should approve a revert cannot mean, and why."""
_NONSENSE: dict[tuple[str, str, Move], str] = {
    ("detect", "on_timeout", Move.PROCEED): _NO_EVIDENCE,
    ("detect", "on_failure", Move.PROCEED): _NO_EVIDENCE,
    ("revert", "on_timeout", Move.PROCEED): _UNREVERTED,
    ("revert", "on_failure", Move.PROCEED): _UNREVERTED,
    ("rollout", "on_timeout", Move.PROCEED): _UNRELEASED,
    ("rollout", "on_failure", Move.PROCEED): _UNRELEASED,
    ("rollout", "on_failure", Move.RETRY): _AGAIN,
    ("postmortem", "on_timeout", Move.PROCEED): _NO_RECORD,
    ("postmortem", "on_failure", Move.PROCEED): _NO_RECORD,
    ("postmortem", "on_timeout", Move.ABORT): _LOOP,
    ("postmortem", "on_failure", Move.ABORT): _LOOP,
    ("postmortem", "on_timeout", Move.RETRY): _SAME_TEXT,
}
"""Moves that make no sense after a kind of step, and why."""


def step_problems(playbook: Playbook, site: Site | None) -> Iterator[Problem]:
    """Yield what is wrong with the steps themselves and with their order."""
    yield from _order(playbook)
    yield from postmortem_problems(playbook)
    yield from move_problems(playbook)
    for i, step in enumerate(playbook.steps):
        if isinstance(step, RevertStep):
            yield from _stages(("steps", i, "stages"), step)
        if isinstance(step, DetectStep) and step.look_back and site:
            yield from _look_back(("steps", i, "look_back"), playbook, site)
        if isinstance(step, VerifyStep):
            yield from _measured(("steps", i), playbook)


def _measured(path: Path, playbook: Playbook) -> Iterator[Problem]:
    rates = [one for one in playbook.criteria if not isinstance(one.test, AlertTest | EventTest)]
    signals = [playbook.signals[one.signal] for one in rates if one.signal in playbook.signals]
    if not rates:
        msg = "no criterion compares a rate, so recovery cannot be measured; add one, such as a limit"
        yield Problem(path=path, message=msg)
    elif signals and all(_counts_the_candidate(signal) for signal in signals):
        msg = (
            "every rate is of the candidate alone, which has no traffic after the revert, so recovery "
            "cannot be measured; add a criterion on the whole service"
        )
        yield Problem(path=path, message=msg)


def _counts_the_candidate(signal: Signal) -> bool:
    return any(RELEASE.search(query) for _, query in signal_queries(signal))


def _look_back(path: Path, playbook: Playbook, site: Site) -> Iterator[Problem]:
    sources = [site.sources.get(signal.source) for signal in playbook.signals.values()]
    if sources and all(isinstance(source, ExpositionSource) for source in sources):
        msg = "a metrics page remembers nothing, and no signal has another source; leave it out"
        yield Problem(path=path, message=msg, severity="warning")


def _order(playbook: Playbook) -> Iterator[Problem]:
    kinds = [step.step for step in playbook.steps]
    if "detect" not in kinds:
        msg = "there is no detect step; begin with one, so that nothing is reverted without evidence"
        yield Problem(path=("steps",), message=msg)
    if "revert" not in kinds and any(rule.do is Do.REVERT for rule in playbook.rules):
        msg = "there is no revert step, but the rules ask for a revert; add one after detect"
        yield Problem(path=("steps",), message=msg)
    for i, kind in enumerate(kinds):
        if kind == "revert" and "detect" not in kinds[:i]:
            yield Problem(
                path=("steps", i), message="this revert stands before any detect; move it behind one"
            )
        if kind == "revert" and "revert" in kinds[:i]:
            msg = "there is more than one revert, but a release has one exposure; put all stages into one"
            yield Problem(path=("steps", i), message=msg)
        if kind == "verify" and "revert" not in kinds[:i]:
            msg = "this verify stands before any revert, so there is no recovery to see; move it behind one"
            yield Problem(path=("steps", i), message=msg)
        if kind == "revert" and "verify" not in kinds[i:]:
            msg = "no verify follows this revert, so nobody would know that users recovered; add one after it"
            yield Problem(path=("steps", i), message=msg)


def postmortem_problems(playbook: Playbook) -> Iterator[Problem]:
    """Yield what keeps the steps from ending with their record."""
    found = [i for i, step in enumerate(playbook.steps) if isinstance(step, PostmortemStep)]
    last = len(playbook.steps) - 1
    if not found:
        msg = "there is no postmortem step; end with one, so that every incident leaves its record"
        yield Problem(path=("steps", last), message=msg)
    for i in found[:-1]:
        yield Problem(path=("steps", i), message="there is more than one postmortem; keep the last one")
    if found and found[-1] != last:
        msg = "the postmortem is not the last step; move it to the end, where everything is known"
        yield Problem(path=("steps", found[-1]), message=msg)


def move_problems(playbook: Playbook) -> Iterator[Problem]:
    """Yield what steps fall back to although it makes no sense after them."""
    for i, step in enumerate(playbook.steps):
        for field, move in (("on_timeout", step.on_timeout), ("on_failure", step.on_failure)):
            if why := _nonsense(step, field, move):
                allowed = [other for other in Move if not _nonsense(step, field, other)]
                msg = f"a {step.step} step cannot {move}: {why}. Choose one of {', '.join(allowed)}"
                yield Problem(path=("steps", i, field), message=msg)
            if move is Move.ESCALATE and not playbook.escalation:
                msg = "there is no escalation policy to escalate by; write one under 'escalation'"
                yield Problem(path=("steps", i, field), message=msg)


def _nonsense(step: Step, field: str, move: Move) -> str:
    """Say why a move makes no sense after a step; empty where it does."""
    if move is Move.GO_FURTHER and not isinstance(step, VerifyStep):
        return _NO_PROOF
    return _NONSENSE.get((step.step, field, move), "")


def falling(path: Path, stages: Sequence[int]) -> Iterator[Problem]:
    """Yield stages on a way down that are not below the one before."""
    for i, (before, after) in enumerate(pairwise(stages)):
        if after >= before:
            msg = f"stages must fall: {after} % does not come after {before} %"
            yield Problem(path=(*path, i + 1), message=msg)


def _stages(path: Path, step: RevertStep) -> Iterator[Problem]:
    yield from falling(path, step.stages)
    if step.stages[-1] != 0:
        msg = f"the last stage leaves {step.stages[-1]} % on a bad release; end with 0 to take all of it off"
        yield Problem(path=(*path, len(step.stages) - 1), message=msg, severity="warning")
