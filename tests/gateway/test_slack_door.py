"""POST /slack/commands: only Slack's own words are heard, and every answer is true and in time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from time import time

import httpx
import pytest

from backout.people import Action
from backout.timeline import ActionTaken
from gateway.slack_commands import ACT_S, LIST_S
from tests.gateway.running import Gateway, as_bytes, connect, eventually, gateway_over
from tests.gateway.world import DATA, a_member, an_alert, an_opening, signed, slash
from tests.workflows.playbooks import NOTIFY, POSTMORTEM, playbook


async def send(gateway: Gateway, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
    sent = headers or signed(body, at=time())
    return await gateway.http.post("/slack/commands", content=body, headers=as_bytes(sent))


async def say(gateway: Gateway, text: str, *, trigger: str = "1.2.abc", user: str = "U01ALICE") -> str:
    """Return the answer to a command, which only the person who typed it sees."""
    answer = await send(gateway, slash(text, user=user, trigger=trigger))
    assert answer.status_code == 200
    assert answer.json()["response_type"] == "ephemeral"
    return str(answer.json()["text"])


async def opened(gateway: Gateway, *releases: str) -> None:
    for number, release in enumerate(releases):
        await gateway.post_alerts(a_member(number, release=release))
    await gateway.delivered()

    async def are_listed() -> bool:
        return len(await gateway.incidents.listing(limit=10, open_only=True)) == len(releases)

    await eventually(are_listed)


async def is_asked_to_tick(gateway: Gateway) -> bool:
    view = await gateway.incidents.view(incident="incident/chat/r2")
    return any(Action.TICK in ask.actions for ask in view.asks)


BODY = slash("ack")
FORGERIES: dict[str, Callable[[], Mapping[str, str]]] = {
    "no signature": lambda: {"Content-Type": "application/x-www-form-urlencoded"},
    "another secret": lambda: signed(BODY, at=time(), secret="e" * 32),
    "another body": lambda: signed(slash("abort chat/r2 now"), at=time()),
    "too old": lambda: signed(BODY, at=time() - 301),
    # Far from the bound: the time that is signed is of whole seconds, and the clock goes on until it is read.
    "from the future": lambda: signed(BODY, at=time() + 360),
    "an old signature with a new timestamp": lambda: {
        **signed(BODY, at=time() - 301),
        "X-Slack-Request-Timestamp": str(int(time())),
    },
    "no timestamp": lambda: {**signed(BODY, at=time()), "X-Slack-Request-Timestamp": ""},
    "a word for a timestamp": lambda: {**signed(BODY, at=time()), "X-Slack-Request-Timestamp": "now"},
    "a signature that is no ASCII": lambda: {**signed(BODY, at=time()), "X-Slack-Signature": "v0=\u00e9"},
    "another version": lambda: {
        name: value.replace("v0=", "v1=") for name, value in signed(BODY, at=time()).items()
    },
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_what_slack_has_not_signed_now_is_answered_401_and_nothing_else(
    gateway: Gateway, forgery: str
) -> None:
    await opened(gateway, "r2")
    answer = await send(gateway, BODY, FORGERIES[forgery]())
    assert (answer.status_code, answer.content) == (401, b"")
    assert gateway.counted("backout_slack_commands_total", verb="", result="forged") == 1


async def test_a_body_that_is_no_text_is_answered_401(gateway: Gateway) -> None:
    headers = {**signed(BODY, at=time())}
    assert (await send(gateway, b"\xff\xfe", headers)).status_code == 401


@pytest.mark.usefixtures("worker")
async def test_a_command_of_the_last_five_minutes_is_heard(gateway: Gateway) -> None:
    await opened(gateway, "r2")
    for at in (time() - 290, time() + 290):
        body = slash("status")
        assert (await send(gateway, body, signed(body, at=at))).status_code == 200


async def test_a_captured_command_is_understood(gateway: Gateway) -> None:
    body = (DATA / "slack-command.form").read_bytes().strip()
    answer = await send(gateway, body)
    assert answer.json()["text"].startswith("There is no incident 'INC-1'.")


@pytest.mark.usefixtures("worker")
async def test_an_act_on_the_only_open_incident_needs_no_name_and_is_answered_with_its_receipt(
    gateway: Gateway,
) -> None:
    await opened(gateway, "r2")
    assert await say(gateway, "hold looks odd") == (
        "chat/r2: held; nothing moves until somebody resumes, retries, skips or aborts"
    )
    (taken,) = await acts(gateway)
    assert (taken.actor.person, taken.actor.via, taken.reason) == ("alice", "slack", "looks odd")
    assert gateway.counted("backout_slack_commands_total", verb="hold", result="done") == 1


async def acts(gateway: Gateway) -> list[ActionTaken]:
    view = await gateway.incidents.view(incident="incident/chat/r2")
    return [event for event in view.timeline if isinstance(event, ActionTaken)]


@pytest.mark.usefixtures("worker")
async def test_a_command_that_is_delivered_twice_is_one_act(gateway: Gateway) -> None:
    await opened(gateway, "r2")
    body = slash("note chat/r2 seen by me", trigger="7.7.x")
    headers = signed(body, at=time())
    answers = [(await send(gateway, body, headers)).json()["text"] for _ in range(2)]
    assert answers == ["chat/r2: noted on the timeline"] * 2
    assert [act.reason for act in await acts(gateway)] == ["seen by me"]


@pytest.mark.usefixtures("worker")
async def test_an_item_of_the_checklist_is_ticked_by_its_number(gateway: Gateway) -> None:
    await opened(gateway, "r2")
    await eventually(lambda: is_asked_to_tick(gateway))
    assert await say(gateway, "tick 2") == "chat/r2: item 2 done, 1 to go: call the partner"


@pytest.mark.usefixtures("worker")
async def test_a_refusal_is_told_with_its_reason(gateway: Gateway) -> None:
    await opened(gateway, "r2")
    assert await say(gateway, "abort chat/r2") == "abort needs a reason"
    assert (await say(gateway, "approve")).startswith("only nobody in this playbook may approve")
    assert await acts(gateway) == []
    assert gateway.counted("backout_slack_commands_total", verb="abort", result="refused") == 1


MAY_APPROVE = {"on_call": {"may": ["approve", "reject"]}}
ASKING = playbook({**NOTIFY, "needs_approval": True}, POSTMORTEM, roles=MAY_APPROVE)


@pytest.mark.usefixtures("worker")
async def test_only_what_the_person_has_read_is_approved_and_the_status_says_its_code(
    gateway: Gateway,
) -> None:
    opening = an_opening().model_copy(update={"playbook": ASKING})
    await gateway.incidents.open(opening=opening, alert=an_alert())

    async def is_asked() -> str:
        found = re.search(r"Answer with: approve chat/r2 ([0-9a-f]{8}), ", await say(gateway, "status"))
        return found[1] if found else ""

    code = await eventually(is_asked)
    refused = await say(gateway, "approve chat/r2 the revert is right", trigger="1")
    assert f"approve {code} for 'Send to customers: chat is well again'" in refused
    refused = await say(gateway, "approve chat/r2 4f1a2b3c the revert is right", trigger="2")
    assert f"something else waits now: 'Send to customers: chat is well again', code {code}" in refused
    assert await acts(gateway) == []
    told = await say(gateway, f"approve chat/r2 {code} say it like that", trigger="3")
    assert told == "chat/r2: approval 1 of 1: authorised"
    (taken,) = await acts(gateway)
    assert taken.subject.startswith(f"sha256:{code}")
    assert taken.reason == "say it like that"


@pytest.mark.usefixtures("worker")
async def test_with_several_open_incidents_the_command_must_name_one(gateway: Gateway) -> None:
    await opened(gateway, "r2", "r3")
    assert (await say(gateway, "ack")).endswith("Name one of them: chat/r2, chat/r3.")
    assert await say(gateway, "ack r3") == "chat/r3: Alice owns the incident now; paging stops"
    assert await acts(gateway) == []


async def test_the_list_shows_the_open_incidents(gateway: Gateway) -> None:
    assert await say(gateway, "list") == "No incident is open."
    await opened(gateway, "r2", "r3")
    lines = sorted((await say(gateway, "list")).splitlines())
    assert [line.partition(",")[0] for line in lines] == ["• chat/r2: manual", "• chat/r3: manual"]


@pytest.mark.usefixtures("worker")
async def test_the_status_says_what_the_incident_waits_for(gateway: Gateway) -> None:
    await opened(gateway, "r2")
    await eventually(lambda: is_asked_to_tick(gateway))
    text = await say(gateway, "status")
    assert text.startswith("chat/r2: manual, open")
    assert "Step manual until" in text
    assert "Answer with: tick chat/r2 <number>." in text.replace("&lt;", "<").replace("&gt;", ">")
    assert "Next: postmortem." in text


@pytest.mark.parametrize("text", ["", "help", "HELP me"])
async def test_help_is_for_everybody(gateway: Gateway, text: str) -> None:
    shown = await say(gateway, text, user="U0EVE")
    assert "• /backout ack [incident] [reason]" in shown.replace("&lt;", "<")


async def test_who_is_not_in_the_directory_hears_how_to_get_there(gateway: Gateway) -> None:
    await opened(gateway, "r2")
    for text in ("ack", "status", "list"):
        told = await say(gateway, text, user="U0EVE")
        assert told.startswith("Slack member U0EVE is not in the directory, so nothing was done.")


async def test_no_echo_can_mention_or_link(gateway: Gateway) -> None:
    text = await say(gateway, "<!channel>&now")
    assert text.startswith("Unknown command '&lt;!channel&gt;&amp;now'. Known: abort, ack,")
    assert gateway.counted("backout_slack_commands_total", verb="", result="refused") == 1


async def test_while_the_engine_is_down_the_answer_says_that_nothing_was_done() -> None:
    nowhere = await connect("127.0.0.1:9", lazy=True)
    async with gateway_over(nowhere) as gateway:
        for text in ("ack", "ack chat/r2", "status chat/r2", "list"):
            assert "so nothing was done" in await say(gateway, text)
        assert gateway.counted("backout_slack_commands_total", verb="ack", result="unanswered") == 2


async def test_without_a_worker_the_answer_says_that_it_may_still_be_done(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LIST_S + ACT_S < 3
    monkeypatch.setattr("gateway.slack_commands.ACT_S", 2.0)
    await opened(gateway, "r2")
    assert "may still be carried out" in await say(gateway, "ack")


async def test_a_ping_for_the_certificate_is_answered(gateway: Gateway) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await send(gateway, b"ssl_check=1&token=x", headers)).status_code == 200
    assert (await send(gateway, b"ssl_check=1&" + BODY, headers)).status_code == 401


@pytest.mark.parametrize(
    ("body", "fields"),
    [(b"", "command, trigger_id, user_id"), (slash("ack", trigger="t" * 201), "trigger_id")],
    ids=["an empty form", "an endless trigger id"],
)
async def test_a_form_that_is_no_command_is_refused(gateway: Gateway, body: bytes, fields: str) -> None:
    answer = await send(gateway, body)
    assert answer.status_code == 400
    assert answer.json() == {"error": f"No slash command: look at {fields}. Nothing was done."}


async def test_a_form_above_64_kib_or_of_another_type_is_refused(gateway: Gateway) -> None:
    assert (await send(gateway, b"a=" + b"x" * 65_536)).status_code == 413
    headers = {**signed(BODY, at=time()), "Content-Type": "application/json"}
    assert (await send(gateway, BODY, headers)).status_code == 415
