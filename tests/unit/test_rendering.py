"""Templates are sandboxed, strict about names, and escape every value for where it goes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from backout import postmortem
from backout.asked import asked
from backout.errors import TemplateBroken, UnknownName
from backout.rendering import (
    clock,
    duration,
    escape_markdown,
    escape_mrkdwn,
    percent,
    render,
    title_and_text,
)
from backout.timeline import Event
from backout.view import IncidentView
from tests.invariants.properties import quickly
from tests.unit.views import EVERYTHING, TEMPLATES, at, empty_view, full_view

hostile = settings(quickly, max_examples=300)
HOSTILE = st.text(alphabet="\\|<>&\n\r\x0b\u2028 a`*#_[]()!~-+=:/", max_size=12)
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def rendered(template: str, name: str = "slack/t.md.j2", **context: object) -> str:
    return render(name, templates={name: template}, **context)


ESCAPES = {
    "the class of a value": "{{ ''.__class__.__mro__ }}",
    "the way to every class": "{{ ().__class__.__base__.__subclasses__() }}",
    "the class of a value of ours": "{{ view.__class__ }}",
    "the attribute filter": "{{ ''|attr('__class__') }}",
    "an item instead of an attribute": "{{ view['__dict__'] }}",
    "a format string": "{{ '{0.__class__}'.format(view) }}",
    "a format map": "{{ '{x.__class__}'.format_map({'x': view}) }}",
    "private names of ours": "{{ view._private }}",
    "the template itself": "{{ self.__init__.__globals__ }}",
    "the globals of a function": "{{ namespace.__init__.__globals__ }}",
    "a range bomb": "{% for i in range(10**9) %}x{% endfor %}",
    "a change of a list": "{{ [1].append(2) }}",
    "a change of a dictionary": "{{ {'a': 1}.update({'b': 2}) }}",
}


@pytest.mark.parametrize("template", ESCAPES.values(), ids=ESCAPES)
def test_the_sandbox_refuses(template: str) -> None:
    with pytest.raises(TemplateBroken, match=r"Template 'slack/t.md.j2' cannot be rendered: "):
        rendered(template, view=full_view())


MISTAKES = {
    "an unknown name": ("{{ brif }}", "'brif' is undefined"),
    "an unknown field": ("{{ view.summry }}", "has no attribute 'summry'"),
    "a test on an unknown name": ("{% if brif %}x{% endif %}", "'brif' is undefined"),
    "an unknown filter": ("{{ 1 | shout }}", "No filter named 'shout'"),
    "another template": ("{% include 'slack/other.md.j2' %}", "no loader"),
    "bad syntax": ("{% if %}", "Expected an expression"),
    "a division by zero": ("{{ 1 / 0 }}", "division by zero"),
    "a wrong format": ("{{ '%d' | format('x') }}", "a real number is required"),
    "an unknown format": ("{{ '%y' | format(1) }}", "unsupported format character"),
    "a macro in itself": ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "maximum recursion depth"),
    "a call of what is none": ("{{ 1() }}", "'int' object is not callable"),
}


@pytest.mark.parametrize(("template", "why"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_template_is_named(template: str, why: str) -> None:
    with pytest.raises(TemplateBroken, match=re.escape(why)):
        rendered(template, view=full_view())


def test_an_unknown_template_lists_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"Unknown template 'c'. Known: a, b."):
        render("c", templates={"b": "", "a": ""})


def test_nothing_of_the_process_can_be_seen() -> None:
    with pytest.raises(TemplateBroken, match="is undefined"):
        rendered("{{ environ }}")


def test_in_slack_a_value_cannot_mention_or_link() -> None:
    text = rendered("*{{ who }}*: <https://ours.example|ours>", who="<!channel> & <https://evil.example|me>")
    assert text == ("*&lt;!channel&gt; &amp; &lt;https://evil.example|me&gt;*: <https://ours.example|ours>")


def test_notices_are_escaped_as_slack_and_documents_as_markdown() -> None:
    assert rendered("{{ v }}", "notices/a.md.j2", v="<a|b>") == "&lt;a|b&gt;"
    assert rendered("{{ v }}", "postmortem/a.md.j2", v="<a|b>") == "&lt;a\\|b>"


def test_what_filters_make_is_escaped_too() -> None:
    assert rendered("{{ v | join(', ') | upper }}", v=["<a>", "b"]) == "&lt;A&gt;, B"


def cells(row: str) -> int:
    """Return how many cells a Markdown table row has, as GitHub's parser counts them."""
    return len(re.findall(r"(?:\\.|[^|\\]|\\$)*\|", row)) - 1


def cells_by_last_sign(row: str) -> int:
    """Return how many cells a row has, as markdown-it counts: a backslash before it hides a pipe."""
    return len(re.findall(r"(?<!\\)\|", row)) - 1


@given(HOSTILE, HOSTILE)
@hostile
def test_no_value_leaves_its_line_its_table_cell_or_becomes_html(one: str, two: str) -> None:
    text = rendered("| {{ one }} | {{ two }} |", "postmortem/t.md.j2", one=one, two=two)
    assert len(text.splitlines()) == 1
    assert cells(text) == cells_by_last_sign(text) == 2
    assert "<" not in text


@given(HOSTILE)
@hostile
def test_no_value_opens_a_mention_or_a_link_in_slack(value: str) -> None:
    escaped = escape_mrkdwn(value)
    assert not set("<>") & set(escaped)
    assert escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == value


