"""A mail server on loopback: aiosmtpd, with switches for faults and refusals."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from adapters.channels.mail import Mail, MailServer
from tests.adapters.pagers import WRONG, Fault

USER, PASSWORD = "backout", "s3cret of the mail"


class MailWorld:
    """Takes mail with STARTTLS and a login where it was given certificates, else as it comes."""

    def __init__(self, served: ssl.SSLContext | None = None, trusted: ssl.SSLContext | None = None) -> None:
        self.fault: Fault = ""
        self.refusals: dict[str, str] = {}
        """Replies to recipients, such as `550 no such user`."""
        self.mails: list[tuple[Envelope, EmailMessage]] = []
        self.sessions = 0
        self.hangs_up_at_the_end = False
        self.silent_at_the_end = False
        self._served = served
        self._trusted = trusted
        self._server: asyncio.Server | None = None
        self.tls: Literal["starttls", "tls", "none"] = "starttls" if served else "none"

    @property
    def port(self) -> int:
        assert self._server
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        implicit = self._served if self.tls == "tls" else None
        self._server = await loop.create_server(self._smtp, "127.0.0.1", 0, ssl=implicit)

    async def stop(self) -> None:
        if self._server:
            self._server.close()

    def open(
        self, *, wrong: bool = False, timeout_s: float = 30, trusted: ssl.SSLContext | None = None
    ) -> Mail:
        server = MailServer(
            host="127.0.0.1",
            port=self.port,
            timeout=timedelta(seconds=timeout_s),
            tls=self.tls,
            trust=trusted or self._trusted,
            login=(USER, WRONG if wrong else PASSWORD) if self._served else None,
        )
        return Mail(server, "backout@example.org")

    def heard(self) -> list[str]:
        return [f"{mail['Subject']}\n{mail['To']}\n{mail.get_content()}" for _, mail in self.mails]

    def _smtp(self) -> SMTP:
        self.sessions += 1
        starttls = self._served if self.tls == "starttls" else None
        with warnings.catch_warnings():
            # It does not see that the whole connection is under TLS.
            warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
            return SMTP(
                self,
                hostname="mail.test",
                loop=asyncio.get_running_loop(),
                tls_context=starttls,
                require_starttls=starttls is not None,
                auth_required=self._served is not None,
                auth_require_tls=self.tls == "starttls",
                authenticator=self._knows,
            )

    def _knows(
        self, _server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        known = LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=data == known and mechanism in {"LOGIN", "PLAIN"}, handled=False)

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.fault == "silent":
            await asyncio.Event().wait()
        if self.fault in {"hangs up", "broken"}:
            assert server.transport
            server.transport.close()
        if self.fault in {"limited", "refusing"}:
            return "451 greylisted" if self.fault == "limited" else "550 not from you"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((envelope, mail))
        if self.hangs_up_at_the_end:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.write(b"250 taken\r\n")
            server.transport.abort()
        return "250 taken"

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        if self.silent_at_the_end:
            await asyncio.Event().wait()
        return "221 bye"


@asynccontextmanager
async def speaking(
    speak: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """Yield the port of a server on loopback that says what a test writes."""
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        talks.add(task)
        try:
            await speak(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
