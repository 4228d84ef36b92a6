"""`backout backtest --record`: what is kept beside the playbook, and what it arms."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest

from backout.arming import LEAST_HEALTHY_DAYS, Record, disarmed
from backout.lint import checked_playbook
from backout.playbook import Playbook
from deployment import load_record, load_templates
from tests.unit.backtested import BAD, BAD_HOUR, GATE, SLOW, days, run, slow_playbook

MONTH = round(timedelta(days=LEAST_HEALTHY_DAYS + 1) / SLOW)
"""Ticks of enough healthy days."""


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    return slow_playbook(tmp_path)


def read(playbook: Path) -> Playbook:
    known = load_templates() | {"notices/support.md.j2": "# A title\nA text."}
    return checked_playbook(playbook.read_text(), file=str(playbook), templates=known, site=None)


def kept(playbook: Path) -> Record:
    record = load_record(playbook)
    assert isinstance(record, Record)
    return record


def test_a_record_of_a_month_arms_the_playbook_and_names_the_data(playbook: Path, tmp_path: Path) -> None:
    data = days(tmp_path, [*BAD_HOUR, (MONTH, 0.0005)])
    result = run(playbook, "--data", data, *GATE[:-1], "0.033", "--record", "--provenance", "our March")
    assert result.exit_code == 0, result.output
    assert "Not armed" not in result.stdout
    record = kept(playbook)
    assert record.data == f"sha256:{hashlib.sha256(data.read_bytes()).hexdigest()}"
    assert (record.provenance, record.synthetic, record.false) == ("our March", False, 0)
    assert record.gate.must_catch == timedelta(hours=1)
    assert disarmed(read(playbook), record) == {}


@pytest.mark.parametrize("allowed", ["1", "1e9"])
def test_a_gate_that_allows_nearly_anything_is_recorded_and_arms_nothing(
    playbook: Path, tmp_path: Path, allowed: str
) -> None:
    data = days(tmp_path, [*BAD_HOUR, (200, 0.0005)])
    gate = (*GATE[:-1], allowed)
    result = run(playbook, "--data", data, *gate, "--record")
    assert result.exit_code == 0, result.output
    assert "Not armed: rule critical; the recorded backtest had a gate of" in result.stdout
    record = kept(playbook)
    assert record.passed
    assert set(disarmed(read(playbook), record)) == {"critical"}
    told = json.loads(run(playbook, "--data", data, *gate, "--record", "--json").stdout)
    assert told["disarmed"].keys() == {"critical"}


def test_a_backtest_that_fails_is_recorded_too_and_arms_nothing(playbook: Path, tmp_path: Path) -> None:
    data = days(tmp_path, [*BAD_HOUR, (200, 0.0005)])
    result = run(
        playbook, "--data", data, "--bad", BAD, "--must-catch", "1m", "--max-false-per-day", "1", "--record"
    )
    assert result.exit_code == 1
    assert not kept(playbook).passed
    assert "Not armed: rule critical; the recorded backtest did not pass its gate." in result.stdout
