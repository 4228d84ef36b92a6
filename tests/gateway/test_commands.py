"""The words of the slash command, without Slack."""

from __future__ import annotations

import pytest

from backout.commands import VERBS, act_of, actor_of, address, help_text, parse, status_text
from backout.errors import CommandUnreadable, IncidentUnknown, PersonUnknown, UnknownName
from backout.people import Action
from backout.playbook import Severity
from backout.view import Ask, Briefing, IncidentOutcome, IncidentSummary, Phase
from tests.gateway.test_addressing import one
from tests.gateway.world import ALICE, NINE, SITE

OPEN = (one("chat/r2"), one("chat/old", closed=True))


def test_every_action_has_exactly_one_verb() -> None:
    assert sorted(verb.does for verb in VERBS.values() if isinstance(verb.does, Action)) == sorted(Action)


def test_help_has_a_line_for_every_verb() -> None:
    lines = help_text("/backout").splitlines()
    for verb, line in zip(VERBS.values(), lines, strict=False):
        assert line == f"• /backout {verb.usage}: {verb.about}"
    assert "• /backout tick [incident] <number>: tick an item of the checklist" in lines
    assert "• /backout abort [incident] <reason>: stop the playbook where the world stands" in lines
    assert "• /backout ack [incident] [reason]: I own it; stops the escalation" in lines


@pytest.mark.parametrize(
    ("text", "incident", "left"),
    [
        ("ack", "chat/r2", ""),
        ("ack chat/r9", "chat/r9", ""),
        ("ack incident/chat/r9 mine", "chat/r9", "mine"),
        ("ACK r2", "chat/r2", ""),
        ("ack chat", "chat/r2", ""),
        ("note the cause  is known", "chat/r2", "the cause is known"),
        ("note r2 the cause is known", "chat/r2", "the cause is known"),
        ("note old it came back", "chat/old", "it came back"),
        ("close false alarm.", "chat/r2", "false alarm."),
    ],
)
def test_the_first_word_is_the_incident_where_it_names_one(text: str, incident: str, left: str) -> None:
    command = parse(text)
    assert address(command, OPEN) == (f"incident/{incident}", left)


@pytest.mark.parametrize(
    "typed", ["abort r3 wrong release", "ack chat-r2", "hold canary_b", "note 5xx are back"]
)
def test_a_mistyped_incident_is_never_taken_for_a_text_about_the_only_open_one(typed: str) -> None:
    with pytest.raises(IncidentUnknown):
        address(parse(typed), OPEN)


def test_an_incident_that_is_named_in_full_needs_no_list() -> None:
    assert not parse("ack chat/r2").needs_list
    assert parse("ack r2").needs_list
    assert parse("ack").needs_list
    assert parse("list a/b").needs_list


@pytest.mark.parametrize(
    ("text", "item"),
    [("tick 2", 2), ("tick r2 2", 2), ("tick chat/r2 12", 12)],
    ids=["alone", "release", "id"],
)
def test_a_tick_takes_its_number_last(text: str, item: int) -> None:
    command = parse(text)
    assert command.item == item
    assert address(command, OPEN) == ("incident/chat/r2", "")


@pytest.mark.parametrize("text", ["tick", "tick chat/r2", "tick two", "tick -1", "tick 1.5"])
def test_a_tick_without_a_number_is_refused(text: str) -> None:
    with pytest.raises(CommandUnreadable, match=r"by its number: tick \[incident\] <number>"):
        parse(text)


def test_an_unknown_verb_lists_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"Unknown command 'explode'\. Known: abort, ack, approve, close"):
        parse("explode now")


def test_nothing_at_all_asks_for_help() -> None:
    assert parse("  ").verb.name == "help"


def test_an_approval_can_say_which_plan_was_seen() -> None:
    seen = "sha256:" + "ab" * 32
    act = act_of(parse("approve"), Action.APPROVE, text=f"{seen} looks right", act_id="t1", actor=ALICE)
    assert (act.subject, act.reason) == (seen, "looks right")
    plain = act_of(parse("approve"), Action.APPROVE, text="looks right", act_id="t1", actor=ALICE)
    assert (plain.subject, plain.reason) == (None, "looks right")


def test_a_slack_member_is_the_person_whom_the_directory_names() -> None:
    actor = actor_of("U01ALICE", SITE)
    assert (actor.person, actor.name, actor.roles, actor.via) == ("alice", "Alice", ("on_call",), "slack")
    with pytest.raises(PersonUnknown, match="'slack: U0EVE' under 'people'"):
        actor_of("U0EVE", SITE)


def briefing(**changes: object) -> Briefing:
    summary = IncidentSummary(
        incident="incident/chat/r2",
        run="run",
        service="chat",
        release="r2",
        playbook="chat-agent",
        severity=Severity.MAJOR,
        phase=Phase.REVERT,
        outcome=IncidentOutcome.OPEN,
        opened_at=NINE,
        alerts=3,
        exposure=50,
    )
    fields = {
        "summary": summary,
        "step": "revert",
        "step_until": NINE,
        "held": "",
        "asks": (),
        "next_steps": (),
    }
    return Briefing.model_validate({**fields, **changes})


def test_the_status_says_where_the_incident_stands() -> None:
    text = status_text(
        briefing(acknowledged_by="Alice", fired="rule critical fired", next_steps=("check", "verify"))
    )
    assert text.splitlines() == [
        "chat/r2: revert, open",
        "Step revert until 09:00:00 UTC. Exposure: 50 %. Alerts: 3.",
        "Acknowledged by Alice.",
        "Signals: rule critical fired",
        "Next: check, verify.",
    ]


def test_the_status_says_what_waits_for_people_and_how_to_answer() -> None:
    ask = Ask(what="Revert?", actions=(Action.APPROVE, Action.REJECT), quorum=2, approved_by=("bob",))
    lines = status_text(briefing(held="nobody answered", asks=(ask,), postmortem="pm.md")).splitlines()
    assert lines[2:] == [
        "Not acknowledged.",
        "Held: nobody answered",
        "Waiting: Revert? 1 of 2 approved. Answer with: approve, reject.",
        "Postmortem: pm.md",
    ]
