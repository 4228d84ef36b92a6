"""/releases: who gets in, and what is refused."""

from __future__ import annotations

import json

import pytest

from gateway.releases import LARGEST
from tests.gateway.registered import DIGEST, a_record, a_registration, get, kept, post
from tests.gateway.running import Gateway
from tests.gateway.world import PIPELINE_TOKEN, TOKEN


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"playbook": "chat-agnet"},
            "playbook: unknown playbook 'chat-agnet'; did you mean 'chat-agent'? Known: chat-agent",
        ),
        ({"service": "painter"}, "service: playbook 'chat-agent' guards 'chat', not 'painter'"),
        (
            {"artifacts": [{"kind": "prompt", "name": "p", "digest": DIGEST}]},
            "artifacts: model missing; a release of 'chat' is made of model",
        ),
        (
            {"artifacts": [{"kind": "model", "name": "m", "digest": DIGEST}] * 2},
            "artifacts: the model 'm' is there twice",
        ),
        ({"owner": " "}, "owner: it is empty"),
        ({"baseline": "r2"}, "baseline: it is the release itself"),
        (
            {"ramp": [{"percent": 50, "after": "1h"}, {"percent": 50, "after": "1h"}]},
            "ramp: each stage must be above the one before",
        ),
    ],
    ids=["playbook", "service", "artifacts", "twice", "owner", "baseline", "ramp"],
)
async def test_what_no_playbook_can_guard_is_refused_and_nothing_is_kept(
    alone: Gateway, changes: dict[str, object], why: str
) -> None:
    answer = await post(alone, a_registration(**changes))
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(f"The release cannot be registered: {why}")
    assert answer.json()["error"].endswith("Nothing was kept; correct it and send it again.")
    assert await kept(alone) == 0


async def test_every_reason_is_told_at_once(alone: Gateway) -> None:
    answer = await post(alone, a_registration(service="painter", owner="", baseline="r2"))
    said = answer.json()["error"]
    assert "service: " in said
    assert "owner: " in said
    assert "baseline: " in said


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"release": "no good"}, "release: 'no good' does not fit"),
        ({"release": "r" * 129}, "release: 'rrr"),
        ({"release": "../etc"}, "release: '../etc' does not fit"),
        ({"service": "2nd"}, "service: '2nd' is not a name"),
        ({"artifacts": []}, "artifacts: needs at least 1 of its items, found none"),
        (
            {"artifacts": [{"kind": "weights", "name": "m", "digest": DIGEST}]},
            "artifacts[0].kind: unknown value 'weights'.",
        ),
        (
            {"artifacts": [{"kind": "model", "name": "m", "digest": "md5:1"}]},
            "artifacts[0].digest: 'md5:1' does not fit",
        ),
        ({"ramp": [{"percent": 101, "after": "1h"}]}, "ramp[0].percent: expected 100 or less"),
        ({"ramp": [{"percent": 5, "after": "soon"}]}, "ramp[0].after: 'soon' is not a duration"),
        ({"by": "mallory"}, "by: unknown field 'by'"),
        ({"owner": None}, "owner: expected text, found nothing"),
    ],
)
async def test_a_registration_that_does_not_fit_is_refused_with_the_place(
    alone: Gateway, changes: dict[str, object], error: str
) -> None:
    answer = await post(alone, a_registration(**changes))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)
    assert await kept(alone) == 0


async def test_bodies_have_a_type_and_a_size(alone: Gateway) -> None:
    assert (await alone.post("/releases", b"{", PIPELINE_TOKEN)).status_code == 400
    plain = await alone.post("/releases", b"{}", PIPELINE_TOKEN, **{"Content-Type": "text/yaml"})
    assert plain.status_code == 415
    assert (await alone.post("/releases", b" " * (LARGEST + 1), PIPELINE_TOKEN)).status_code == 413


@pytest.mark.parametrize("token", ["", "wrong", TOKEN, f"{PIPELINE_TOKEN}x"])
async def test_without_the_token_nothing_is_told_and_nothing_is_done(
    alone: Gateway, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    await alone.releases.register(record=a_record())
    body = json.dumps(a_registration("r3")).encode()
    answers = [
        await alone.post("/releases", body, token),
        await get(alone, "/releases", token),
        await get(alone, "/releases/chat/r2", token),
        await alone.post("/releases/chat/r2/retire", b'{"why": "done"}', token),
    ]
    assert {(one.status_code, one.text) for one in answers} == {(401, '{"error":"Unauthorized"}')}
    assert await kept(alone) == 1
    record = await alone.releases.release(service="chat", release="r2")
    assert record
    assert record.retired_at is None
    assert PIPELINE_TOKEN not in caplog.text


@pytest.mark.usefixtures("_no_time_passes")
async def test_a_sender_without_measure_is_told_when_to_come_again(alone: Gateway) -> None:
    answers = {(await post(alone, {})).status_code for _ in range(110)}
    assert answers == {400, 429}
    events = await post(alone, {}, "/events")
    assert events.status_code == 429
    assert int(events.headers["retry-after"]) >= 1
