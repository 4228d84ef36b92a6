"""`backout backtest`: what it prints, writes and refuses, and with which exit codes."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.unit.backtested import BAD, BAD_HOUR, GATE, HEADER, SLOW, days, run, slow_playbook
from tests.unit.recorded import START, stream


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    return slow_playbook(tmp_path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return two healthy days with a bad hour in them."""
    return days(tmp_path, [*BAD_HOUR, (200, 0.0005)])


def test_a_gate_that_is_passed_exits_with_0_and_says_what_was_caught(playbook: Path, data: Path) -> None:
    result = run(playbook, "--data", data, *GATE)
    assert result.exit_code == 0, result.output
    assert "caught by critical after" in result.stdout
    assert "Gate passed." in result.stdout
    assert "a day with 95 % confidence" in result.stdout


def test_a_gate_that_is_not_passed_exits_with_1_and_says_why(playbook: Path, data: Path) -> None:
    result = run(playbook, "--data", data, "--bad", BAD, "--must-catch", "1m")
    assert result.exit_code == 1
    assert "Gate FAILED: the bad period from" in result.stdout
    result = run(playbook, "--data", data, *GATE[:-1], "0.01")
    assert result.exit_code == 1
    assert "healthy days are too few to show 0.01 false fires a day" in result.stdout


def test_without_a_gate_it_tells_and_exits_with_0(playbook: Path, data: Path) -> None:
    result = run(playbook, "--data", data)
    assert result.exit_code == 0
    assert "No gate was given" in result.stdout


def test_machines_get_every_number(playbook: Path, data: Path) -> None:
    result = run(playbook, "--data", data, *GATE, "--json")
    told = json.loads(result.stdout)
    assert told["passed"] is True
    assert told["result"]["caught"][0]["rule"] == "critical"
    assert told["result"]["healthy_days"] == pytest.approx(2.1, abs=0.1)
    assert {one["rule"] for one in told["result"]["rules"]} == {"critical", "owned", "bias"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param((), "exactly one of --data and --source", id="no data"),
        pytest.param(("--source", "chat-metrics"), "--source needs --from and --to", id="no span"),
        pytest.param(
            ("--source", "a", "--from", "2026-03-02T08:00:00", "--to", "2026-03-03T08:00:00Z"),
            "has no time zone",
            id="naive time",
        ),
        pytest.param(
            ("--source", "a", "--from", "2026-03-03T08:00:00Z", "--to", "2026-03-02T08:00:00Z"),
            "--to is not after --from",
            id="backwards",
        ),
        pytest.param(("--data", "DATA", "--bad", "2026-03-02T08:00:00Z"), "write FROM..TO", id="no end"),
        pytest.param(
            ("--data", "DATA", "--bad", "2026-03-02T08:00:00Z..2026-03-02T07:00:00Z"),
            "ends before it begins",
            id="ends early",
        ),
        pytest.param(("--data", "DATA", "--must-catch", "15"), "'15' is not a duration", id="no unit"),
        pytest.param(("--data", "DATA", "--max-false-per-day", "inf"), "'inf' is no number", id="any number"),
        pytest.param(("--data", "DATA", "--max-false-per-day", "-1"), "'-1' is no number", id="below zero"),
        pytest.param(("--data", "DATA", "--record"), "--record needs a gate", id="a record without a gate"),
        pytest.param(
            ("--data", "DATA", "--rule", "critcal"), "Unknown rule 'critcal'. Known: bias", id="no such rule"
        ),
    ],
)
def test_a_command_line_that_makes_no_sense_exits_with_2(
    playbook: Path, data: Path, arguments: tuple[str, ...], said: str
) -> None:
    result = run(playbook, *(str(data) if one == "DATA" else one for one in arguments))
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())


def test_data_that_cannot_be_read_exits_with_2_and_writes_nothing(playbook: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(HEADER + "2026-03-02T08:00:00,errors,1,2\n")
    result = run(playbook, "--data", wrong, *GATE, "--record", "--report", tmp_path / "page.html")
    assert result.exit_code == 2
    assert f"{wrong}:2: '2026-03-02T08:00:00' has no time zone" in result.output
    wrong.write_bytes(HEADER.encode() + b"\xff\xfe")
    assert run(playbook, "--data", wrong).exit_code == 2
    wrong.write_text(HEADER)
    assert "the data is empty" in run(playbook, "--data", wrong).output
    assert {path.name for path in tmp_path.iterdir()} == {"complete.yaml", "wrong.csv"}


class Page(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "action"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_is_one_page_that_loads_nothing_and_shows_every_criterion(
    playbook: Path, data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    result = run(playbook, "--data", data, *GATE, "--report", file)
    assert result.exit_code == 0, result.output
    page = Page()
    page.feed(file.read_text())
    assert page.links == []
    assert "script" not in page.tags
    assert page.tags.count("svg") == 1 + 2 * 2  # the pattern, and two plots for each criterion that counts
    assert "error-limit" in page.text
    assert "The gate is passed." in page.text
    assert page.text.count("1. critical at") == 4  # the mark in each plot


def test_evaluation_reports_are_counted_as_their_source_does(playbook: Path, tmp_path: Path) -> None:
    text = playbook.read_text()
    for query, told in {
        "bad: errors_total": "bad: unsafe.bad",
        "of: requests_total": "of: unsafe.judged",
    }.items():
        text = text.replace(query, told)
    playbook.write_text(text.replace("bad: gap_total", "bad: unsafe.bad"))
    file = tmp_path / "march.jsonl"
    with file.open("w") as lines:
        for number, row in enumerate(stream([(20, 0.0005), (8, 0.2)], judged=300, tick=SLOW)):
            for one in range(int(row.judged)):
                said = {
                    "output": f"{number}-{one}",
                    "at": row.at.isoformat(),
                    "judged_at": row.at.isoformat(),
                }
                lines.write(json.dumps({**said, "verdicts": {"unsafe": one < row.bad}}) + "\n")
    bad = f"{(START + 20 * SLOW).isoformat()}..{(START + 28 * SLOW).isoformat()}"
    result = run(playbook, "--data", file, "--bad", bad, "--must-catch", "1h", "--rule", "critical", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)["result"]
    assert told["caught"][0]["rule"] == "critical"
    assert told["rules"][0]["false_per_day"] == 0
    file.write_text("no report\n")
    assert "no line has a time 'judged_at' or 'at' with its zone" in run(playbook, "--data", file).output


def test_the_grid_is_printed_with_its_warning(playbook: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.csv"
    rows = list(stream([(40, 0.0005), (6, 0.012), (4, 0.0005)], judged=1000, tick=SLOW))
    told = (f"{row.at.isoformat()},errors,{row.bad},{row.judged}\n" for row in rows)
    short.write_text(HEADER + "".join(told))
    bad = f"{(START + 40 * SLOW).isoformat()}..{(START + 46 * SLOW).isoformat()}"
    result = run(playbook, "--data", short, "--bad", bad, "--rule", "critical", "--grid")
    assert result.exit_code == 0, result.output
    assert "in-sample" in result.stdout
    assert "x0.5" in result.stdout
    assert "x1.5" in result.stdout
    grid = json.loads(run(playbook, "--data", short, "--bad", bad, "--grid", "--json").stdout)["grid"]
    assert len(grid["cells"]) == 24
    delays = {cell["factor"]: cell["delays_s"] for cell in grid["cells"] if cell["sustain_s"] == 240}
    assert delays[0.5] <= delays[1.0]
