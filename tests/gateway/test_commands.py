"""The words of the slash command, without Slack."""

from __future__ import annotations

import pytest

from backout.commands import VERBS, Meant, act_of, actor_of, address, help_text, parse, status_text
from backout.errors import CommandUnreadable, IncidentUnknown, PersonUnknown, UnknownName
from backout.people import Action
from backout.rules import Weight
from backout.severity import Severity
from backout.view import Ask, Briefing, IncidentOutcome, IncidentSummary, Phase, Question
from tests.gateway.test_addressing import one
from tests.gateway.world import ALICE, NINE, SITE

DIGEST = "sha256:" + "ab" * 32
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
    assert "• /backout approve [incident] <code> [reason]: I authorise what is asked" in lines
    assert "• /backout reject [incident] <code> <reason>: I refuse what is asked" in lines
    judging = "• /backout judge [incident] <judgment> <answer> [reason]"
    assert f"{judging}: answer a question that weighs into the rules" in lines


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
    assert address(command, OPEN) == Meant(incident=f"incident/{incident}", text=left)


@pytest.mark.parametrize(
    ("text", "incident", "code", "left"),
    [
        ("approve chat/r2 4f1a2b3c the numbers are plain", "chat/r2", "4f1a2b3c", "the numbers are plain"),
        ("reject chat/r2 4f1a2b3c a judge is broken", "chat/r2", "4f1a2b3c", "a judge is broken"),
        ("approve r2 4F1A2B", "chat/r2", "4F1A2B", ""),
        ("approve 4f1a2b3c looks right", "chat/r2", "4f1a2b3c", "looks right"),
        (f"approve {DIGEST}", "chat/r2", DIGEST, ""),
        (f"approve chat/r9 {DIGEST} yes", "chat/r9", DIGEST, "yes"),
        ("approve chat/r9 4f1a2 yes", "chat/r9", None, "4f1a2 yes"),
        (f"approve chat/r9 {'a' * 65}", "chat/r9", None, "a" * 65),
        ("approve chat/r9 looks 4f1a2b3c right", "chat/r9", None, "looks 4f1a2b3c right"),
        ("approve", "chat/r2", None, ""),
        ("hold chat/r2 4f1a2b3c", "chat/r2", None, "4f1a2b3c"),
        ("note chat/r2 4f1a2b3c", "chat/r2", None, "4f1a2b3c"),
    ],
)
def test_only_approve_and_reject_take_a_code_directly_after_the_incident(
    text: str, incident: str, code: str | None, left: str
) -> None:
    meant = address(parse(text), OPEN)
    assert meant == Meant(incident=f"incident/{incident}", subject=code, text=left)


@pytest.mark.parametrize(
    ("text", "release", "code"),
    [
        ("approve 4f1a2b3c", "4f1a2b3c", None),
        ("approve 4f1a2b3c 99aabbcc yes", "4f1a2b3c", "99aabbcc"),
        ("approve 4f1a2b 99aabbcc", "4f1a2b3c", "99aabbcc"),
        ("approve 99aabbcc yes", "4f1a2b3c", "99aabbcc"),
        ("hold 4f1a2b3c", "4f1a2b3c", None),
    ],
)
def test_a_release_that_looks_like_a_code_is_told_from_one(text: str, release: str, code: str | None) -> None:
    meant = address(parse(text), [one("chat/4f1a2b3c")])
    assert (meant.incident, meant.subject) == (f"incident/chat/{release}", code)


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
    assert address(command, OPEN) == Meant(incident="incident/chat/r2")


