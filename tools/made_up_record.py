"""Arms the playbooks of tests and benchmarks, which are about what follows once a rule has fired.

No data is behind such a record. Never write one beside a playbook that guards a release.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from backout.arming import Record, guard_digest
from backout.backtest import Caught, Gate, Period
from backout.lint import checked_playbook
from backout.playbook import Playbook
from deployment import load_templates, record_path

START = datetime(2026, 1, 5, tzinfo=UTC)


def made_up_record(playbook: Playbook) -> Record:
    """Return a record that arms every rule of a playbook."""
    bad = Period(start=START, end=START + timedelta(hours=1))
    rules = tuple(rule.id for rule in playbook.rules)
    return Record(
        playbook=playbook.playbook,
        guard=guard_digest(playbook.guard),
        data="sha256:" + 64 * "0",
        provenance="none; for a test",
        start=START,
        end=START + timedelta(days=100),
        healthy_days=99.0,
        false=0,
        at_most_per_day=0.03,
        caught=(Caught(period=bad, rule=rules[0], at=START + timedelta(minutes=5)),),
        gate=Gate(max_false_per_day=0.033, must_catch=timedelta(minutes=15), rules=rules),
        passed=True,
        version="test",
        recorded_at=START,
    )


def arm(file: Path) -> None:
    """Write such a record beside a playbook's file."""
    text = file.read_text(encoding="utf-8")
    playbook = checked_playbook(text, file=str(file), templates=load_templates(), site=None)
    record = made_up_record(playbook).model_dump_json(indent=2) + "\n"
    record_path(file).write_text(record, encoding="utf-8")