def read(text: str) -> list[tuple[str, str]]:
    """Return what a reader of Markdown makes of a text: its blocks, and what stands in them."""
    parts = [part for block in READER.parse(text) for part in (block, *(block.children or ()))]
    return [(part.type, "" if part.children else part.content) for part in parts]


def plain(text: str) -> list[tuple[str, str]]:
    """Return what a reader makes of a text that is one paragraph without any mark in it."""
    return [("paragraph_open", ""), ("inline", ""), ("text", text), ("paragraph_close", "")]


@given(HOSTILE)
@hostile
def test_a_value_is_read_as_the_text_that_it_is(value: str) -> None:
    text = " ".join(value.split())
    assert merged(read(f"so: {escape_markdown(value)}.")) == plain(f"so: {text}.")
    if text not in {"", "-", "+"}:
        assert merged(read(escape_markdown(value))) == plain(text)


def merged(parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the parts with each text in one piece: a reader may cut it where a mark was escaped."""
    whole: list[tuple[str, str]] = []
    for kind, content in parts:
        if kind.startswith("text") and whole and whole[-1][0] == "text":
            whole[-1] = ("text", whole[-1][1] + content)
        else:
            whole.append(("text" if kind.startswith("text") else kind, content))
    return whole


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("[here](http://evil.example)", r"\[here\](http://evil.example)"),
        ("![x](http://evil.example/x.png)", r"!\[x\](http://evil.example/x.png)"),
        ("`code` *now* ~~gone~~", r"\`code\` \*now\* \~\~gone\~\~"),
        ("_now_ __now__", r"\_now\_ \_\_now\_\_"),
        ("# Approved", r"\# Approved"),
        ("- [x] done", r"\- \[x\] done"),
    ],
)
def test_no_value_places_a_link_an_image_code_or_emphasis(value: str, written: str) -> None:
    assert rendered("{{ v }}", "postmortem/a.md.j2", v=value) == written


@pytest.mark.parametrize(
    "value", ["error_rate", "http_5xx_total", "release #4", "2026-11-20", "-", "-2s", "a!"]
)
def test_names_and_numbers_stay_as_people_write_them(value: str) -> None:
    assert escape_markdown(value) == value


def test_a_failed_check_stands_out_in_the_postmortem() -> None:
    text = render("postmortem/standard.md.j2", templates=TEMPLATES, **context(full_view()))
    assert "**failed**" in text


def test_a_backslash_before_a_pipe_does_not_undo_its_escape() -> None:
    assert escape_markdown("a\\|b") == "a\\\\\\|b"


def test_the_title_is_the_first_line() -> None:
    assert title_and_text("\n# r2 needs you \n\nwhy\n- more\n") == ("r2 needs you", "why\n- more")
    assert title_and_text("only a title") == ("only a title", "")


def test_a_moment_is_told_in_utc_whatever_zone_it_came_in() -> None:
    assert clock(datetime(2026, 11, 20, 21, 3, 11, tzinfo=UTC)) == "2026-11-20 21:03:11 UTC"
    berlin = timezone(timedelta(hours=1))
    assert clock(datetime(2026, 11, 21, 0, 3, 11, tzinfo=berlin)) == "2026-11-20 23:03:11 UTC"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (timedelta(0), "0s"),
        (timedelta(milliseconds=1234), "1s200ms"),
        (timedelta(seconds=59, milliseconds=960), "1m"),
        (timedelta(minutes=5, milliseconds=1400), "5m1s"),
        (timedelta(days=1, hours=2), "1d2h"),
        (timedelta(seconds=-2), "-2s"),
    ],
)
def test_a_length_of_time_is_told_for_people(value: timedelta | None, text: str) -> None:
    assert duration(value) == text


def test_a_rate_is_told_in_percent_and_none_as_a_dash() -> None:
    assert (percent(0.00312), percent(0), percent(None)) == ("0.31%", "0.00%", "-")


def context(view: IncidentView) -> dict[str, object]:
    """Return everything that any template may ask for."""
    return {
        "view": view,
        "incident": view.summary,
        "brief": view,
        "facts": postmortem.facts(view),
        "why": "rule critical fired",
        "outcome": "recovered",
        "written_at": at(42),
        "due": at(7200),
        "asks": [asked(ask, {}) for ask in view.asks],
        "link": "http://127.0.0.1:8233/namespaces/default/workflows/incident%2Fchat%2Fr2",
    }


@pytest.mark.parametrize("view", [full_view(), empty_view()], ids=["everything happened", "just begun"])
@pytest.mark.parametrize(
    "template", [name for name in sorted(TEMPLATES) if not name.startswith(("backtest/", "notices/"))]
)
def test_every_shipped_template_of_incidents_renders(template: str, view: IncidentView) -> None:
    text = render(template, templates=TEMPLATES, **context(view))
    title, body = title_and_text(text)
    assert title
    assert body
    assert text.startswith("# ")
    for leak in ("None", "ndefined", "{{", "{%"):
        assert leak not in text


@pytest.mark.parametrize("template", [name for name in sorted(TEMPLATES) if name.startswith("slack/")])
def test_a_message_to_responders_links_to_the_history_only_where_there_is_one(template: str) -> None:
    given_context = context(full_view())
    link = "http://127.0.0.1:8233/namespaces/default/workflows/incident%2Fchat%2Fr2"
    assert link in render(template, templates=TEMPLATES, **given_context)
    assert "History" not in render(template, templates=TEMPLATES, **given_context | {"link": ""})


def test_the_timeline_of_these_tests_has_every_kind_of_event() -> None:
    union, _ = get_args(Event)
    assert {type(event) for event in EVERYTHING} == set(get_args(union))