@pytest.mark.parametrize("text", ["tick", "tick chat/r2", "tick two", "tick -1", "tick 1.5"])
def test_a_tick_without_a_number_is_refused(text: str) -> None:
    with pytest.raises(CommandUnreadable, match=r"by its number: tick \[incident\] <number>"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "incident", "judgment", "answer", "left"),
    [
        ("judge safety_view stop", "chat/r2", "safety_view", "stop", ""),
        ("judge safety_view stop it insults users", "chat/r2", "safety_view", "stop", "it insults users"),
        ("judge r2 safety_view stop", "chat/r2", "safety_view", "stop", ""),
        (
            "judge chat/r9 safety_view hold_off known cause",
            "chat/r9",
            "safety_view",
            "hold_off",
            "known cause",
        ),
        ("judge old stop", "chat/r2", "old", "stop", ""),
    ],
)
def test_a_judgment_is_the_question_and_the_answer_behind_the_incident(
    text: str, incident: str, judgment: str, answer: str, left: str
) -> None:
    command = parse(text)
    meant = address(command, OPEN)
    assert meant == Meant(incident=f"incident/{incident}", judgment=judgment, answer=answer, text=left)
    act = act_of(command, Action.JUDGE, meant, act_id="t1", actor=ALICE)
    assert (act.judgment, act.answer, act.reason) == (judgment, answer, left)


@pytest.mark.parametrize("text", ["judge", "judge safety_view", "judge chat/r2 safety_view"])
def test_a_judgment_without_its_answer_is_refused(text: str) -> None:
    with pytest.raises(CommandUnreadable, match=r"judge \[incident\] <judgment> <answer>"):
        address(parse(text), OPEN)


def test_an_unknown_verb_lists_the_known_ones() -> None:
    with pytest.raises(
        UnknownName, match=r"Unknown command 'explode'\. Known: abort, ack, approve, break-glass"
    ):
        parse("explode now")


def test_nothing_at_all_asks_for_help() -> None:
    assert parse("  ").verb.name == "help"


def test_an_act_carries_what_was_meant() -> None:
    command = parse("approve chat/r2 4f1a2b3c looks right")
    act = act_of(command, Action.APPROVE, address(command, ()), act_id="t1", actor=ALICE)
    assert (act.id, act.actor, act.subject, act.reason) == ("t1", ALICE, "4f1a2b3c", "looks right")
    tick = parse("tick chat/r2 2")
    assert act_of(tick, Action.TICK, address(tick, ()), act_id="t2", actor=ALICE).item == 2


def test_a_slack_member_is_the_person_whom_the_directory_names() -> None:
    actor = actor_of("U01ALICE", SITE, at=NINE)
    assert (actor.person, actor.name, actor.roles, actor.via) == ("alice", "Alice", ("on_call",), "slack")
    with pytest.raises(PersonUnknown, match="'slack: U0EVE' under 'people'"):
        actor_of("U0EVE", SITE, at=NINE)


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
        "chat/r2: revert, open, severity major",
        "Step revert until 09:00:00 UTC. Exposure: 50 %. Alerts: 3.",
        "Acknowledged by Alice.",
        "Signals: rule critical fired",
        "Next: check, verify.",
    ]


def test_the_status_says_what_waits_for_people_and_how_to_answer() -> None:
    ask = Ask(
        what="?",
        actions=(Action.APPROVE, Action.REJECT),
        subject="sha256:4f1a2b",
        quorum=2,
        approved_by=("bob",),
    )
    lines = status_text(briefing(held="nobody answered", asks=(ask,), postmortem="pm.md")).splitlines()
    assert lines[2:] == [
        "Not acknowledged.",
        "Held: nobody answered",
        "Waiting: ? 1 of 2 approved. Answer with: approve chat/r2 4f1a2b, reject chat/r2 4f1a2b <reason>.",
        "Postmortem: pm.md",
    ]


def test_the_status_shows_what_people_may_judge_with_the_answers() -> None:
    question = Question(
        judgment="safety_view",
        ask="New failure of this release?",
        roles=("safety_lead", "product"),
        answers={"fine": Weight.CARRY_ON, "stop": Weight.REVERT},
    )
    assert status_text(briefing(questions=(question,))).splitlines()[-1] == (
        "Judgment of safety_lead or product: New failure of this release? (safety_view) "
        "Answer with: judge chat/r2 safety_view fine|stop."
    )


def test_the_status_says_which_roles_must_still_approve() -> None:
    ask = Ask(
        what="?", actions=(), quorum=2, approved_by=("bob",), roles_needed=2, must=("safety_lead", "product")
    )
    assert (
        "? 1 of 2 approved. It takes 2 roles, each filled by another person. "
        "One of them must be safety_lead or product."
    ) in status_text(briefing(asks=(ask,)))
