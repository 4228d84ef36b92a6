"""POST /signals with many pushes: each is answered for itself, and none of a sender slows another's."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.signals import BURST, MOST
from tests.gateway.pushed import a_push, kept, post
from tests.gateway.running import Gateway, connect, gateway_over
from tests.gateway.world import PUSH_TOKENS


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """Run the gateway without an engine: the signals door needs none."""
    async with gateway_over(await connect("127.0.0.1:9", lazy=True)) as gateway:
        yield gateway


async def test_a_list_is_answered_push_by_push_and_one_that_is_wrong_stops_no_other(gateway: Gateway) -> None:
    await post(gateway, a_push("known"))
    answer = await post(
        gateway,
        [
            a_push("new"),
            a_push("known"),
            a_push("bad", counts={"judged": -1}),
            a_push("foreign", source="moderation"),
            a_push("strange", source="nobody"),
            7,
        ],
    )
    assert answer.status_code == 202
    told = answer.json()["pushes"]
    assert told[:2] == [
        {"key": "new", "accepted": True, "repeated": False},
        {"key": "known", "accepted": True, "repeated": True},
    ]
    assert [(one["key"], one["accepted"]) for one in told[2:]] == [
        ("bad", False),
        ("foreign", False),
        ("strange", False),
        ("", False),
    ]
    assert told[3]["why"] == told[4]["why"] == "Unauthorized"
    assert set(gateway.pushes["judges"].taken) == {"known", "new"}
    assert kept(gateway) == 2


async def test_a_list_has_a_longest_length(gateway: Gateway) -> None:
    answer = await post(gateway, [a_push(str(n)) for n in range(MOST)])
    assert answer.status_code == 202
    assert kept(gateway) == MOST
    answer = await post(gateway, [a_push(f"more {n}") for n in range(MOST + 1)])
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "body: 501 pushes in one body, and it may hold 1 to 500",
    )
    assert kept(gateway) == MOST


@pytest.mark.usefixtures("_no_time_passes")
async def test_a_sender_without_measure_is_told_when_to_come_again_and_slows_no_other(
    gateway: Gateway,
) -> None:
    for _ in range(BURST // MOST):
        await post(gateway, [7] * MOST)
    answer = await post(gateway, [7] * MOST)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["error"].startswith("The signals door takes no more messages for")
    other = await post(gateway, [7] * MOST, PUSH_TOKENS["moderation"])
    assert other.status_code == 422
