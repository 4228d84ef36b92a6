"""A proven baseline: what a playbook asks of it can be seen, and somebody may go on without it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from backout.lint_queries import RELEASE
from backout.model import format_duration as written
from backout.people import Action
from backout.playbook import CountQuery, Playbook, Proven
from backout.problems import Path, Problem, unknown
from backout.site import ExpositionSource, PushSource, ReportSource, Site, Source, SqlSource

_PATH: Path = ("release", "proven")
_AT = re.compile(r"(?<![:\w\\]):at\b")


def proven_problems(playbook: Playbook, site: Site | None) -> Iterator[Problem]:
    """Yield what could never be proven; without a site, what only a site can show is not asked."""
    proven = playbook.release.proven
    if proven is not None:
        yield from _counted(proven, playbook.release.requests, site)
        yield from _checks(proven, site)
        yield from _overriding(playbook)


def _counted(proven: Proven, requests: CountQuery | None, site: Site | None) -> Iterator[Problem]:
    if requests is None:
        msg = "nothing counts the requests of a release, so none is ever proven; write release.requests"
        yield Problem(path=_PATH, message=msg, on_key=True)
        return
    if not RELEASE.search(requests.query):
        msg = 'the count of every release proves nothing of one; add release="$release" to release.requests'
        yield Problem(path=(*_PATH, "requests"), message=msg)
    source = site.sources.get(requests.source) if site else None
    if source and (why := _forgotten(proven, requests, source)):
        yield Problem(path=(*_PATH, "over"), message=why)


def _checks(proven: Proven, site: Site | None) -> Iterator[Problem]:
    for i, check in enumerate(proven.checks):
        if check in proven.checks[:i]:
            message = f"'{check}' stands here already; delete it"
            yield Problem(path=(*_PATH, "checks", i), message=message)
        elif site and check not in site.checks:
            message = unknown("check of the site", check, site.checks)
            yield Problem(path=(*_PATH, "checks", i), message=message)


def _overriding(playbook: Playbook) -> Iterator[Problem]:
    if not playbook.break_glass and not playbook.holders(Action.OVERRIDE):
        msg = (
            "no role may override, so with a baseline that is not proven every revert is held until another "
            "one is named; give 'override' to a role"
        )
        yield Problem(path=_PATH, message=msg, severity="warning", on_key=True)


def _forgotten(proven: Proven, requests: CountQuery, source: Source) -> str:
    """Say why a source cannot tell what was served in all that time; empty where it can."""
    if isinstance(source, ExpositionSource):
        return (
            f"source '{requests.source}' knows only the present, so no baseline is ever proven by it; count "
            "the requests in one that keeps history, such as a Prometheus server"
        )
    if isinstance(source, SqlSource) and not _AT.search(requests.query):
        return (
            "release.requests has no ':at', so only the present is known and no baseline is ever proven; "
            "count up to that moment"
        )
    if isinstance(source, PushSource | ReportSource) and source.keep < proven.over:
        kept = written(source.keep)
        return f"source '{requests.source}' remembers {kept} only; lengthen its 'keep', or shorten this"
    return ""
