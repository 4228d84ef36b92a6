"""What Temporal's UI shows of a release's watch: what is guarded, where it stands and what the rules said."""

from __future__ import annotations

from backout.evaluation import Evaluation, Outcome
from backout.guard_release import GuardRelease
from backout.model import format_duration
from backout.releases import Transition, WatchView
from backout.rendering import escape_markdown
from backout.sightless import blind_line

MOST_SHOWN = 5
"""Transitions on the page."""
MOST_FACTORS = 30
"""Criteria on the page."""


def summary(guard: GuardRelease) -> str:
    """Return the watch in one line."""
    playbook = guard.playbook
    about = f"{playbook.playbook} version {playbook.version}, owner {guard.owner}"
    return f"watch of {guard.place.service}/{guard.place.release}: {about}"


def about(guard: GuardRelease) -> str:
    """Return what is guarded, in Markdown."""
    playbook, tell = guard.playbook, escape_markdown
    lines = [
        f"**{playbook.playbook}** version {playbook.version}, `{guard.digest}`",
        "",
        f"- owner: {tell(guard.owner)}",
        f"- registered: {guard.registered_at:%Y-%m-%d %H:%M:%S} UTC",
        f"- baseline: {tell(guard.place.baseline or 'none is known')}",
        *_artifacts(guard),
        *(f"- ramp: {stage.percent} % after {format_duration(stage.after)}" for stage in guard.ramp),
        f"- rules: {', '.join(rule.id for rule in playbook.rules)}",
    ]
    return "\n".join(lines)


def page(guard: GuardRelease, view: WatchView) -> str:
    """Return where the watch stands."""
    rows = (
        ("State", view.state),
        ("Playbook", f"{guard.playbook.playbook} version {guard.playbook.version}"),
        ("Baseline", guard.place.baseline or "none is known"),
        ("Since", f"{view.since:%Y-%m-%d %H:%M:%S} UTC"),
        ("Incident", view.incident),
        ("Trouble", view.trouble),
        ("Retired", view.retired),
    )
    lines = [f"# {view.place.service} {view.place.release}", ""]
    lines += [f"- **{name}:** {escape_markdown(value)}" for name, value in rows if value]
    newest = view.transitions[: -MOST_SHOWN - 1 : -1]
    lines += ["", "## What the rules said last", *map(_line, newest)] if newest else []
    lines += ["", "## What was seen then", *_seen(newest[0].evaluation)] if newest else []
    lines += ["", "## What the release is made of", *_artifacts(guard)] if guard.artifacts else []
    return "\n".join(lines)


def _artifacts(guard: GuardRelease) -> list[str]:
    return [
        f"- {artifact.kind}: {escape_markdown(artifact.name)} `{artifact.digest}`"
        for artifact in guard.artifacts
    ]


def _seen(said: Evaluation) -> list[str]:
    factors = [factor.reason for factor in said.factors[:MOST_FACTORS]]
    left = len(said.factors) - len(factors)
    more = [f"and {left} more criteria"] if left else []
    return [f"- {escape_markdown(text)}" for text in (*factors, *more, *said.surroundings)]


def _line(transition: Transition) -> str:
    said = "; ".join(_said(transition.evaluation))
    return f"- {transition.at:%Y-%m-%d %H:%M:%S} UTC: {escape_markdown(said)}"


def _said(said: Evaluation) -> list[str]:
    blind = [blind_line(source) for source in said.blind]
    if said.outcome is not Outcome.FIRED:
        return [said.outcome.value, *blind]
    return [f"rule {said.rule} fired: {', '.join(said.reasons)}", *blind]
