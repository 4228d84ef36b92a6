from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

import psycopg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.fetch import OPEN, Access
from adapters.sources.exposition import ExpositionMetrics
from adapters.sources.prometheus import PrometheusApi
from tests import mlflow, postgres, unleash
from tests.adapters.certificates import Certificates, sign
from tests.adapters.checked import Checks
from tests.adapters.feedback import ROWS, TABLE, World, sqlite_address
from tests.ports import kept_port

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve: TypeAlias = Callable[[Handler], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """A real server on loopback: every request goes to the handler. The address ends without a slash."""
    servers: list[TestServer] = []

    async def start(handler: Handler) -> str:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        servers.append(server)
        return str(server.make_url("/")).rstrip("/")

    yield start
    for server in servers:
        await server.close()


@pytest.fixture
def closed_address() -> Iterator[str]:
    """An address on which nobody listens, and nobody will."""
    with kept_port() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def api() -> AsyncIterator[Callable[..., PrometheusApi]]:
    """Open a Prometheus source at an address; closed after the test."""
    opened: list[PrometheusApi] = []

    def start(address: str, *, timeout_s: float = 20, access: Access = OPEN) -> PrometheusApi:
        source = PrometheusApi(address, timedelta(seconds=timeout_s), access)
        opened.append(source)
        return source

    yield start
    for source in opened:
        await source.aclose()


@pytest.fixture
async def metrics() -> AsyncIterator[Callable[..., ExpositionMetrics]]:
    """Open the metrics page of an address; closed after the test."""
    opened: list[ExpositionMetrics] = []

    def start(address: str, *, timeout_s: float = 30, token: str | None = None) -> ExpositionMetrics:
        source = ExpositionMetrics(f"{address}/metrics", timedelta(seconds=timeout_s), token)
        opened.append(source)
        return source

    yield start
    for source in opened:
        await source.aclose()


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "report.jsonl"


@pytest.fixture
def append(report: Path) -> Callable[..., None]:
    def add(*lines: str) -> None:
        with report.open("a") as file:
            file.writelines(lines)

    return add


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a PostgreSQL database with the same table."""
    with postgres.postgresql() as place:
        address = f"postgresql://{postgres.USER}:{quote(postgres.PASSWORD, safe='')}@{place}/postgres"
        with psycopg.connect(address) as connection:
            connection.execute(TABLE)
            connection.cursor().executemany("INSERT INTO feedback VALUES (%s, %s, %s, %s, %s)", ROWS)
            # Whatever zone the server's own is: it must not matter.
            connection.execute("ALTER DATABASE postgres SET timezone = 'Asia/Tokyo'")
        yield address


@pytest.fixture(scope="session")
def mlflow_server() -> Iterator[mlflow.Running]:
    """A real MLflow; each test has a model of its own in it."""
    with mlflow.mlflow() as running:
        yield running


@pytest.fixture(scope="session")
def unleash_server() -> Iterator[unleash.Running]:
    """A real Unleash on a real PostgreSQL; each test has a feature of its own in it."""
    with postgres.postgresql() as place, unleash.unleash(place) as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=postgres.NEEDED)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "sqlite":
        return World("sqlite", sqlite_address(tmp_path / "feedback.db"))
    return World("postgresql", request.getfixturevalue("server"))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority of our own, and what it has signed for a server on loopback."""
    return sign(tmp_path_factory.mktemp("signed"))


@pytest.fixture
async def checks(tmp_path: Path) -> AsyncIterator[Checks]:
    """Integrity checks in a folder of their own; closed after the test."""
    opened = Checks(tmp_path)
    yield opened
    await opened.aclose()
