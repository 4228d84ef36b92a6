"""A message as a mail: its headers, its text and those it goes to. No value can add a header to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256

from adapters.channels.answers import answers_to
from adapters.channels.plain import one_line, plain, shortened
from backout.addressing import short_of
from backout.messages import Message
from backout.people import Person

SUBJECT_LIMIT = 150
"""Characters of a subject."""
TEXT_LIMIT = 50_000
"""Characters of the text."""
_NAME_LIMIT = 100


@dataclass(frozen=True)
class Letter:
    """A mail, ready to be sent."""

    message_id: str
    recipients: Mapping[str, str]
    """Addresses, each with the name of whom it reaches."""
    content: bytes


def letter_of(
    message: Message, people: Sequence[Person], *, sender: str, to: Sequence[str], at: datetime
) -> Letter:
    """Return the mail that carries a message to these people, and to these addresses."""
    recipients = {address: address for address in to}
    recipients |= {person.email: one_line(person.name, _NAME_LIMIT) for person in people if person.email}
    domain = sender.rpartition("@")[2]
    message_id = _id(domain, message.key, message.incident, message.thread or "", message.title, message.text)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address("Backout", addr_spec=sender)
    mail["To"] = [
        Address("" if name == address else name, addr_spec=address) for address, name in recipients.items()
    ]
    mail["Subject"] = _subject(message)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id
    if message.incident:
        # Nobody sends a mail of this id; what answers the same one is shown as one thread.
        mail["In-Reply-To"] = mail["References"] = _id(domain, "thread", message.incident)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_text(message, people), charset="utf-8", cte="quoted-printable")
    return Letter(message_id, recipients, mail.as_bytes())


def _id(domain: str, *place: str) -> str:
    digest = sha256("\0".join(place).encode(errors="replace")).hexdigest()
    return f"<{digest[:32]}@{domain}>"


def _subject(message: Message) -> str:
    short = short_of(message.incident)
    first = message.text.strip().partition("\n")[0]
    return one_line(message.title or f"{short} {first}", SUBJECT_LIMIT) or "(no text)"


def _text(message: Message, people: Sequence[Person]) -> str:
    called = [f"Called: {', '.join(one_line(one.name, _NAME_LIMIT) for one in people)}"] if people else []
    answers = [f"Answer with:  backout {answer}" for answer in answers_to(message)]
    link = [f"The incident:  {message.link}"] if message.link else []
    parts = [*called, shortened(plain(message.text), TEXT_LIMIT, message.link), "\n".join([*answers, *link])]
    return "\n\n".join(part for part in parts if part) + "\n"
