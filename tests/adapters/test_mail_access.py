"""Mail goes to the server that it is meant for, under TLS, by the right user; and no secret is told."""

from __future__ import annotations

import asyncio
import ssl
import traceback
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest

from adapters.channels.mail import Mail, MailServer
from backout.errors import RateLimited, RejectedBySystem, Unreachable
from backout.messages import Message
from backout.people import Person
from tests.adapters.certificates import Certificates
from tests.adapters.mailing import PASSWORD, USER, MailWorld, speaking

ANN = Person(name="Ann", email="ann@example.org")
PAGE = Message(title="Bad", text="errors")


@pytest.fixture
async def guarded(certificates: Certificates) -> AsyncIterator[MailWorld]:
    world = MailWorld(certificates.served, certificates.trusted)
    yield world
    await world.stop()


async def post(mail: Mail) -> None:
    try:
        await mail.post(message=PAGE, people=(ANN,))
    finally:
        await mail.aclose()


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_mail_goes_under_tls_to_the_right_user(guarded: MailWorld, tls: str) -> None:
    guarded.tls = "tls" if tls == "tls" else "starttls"
    await guarded.start()
    await post(guarded.open())
    assert len(guarded.mails) == 1


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_certificate_of_nobody_whom_we_know_gets_no_mail(guarded: MailWorld, tls: str) -> None:
    guarded.tls = "tls" if tls == "tls" else "starttls"
    await guarded.start()
    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        await post(guarded.open(trusted=ssl.create_default_context()))
    assert guarded.mails == []


async def test_a_server_without_starttls_gets_no_mail_and_no_password() -> None:
    plain = MailWorld()
    await plain.start()
    server = MailServer(
        "127.0.0.1",
        plain.port,
        timedelta(seconds=30),
        "starttls",
        ssl.create_default_context(),
        (USER, PASSWORD),
    )
    with pytest.raises(RejectedBySystem, match=r"STARTTLS.*; see 'tls', 'user' and 'password'"):
        await post(Mail(server, "b@example.org"))
    assert plain.mails == []
    await plain.stop()


@pytest.mark.parametrize(
    "password", [PASSWORD, "pässwörd"], ids=["one that is wrong", "one that is not ASCII"]
)
async def test_the_password_is_in_no_error_though_the_server_repeats_it(password: str) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            said = b"250-echo\r\n250 AUTH PLAIN\r\n" if line.startswith(b"ehlo") else b"535 " + line
            writer.write(said)

    async with speaking(echo) as port:
        server = MailServer("127.0.0.1", port, timedelta(seconds=30), "none", None, (USER, password))
        with pytest.raises(RejectedBySystem, match="535, it does not let the user in; see 'user'") as refused:
            await post(Mail(server, "b@example.org"))
    told = "".join(traceback.format_exception(refused.value))
    assert password not in told
    assert "AGJhY2tvdXQ" not in told  # the beginning of what is sent: base64 of "\0backout"


@pytest.mark.parametrize(
    "greeting",
    [b"", b"2", b"220 hello\r\n", b"421 go away\r\n"],
    ids=["nothing", "a drip", "no answer", "busy"],
)
async def test_a_server_that_hangs_is_given_up_in_time(greeting: bytes) -> None:
    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await asyncio.Event().wait()

    async with speaking(hang) as port:
        server = MailServer("127.0.0.1", port, timedelta(milliseconds=200), "none")
        with pytest.raises(
            (Unreachable, RateLimited), match=r"did not answer: nothing within 0\.2 s|takes no more messages"
        ):
            await post(Mail(server, "b@example.org"))


async def test_a_server_that_never_ends_its_answer_is_hung_up_on() -> None:
    hung_up = asyncio.Event()

    async def go_on(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b"250-and another thing\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        hung_up.set()

    async with speaking(go_on) as port:
        server = MailServer("127.0.0.1", port, timedelta(milliseconds=200), "none")
        with pytest.raises(Unreachable, match=r"nothing within 0\.2 s"):
            await post(Mail(server, "b@example.org"))
        await asyncio.wait_for(hung_up.wait(), 60)
