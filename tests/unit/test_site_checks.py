"""The checks of a site file: what each field takes, and what is odd about them although every field fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from backout.checks import Check, effect
from backout.errors import InvalidDocument
from backout.site import Site
from backout.site_lint import site_problems
from backout.yaml_text import load_site

CHECK: TypeAdapter[Check] = TypeAdapter(Check)
URL = {"env": "URL"}
A = "sha256:" + "a" * 64
HTTP = {"kind": "http", "url": "http://h/c", "timeout": "2s"}
SQL = {"kind": "sql", "url": URL, "timeout": "2s", "query": "SELECT 1", "expect": 1}
COMMAND = {"kind": "command", "timeout": "2s", "command": ["/bin/true"]}
FILE = {"kind": "file", "path": "a.json", "field": "x"}
DIGEST = {"kind": "digest", "timeout": "2s", "artifacts": [{"digest": A, "path": "x"}]}
DRAINED = {"kind": "drained", "timeout": "5s", "count": FILE}
PAIRING = {"kind": "pairing", "timeout": "2s", "one": FILE, "other": {**FILE, "field": "y"}}
PURGED = {"kind": "purged", "url": "http://h/c", "timeout": "2s", "age_below": "1m"}
OUTPUTS = {"kind": "outputs", "url": URL, "timeout": "2s", "ids": "SELECT id FROM outputs"}
ALL = (HTTP, SQL, COMMAND, DIGEST, DRAINED, PAIRING, PURGED, OUTPUTS)


def artifact(**at: Any) -> dict[str, Any]:  # noqa: ANN401  # any field
    return {**DIGEST, "artifacts": [at]}


@pytest.mark.parametrize("config", ALL, ids=lambda config: config["kind"])
def test_each_kind_is_about_the_candidate_and_decided_by_one_look_unless_it_says_otherwise(
    config: dict[str, Any],
) -> None:
    check = CHECK.validate_python(config)
    assert check.of == ("baseline" if config["kind"] == "digest" else "candidate")
    assert check.every is None
    assert CHECK.validate_json(check.model_dump_json()) == check


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({**HTTP, "kind": "htpp"}, "does not match any of the expected tags"),
        ({**HTTP, "timeot": "2s"}, "Extra inputs are not permitted"),
        ({**HTTP, "timeout": "2h"}, "one look may take 1h at most; 'every' waits for what takes longer"),
        ({**HTTP, "timeout": "soon"}, "'soon' is not a duration"),
        ({**HTTP, "every": "500ms"}, "a check is looked at again after 1s at least"),
        ({**HTTP, "of": "both"}, "Input should be 'candidate' or 'baseline'"),
        ({**SQL, "expect": None}, "by exactly one of 'no_rows: true', 'expect' and 'at_most'"),
        ({**SQL, "at_most": 3}, "by exactly one of"),
        ({**SQL, "url": "postgresql://u:p@h/d"}, "url"),
        ({**COMMAND, "command": []}, "at least 1 item"),
        ({**COMMAND, "command": "ls -l"}, "valid tuple"),
        ({**COMMAND, "command": ["$release"]}, "the first word of 'command' is the program"),
        ({**COMMAND, "command": [""]}, "the first word of 'command' is the program"),
        ({**COMMAND, "command": ["a", "b\x00"]}, "should match pattern"),
        ({**COMMAND, "env": {"A=B": "c"}}, "should match pattern"),
        ({**COMMAND, "env": {"A": {"env": "X", "file": "y"}}}, "exactly one of 'env' and 'file'"),
        ({**DIGEST, "artifacts": []}, "at least 1 item"),
        ({**DIGEST, "largest_mib": 0}, "greater than or equal to 1"),
        (artifact(digest=A), "name either 'path' or 'url'"),
        (artifact(digest=A, path="x", url="http://h/x"), "name either 'path' or 'url'"),
        (artifact(path="x"), "name either 'artifact', which is registered, or its 'digest'"),
        (artifact(digest=A, artifact="model", path="x"), "name either 'artifact'"),
        (artifact(digest="sha256:ab", path="x"), "should match pattern"),
        (artifact(digest=A, path="x", name="m"), "'name' goes with 'artifact'"),
        (artifact(digest=A, path="x", token=URL), "'token' with 'url'"),
        (artifact(artifact="weights", path="x"), "Input should be 'model'"),
        ({**DRAINED, "at_most": -1}, "greater than or equal to 0"),
        ({**DRAINED, "apart": "2h"}, "one look may take 1h at most"),
        ({**DRAINED, "count": {**FILE, "kind": "disk"}}, "does not match any of the expected tags"),
        ({**PAIRING, "one": {**FILE, "field": ""}}, "at least 1 character"),
        ({**PURGED, "age_below": None}, "say how old content is told"),
        ({**PURGED, "purge": {"url": "http://h", "method": "GET"}}, "Input should be 'POST'"),
        ({**OUTPUTS, "ids": None}, "valid string"),
    ],
)
def test_what_makes_no_sense_is_an_error_that_says_what_would(config: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        CHECK.validate_python(config)
    assert says in str(wrong.value)


@pytest.mark.parametrize(
    ("config", "changes"),
    [
        (HTTP, ""),
        (COMMAND, "it runs a command"),
        (PURGED, ""),
        ({**PURGED, "purge": {"url": "http://h"}}, "it purges a cache"),
        (OUTPUTS, ""),
        ({**OUTPUTS, "mark": "UPDATE o SET q = 1", "left": "SELECT 1"}, "it marks outputs"),
    ],
)
def test_what_a_look_changes_is_known(config: dict[str, Any], changes: str) -> None:
    assert effect(CHECK.validate_python(config)) == changes


def site_with(config: dict[str, Any]) -> Site:
    text = Path("tests/unit/data/site.yaml").read_text()
    site = load_site(text, file="site.yaml")
    return site.model_copy(update={"checks": {"looked": CHECK.validate_python(config)}})


def said(config: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the problems of a check: the way to each, and its message."""
    return [
        (".".join(map(str, problem.path)), problem.message) for problem in site_problems(site_with(config))
    ]


