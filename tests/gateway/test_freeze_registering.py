"""POST /releases: what an open incident and a quarantine keep out of the registry."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import Client

from backout.errors import UnknownName
from backout.freezing import guards
from gateway.freezing import Freeze
from gateway.registering import Releases
from tests.gateway.frozen import OTHER, a_quarantine, ended, opened
from tests.gateway.registered import DIGEST, a_record, a_registration, kept, post
from tests.gateway.running import Gateway
from tests.gateway.world import PLAYBOOK, PLAYBOOKS, SITE


def a_clean(release: str) -> dict[str, object]:
    return a_registration(release, artifacts=[{"kind": "model", "name": "chat-8b", "digest": OTHER}])


async def test_a_new_release_of_a_frozen_service_is_refused_until_the_incident_is_over(
    client: Client, gateway: Gateway
) -> None:
    incident = await opened(gateway)
    answer = await post(gateway, a_registration("r3"))
    assert answer.status_code == 423
    assert answer.json()["error"] == (
        "Release r3 of chat cannot be registered: the service is frozen while an incident is open (chat/r2). "
        "Wait until it is over; a person may register it all the same, with 'backout release register "
        "--during-incident WHY'."
    )
    assert await kept(gateway) == 0
    await ended(client, gateway, incident)
    assert (await post(gateway, a_registration("r3"))).status_code == 201


async def test_the_release_under_incident_and_a_known_one_may_be_registered_meanwhile(
    gateway: Gateway,
) -> None:
    assert (await post(gateway, a_registration("r1"))).status_code == 201
    await opened(gateway, "r2")
    assert (await post(gateway, a_registration("r1"))).status_code == 200
    assert (await post(gateway, a_registration("r2"))).status_code == 201


async def test_a_rollout_keeps_nothing_out(gateway: Gateway) -> None:
    await opened(gateway, is_rollout=True)
    assert (await post(gateway, a_registration("r3"))).status_code == 201


async def registered_by_ann(gateway: Gateway, release: str) -> str:
    """Let Ann register a release with a reason why she may during an incident; return who did on record."""
    freeze = Freeze(
        incidents=gateway.incidents,
        quarantines=gateway.quarantines,
        registry=gateway.releases,
        playbooks=PLAYBOOKS,
        routes=SITE.routes,
    )
    releases = Releases(
        registry=gateway.releases, watches=gateway.watches, freeze=freeze, playbooks=PLAYBOOKS
    )
    told = a_record(release).registration
    done = await releases.register(told, by="ann (cli:ann)", during_incident="it mends the prompt")
    return done.record.by


async def test_a_person_may_register_during_an_incident_and_that_stays_on_record(gateway: Gateway) -> None:
    await opened(gateway)
    assert await registered_by_ann(gateway, "r3") == "ann (cli:ann), during an incident: it mends the prompt"


async def test_where_no_incident_keeps_it_out_none_is_put_on_record(gateway: Gateway) -> None:
    assert await registered_by_ann(gateway, "r3") == "ann (cli:ann)"
    await opened(gateway)
    assert await registered_by_ann(gateway, "r2") == "ann (cli:ann)"


async def test_where_the_engine_does_not_say_a_persons_word_that_one_is_open_is_kept(alone: Gateway) -> None:
    assert await registered_by_ann(alone, "r3") == "ann (cli:ann), during an incident: it mends the prompt"


async def test_a_quarantined_release_is_refused_by_its_name_also_where_it_is_known(gateway: Gateway) -> None:
    await post(gateway, a_clean("r2"))
    await gateway.quarantines.quarantine(quarantine=a_quarantine())
    for told in (a_clean("r2"), a_registration("r2")):
        answer = await post(gateway, told)
        assert answer.status_code == 423
        said = answer.json()["error"]
        assert said.startswith("Release r2 of chat must not be released: ")
        assert "by incident chat/r2 (rule critical fired): lift it with 'backout release lift chat/r2" in said


async def test_a_re_tagged_copy_is_refused_with_the_digest(gateway: Gateway) -> None:
    await gateway.quarantines.quarantine(quarantine=a_quarantine("old", service="painter"))
    answer = await post(gateway, a_registration("copy"))
    assert answer.status_code == 423
    said = answer.json()["error"]
    assert f"model chat-8b {DIGEST} of painter/old is quarantined" in said
    assert "incident painter/old" in said
    assert "'backout release lift painter/old --why ...'" in said
    assert await kept(gateway) == 0
    await gateway.quarantines.lift(
        service="painter", release="old", by="Bob", why="it was not the model", at=a_quarantine().at
    )
    assert (await post(gateway, a_registration("copy"))).status_code == 201


async def test_a_reason_lets_nobody_past_a_quarantine_nor_a_missing_store(gateway: Gateway) -> None:
    gateway.quarantines.unreachable = True
    assert (await post(gateway, a_registration())).status_code == 503
    assert await kept(gateway) == 0


async def test_of_two_copies_that_are_registered_at_once_neither_gets_in(gateway: Gateway) -> None:
    await gateway.quarantines.quarantine(quarantine=a_quarantine())
    answers = await asyncio.gather(*(post(gateway, a_registration(name)) for name in ("copy", "copy-2")))
    assert [answer.status_code for answer in answers] == [423, 423]
    assert await kept(gateway) == 0


async def test_a_release_that_two_register_at_once_on_a_frozen_service_is_refused_to_both(
    gateway: Gateway,
) -> None:
    await opened(gateway)
    answers = await asyncio.gather(*(post(gateway, a_registration("r3")) for _ in range(2)))
    assert [answer.status_code for answer in answers] == [423, 423]


async def test_while_the_engine_is_down_a_release_is_kept_rather_than_unknown(alone: Gateway) -> None:
    assert (await post(alone, a_registration())).status_code == 202
    await alone.quarantines.quarantine(quarantine=a_quarantine())
    assert (await post(alone, a_registration("copy"))).status_code == 423


def test_a_playbook_whose_alerts_name_the_service_guards_any() -> None:
    route = SITE.routes[0].model_copy(update={"service_label": "service"})
    assert guards("anything", PLAYBOOKS, (route,)) == (PLAYBOOK,)
    assert guards("chat", PLAYBOOKS, (route,)) == (PLAYBOOK,)


def test_a_service_that_nothing_guards_is_an_unknown_name_with_the_known_ones() -> None:
    route = SITE.routes[0].model_copy(update={"service": "search"})
    with pytest.raises(UnknownName, match=r"service 'serach'.*chat, search"):
        guards("serach", PLAYBOOKS, (*SITE.routes, route))
