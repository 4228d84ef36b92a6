"""Lint of a proven baseline: what is asked of it can be seen, and somebody may go on without it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backout.site import Site
from tests.unit.linted import SITE, Changes, changed, errors, found

PROVEN = {"requests": 10_000, "over": "1d"}
OF_RELEASE = {"source": "prometheus", "query": 'requests_total{release="$release"}'}
ASKED: Changes = {"release.proven": PROVEN, "release.requests": OF_RELEASE}


def said(changes: Changes) -> list[tuple[str, str, str]]:
    return [one for one in found(ASKED | changes) if one[1].startswith("release.proven")]


def test_a_proof_that_can_be_had_is_fine_where_somebody_may_override() -> None:
    role = changed({}).roles["commander"].model_dump(mode="json")
    able: Changes = {"roles.commander": {**role, "may": [*role["may"], "override"]}}
    assert said(able) == []
    assert said({"break_glass": {"roles": ["on_call", "commander"], "report": ["product"]}}) == []
    ((severity, path, message),) = said({})
    assert (severity, path) == ("warning", "release.proven")
    assert message.endswith("give 'override' to a role")


@pytest.mark.parametrize(
    ("changes", "path", "why"),
    [
        (
            {"release.requests": None},
            "release.proven",
            "nothing counts the requests of a release, so none is ever proven; write release.requests",
        ),
        (
            {"release.requests": {**OF_RELEASE, "query": "requests_total"}},
            "release.proven.requests",
            'the count of every release proves nothing of one; add release="$release" to release.requests',
        ),
        (
            {"release.requests": {**OF_RELEASE, "source": "chat-metrics"}},
            "release.proven.over",
            (
                "source 'chat-metrics' knows only the present, so no baseline is ever proven by it; count "
                "the requests in one that keeps history, such as a Prometheus server"
            ),
        ),
        (
            {"release.requests": {"source": "labels", "query": "SELECT count(*) FROM r WHERE r = :release"}},
            "release.proven.over",
            (
                "release.requests has no ':at', so only the present is known and no baseline is ever proven; "
                "count up to that moment"
            ),
        ),
        (
            {
                "release.requests": {**OF_RELEASE, "source": "moderation"},
                "release.proven": {**PROVEN, "over": "31d"},
            },
            "release.proven.over",
            "source 'moderation' remembers 30d only; lengthen its 'keep', or shorten this",
        ),
        (
            {"release.proven": {**PROVEN, "checks": ["digests"]}},
            "release.proven.checks[0]",
            f"unknown check of the site 'digests'. Known: {', '.join(SITE.checks)}",
        ),
        (
            {"release.proven": {**PROVEN, "checks": [next(iter(SITE.checks))] * 2}},
            "release.proven.checks[1]",
            f"'{next(iter(SITE.checks))}' stands here already; delete it",
        ),
    ],
    ids=[
        "nothing is counted",
        "every release is counted",
        "a source without history",
        "a SELECT of the present",
        "a source that forgets sooner",
        "an unknown check",
        "a check twice",
    ],
)
def test_a_proof_that_could_never_be_had_is_an_error(changes: Changes, path: str, why: str) -> None:
    assert (path, why) in errors(ASKED | changes)


def test_a_check_that_changes_the_world_is_no_part_of_a_proof_and_a_command_may_be() -> None:
    purge = {"url": "http://127.0.0.1:9101/cache"}
    cache = {
        "kind": "purged",
        "url": "http://127.0.0.1:9101/",
        "timeout": "2s",
        "age_below": "1m",
        "purge": purge,
    }
    command = {"kind": "command", "command": ["/bin/true"], "timeout": "2s"}
    more = Site.model_validate({**SITE.model_dump(), "checks": {"cache": cache, "program": command}})
    changes: Changes = {**ASKED, "release.proven": {**PROVEN, "checks": ["cache", "program"]}}
    told = [one[1:] for one in found(changes, site=more) if one[1].startswith("release.proven.checks")]
    assert [path for path, _ in told] == ["release.proven.checks[0]"]
    assert told[0][1].startswith("it purges a cache, and here the last known good release is only looked at")


def test_a_select_up_to_a_moment_and_a_source_that_remembers_long_enough_can_prove() -> None:
    timed = {"source": "labels", "query": "SELECT count(*) FROM r WHERE r = :release AND t <= :at"}
    assert not [one for one in said({"release.requests": timed}) if one[0] == "error"]
    assert timedelta(days=30) == SITE.sources["moderation"].keep  # type: ignore[union-attr]  # a push source
    pushed = {"release.requests": {**OF_RELEASE, "source": "moderation"}}
    assert not [
        one for one in said({**pushed, "release.proven": {**PROVEN, "over": "30d"}}) if one[0] == "error"
    ]
