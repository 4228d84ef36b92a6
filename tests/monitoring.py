"""A real Prometheus and a real Alertmanager on loopback, each in a folder of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PACKAGES = ("prometheus", "prometheus-alertmanager")
"""Debian's packages; each is named as its program."""
NEEDED = pytest.mark.skipif(
    not all(map(shutil.which, PACKAGES)), reason=f"apt-get install --yes {' '.join(PACKAGES)}"
)
PATIENCE_S = 90
_LISTENS = re.compile(r'msg="Listening on" address=(\S+)\s')


@contextmanager
def prometheus(folder: Path, config: str, *, web: str = "") -> Iterator[str]:
    """Run Prometheus with this configuration, and `web` as that of its own page; yield `host:port`."""
    (folder / "prometheus.yml").write_text(config)
    (folder / "web.yml").write_text(web)
    arguments = (f"--storage.tsdb.path={folder / 'series'}", f"--web.config.file={folder / 'web.yml'}")
    with _program("prometheus", folder / "prometheus.yml", *arguments) as (address, log):
        _until(lambda: "Server is ready" in log.read_text(), log)
        yield address


@contextmanager
def alertmanager(folder: Path, config: str) -> Iterator[str]:
    """Run Alertmanager with this configuration; yield `host:port`."""
    (folder / "alertmanager.yml").write_text(config)
    arguments = (f"--storage.path={folder / 'notified'}", "--cluster.listen-address=")
    with _program("prometheus-alertmanager", folder / "alertmanager.yml", *arguments) as (address, _):
        yield address


@contextmanager
def _program(name: str, config: Path, *arguments: str) -> Iterator[tuple[str, Path]]:
    """Run a program on a free port; yield where it listens, and its log."""
    log = config.with_suffix(".log")
    command = [name, f"--config.file={config}", "--web.listen-address=127.0.0.1:0", *arguments]
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=config.parent, stdout=output, stderr=output)
    try:
        _until(lambda: process.poll() is not None or _LISTENS.search(log.read_text()), log)
        listens = _LISTENS.search(log.read_text())
        assert listens, log.read_text()
        yield listens[1], log
    finally:
        process.kill()
        process.wait()


def _until(true: Callable[[], object], log: Path) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < ends, log.read_text()
        time.sleep(0.02)
