"""The base of every model that crosses a boundary, and the field types that they share."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

_PARTS = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
SHORTEST_S, LONGEST_S = 0.001, 3650 * 86400.0
_RATE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(?:%|per\s+(\d+))\s*$")


class Frozen(BaseModel):
    """An immutable value; a field that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def digest_of(value: BaseModel) -> str:
    """Return the SHA-256 of the canonical JSON, as `sha256:<hex>`: two equal values have one digest."""
    text = json.dumps(value.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def parse_duration(value: object) -> object:
    """Turn `90s`, `5m`, `1h30m` or `5d` into a timedelta; leave a timedelta alone.

    Raises:
        ValueError: the text is not a duration, it is not above zero, or no timer can be so short or so long.
    """
    if isinstance(value, timedelta):
        return value
    text = str(value).strip()
    parts = _PARTS.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        msg = f"'{value}' is not a duration. Write a number with its unit, such as 15s, 5m, 1h30m or 5d"
        raise ValueError(msg)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if seconds <= 0:
        msg = f"'{value}' is not a duration above zero"
        raise ValueError(msg)
    if not SHORTEST_S <= seconds <= LONGEST_S:
        msg = f"'{value}' is not a duration from 1ms to 3650d, which is what a timer can be"
        raise ValueError(msg)
    return timedelta(seconds=seconds)


def format_duration(value: timedelta) -> str:
    """Write a timedelta as people do: `1h30m`, `15s`, `250ms`; zero is `0s`."""
    left = round(value.total_seconds() * 1000)
    sign, left = ("-", -left) if left < 0 else ("", left)
    written = ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        written += f"{count}{unit}" if count else ""
    return sign + (written or "0s")


def parse_rate(value: object) -> object:
    """Turn `30 per 10000`, `1.5%` or `0.003` into a fraction strictly between 0 and 1.

    Raises:
        ValueError: the text is not a rate, or it is not strictly between 0 and 1.
    """
    text = str(value)
    if match := _RATE.match(text):
        per = float(match[2] or 100)
        rate = float(match[1]) / per if per else 0.0
    else:
        try:
            rate = float(text)
        except ValueError:
            msg = f"'{value}' is not a rate. Write it as '30 per 10000', '1.5%' or 0.003"
            raise ValueError(msg) from None
    if not 0 < rate < 1:
        msg = f"'{value}' is not a rate strictly between 0 and 1"
        raise ValueError(msg)
    return rate


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["15s", "5m", "1h30m", "5d"]}),
]
"""A length of time above zero, written `15s`, `5m`, `1h30m`, `5d`."""

Rate = Annotated[
    float,
    BeforeValidator(parse_rate),
    WithJsonSchema({"type": ["string", "number"], "examples": ["30 per 10000", "1.5%", 0.003]}),
]
"""A fraction strictly between 0 and 1."""

NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_.-]{0,62}$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
"""A name that things are looked up by: letters, digits, `_`, `.`, `-`; it starts with a letter."""

Percent = Annotated[int, Field(ge=0, le=100)]
"""A share of traffic in whole percent."""

_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")


def mail_address(text: str) -> str:
    """Return an e-mail address. `ValueError`: it is none, or has more than the address."""
    if len(text) > LONGEST_MAIL_ADDRESS or not _MAIL.fullmatch(text):
        msg = f"'{text}' is not an e-mail address; write it as name@host.example, in ASCII and alone"
        raise ValueError(msg)
    return text


LONGEST_MAIL_ADDRESS = 254
MailAddress = Annotated[str, AfterValidator(mail_address)]
"""An e-mail address and nothing beside it."""
