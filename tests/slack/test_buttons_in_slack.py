"""Buttons in Slack: what people tap is what was meant, and no message is refused for its buttons."""

from __future__ import annotations

from backout.buttons import button_of
from backout.choices import buttons_of
from backout.messages import Button, Message
from backout.people import Action, Person
from backout.view import Briefing
from demo.slack.server import FakeSlack
from tests.slack.conftest import Open
from tests.unit.views import approval, briefing

LONGEST_INCIDENT = f"incident/{'s' * 64}/{'r' * 128}"


def plans(count: int) -> Briefing:
    asks = {str(number): approval(subject=f"sha256:{number:064x}") for number in range(count)}
    return briefing(asks=asks).model_copy(update={"seen": 17})


def message(brief: Briefing, **fields: object) -> Message:
    given = {"title": "T", "text": "t", "incident": brief.summary.incident, "buttons": buttons_of(brief)}
    return Message.model_validate({**given, **fields})


async def test_buttons_stand_below_the_text_and_bring_back_what_was_meant(
    slack: FakeSlack, room: Open
) -> None:
    brief = plans(1)
    await room().post(message=message(brief, actions=(Action.ACKNOWLEDGE,)), people=())
    (shown,) = slack.rooms.messages
    assert [block["type"] for block in shown.blocks] == ["header", "section", "actions", "context"]
    assert shown.words.splitlines()[-1] == "Or type `/backout ack chat/r2`"
    back = [button_of(button["action_id"], button["value"]) for button in shown.buttons]
    assert back == [
        one.model_copy(update={"label": "", "style": "", "confirm": ""}) for one in buttons_of(brief)
    ]
    styles = {button["text"]["text"]: button.get("style") for button in shown.buttons}
    assert (styles["Approve"], styles["Abort …"], styles["Hold"]) == ("primary", "danger", None)


async def test_a_tap_that_moves_the_world_is_asked_about_first(slack: FakeSlack, room: Open) -> None:
    await room().post(message=message(plans(1)), people=())
    asked = {
        button["text"]["text"]: button["confirm"]["text"]["text"]
        for button in slack.rooms.messages[0].buttons
        if "confirm" in button
    }
    assert asked == {"Approve": "You approve 00000000: Revert r2: 50 %, 10 %, 0 %"}


async def test_an_updated_message_has_its_buttons_in_a_row_of_another_id(
    slack: FakeSlack, room: Open
) -> None:
    channel, brief = room(), plans(1)
    posted = await channel.post(message=message(brief), people=())
    before = slack.rooms.messages[0].buttons[0]["block_id"]
    await channel.update(ref=posted.ref, message=message(brief.model_copy(update={"seen": 18})))
    assert slack.rooms.messages[0].buttons[0]["block_id"] != before


async def test_many_long_buttons_people_and_words_are_never_refused(slack: FakeSlack, room: Open) -> None:
    brief = plans(30)
    buttons = [
        one.model_copy(update={"incident": LONGEST_INCIDENT, "run": "x" * 36, "confirm": '"' * 300})
        for one in buttons_of(brief)
    ]
    people = [Person(name=f"Person {number}", slack=f"U{number:09}") for number in range(500)]
    for text in ("x" * 50_000, '"' * 50_000, "&lt;" * 9_000, "<!date^1^{time}|12:00> said\n" * 900):
        told = message(
            brief,
            title="T" * 900,
            text=text,
            buttons=tuple(buttons),
            incident=LONGEST_INCIDENT,
            actions=tuple(Action),
            link="https://ui/" + "l" * 900,
            key="k",
        )
        await room().post(message=told, people=people)
    assert slack.refused == []
    assert all(len(shown.buttons) > 3 for shown in slack.rooms.messages)
    assert all("characters are cut here" in shown.words for shown in slack.rooms.messages)


async def test_a_cut_text_links_to_the_whole_incident_and_ends_no_moment_in_its_middle(
    slack: FakeSlack, room: Open
) -> None:
    moment = "<!date^1^{date_short_pretty} at {time_secs}|2026-11-20 21:00:00 UTC>"
    told = Message(title="", text=moment * 900, link="https://ui/incident")
    await room().post(message=told, people=())
    *parts, last = slack.rooms.messages[0].words.splitlines()
    assert last.endswith("are cut here: <https://ui/incident|the whole incident>_")
    assert all(part.replace(moment, "") == "" for part in parts)


async def test_a_message_without_a_button_says_how_to_answer_line_by_line(
    slack: FakeSlack, room: Open
) -> None:
    told = message(plans(1), buttons=(), actions=(Action.ACKNOWLEDGE, Action.HOLD))
    await room().post(message=told, people=())
    assert slack.rooms.messages[0].words.endswith(
        "Answer with:\n`/backout ack chat/r2`\n`/backout hold chat/r2`"
    )


def test_a_label_that_is_too_long_is_cut() -> None:
    from adapters.channels.slack_buttons import row_of  # noqa: PLC0415  # the one use here

    row = row_of([Button(action=Action.HOLD, incident="i", label="x" * 99)])
    assert len(row.to_dict()["elements"][0]["text"]["text"]) == 75
