from __future__ import annotations

import io

from adapters.channels.terminal import Terminal
from adapters.memory import START, MemoryClock
from backout.messages import Message
from backout.people import Action, Person

TIME = f"{START.astimezone():%H:%M:%S}"


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


async def shown(message: Message, *people: Person) -> list[str]:
    stream = io.StringIO()
    await Terminal(stream, MemoryClock()).post(message=message, people=people)
    return stream.getvalue().splitlines()


async def test_a_message_is_printed_with_the_time_its_title_and_whom_it_calls() -> None:
    message = Message(title="CRITICAL: chat r2", text="*Signals:* errors at 30 %\n\nSecond line")
    assert await shown(message, Person(name="Alice Example"), Person(name="Bob")) == [
        f"{TIME}  CRITICAL: chat r2",
        "          calling Alice Example, Bob",
        "          Signals: errors at 30 %",
        "          Second line",
    ]


async def test_a_message_without_a_title_begins_with_its_text() -> None:
    assert await shown(Message(title="", text="09:00:00 Step detect started\n09:00:01 Fired")) == [
        f"{TIME}  09:00:00 Step detect started",
        "          09:00:01 Fired",
    ]


async def test_the_actions_are_commands_to_type() -> None:
    actions = (Action.ACKNOWLEDGE, Action.REJECT, Action.TICK)
    message = Message(
        title="Approve?", text="", actions=actions, code="4f1a2b3c", incident="incident/chat/r2"
    )
    assert await shown(message) == [
        f"{TIME}  Approve?",
        "          answer with: backout ack chat/r2",
        "          answer with: backout reject chat/r2 4f1a2b3c <reason>",
        "          answer with: backout tick chat/r2 <number>",
    ]


async def test_slacks_links_and_escapes_become_readable() -> None:
    text = "See <http://ui/x?a=1&amp;b=2|the history> or <http://ui>; 2 &lt; 3 &amp;amp; *a &gt; b*"
    assert await shown(Message(title="", text=text)) == [
        f"{TIME}  See the history (http://ui/x?a=1&b=2) or http://ui; 2 < 3 &amp; a > b"
    ]


async def test_what_comes_from_outside_cannot_control_the_terminal() -> None:
    lines = await shown(Message(title="x\x1b[2Jy", text="a\rb\x07c\x9b1m [red]d[/red] :smile:"))
    assert lines == [f"{TIME}  x[2Jy", "          abc1m [red]d[/red] :smile:"]


async def test_a_long_line_is_left_to_the_terminal_to_wrap() -> None:
    assert await shown(Message(title="", text="word " * 100 + "end")) == [f"{TIME}  {'word ' * 100}end"]


async def test_colour_is_for_terminals_only() -> None:
    stream = Tty()
    await Terminal(stream, MemoryClock()).post(message=Message(title="Bold", text="*bold*"), people=[])
    assert "\x1b[" in stream.getvalue()
    assert "\x1b" not in "".join(await shown(Message(title="Bold", text="*bold*")))


async def test_an_update_prints_only_what_is_new() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream, MemoryClock())
    first = Message(title="chat r2: detect", text="*Exposure:* 100 %\n*Owned by:* nobody")
    posted = await terminal.post(message=first, people=[])
    for text in ("*Exposure:* 50 %\n*Owned by:* nobody", "*Exposure:* 50 %\n*Owned by:* nobody"):
        await terminal.update(ref=posted.ref, message=Message(title="chat r2: revert", text=text))
    assert stream.getvalue().splitlines()[3:] == [f"{TIME}  chat r2: revert", "          Exposure: 50 %"]


async def test_an_update_of_a_message_of_an_earlier_process_is_printed_whole() -> None:
    stream = io.StringIO()
    await Terminal(stream, MemoryClock()).update(
        ref="terminal:7", message=Message(title="chat r2", text="now")
    )
    assert stream.getvalue().splitlines() == [f"{TIME}  chat r2", "          now"]
