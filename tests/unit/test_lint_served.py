"""Static lint of served steps and of what is to become of conversations."""

from __future__ import annotations

from typing import Any

import pytest

from backout.site import Site
from tests.unit.linted import SITE, Changes, found

PROBE = {"kind": "http", "url": "http://chat:8000/", "release_header": "X-Release"}
STICKY = {**PROBE, "path": "session", "cookies": ["SRV"]}
SERVED = {
    "step": "served",
    "name": "proof",
    "owner": "on_call",
    "probes": ["web"],
    "lag": "5m",
    "within": "10m",
    "on_timeout": "escalate",
}


def site(**targets: dict[str, Any]) -> Site:
    document = SITE.model_dump(mode="json")
    document["targets"] |= {"chat-exposure": document["targets"]["chat-exposure"], **targets}
    crowds = {f"crowd-{number}": {**PROBE, "sessions": 50} for number in range(5)}
    document["probes"] = {"web": PROBE, "sticky": STICKY, **crowds}
    return Site.model_validate(document)


HAPROXY = {"kind": "haproxy", "socket": "./admin.sock", "backend": "chat", "baseline": "r1"}
MLFLOW = {"kind": "mlflow", "url": "http://mlflow:5000", "model": "m", "alias": "live", "baseline": "1"}


def said(changes: Changes, at: Site | None = None) -> list[tuple[str, str, str]]:
    """Return what lint says of the complete playbook with a served step after its revert."""
    return found({"steps.3": dict(SERVED), **changes}, at or site())


def test_a_served_step_after_the_revert_is_well() -> None:
    assert said({}) == []


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"steps.3.probes": ["wep"]}, "steps[3].probes[0]", "unknown probe of the site 'wep'"),
        ({"steps.3.probes": ["web", "web"]}, "steps[3].probes[1]", "'web' is there twice; name it once"),
        (
            {"steps.3.probes": [f"crowd-{number}" for number in range(5)]},
            "steps[3].probes",
            "250 users would ask in every round; let the 'sessions' of all be 200 at most",
        ),
        (
            {"steps.3.within": "5m20s"},
            "steps[3].within",
            "a lag of 5m and the questions after it take 5m30s, longer than within (5m20s); lengthen within",
        ),
        (
            {"steps.1": {**SERVED, "name": "early"}},
            "steps[1]",
            "this served step stands before any revert, so the candidate would answer; move it behind one",
        ),
        (
            {"steps.2.conversations": "finish"},
            "steps[2].conversations",
            "no target of the set can let conversations finish. Each can: chat-exposure: migrate. Choose",
        ),
    ],
)
def test_a_served_step_that_cannot_work_is_an_error(changes: Changes, path: str, message: str) -> None:
    errors = [(where, told) for severity, where, told in said(changes) if severity == "error"]
    assert [where for where, _ in errors] == [path]
    assert message in errors[0][1]


@pytest.mark.parametrize(
    ("targets", "wanted", "message"),
    [
        ({"chat-exposure": MLFLOW}, "migrate", "Each can: chat-exposure: none."),
        ({"chat-exposure": HAPROXY}, "restart", None),
        ({"chat-exposure": HAPROXY}, "finish", None),
    ],
    ids=["an alias knows no conversation", "a balancer ends them", "a balancer lets them finish"],
)
def test_what_becomes_of_conversations_is_up_to_the_target(
    targets: dict[str, Any], wanted: str, message: str | None
) -> None:
    problems = said({"steps.2.conversations": wanted, "steps.3.probes": ["sticky"]}, site(**targets))
    about = [told for _, path, told in problems if path == "steps[2].conversations"]
    assert len(about) == (1 if message else 0)
    assert not message or message in about[0]


def of_two(wanted: str) -> list[str]:
    """Return what is said of a policy for a router and an alias, which knows no conversation."""
    at = site(router=HAPROXY, model=MLFLOW)
    changes: Changes = {
        "steps.2.target": None,
        "steps.2.targets": [{"target": "model", "flips_at": 10}, {"target": "router"}],
        "steps.2.mixed_for": "1m",
        "steps.2.conversations": wanted,
        "steps.3.probes": ["sticky"],
    }
    return [told for _, path, told in said(changes, at) if path == "steps[2].conversations"]


def test_one_target_of_the_set_that_can_is_enough() -> None:
    assert of_two("migrate") == []


def test_conversations_that_finish_keep_whatever_answers_them_on_every_target() -> None:
    (told, *_) = of_two("finish")
    assert told.startswith(
        "conversations that finish at the candidate meet what model holds for the baseline"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "nothing shows that conversations migrate; add a served step with a probe of 'path: session'"),
        ({"steps.3.probes": ["sticky"]}, ""),
    ],
    ids=["only probes without sessions", "a probe with sessions"],
)
def test_what_becomes_of_conversations_is_shown_by_a_session(changes: Changes, message: str) -> None:
    problems = said({"steps.2.conversations": "migrate", **changes})
    assert problems == ([("warning", "steps[2].conversations", message)] if message else [])


def test_conversations_that_may_finish_are_asked_before_their_bound_is_over() -> None:
    at = site(**{"chat-exposure": HAPROXY})
    changes: Changes = {"steps.2.conversations": "finish", "steps.3.probes": ["sticky"], "steps.3.lag": "2m"}
    ((severity, path, message),) = said(changes, at)
    assert (severity, path) == ("warning", "steps[2].conversations")
    assert "the lag of 2m is over, which it is within the last soak of 2m" in message
