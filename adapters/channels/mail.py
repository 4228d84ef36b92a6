"""E-mail over SMTP.

The standard library's smtplib speaks it, in threads of this channel's own: it is proven, needs no package,
and a mail server that hangs keeps no thread from anybody else. A message that is sent again has the same
Message-ID, by which mail systems know it.
"""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, TypeAlias, TypeVar

from adapters.channels.letters import Letter, letter_of
from adapters.channels.plain import one_line
from adapters.clock import SystemClock
from backout.errors import BackoutError, RateLimited, RejectedBySystem, Unreachable
from backout.messages import Message, Posted
from backout.people import Person
from backout.ports import Clock

PAUSE_S = 20.0
"""After a server said that it takes nothing for now (4xx)."""
_AT_ONCE = 4
_REPLY_LIMIT = 200
_SYSTEM_CLOCK = SystemClock()
Answer = TypeVar("Answer")
_Refused: TypeAlias = Mapping[str, tuple[int, bytes]]
"""Addresses that were not taken, with the server's reply."""


@dataclass(frozen=True)
class MailServer:
    """The server that takes our mail."""

    host: str
    port: int
    timeout: timedelta
    tls: Literal["starttls", "tls", "none"] = "starttls"
    trust: ssl.SSLContext | None = None
    """Whose certificates we trust; not used without TLS."""
    login: tuple[str, str] | None = field(default=None, repr=False)
    """A user and a password."""


class Mail:
    """Sends mail to the people who are called, and to fixed addresses. A reference is a Message-ID."""

    def __init__(
        self, server: MailServer, sender: str, to: Sequence[str] = (), clock: Clock = _SYSTEM_CLOCK
    ) -> None:
        self._server = server
        self._sender = sender
        self._to = tuple(to)
        self._clock = clock
        self._what = f"mail server {server.host}:{server.port}"
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="mail")

    async def post(self, *, message: Message, people: Sequence[Person]) -> Posted:
        """Send a message to all whom the server takes; those whom it does not take are named.

        Raises:
            RateLimited: the server takes nothing for now (4xx).
            RejectedBySystem: it will never take it (5xx), or nobody has an address.
            Unreachable: it did not answer, or its certificate is not trusted.
        """
        letter = letter_of(message, people, sender=self._sender, to=self._to, at=self._clock.now())
        unreached = [f"{one.name} (no e-mail address)" for one in people if not one.email]
        if not letter.recipients:
            why = f"nobody has an address: {', '.join(unreached)}" if people else "it names nobody to call"
            raise RejectedBySystem(what=self._what, why=f"{why}; give them one, or name addresses in 'to'")
        refused = await self._ask(lambda line: _send(line, self._sender, letter))
        unreached += [f"{letter.recipients[at]} ({_said(*reply)})" for at, reply in refused.items()]
        return Posted(ref=letter.message_id, unreached=tuple(unreached))

    async def update(self, *, ref: str, message: Message) -> None:
        """Do nothing: a mail stays as it was sent, and what is new comes as another one in its thread."""

    async def check(self) -> str:
        """Log in, and send nothing; it raises what `post` raises."""
        await self._ask(lambda line: line.noop())
        return f"takes mail from {self._sender}" if self._server.login else "answers; nobody logs in"

    async def aclose(self) -> None:
        """Take no more work; what hangs ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, work: Callable[[smtplib.SMTP], Answer]) -> Answer:
        """Have work done over a connection of its own, in the server's time."""
        lines: list[smtplib.SMTP] = []
        loop = asyncio.get_running_loop()
        with self._named():
            try:
                # smtplib's own time-out begins anew with every byte; a slow drip must end too.
                async with asyncio.timeout(self._server.timeout.total_seconds()):
                    return await loop.run_in_executor(self._threads, self._over_a_line, work, lines)
            finally:
                for line in lines:
                    _cut(line)

    def _over_a_line(self, work: Callable[[smtplib.SMTP], Answer], lines: list[smtplib.SMTP]) -> Answer:
        # The caller's time ends first, and cuts the line.
        server, timeout_s = self._server, self._server.timeout.total_seconds() + 1
        if server.tls == "tls":
            line: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=timeout_s, context=server.trust
            )
        else:
            line = smtplib.SMTP(server.host, server.port, timeout=timeout_s)
        lines.append(line)
        with closing(line):
            if server.tls == "starttls":
                line.starttls(context=server.trust)
            if server.login:
                line.login(*server.login)
            answer = work(line)
            with suppress(OSError):
                # What came before is done, whatever the server says to this.
                line.putcmd("quit")
            return answer

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            why = f"nothing within {self._server.timeout.total_seconds():g} s"
            raise Unreachable(what=self._what, why=why) from None
        except (smtplib.SMTPAuthenticationError, UnicodeEncodeError) as error:
            # Neither may go on: the reply can repeat what it was sent, the other holds it.
            code = error.smtp_code if isinstance(error, smtplib.SMTPAuthenticationError) else 535
            raise self._by_code(
                code, f"{code}, it does not let the user in; see 'user' and 'password'"
            ) from None
        except smtplib.SMTPRecipientsRefused as error:
            told = "; ".join(f"{at} {_said(*reply)}" for at, reply in error.recipients.items())
            raise self._by_code(min(code for code, _ in error.recipients.values()), told) from error
        except smtplib.SMTPResponseException as error:
            raise self._by_code(error.smtp_code, _said(error.smtp_code, error.smtp_error)) from error
        except smtplib.SMTPServerDisconnected as error:
            raise Unreachable(what=self._what, why=f"it hung up: {error}") from error
        except smtplib.SMTPException as error:
            raise RejectedBySystem(
                what=self._what, why=f"{error}; see 'tls', 'user' and 'password'"
            ) from error
        except OSError as error:
            raise Unreachable(what=self._what, why=str(error) or type(error).__name__) from error

    def _by_code(self, code: int, told: str) -> BackoutError:
        if code in range(400, 500):
            return RateLimited(what=f"{self._what} ({told})", retry_after_s=PAUSE_S)
        if code in range(500, 600):
            return RejectedBySystem(what=self._what, why=told)
        return Unreachable(what=self._what, why=f"it answered {told}")


def _send(line: smtplib.SMTP, sender: str, letter: Letter) -> _Refused:
    """Send a letter and return who was refused while others were taken."""
    return line.sendmail(sender, [*letter.recipients], letter.content)


def _said(code: int, reply: bytes | str) -> str:
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    return one_line(f"{code} {text}", _REPLY_LIMIT)


def _cut(line: smtplib.SMTP) -> None:
    """End a connection that another thread may be waiting on."""
    if sock := line.sock:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
