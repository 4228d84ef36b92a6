"""How people name a rollout, beside the incidents on the same release."""

from __future__ import annotations

from time import time

import pytest
from temporalio.client import Client

from backout.addressing import find, full_id, short_of
from backout.commands import address, parse, status_text
from backout.errors import IncidentAmbiguous
from tests.gateway.registered import a_record
from tests.gateway.rolled import Way, asked
from tests.gateway.running import Gateway, eventually, gateway_over
from tests.gateway.test_addressing import one
from tests.gateway.world import signed, slash

ROLLOUT = one("x").model_copy(update={"incident": "rollout/chat/r2"})


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("rollout/chat/r2", "rollout/chat/r2"),
        ("chat/r2", "incident/chat/r2"),
        ("rollout/r2", "incident/rollout/r2"),
    ],
    ids=["in full", "an incident", "a service called rollout"],
)
def test_a_rollout_is_named_in_full(text: str, id_: str) -> None:
    assert full_id(text) == id_
    assert full_id(short_of(id_)) == id_


@pytest.mark.parametrize("text", ["r2", "chat", "rollout", ""])
def test_its_release_its_service_and_the_word_find_it_where_nothing_else_is_open(text: str) -> None:
    assert find(text, [ROLLOUT, one("chat/r2", closed=True)]) == "rollout/chat/r2"


def test_an_incident_and_a_rollout_that_are_both_open_are_told_apart_by_their_ids() -> None:
    with pytest.raises(IncidentAmbiguous, match="chat/r2, rollout/chat/r2"):
        find("r2", [ROLLOUT, one("chat/r2")])


def test_a_command_means_a_rollout_by_its_id_or_its_release() -> None:
    for text in ("approve rollout/chat/r2 4f1a2b", "approve r2 4f1a2b"):
        assert address(parse(text), [ROLLOUT]).incident == "rollout/chat/r2"


@pytest.mark.usefixtures("worker")
async def test_what_is_shown_of_a_rollout_names_it_in_every_answer_to_type(client: Client) -> None:
    way = Way(client)
    await way.registry.register(record=a_record())
    await way.rollouts.begin(asked())

    async def text() -> str:
        shown = status_text(await way.incidents.view(incident="rollout/chat/r2"))
        return shown if "Waiting:" in shown else ""

    shown = await eventually(text)
    assert shown.startswith("rollout/chat/r2: rollout, open")
    assert "approve rollout/chat/r2 " in shown


@pytest.mark.usefixtures("worker")
async def test_slack_shows_a_rollout_by_its_id(client: Client) -> None:
    way = Way(client)
    await way.registry.register(record=a_record())
    await way.rollouts.begin(asked())
    async with gateway_over(client) as gateway:
        answer = await _typed(gateway, "status rollout/chat/r2")
    assert answer.startswith("rollout/chat/r2: rollout, open")


async def _typed(gateway: Gateway, text: str) -> str:
    body = slash(text)
    answer = await gateway.http.post("/slack/commands", content=body, headers=signed(body, at=time()))
    said = answer.json()["text"]
    assert isinstance(said, str)
    return said
