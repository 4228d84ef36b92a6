"""One `backout up` for all tests that only talk to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.collector import Collector, collecting
from tests.acceptance.running import Up, until, up, write_site


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Return where the traces of the running `backout up` go."""
    with collecting() as one:
        yield one


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Up]:
    """Return a `backout up` that runs as long as the tests do."""
    folder: Path = tmp_path_factory.mktemp("site")
    write_site(folder)
    with up(folder, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, OTEL_BSP_SCHEDULE_DELAY="100") as one:
        yield one


@pytest.fixture(scope="session")
def incident(running: Up) -> str:
    """Open the only incident as Alertmanager does, and return how people write it."""
    assert running.post_alert(release="r7").status_code == 202
    until(lambda: running.json("incidents", "list", "--open"), "the incident is open")
    return "chat/r7"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder with a site of its own."""
    write_site(tmp_path)
    return tmp_path
