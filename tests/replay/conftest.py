"""The engine on which scenarios are recorded."""

from __future__ import annotations

import pytest

from tests.workflows.conftest import server

__all__ = ["server"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="keep what the scenarios do today")
