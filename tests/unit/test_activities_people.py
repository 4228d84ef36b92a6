"""People are called by role; nobody to call is an error; a notice is what its digest says."""

from __future__ import annotations

from datetime import timedelta

from activities.people import PeopleActivities
from activities.telling import open_actions, open_code
from adapters.channels.plain import plain
from adapters.memory import MemoryChannel
from backout.model import digest_of
from backout.notice_facts import Stage
from backout.notice_samples import sample
from backout.people import Action, Person
from backout.requests import DraftNotice, Notice, PagePeople, SendNotice
from backout.view import Ask
from tests.unit.attempts import done, failed
from tests.unit.shipped import PLAYBOOKS
from tests.unit.views import TEMPLATES, approval, briefing

DIRECTORY = {
    "ann": Person(name="Ann", roles=("on_call",)),
    "ben": Person(name="Ben", roles=("commander", "on_call")),
    "cleo": Person(name="Cleo", roles=("product",)),
}
ASKED = briefing(asks={"approve": approval(), "own": Ask(what="Own it?", actions=(Action.ACKNOWLEDGE,))})
FACTS = sample(PLAYBOOKS["conversational-agent"], Stage.RESOLVED)
NOTICE = Notice(audience="customers", title="chat is well again", text="We took r2 back.")


def telling(channel: MemoryChannel, templates: dict[str, str] = TEMPLATES) -> PeopleActivities:
    return PeopleActivities(
        channels={"room": channel},
        directory=DIRECTORY,
        templates=templates,
        history="http://ui/namespaces/default/workflows",
    )


def page(*roles: str, channel: str = "room") -> PagePeople:
    return PagePeople(channel=channel, roles=roles, why="rule critical fired", brief=ASKED, thread="m:1")


async def test_everyone_who_fills_a_role_is_called_once() -> None:
    channel = MemoryChannel()
    paged = await done(telling(channel).page_people, page("on_call", "commander"))
    assert (paged.people, paged.ref) == (("Ann", "Ben"), "memory:1")
    assert [person.name for person in channel.called[0]] == ["Ann", "Ben"]


async def test_the_page_says_why_what_is_asked_and_how_to_answer() -> None:
    channel = MemoryChannel()
    await done(telling(channel).page_people, page("product"))
    (message,) = channel.posted
    assert message.title == "MAJOR: chat r2 needs you"
    assert message.text.startswith("rule critical fired")
    until = "<!date^1795210200^{date_short_pretty} at {time_secs}|2026-11-20 21:30:00 UTC>"
    asked = f"*Asked of commander (Ben) or product (Cleo) until {until}:* Revert r2: 50 %, 10 %, 0 %"
    assert asked in message.text
    assert plain(message.text).count("until 2026-11-20 21:30:00 UTC:") == 1
    assert "http://ui/namespaces/default/workflows/incident%2Fchat%2Fr2" in message.text
    assert (message.mentions, message.thread, message.incident) == (("cleo",), "m:1", "incident/chat/r2")
    assert message.actions == (Action.APPROVE, Action.REJECT, Action.ACKNOWLEDGE)
    assert message.code == "aaaaaaaa"


async def test_nobody_to_call_is_an_error_and_no_quiet_success() -> None:
    channel = MemoryChannel()
    failure = await failed(telling(channel).page_people, page("legal", "board"))
    assert (failure.type, failure.non_retryable) == ("NobodyFills", True)
    assert "fills any of these roles: legal, board" in failure.message
    assert channel.posted == []


async def test_a_channel_that_is_limited_says_when_to_try_again() -> None:
    channel = MemoryChannel()
    channel.rate_limited_s = 12
    failure = await failed(telling(channel).page_people, page("on_call"))
    assert failure.next_retry_delay == timedelta(seconds=12)
    assert not failure.non_retryable


async def test_an_unknown_channel_lists_the_known_ones() -> None:
    failure = await failed(telling(MemoryChannel()).page_people, page("on_call", channel="x"))
    assert failure.message == "Unknown channel 'x'. Known: room."
    notice = SendNotice(channel="y", notice=NOTICE, incident="incident/chat/r2")
    assert "Unknown channel 'y'" in (await failed(telling(MemoryChannel()).send_notice, notice)).message


async def test_a_broken_template_is_no_matter_of_trying_again() -> None:
    people = telling(MemoryChannel(), {"slack/page.md.j2": "{{ brief.nothing }}"})
    failure = await failed(people.page_people, page("on_call"))
    assert (failure.type, failure.non_retryable) == ("TemplateBroken", True)


async def test_a_notice_is_drafted_from_the_incident_and_drafted_again_it_is_the_same() -> None:
    people = telling(MemoryChannel())
    draft = DraftNotice(template="customers", audience="customers", facts=FACTS)
    first, again = await done(people.draft_notice, draft), await done(people.draft_notice, draft)
    assert first.title == "chat: the problem is solved"
    assert "everybody has the previous version again." in first.text
    assert digest_of(first) == digest_of(again)


async def test_an_unknown_notice_lists_the_known_ones() -> None:
    draft = DraftNotice(template="mistyped", audience="customers", facts=FACTS)
    failure = await failed(telling(MemoryChannel()).draft_notice, draft)
    assert failure.message.startswith("Unknown template 'notices/mistyped.md.j2'. Known: ")
    assert "notices/customers.md.j2" in failure.message


async def test_a_notice_is_sent_word_for_word_and_calls_nobody() -> None:
    channel = MemoryChannel()
    sent = await done(
        telling(channel).send_notice, SendNotice(channel="room", notice=NOTICE, incident="incident/chat/r2")
    )
    assert (channel.posted[0].title, channel.posted[0].text) == (NOTICE.title, NOTICE.text)
    assert (channel.called, sent.ref) == ([()], "memory:1")


def test_the_code_is_that_of_what_waits_for_approval_and_empty_where_nothing_does() -> None:
    tick = Ask(what="?", actions=(Action.TICK,), subject="clean-up")
    assert open_code(briefing(asks={"tick": tick, "approve": approval()})) == "aaaaaaaa"
    assert not open_code(briefing(asks={"tick": tick}))


def test_what_people_can_do_now_has_no_repeats() -> None:
    asks = {"a": approval(), "b": Ask(what="?", actions=(Action.REJECT, Action.TICK))}
    assert open_actions(briefing(asks=asks)) == (Action.APPROVE, Action.REJECT, Action.TICK)
