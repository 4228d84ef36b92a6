"""Render templates: sandboxed, strict about unknown names, and escaped for where the text goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from backout.errors import TemplateBroken, UnknownName
from backout.model import format_duration

_BROKEN = (TemplateError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RecursionError)
"""What a wrong template raises: jinja2's own errors, and those of the expressions in it."""

# Inside a name such as error_rate an underscore means nothing. An image needs its bracket.
_MARKDOWN = re.compile(r"[\\`*~|\[\]]|(?<![^\W_])_|_(?![^\W_])|^[#>=]|^[-+](?=[ -])")


def render(template: str, *, templates: Mapping[str, str], **context: object) -> str:
    """Render a template by its name below templates/, such as `postmortem/standard.md.j2`.

    Raises:
        UnknownName: there is no such template.
        TemplateBroken: it asks for a name that the context lacks, or for what the sandbox forbids.
    """
    if template not in templates:
        raise UnknownName(kind="template", name=template, known=templates)
    try:
        return _compiled(template, templates[template]).render(**context)
    except _BROKEN as error:
        raise TemplateBroken(template=template, why=str(error)) from error


@lru_cache(maxsize=256)
def _compiled(name: str, text: str) -> Template:
    """Compile a template; that takes a hundred times as long as to render it."""
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        # What is no HTML is escaped for its medium by `finalize`.
        autoescape=name.endswith(".html.j2"),
        finalize=None if name.endswith(".html.j2") else _escape_for(name),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"duration": duration, "clock": clock, "percent": percent, "moment": moment}
    return environment.from_string(text)


class Mrkdwn(str):
    """Text that is mrkdwn already, and is not escaped."""

    __slots__ = ()


def title_and_text(rendered: str) -> tuple[str, str]:
    """Split a rendered message into its title (the first line, `# ...`) and the rest."""
    first, _, rest = rendered.strip().partition("\n")
    return first.removeprefix("#").strip(), rest.strip()


def escape_mrkdwn(value: object) -> str:
    """Escape the three characters that Slack gives a meaning, so that no value can mention or link."""
    if isinstance(value, Mrkdwn):
        return value
    return str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape_markdown(value: object) -> str:
    """Keep a value a plain text: on its line, in its table cell, no HTML, link, image, code or emphasis."""
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(str(value).split())).replace("<", "&lt;")


def _escape_for(template: str) -> Callable[[object], str]:
    return escape_mrkdwn if template.startswith(("slack/", "notices/")) else escape_markdown


def duration(value: timedelta | None) -> str:
    """Write a length of time for people, to the tenth of a second; a dash where there is none."""
    if value is None:
        return "-"
    tenths = timedelta(seconds=round(value.total_seconds(), 1))
    return format_duration(
        tenths if tenths < timedelta(minutes=1) else timedelta(seconds=round(tenths.total_seconds()))
    )


def clock(value: datetime) -> str:
    """Write a moment as `2026-11-20 21:03:11 UTC`, whatever zone it came in."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def moment(value: datetime, form: str = "{date_short_pretty} at {time_secs}") -> Mrkdwn:
    """Write a moment as Slack shows it to each reader in their own time zone; elsewhere it is as of `clock`.

    `form` is made of Slack's date tokens.
    """
    shown = f"{value.astimezone(UTC):%H:%M:%S}" if form == "{time_secs}" else clock(value)
    return Mrkdwn(f"<!date^{int(value.timestamp())}^{form}|{shown}>")


def percent(value: float | None) -> str:
    """Write a rate as a percentage; a dash where there is none."""
    return "-" if value is None else f"{value:.2%}"