@pytest.mark.parametrize("config", ALL, ids=lambda config: config["kind"])
def test_a_check_as_it_should_be_has_no_problem(config: dict[str, Any]) -> None:
    assert said(config) == []


SOURCE = {"kind": "source", "source": "metrics", "query": "depth"}
MARKED = {**OUTPUTS, "mark": "UPDATE o SET q = 1 WHERE release = :release", "left": "SELECT 1"}
ODD: list[tuple[dict[str, Any], str, str]] = [
    ({**HTTP, "url": "h/c"}, "url", "'h/c' is not an address"),
    ({**HTTP, "url": "http://u:p@h/c"}, "url", "a secret is named, never written into an address"),
    ({**HTTP, "url": "http://h/$relase"}, "url", "relase"),
    ({**HTTP, "token": URL}, "url", "the token would be sent for all to read"),
    ({**HTTP, "expect": {"id": "$relase"}}, "expect.id", "relase"),
    ({**SQL, "query": "SELECT '$release'"}, "query", "write :release where you wrote $release"),
    ({**SQL, "query": "SELECT :at"}, "query", "'at'"),
    ({**SQL, "expect": "$relase"}, "expect", "relase"),
    (
        {**COMMAND, "command": ["x", "--r=$release"]},
        "command.1",
        "'$release' is filled in only where it is a",
    ),
    ({**COMMAND, "command": ["x", "$relase"]}, "command.1", "relase"),
    (artifact(digest=A, path="$relase"), "artifacts.0.path", "relase"),
    (artifact(digest=A, url="http://h/x", token=URL), "artifacts.0.url", "for all to read"),
    ({**DRAINED, "apart": "5s"}, "apart", "the time is over before the second look"),
    ({**DRAINED, "count": {**SOURCE, "source": "metrix"}}, "count.source", "metrix"),
    ({**PAIRING, "other": FILE}, "other", "both are the same place"),
    ({**PAIRING, "one": {**FILE, "path": "$x"}}, "one.path", "'x'"),
    ({**PAIRING, "one": {"kind": "sql", "url": URL, "query": "SELECT :x"}}, "one.query", "'x'"),
    ({**PAIRING, "one": {"kind": "http", "url": "x", "field": "y"}}, "one.url", "is not an address"),
    (
        {**PURGED, "purge": {"url": "http://cdn.example/p", "token": URL}},
        "purge.url",
        "the token would be sent for all to read",
    ),
    ({**PURGED, "origin": "http://h/c"}, "origin", "it is the address of the cache itself"),
    ({**PURGED, "not_fields": {"id": "$relase"}}, "not_fields.id", "relase"),
    ({**PURGED, "not_headers": {"ETag": "$relase"}}, "not_headers.ETag", "relase"),
    ({**MARKED, "left": None}, "mark", "nothing would show that it marked them all; add 'left'"),
    ({**MARKED, "of": "baseline"}, "of", "it would quarantine what the last known good release produced"),
    ({**MARKED, "mark": "UPDATE o SET q = ':' || '$release'"}, "mark", "write :release"),
    ({**OUTPUTS, "ids": "SELECT :x"}, "ids", "'x'"),
]


@pytest.mark.parametrize(("config", "place", "says"), ODD)
def test_what_is_odd_is_told_with_its_place(config: dict[str, Any], place: str, says: str) -> None:
    ((path, message),) = said(config)
    assert path == f"checks.looked.{place}"
    assert says in message


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_a_token_may_go_to_this_machine_without_tls(host: str) -> None:
    assert said({**HTTP, "url": f"http://{host}:8000/c", "token": URL}) == []


def test_a_script_of_a_shell_may_have_its_own_words() -> None:
    assert said({**COMMAND, "command": ["/bin/sh", "-c", 'test "$1" != x', "sh", "$release"]}) == []


def test_an_unknown_source_is_told_with_the_known_ones_and_its_line() -> None:
    text = Path("tests/unit/data/site.yaml").read_text()
    config = "  queue: {kind: drained, timeout: 9s, count: {kind: source, source: metrix, query: x}}\n"
    text = text.replace("checks:\n", f"checks:\n{config}")
    line = text[: text.index("metrix")].count("\n") + 1
    with pytest.raises(InvalidDocument) as wrong:
        load_site(text, file="site.yaml")
    (problem,) = wrong.value.problems
    assert problem.startswith(f"site.yaml:{line}:")
    assert "checks.queue.count.source" in problem
    assert "metrics" in problem
