"""One `backout up` for all tests that only talk to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.running import Up, up, write_site


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Return a `backout up` that runs as long as the tests do."""
    folder: Path = tmp_path_factory.mktemp("site")
    write_site(folder)
    with up(folder) as one:
        yield one


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder with a site of its own."""
    write_site(tmp_path)
    return tmp_path
