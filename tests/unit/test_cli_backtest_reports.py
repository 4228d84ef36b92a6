"""`backout backtest --source` of evaluation reports: days are read that the watch has long forgotten."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from cli.starter import write_starter
from tests.unit.backtested import SLOW, run, slow_playbook
from tests.unit.recorded import START, stream


def test_a_backtest_reads_reports_of_days_that_are_forgotten_otherwise(tmp_path: Path) -> None:
    playbook = slow_playbook(tmp_path)
    text = playbook.read_text().replace("bad: errors_total", "bad: unsafe.bad")
    playbook.write_text(text.replace("of: requests_total", "of: unsafe.judged"))
    site, *_ = write_starter(tmp_path)
    old = "    kind: exposition\n    url: http://127.0.0.1:8000/metrics\n    timeout: 2s\n"
    assert old in site.read_text()
    report = "    kind: report\n    path: march.jsonl\n    keep: 1h\n"
    site.write_text(site.read_text().replace(old, report))
    with (site.parent / "march.jsonl").open("w") as lines:
        for number, row in enumerate(stream([(20, 0.0005), (8, 0.2)], judged=300, tick=SLOW)):
            at = row.at.isoformat()
            for one in range(int(row.judged)):
                said = {"output": f"{number}-{one}", "at": at, "judged_at": at}
                lines.write(json.dumps({**said, "verdicts": {"unsafe": one < row.bad}}) + "\n")
    start, end = START.isoformat(), (START + 28 * SLOW).isoformat()
    bad = f"{(START + 20 * SLOW).isoformat()}..{end}"
    span = ("--from", start, "--to", end, "--bad", bad, "--must-catch", "1h", "--rule", "critical")
    result = run(playbook, "--source", "chat-metrics", "--site", site, *span, "--json")
    told = json.loads(result.stdout)["result"]
    assert told["caught"][0]["rule"] == "critical"
    # Twenty ticks, less two at the edges; with the verdicts of one hour alone they are far fewer.
    assert told["healthy_days"] == pytest.approx(18 * (SLOW / timedelta(days=1)))
