"""A backtest on what a real Prometheus remembers: as on a file, with the queries of the playbook."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import monitoring
from tests.acceptance.running import ROOT
from tests.acceptance.test_prometheus_end_to_end import PLAYBOOK, SITE, TOKEN

pytestmark = [
    monitoring.NEEDED,
    pytest.mark.skipif(not shutil.which("promtool"), reason="apt-get install --yes prometheus"),
]

TICK = timedelta(seconds=15)
START = (datetime.now(UTC) - timedelta(hours=12)).replace(minute=0, second=0, microsecond=0)
BAD = (START + timedelta(hours=1), START + timedelta(hours=1, minutes=20))
END = START + timedelta(hours=2)
OUTAGE = (START + timedelta(minutes=20), START + timedelta(minutes=30))


def open_metrics() -> str:
    """Return what Prometheus would have scraped: 40 requests a tick, bad ones as the release was."""
    draw = random.Random(1)
    errors: list[str] = []
    requests: list[str] = []
    bad = number = 0
    while START + number * TICK <= END:
        at = START + number * TICK
        number += 1
        bad += sum(draw.random() < (0.3 if BAD[0] < at <= BAD[1] else 0.01) for _ in range(40))
        if not OUTAGE[0] < at < OUTAGE[1]:
            errors.append(f'chat_errors_total{{release="r2"}} {bad} {at.timestamp()}')
            requests.append(f'chat_requests_total{{release="r2"}} {40 * number} {at.timestamp()}')
    heads = ("# TYPE chat_errors counter", "# TYPE chat_requests counter")
    return "\n".join([heads[0], *errors, heads[1], *requests, "# EOF\n"])


def write_site(folder: Path, prometheus: str) -> Path:
    (folder / "playbooks").mkdir()
    text = PLAYBOOK.replace("tick: 1s", "tick: 15s").replace("sustain: 3s", "sustain: 1m")
    text = text.replace("false_alarm: 1h, false_hold: 10m", "false_alarm: 100d, false_hold: 7d")
    text = text.replace("soak: 3s", "soak: 1m").replace("window: 3s, within: 1m", "window: 3m, within: 10m")
    (folder / "playbooks/chat.yaml").write_text(text)
    (folder / "token").write_text(TOKEN)
    (folder / "site.yaml").write_text(SITE.replace("PROMETHEUS", prometheus).replace("BASELINE", "r1"))
    return folder / "site.yaml"


def backtest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli.main", "backtest", str(folder / "playbooks/chat.yaml"), *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_what_prometheus_remembers_is_backtested_with_its_gaps(tmp_path: Path) -> None:
    (tmp_path / "history.txt").write_text(open_metrics())
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", "history.txt", "series"],  # noqa: S607  # Debian's
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    with monitoring.prometheus(tmp_path, "global: {scrape_interval: 15s}\n") as prometheus:
        write_site(tmp_path, prometheus)
        asked = ("--source", "prometheus", "--from", START.isoformat(), "--to", END.isoformat())
        gate = ("--bad", f"{BAD[0].isoformat()}..{BAD[1].isoformat()}", "--must-catch", "5m")
        done = backtest(tmp_path, *asked, *gate, "--release", "r2", "--json")
        unknown = backtest(tmp_path, "--source", "promteheus", *asked[2:])
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)["result"]
    (caught,) = told["caught"]
    assert caught["rule"] == "critical"
    after = datetime.fromisoformat(caught["at"]) - BAD[0]
    assert timedelta(minutes=1) <= after <= timedelta(minutes=4)
    assert told["false"] == 0
    assert told["ticks"] == (END - START) // TICK + 1
    (blind,) = told["blind"]
    # Prometheus goes on with the last sample for five minutes; then it has none.
    assert blind["source"] == "prometheus"
    assert blind["blind_s"] >= timedelta(minutes=4).total_seconds()
    assert unknown.returncode == 2
    assert "Unknown source 'promteheus'. Known: prometheus." in unknown.stderr
