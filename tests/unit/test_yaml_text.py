"""A document is read whole, or refused with every problem and its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from backout.errors import InvalidDocument
from backout.model import Frozen
from backout.yaml_text import load_playbook, parse
from backout.yaml_tree import core_value

DATA = Path(__file__).parent / "data"
PLAYBOOK = (DATA / "complete.yaml").read_text(encoding="utf-8")


class Anything(Frozen):
    """A document with one field of each kind that the tests need."""

    text: str = ""
    nested: dict[str, object] = {}
    scalars: tuple[str | int | float | bool, ...] = ()
    flag: bool = False
    count: int = 0


def refused(text: str) -> tuple[str, ...]:
    with pytest.raises(InvalidDocument) as caught:
        parse(text, file="f.yaml", model=Anything)
    return caught.value.problems


def test_a_playbook_is_read_into_its_model() -> None:
    playbook = load_playbook(PLAYBOOK, file="complete.yaml")
    assert [step.name for step in playbook.steps][-2:] == ["clean-up", "postmortem"]
    test = playbook.criteria[0].test.model_dump(exclude_none=True)
    assert test == {"compare": "limit", "max": pytest.approx(0.003)}


def test_json_is_read_like_yaml() -> None:
    playbook = load_playbook(PLAYBOOK, file="complete.yaml")
    as_json = playbook.model_dump_json(indent=4).replace("    ", "\t")
    assert load_playbook(as_json, file="complete.json") == playbook


def test_json_escapes_are_read_as_json_means_them() -> None:
    assert parse(r'{"text": "\ud83d\ude00 \/ \u00e9"}', file="f.json", model=Anything).text == "😀 / é"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *(
            (word, word)
            for word in ("on", "off", "yes", "No", "1:30", "2026-11-20", "1_000", "0b1", "<<", "1.2.3")
        ),
        ("", None),
        ("~", None),
        ("NULL", None),
        ("true", True),
        ("False", False),
        ("010", 10),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("2.50", 2.5),
        (".5e1", 5.0),
        ("-.inf", float("-inf")),
        ("9" * 400, float("inf")),
    ],
)
def test_plain_text_means_what_yaml_1_2_says(written: str, meant: object) -> None:
    assert core_value(written) == meant
    assert type(core_value(written)) is type(meant)


def test_quoted_text_stays_text() -> None:
    document = parse("scalars: ['true', \"7\", 7, true]", file="f.yaml", model=Anything)
    assert document.scalars == ("true", "7", 7, True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "f.yaml:1:1: the document is empty"),
        ("# nothing\n", "f.yaml:1:1: the document is empty"),
        ("- a\n", "f.yaml:1:1: the document must be a mapping (lines of 'key: value'), not a list"),
        ("\n  hello", "f.yaml:2:3: the document must be a mapping (lines of 'key: value'), not text"),
        (
            "text: a\n---\ntext: b\n",
            "f.yaml:2:1: a second document begins here; write one document in one file",
        ),
        (
            "text: a\n\tflag: true\n",
            "f.yaml:2:1: this is not YAML: a tab cannot stand here; indent with spaces",
        ),
        ("text: %a", "f.yaml:1:7: this is not YAML: text cannot start with this character; put it in quotes"),
        (
            "text: it: breaks",
            (
                "f.yaml:1:9: this is not YAML: a ':' cannot stand here; put text that contains "
                "': ' in quotes, or mend the indentation"
            ),
        ),
        (
            "text: 'a\n",
            (
                "f.yaml:2:1: this is not YAML: the text ends before the quote is closed "
                "(while scanning a quoted scalar, begun on line 1)"
            ),
        ),
        (
            "scalars: [1, 2",
            (
                "f.yaml:1:15: this is not YAML: the text ends before the list or mapping is closed "
                "(while parsing a flow sequence, begun on line 1)"
            ),
        ),
        (
            "scalars:\n- a\n  b: 1\n",
            (
                "f.yaml:3:4: this is not YAML: a ':' cannot stand here; put text that contains "
                "': ' in quotes, or mend the indentation"
            ),
        ),
        ("text: a\x07b", "f.yaml:1:8: character #x0007 cannot stand in a text"),
        ("? [a]\n: 1\n", "f.yaml:1:3: a key must be text, not a list or a mapping"),
        (
            "text: *gone",
            "f.yaml:1:7: text: aliases (*gone) are not read; write the value out, or put text in quotes",
        ),
        ("text: &a b", "f.yaml:1:7: text: anchors (&a) are not read; leave it out, or put text in quotes"),
        (
            'text: "\\ud83d"',
            "f.yaml:1:7: text: this text has half a character (a \\ud800 without its other half)",
        ),
    ],
)
def test_a_text_that_cannot_be_read_is_refused_at_its_place(text: str, problem: str) -> None:
    assert refused(text) == (problem,)


def test_a_tag_is_refused_and_never_executed(tmp_path: Path) -> None:
    made = tmp_path / "made"
    (problem,) = refused(f"text: !!python/object/apply:pathlib.Path.touch [{made}]")
    assert problem.startswith(
        "f.yaml:1:7: text: tags (tag:yaml.org,2002:python/object/apply:pathlib.Path.touch)"
    )
    assert not made.exists()


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    levels = "".join(f"  l{i}: &l{i} [*l{i - 1}, *l{i - 1}, *l{i - 1}]\n" for i in range(1, 60))
    assert "aliases (*l0) are not read" in refused(f"nested:\n  l0: &l0 [a, a]\n{levels}")[-1]


def test_a_text_that_is_too_large_is_refused_unread() -> None:
    (problem,) = refused("text: " + "é" * (128 * 1024))
    assert problem == "f.yaml:1:1: the document has 262150 bytes; at most 256 KiB are read"


def test_a_text_of_just_the_largest_size_is_read() -> None:
    text = "text: a".ljust(256 * 1024)
    assert parse(text, file="f.yaml", model=Anything).text == "a"


def test_a_long_value_is_cut_in_its_message() -> None:
    (problem,) = refused(f"count: {'n' * 61}")
    assert problem == f"f.yaml:1:8: count: expected a whole number, found '{'n' * 60}...'"
    (problem,) = refused(f"count: {'n' * 60}")
    assert problem.endswith(f"found '{'n' * 60}'")


def test_a_text_that_is_too_deep_is_refused() -> None:
    (problem,) = refused("nested: {a: " + "[" * 200_000)
    assert problem.startswith("f.yaml:1:35: nested.a[0]")
    assert problem.endswith("values are nested more than 24 levels deep")


def test_keys_that_stand_twice_or_are_not_text_are_refused_together() -> None:
    assert refused("nested:\n  on: 1\n  404: x\n  on: {deep: 2}\n") == (
        "f.yaml:3:3: nested.404: the key 404 is not text; put it in quotes",
        "f.yaml:4:3: nested.on: the key stands twice; the first is on line 2",
    )


def test_every_problem_is_told_at_once_in_the_order_of_the_text() -> None:
    known = ", ".join(Anything.model_fields)
    text = "count: many\ntext: 3\ntext: 4\nflag: maybe\nscalars: 5\nnested: []\ncout: 1\n"
    assert refused(text) == (
        "f.yaml:1:8: count: expected a whole number, found 'many'",
        "f.yaml:3:1: text: the key stands twice; the first is on line 2",
        "f.yaml:4:7: flag: expected true or false, found 'maybe'",
        "f.yaml:5:10: scalars: expected a list, found the number 5",
        "f.yaml:6:9: nested: expected a mapping (lines of 'key: value'), found a list",
        f"f.yaml:7:1: cout: unknown field 'cout'; did you mean 'count'? Known: {known}",
    )


def test_a_value_that_fits_no_member_of_a_union_is_told_once() -> None:
    (problem,) = refused("scalars:\n  - {a: 1}\n")
    expected = "text or a whole number or a number or true or false"
    assert problem == f"f.yaml:2:5: scalars[0]: expected {expected}, found a mapping"
