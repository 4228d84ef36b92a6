"""POST /rollouts: a pipeline asks, people approve."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from backout.people import LONGEST_REASON
from backout.view import Phase
from tests.gateway.registered import a_record, post
from tests.gateway.rolled import MODEL, quarantined, with_a_way_up
from tests.gateway.running import Gateway, connect, eventually, gateway_over

WISH = {"service": "chat", "release": "r2", "why": "evaluation 7 passed"}


@pytest.fixture
async def gateway(client: Client) -> AsyncIterator[Gateway]:
    async with gateway_over(client, playbooks={"chat-agent": with_a_way_up()}) as gateway:
        await gateway.releases.register(record=a_record(baseline="r1"))
        yield gateway


@pytest.mark.usefixtures("worker")
async def test_a_pipeline_begins_a_rollout_that_waits_for_people(gateway: Gateway) -> None:
    answer = await post(gateway, WISH, "/rollouts")
    assert answer.status_code == 201
    told = answer.json()
    assert (told["incident"], told["stages"], told["roles"]) == ("rollout/chat/r2", [1, 10, 100], ["lead"])

    async def is_asked() -> bool:
        view = await gateway.incidents.view(incident="rollout/chat/r2")
        asked = [ask.headline for ask in view.asks]
        return view.summary.phase is Phase.ROLLOUT and asked == [
            "Roll out r2 on exposure: 1 % -> 10 % -> 100 %, soak 5m, begun by a pipeline: evaluation 7 passed"
        ]

    await eventually(is_asked)


async def test_asked_twice_it_is_one_rollout(gateway: Gateway) -> None:
    answers = [(await post(gateway, WISH, "/rollouts")).status_code for _ in range(2)]
    assert answers == [201, 200]


async def test_what_nobody_registered_is_unknown(gateway: Gateway) -> None:
    answer = await post(gateway, WISH | {"release": "r9"}, "/rollouts")
    assert answer.status_code == 404


async def test_what_may_not_go_up_is_refused_with_the_reason(gateway: Gateway) -> None:
    await gateway.quarantines.quarantine(quarantine=quarantined("r2", MODEL))
    answer = await post(gateway, WISH, "/rollouts")
    assert answer.status_code == 409
    assert "backout release lift chat/r2" in answer.json()["error"]


async def test_a_release_whose_playbook_is_gone_is_refused_by_its_name(gateway: Gateway) -> None:
    await gateway.releases.register(record=a_record("r3", playbook="gone"))
    answer = await post(gateway, WISH | {"release": "r3"}, "/rollouts")
    assert (answer.status_code, "'gone'" in answer.json()["error"]) == (409, True)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"why": ""}, "why"),
        ({"why": "x" * (LONGEST_REASON + 1)}, "why"),
        ({"release": "../r2"}, "release"),
        ({"stages": [100]}, "stages"),
    ],
    ids=["no reason", "too long a reason", "no name", "stages of its own"],
)
async def test_a_wish_that_is_none_is_refused_with_its_place(
    gateway: Gateway, changes: dict[str, object], place: str
) -> None:
    answer = await post(gateway, WISH | changes, "/rollouts")
    assert answer.status_code == 400
    assert place in answer.json()["error"]


async def test_nobody_gets_in_without_the_token(gateway: Gateway) -> None:
    answer = await gateway.post("/rollouts", b"{}", "another")
    assert answer.status_code == 401


async def test_without_the_engine_nothing_is_begun_and_that_is_said() -> None:
    lazy = await connect("127.0.0.1:9", lazy=True)
    async with gateway_over(lazy, playbooks={"chat-agent": with_a_way_up()}) as gateway:
        await gateway.releases.register(record=a_record())
        answer = await post(gateway, WISH, "/rollouts")
    assert answer.status_code == 503
