"""A mail reaches whom the server takes, says what it is, and no word of it becomes a header."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage

import pytest

from adapters.channels.letters import letter_of
from adapters.channels.mail import Mail, MailServer
from adapters.memory import START
from backout.errors import RateLimited, RejectedBySystem
from backout.messages import Message
from backout.people import Action, Person
from tests.adapters.mailing import MailWorld

ANN = Person(name="Ann Example", email="ann@example.org")
BEN = Person(name="Ben Übel, Jr.", email="ben@example.org")
PAGE = Message(
    title="MAJOR: chat r2 needs you",
    text="*Signals:* Fehlerquote über 30 % — 悪い\n.\nlast",
    incident="incident/chat/r2",
    actions=(Action.ACKNOWLEDGE,),
    link="https://b.example/7",
    key="run/7",
)


@pytest.fixture
async def world() -> AsyncIterator[MailWorld]:
    world = MailWorld()
    await world.start()
    yield world
    await world.stop()


@pytest.fixture
async def mail(world: MailWorld) -> AsyncIterator[Mail]:
    mail = world.open()
    yield mail
    await mail.aclose()


async def sent(world: MailWorld, mail: Mail, message: Message, *people: Person) -> EmailMessage:
    await mail.post(message=message, people=people)
    return world.mails[-1][1]


async def test_a_mail_says_whom_it_calls_why_and_how_to_answer(world: MailWorld, mail: Mail) -> None:
    letter = await sent(world, mail, PAGE, ANN, BEN)
    assert letter["From"] == "Backout <backout@example.org>"
    assert letter["To"] == 'Ann Example <ann@example.org>, "Ben Übel, Jr." <ben@example.org>'
    assert letter["Subject"] == "MAJOR: chat r2 needs you"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content().splitlines() == [
        "Called: Ann Example, Ben Übel, Jr.",
        "",
        "Signals: Fehlerquote über 30 % — 悪い",
        ".",
        "last",
        "",
        "Answer with:  backout ack chat/r2",
        "The incident:  https://b.example/7",
    ]
    ((envelope, _),) = world.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == (
        "backout@example.org",
        ["ann@example.org", "ben@example.org"],
    )


async def test_what_is_sent_again_is_the_same_mail_and_all_of_an_incident_is_one_thread(
    world: MailWorld, mail: Mail
) -> None:
    first, again = await sent(world, mail, PAGE, ANN), await sent(world, mail, PAGE, ANN)
    later = await sent(world, mail, PAGE.model_copy(update={"key": "run/9"}), ANN)
    other = await sent(world, mail, PAGE.model_copy(update={"incident": "incident/chat/r3"}), ANN)
    assert first["Message-ID"] == again["Message-ID"] != later["Message-ID"]
    assert first["References"] == later["References"] == later["In-Reply-To"] != other["References"]
    assert first["References"] not in {first["Message-ID"], later["Message-ID"]}


async def test_fixed_addresses_get_what_calls_nobody_and_each_address_one_copy(world: MailWorld) -> None:
    server = MailServer("127.0.0.1", world.port, timedelta(seconds=30), "none")
    desk = Mail(server, "backout@example.org", ["desk@example.org", "ann@example.org"])
    await desk.post(message=Message(title="", text="News\nmore"), people=())
    await desk.post(message=PAGE, people=(ANN,))
    assert [envelope.rcpt_tos for envelope, _ in world.mails] == [["desk@example.org", "ann@example.org"]] * 2
    assert world.mails[0][1]["Subject"] == "News"
    await desk.aclose()


async def test_whom_the_server_refuses_is_named_and_the_others_get_it(world: MailWorld, mail: Mail) -> None:
    world.refusals = {"ben@example.org": "550 5.1.1 no such user"}
    cleo = Person(name="Cleo")
    posted = await mail.post(message=PAGE, people=(ANN, BEN, cleo))
    assert posted.unreached == ("Cleo (no e-mail address)", "Ben Übel, Jr. (550 5.1.1 no such user)")
    ((envelope, _),) = world.mails
    assert envelope.rcpt_tos == ["ann@example.org"]


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        (("550 no such user", "550 no such user"), RejectedBySystem),
        (("450 mailbox is full", "550 no such user"), RateLimited),
        (("550 no such user", "421 closing"), RateLimited),
    ],
    ids=["never", "one of them perhaps later", "the server goes down"],
)
async def test_a_mail_that_nobody_gets_is_an_error_that_names_each(
    world: MailWorld, mail: Mail, replies: tuple[str, str], error: type[Exception]
) -> None:
    world.refusals = dict(zip(("ann@example.org", "ben@example.org"), replies, strict=True))
    with pytest.raises(error, match=rf"(?s)ann@example.org {replies[0]}.*ben@example.org {replies[1]}"):
        await mail.post(message=PAGE, people=(ANN, BEN))
    assert world.mails == []


async def test_nobody_to_write_to_is_an_error(world: MailWorld, mail: Mail) -> None:
    with pytest.raises(
        RejectedBySystem, match=r"nobody has an address: Cleo \(no e-mail address\); give them"
    ):
        await mail.post(message=PAGE, people=(Person(name="Cleo"),))
    with pytest.raises(RejectedBySystem, match=r"it names nobody to call; .* name addresses in 'to'"):
        await mail.post(message=PAGE, people=())
    assert world.sessions == 0


@pytest.mark.parametrize("end", ["hangs up", "is silent"])
async def test_a_mail_that_was_taken_is_one_whatever_the_server_does_afterwards(
    world: MailWorld, mail: Mail, end: str
) -> None:
    world.hangs_up_at_the_end, world.silent_at_the_end = end == "hangs up", end == "is silent"
    assert (await mail.post(message=PAGE, people=(ANN,))).unreached == ()
    assert len(world.mails) == 1


def test_no_word_becomes_a_header() -> None:
    hostile = "x\r\nBcc: eve@example.org\nX-Evil: 1\r\n\r\nbody" + "\u2028é" * 300
    message = Message(
        title=hostile, text=hostile, incident=f"incident/{hostile}", thread=hostile, key=hostile
    )
    letter = letter_of(
        message, (Person(name=hostile, email="ann@example.org"),), sender="b@example.org", to=(), at=START
    )
    head, _, _ = letter.content.partition(b"\r\n\r\n")
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert names == [
        b"From",
        b"To",
        b"Subject",
        b"Date",
        b"Message-ID",
        b"In-Reply-To",
        b"References",
        b"Auto-Submitted",
        b"Content-Type",
        b"Content-Transfer-Encoding",
        b"MIME-Version",
    ]
    assert letter.content.isascii()
    assert max(map(len, letter.content.split(b"\r\n"))) <= 998
