"""`backout playbook`: what its commands print, and with which exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from backout import criteria, rules, signals
from backout.playbook_schema import playbook_schema
from backout.yaml_tree import read_tree
from cli.playbook import app
from tests.unit.linted import TEXT
from tools.made_up_record import arm
from tools.playbook_reference import EXAMPLES, PAGE, page

SITE = Path(__file__).parent / "data" / "site.yaml"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def line_of(word: str, text: str) -> int:
    return text[: text.index(word)].count("\n") + 1


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    path = tmp_path / "complete.yaml"
    path.write_text(TEXT, encoding="utf-8")
    arm(path)
    return path


def test_lint_of_a_sound_playbook_exits_with_0(playbook: Path) -> None:
    result = run("lint", playbook, "--site", SITE)
    assert (result.exit_code, result.stdout) == (0, "1 playbook checked: no problems.\n")


def test_lint_reads_the_backtest_beside_the_playbook(playbook: Path) -> None:
    playbook.with_name("complete.backtest.json").unlink()
    result = run("lint", playbook, "--site", SITE)
    assert result.exit_code == 0
    told = f"{playbook}:{line_of('authority: auto', TEXT)}:62: warning: rules[0].authority: "
    assert result.stdout.startswith(f"{told}rule 'critical' acts as 'approve': no backtest is recorded")


def test_lint_without_a_site_says_what_was_not_checked(playbook: Path) -> None:
    hint = "Without --site, the site's names and people were not checked."
    assert run("lint", playbook).stdout == f"1 playbook checked: no problems. {hint}\n"


def test_lint_prints_a_line_for_each_problem_of_each_file_and_a_summary(
    playbook: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("playbook: other\n\tversion: 1\n", encoding="utf-8")
    text = TEXT.replace("owner: product", "owner: produkt")
    playbook.write_text(text, encoding="utf-8")
    result = run("lint", playbook, other, "--site", SITE)
    said = "unknown role 'produkt'; did you mean 'product'? Known: on_call, commander, product"
    assert result.stdout.splitlines() == [
        f"{playbook}:{line_of('produkt', text)}:27: steps[5].owner: {said}",
        f"{other}:2:1: this is not YAML: a tab cannot stand here; indent with spaces",
        "2 playbooks checked: 2 errors, 0 warnings.",
    ]
    assert result.exit_code == 1


def test_lint_does_not_fail_for_warnings(playbook: Path) -> None:
    playbook.write_text(TEXT.replace("[50, 10, 0]", "[50, 10]"), encoding="utf-8")
    result = run("lint", playbook, "--site", SITE)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "1 playbook checked: 0 errors, 1 warning."
    assert ": warning: steps[2].stages[1]: the last stage leaves 10 %" in result.stdout


def test_lint_prints_json_for_machines(playbook: Path) -> None:
    playbook.write_text(TEXT.replace("tick: 15s", "tick: 15"), encoding="utf-8")
    result = run("lint", playbook, "--json")
    message = "'15' is not a duration. Write a number with its unit, such as 15s, 5m, 1h30m or 5d"
    assert json.loads(result.stdout) == [
        {
            "file": str(playbook),
            "line": 12,
            "column": 7,
            "path": "tick",
            "message": message,
            "severity": "error",
        }
    ]
    assert result.exit_code == 1


def test_lint_tells_the_problems_of_the_site_first_and_goes_on(playbook: Path, tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("site: x\n", encoding="utf-8")
    playbook.write_text(TEXT.replace("tick: 15s", "tick: 15"), encoding="utf-8")
    result = run("lint", playbook, "--site", site)
    told = result.stdout.splitlines()
    assert told[0] == f"{site}:1:1: people: missing"
    assert told[-2].startswith(f"{playbook}:12:7: tick:")
    assert result.exit_code == 1


def test_lint_refuses_a_file_that_is_no_utf_8(playbook: Path) -> None:
    playbook.write_bytes(b"playbook: complete\nscenario: caf\xe9\n")
    result = run("lint", playbook)
    assert result.stdout.startswith(
        f"{playbook}:2:14: the file is not UTF-8 text; save it in that encoding\n"
    )
    assert result.exit_code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["lint"],
        ["lint", "no/such/file.yaml"],
        ["lint", str(SITE), "--site", "no/such/site.yaml"],
        ["show"],
        ["lnt"],
    ],
    ids=[
        "no file",
        "a file that is not there",
        "a site that is not there",
        "nothing to show",
        "no such command",
    ],
)
def test_a_wrong_command_line_exits_with_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_show_prints_the_checklist_with_the_people_of_the_site_and_the_notices(playbook: Path) -> None:
    result = run("show", playbook, "--site", SITE)
    assert result.exit_code == 0
    assert result.stdout.startswith("# complete, version 3\n")
    assert "| commander | Ben | Decides. |" in result.stdout
    assert "### templates/notices/customers.md.j2" in result.stdout
    assert result.stderr == ""


def test_show_prints_a_draft_too_but_says_on_the_side_what_is_wrong_with_it(playbook: Path) -> None:
    text = TEXT.replace("policy: ladder", "policy: stairs")
    playbook.write_text(text, encoding="utf-8")
    result = run("show", playbook)
    assert result.exit_code == 0
    assert "Page by the policy stairs" in result.stdout
    place = f"{playbook}:{line_of('stairs', text)}:46"
    assert result.stderr == f"{place}: steps[1].policy: unknown escalation policy 'stairs'. Known: ladder\n"


def test_show_prints_a_rule_without_a_backtest_as_it_acts(playbook: Path) -> None:
    alone = "reverts at once; nobody is asked"
    assert alone in run("show", playbook).stdout
    playbook.with_name("complete.backtest.json").unlink()
    result = run("show", playbook)
    assert (result.exit_code, alone in result.stdout) == (0, False)
    assert result.stderr.startswith("Rule critical is shown as it acts, with an approval: no backtest is")


def test_show_of_what_is_no_playbook_prints_its_problems_alone(playbook: Path) -> None:
    playbook.write_text("playbook: complete\n", encoding="utf-8")
    result = run("show", playbook)
    assert result.exit_code == 1
    assert f"{playbook}:1:1: steps: missing" in result.stdout
    assert "#" not in result.stdout


def test_schema_prints_a_json_schema_that_editors_understand() -> None:
    result = run("schema")
    schema = json.loads(result.stdout)
    assert result.exit_code == 0
    assert schema == playbook_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "Backout playbook"
    assert schema["additionalProperties"] is False


def test_the_schema_describes_fields_with_their_docstrings_and_examples() -> None:
    schema = playbook_schema()
    step, limit = schema["$defs"]["RevertStep"], schema["$defs"]["LimitTest"]
    assert step["properties"]["soak"]["description"] == "How long each stage is watched before the next."
    assert step["properties"]["soak"]["examples"] == ["15s", "5m", "1h30m", "5d"]
    assert limit["properties"]["max"]["anyOf"][0]["examples"] == ["30 per 10000", "1.5%", 0.003]


def test_the_schema_lets_out_what_a_playbook_may_leave_out() -> None:
    definitions = playbook_schema()["$defs"]
    steps = [about for about in definitions.values() if "step" in about.get("properties", {})]
    assert len(steps) == 10
    assert all("name" not in step["required"] for step in steps)
    assert definitions["Evidence"]["properties"]["false_alarm"]["default"] == "100d"


def test_every_default_of_the_schema_is_as_people_write_it() -> None:
    schema = playbook_schema()
    assert schema["properties"]["rearm"]["default"] == {"quiet": "10m", "cooldown": "1h"}
    assert schema["$defs"]["Veto"]["properties"]["max_hold"]["default"] == "30m"
    assert not re.search(r'"P[\dT][^"]*"', json.dumps(schema))


def test_a_condition_of_the_schema_holds_conditions_of_every_kind() -> None:
    definitions = playbook_schema()["$defs"]
    kinds = [{"$ref": f"#/$defs/{name}"} for name in ("AnyOf", "AllOf", "AtLeast")]
    assert definitions["Rule"]["properties"]["when"]["oneOf"] == kinds
    for name, field in (("AnyOf", "any_of"), ("AllOf", "all_of"), ("AtLeast", "of")):
        assert definitions[name]["properties"][field]["items"]["oneOf"][1:] == kinds
        assert definitions[name]["additionalProperties"] is False


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_of_the_reference_is_read_by_its_model(name: str) -> None:
    model = next(vars(module)[name] for module in (signals, criteria, rules) if name in vars(module))
    example = read_tree(EXAMPLES[name])
    assert example.problems == []
    assert model.model_validate(example.value)
    assert EXAMPLES[name] in page()


def test_every_part_of_the_trigger_language_has_an_example() -> None:
    definitions = playbook_schema()["$defs"]
    parts = {name for name in definitions if name.endswith(("Signal", "Test"))}
    assert parts | {"AnyOf", "AllOf", "AtLeast", "Veto", "Judgment", "Occasion", "Rearm"} <= set(EXAMPLES)


def test_the_reference_says_what_the_models_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: python -m tools.playbook_reference"
