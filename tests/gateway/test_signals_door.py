"""POST /signals: who gets in, what is kept, and what is answered."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from backout.pushes import MOST_COUNTS, MOST_LABELS
from gateway.signals import LARGEST
from tests.gateway.pushed import JUDGES, a_push, kept, post
from tests.gateway.running import Gateway, connect, gateway_over


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """Run the gateway without an engine: the signals door needs none."""
    async with gateway_over(await connect("127.0.0.1:9", lazy=True)) as gateway:
        yield gateway


async def test_a_push_is_kept_with_the_time_at_which_it_came_in(gateway: Gateway) -> None:
    before = datetime.now(UTC)
    answer = await post(gateway, a_push())
    assert (answer.status_code, answer.json()) == (202, {"accepted": True, "repeated": False})
    (push,) = gateway.pushes["judges"].taken.values()
    assert push.counts == {"grounding.judged": 40, "grounding.unsupported": 3}
    assert push.labels == {"service": "chat", "release": "r2"}
    assert push.received_at
    assert before <= push.received_at <= datetime.now(UTC)
    assert kept(gateway) == 1


async def test_the_same_key_again_is_one_push(gateway: Gateway) -> None:
    await post(gateway, a_push())
    again = await post(gateway, a_push())
    assert (again.status_code, again.json()) == (200, {"accepted": True, "repeated": True})
    assert kept(gateway) == 1
    assert gateway.counted("backout_pushes_total", source="judges", result="accepted") == 1
    assert gateway.counted("backout_pushes_total", source="judges", result="repeated") == 1


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {JUDGES}x",
        f"Basic {JUDGES}",
        JUDGES,
        "Bearer s\u00e9",
    ],
)
async def test_without_a_token_nothing_is_read(gateway: Gateway, authorization: str) -> None:
    answer = await gateway.post("/signals", b"{", "", Authorization=authorization)
    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_unknown_source_and_that_of_another_token_are_refused_alike(gateway: Gateway) -> None:
    answers = [await post(gateway, a_push(source=source)) for source in ("moderation", "nobody")]
    wrong = await post(gateway, a_push(), "wrong")
    assert {(one.status_code, one.text, one.headers["www-authenticate"]) for one in (*answers, wrong)} == {
        (401, '{"error":"Unauthorized"}', "Bearer")
    }
    assert kept(gateway) == 0


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"source": "a b"}, "source: 'a b' is not a name"),
        ({"key": ""}, "key: expected at least 1 characters, found ''"),
        ({"key": "k" * 201}, "key: expected at most 200 characters"),
        ({"key": 7}, "key: expected text, found the number 7"),
        ({"counts": {}}, "counts: needs at least 1 of its items, found none"),
        ({"counts": None}, "counts: expected a mapping"),
        ({"counts": {"judged": -1}}, "counts.judged: expected 0 or more, found the number -1"),
        (
            {"counts": {"judged": float("nan")}},
            "counts.judged: expected a finite number, found the number nan",
        ),
        (
            {"counts": {"judged": float("inf")}},
            "counts.judged: expected a finite number, found the number inf",
        ),
        ({"counts": {"judged": 2e12}}, "counts.judged: expected 1e+12 or less"),
        ({"counts": {"judged": "40"}}, "counts.judged: expected a number, found '40'"),
        ({"counts": {"judged": True}}, "counts.judged: expected a number, found true"),
        ({"counts": {"2nd": 1}}, "'2nd' is not a name"),
        ({"counts": {f"c{n}": 1 for n in range(MOST_COUNTS + 1)}}, "counts: expected at most"),
        ({"labels": {f"l{n}": "" for n in range(MOST_LABELS + 1)}}, "labels: expected at most"),
        ({"labels": {"release": "r" * 129}}, "labels.release: expected at most 128 characters"),
        ({"labels": {"release": 2}}, "labels.release: expected text, found the number 2"),
        ({"labels": ["release"]}, "labels: expected a mapping"),
        ({"at": "yesterday"}, "at: expected a time with its zone, such as 2026-01-05T09:00:00Z, found"),
        ({"received_at": "2026-01-05T09:00:00Z"}, "received_at: leave it out"),
        ({"count": {"judged": 1}}, "count: unknown field 'count'; did you mean 'counts'?"),
    ],
)
async def test_a_push_that_does_not_fit_is_refused_with_the_place_and_nothing_is_kept(
    gateway: Gateway, changes: dict[str, object], error: str
) -> None:
    answer = await post(gateway, a_push(**changes))
    assert answer.status_code == 400
    assert error in answer.json()["error"]
    listed = await post(gateway, [a_push(**changes)])
    assert listed.status_code == 422
    assert listed.json()["pushes"][0]["why"] == answer.json()["error"]
    assert kept(gateway) == 0


async def test_every_misfit_is_told_at_once(gateway: Gateway) -> None:
    answer = await post(gateway, {"key": 7, "counts": {"judged": -1}})
    assert [line.partition(":")[0] for line in answer.json()["error"].splitlines()] == [
        "source",
        "key",
        "counts.judged",
    ]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "body: it is no JSON"),
        (b"{", "body: it is no JSON"),
        (b"\xff\xfe", "body: it is no JSON"),
        (b"[" * 50_000, "body: it is no JSON"),
        (b"7", "body: expected a mapping"),
        (b"null", "body: expected a mapping"),
        (b'"push"', "body: expected a mapping"),
        (b"[]", "body: 0 pushes in one body, and it may hold 1 to 500"),
    ],
    ids=["nothing", "half", "no text", "deep", "a number", "null", "text", "an empty list"],
)
async def test_a_body_that_is_no_push_is_refused(gateway: Gateway, body: bytes, error: str) -> None:
    answer = await gateway.post("/signals", body, JUDGES)
    assert answer.status_code == 400
    assert error in answer.json()["error"]


async def test_bodies_have_a_type_and_a_size(gateway: Gateway) -> None:
    plain = await post(gateway, a_push(), **{"Content-Type": "text/plain"})
    assert plain.status_code == 415
    many_labels = a_push(labels={f"l{n}": "x" for n in range(10_001)})
    assert len(json.dumps(many_labels)) > LARGEST
    assert (await post(gateway, many_labels)).status_code == 413
    assert (await gateway.post("/signals", b" " * (1024 * 1024 + 1), JUDGES)).status_code == 413
    too_big = (await post(gateway, [many_labels, a_push()])).json()["pushes"]
    assert too_big[0] == {
        "key": "k1",
        "accepted": False,
        "why": f"body: a push is above {LARGEST} bytes; send its counts in several",
    }
    assert too_big[1]["accepted"] is True


@pytest.mark.parametrize(
    ("at", "why"),
    [("2026-01-05T09:00:00", "no time zone"), (None, "in the future")],
    ids=["without a zone", "in the future"],
)
async def test_a_push_out_of_time_is_refused(gateway: Gateway, at: str | None, why: str) -> None:
    at = at or (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    answer = await post(gateway, a_push(at=at))
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("The push was not taken:")
    assert why in answer.json()["error"]
    assert kept(gateway) == 0
    assert gateway.counted("backout_pushes_total", source="judges", result="refused") == 1


async def test_another_content_under_a_known_key_is_refused(gateway: Gateway) -> None:
    await post(gateway, a_push())
    answer = await post(gateway, a_push(counts={"grounding.judged": 41}))
    assert answer.status_code == 422
    (push,) = gateway.pushes["judges"].taken.values()
    assert push.counts["grounding.judged"] == 40


async def test_a_push_that_could_not_be_kept_is_not_called_accepted(gateway: Gateway) -> None:
    gateway.pushes["judges"].unreachable = True
    assert (await post(gateway, a_push())).status_code == 500
    assert (await post(gateway, [a_push()])).status_code == 500
    gateway.pushes["judges"].unreachable = False
    assert (await post(gateway, a_push())).json() == {"accepted": True, "repeated": False}
    assert gateway.counted("backout_pushes_total", source="judges", result="failed") == 2


async def test_no_token_is_ever_logged(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    gateway.pushes["judges"].unreachable = True
    await post(gateway, a_push())
    await post(gateway, a_push(), "wrong-token")
    await post(gateway, a_push(key=""))
    assert "Fault" in caplog.text
    assert not [token for token in (JUDGES, "wrong-token") if token in caplog.text]
