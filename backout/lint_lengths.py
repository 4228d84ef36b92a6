"""Lengths of time that are too short for a tick or for a person, or longer than a source remembers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from backout.model import format_duration as written
from backout.playbook import Playbook
from backout.problems import Path, Problem
from backout.site import PushSource, ReportSource, Site
from backout.steps import DetectStep

SHORTEST_TICK = timedelta(milliseconds=500)
"""Looks at less than this distance load their sources and see nothing more."""
SHORTEST_ANSWER = timedelta(minutes=1)
"""Nobody reads a message and answers it in less."""


def length_problems(playbook: Playbook, site: Site | None) -> Iterator[Problem]:
    """Yield the lengths that nobody could use."""
    if playbook.tick < SHORTEST_TICK:
        msg = (
            f"every source would be asked {timedelta(seconds=1) / playbook.tick:.0f} times a second; "
            f"write {written(SHORTEST_TICK)} or more"
        )
        yield Problem(path=("tick",), message=msg, severity="warning")
    if playbook.remind < SHORTEST_ANSWER:
        msg = f"people would be paged again after {written(playbook.remind)}, before they could answer"
        yield Problem(path=("remind",), message=f"{msg}; lengthen it", severity="warning")
    for i, rule in enumerate(playbook.rules):
        if rule.approve_within and rule.approve_within < SHORTEST_ANSWER:
            msg = f"nobody reads a plan and answers within {written(rule.approve_within)}; lengthen it"
            yield Problem(path=("rules", i, "approve_within"), message=msg, severity="warning")
    for i, step in enumerate(playbook.steps):
        if isinstance(step, DetectStep):
            yield from _detect(("steps", i), step, playbook, site)


def _detect(path: Path, step: DetectStep, playbook: Playbook, site: Site | None) -> Iterator[Problem]:
    for field, length in (("within", step.within), ("look_back", step.look_back)):
        if length is not None and length < playbook.tick:
            msg = f"{written(length)} is shorter than a tick ({written(playbook.tick)}); lengthen it"
            yield Problem(path=(*path, field), message=msg)
    for name in sorted({signal.source for signal in playbook.signals.values()}):
        source = site.sources.get(name) if site else None
        if isinstance(source, PushSource | ReportSource) and source.keep < (step.look_back or timedelta()):
            msg = (
                f"source '{name}' remembers {written(source.keep)} only; shorten this, or lengthen its "
                "'keep' in the site file"
            )
            yield Problem(path=(*path, "look_back"), message=msg, severity="warning")
