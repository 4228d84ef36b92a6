"""Against a real Prometheus: plain, and with everything that it can ask for."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple, TypeAlias
from wsgiref.simple_server import WSGIServer

import pytest
from prometheus_client import CollectorRegistry, Counter, start_http_server

from adapters.fetch import Access
from adapters.sources.prometheus import PrometheusApi
from adapters.tls import tls_context
from backout.counting import Totals
from backout.errors import FileUnreadable, RejectedBySystem, Unreachable
from tests import monitoring

Open: TypeAlias = Callable[..., PrometheusApi]

SCRAPING = """
global: {scrape_interval: 1s}
scrape_configs:
  - {job_name: chat, static_configs: [{targets: [TARGETS]}]}
"""
# The hash of 's3cret'; it opens nothing but the server of these tests.
GUARDED = """
tls_server_config:
  {cert_file: server.pem, key_file: server.key, client_ca_file: ca.pem,
   client_auth_type: RequireAndVerifyClientCert}
basic_auth_users: {backout: $2b$04$LgwA1BZXb367giN/QjfUXOje/tYO.4P/JjyPC3By0XyQt500Q6w/C}
"""
PATIENCE_S = 30


class Real(NamedTuple):
    """A Prometheus that watches three replicas of a service."""

    address: str
    leaving: WSGIServer
    """The page of the replica that a test may end; it alone counts `leaving_total`."""


@contextmanager
def replica(name: str, **counted: int) -> Iterator[WSGIServer]:
    """Serve the metrics page of one replica: a counter by status code."""
    registry = CollectorRegistry()
    counter = Counter(name, "Answers.", ["release", "code"], registry=registry)
    for code, number in counted.items():
        counter.labels("2026.11+b1", code.removeprefix("code")).inc(number)
    server, _ = start_http_server(0, addr="127.0.0.1", registry=registry)
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
async def real(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Real]:
    with ExitStack() as stack:
        first = stack.enter_context(replica("answers", code200=90, code500=10))
        second = stack.enter_context(replica("answers", code200=900))
        third = stack.enter_context(replica("leaving", code200=7))
        targets = ", ".join(f"'127.0.0.1:{server.server_port}'" for server in (first, second, third))
        config = SCRAPING.replace("TARGETS", targets)
        folder = tmp_path_factory.mktemp("prometheus")
        address = f"http://{stack.enter_context(monitoring.prometheus(folder, config))}/"
        source = PrometheusApi(address, timedelta(seconds=20))
        await until(source, "sum(answers_total) + sum(leaving_total)", 1007)
        await source.aclose()
        yield Real(address, third)


async def until(source: PrometheusApi, query: str, wanted: float | None) -> None:
    """Wait until a query has this answer."""
    async with asyncio.timeout(PATIENCE_S):
        while await source.count(query=query) != wanted:  # noqa: ASYNC110  # it happens in another process
            await asyncio.sleep(0.05)


@monitoring.NEEDED
@pytest.mark.parametrize(
    ("query", "count"),
    [
        pytest.param("sum(answers_total)", 1000, id="a sum over replicas"),
        pytest.param('answers_total{code="500"}', 10, id="the only series that matches"),
        pytest.param('sum(answers_total{release="2026.11+b1"})', 1000, id="the series of a release"),
        pytest.param("sum(answers_total) / 8", 125, id="whatever PromQL can calculate"),
        pytest.param("scalar(sum(answers_total))", 1000, id="a scalar"),
        pytest.param("vector(0)", 0, id="zero is a count"),
        pytest.param('answers_total{code="404"}', None, id="nothing matches"),
        pytest.param("sum(no_such_total)", None, id="a sum of nothing"),
        pytest.param("0 / 0", None, id="not a number"),
        pytest.param("scalar(answers_total)", None, id="a scalar of many series"),
        pytest.param("1 / 0", None, id="infinite"),
        pytest.param("-sum(answers_total)", None, id="below zero"),
    ],
)
async def test_a_query_is_a_number_or_no_data_and_never_a_made_up_zero(
    real: Real, api: Open, query: str, count: float | None
) -> None:
    assert await api(real.address).count(query=query) == count


@monitoring.NEEDED
@pytest.mark.parametrize(
    ("query", "why"),
    [
        pytest.param(
            'answers_total{code="200"}',
            r"yields 2 series where one is needed, the first is answers_total\{code=\"200\", instance=\"127.*"
            r"\}; sum\(\.\.\.\) makes it one\. Trying again will not help",
            id="many series",
        ),
        pytest.param("sum(", r"'sum\(': .*parse error: unclosed left parenthesis\.", id="no PromQL"),
        pytest.param(
            "answers_total / on(release) answers_total",
            "found duplicate series for the match group",
            id="PromQL that cannot be evaluated",
        ),
        pytest.param("answers_total[5m]", "': it yields a matrix where a number is needed", id="a range"),
        pytest.param("'text'", "yields a string where a number is needed", id="a text"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused_and_named_with_the_reason(
    real: Real, api: Open, query: str, why: str
) -> None:
    with pytest.raises(RejectedBySystem, match=why):
        await api(real.address).totals(queries=[("vector(1)", "vector(2)"), (query, "vector(2)")])


@monitoring.NEEDED
async def test_numerator_and_denominator_are_counted_apart(real: Real, api: Open) -> None:
    bad, of = 'sum(answers_total{code=~"5.."})', "sum(answers_total)"
    assert await api(real.address).totals(queries=[(bad, of), (of, "sum(no_such_total)")]) == (
        Totals(bad=10, of=1000),
        Totals(bad=1000, of=None),
    )


@monitoring.NEEDED
async def test_all_queries_of_a_look_are_evaluated_at_one_time(real: Real, api: Open) -> None:
    queries = [(f"time() + 0 * {n}", f"time() - 0 * {n}") for n in range(20)]
    source = api(real.address)
    first, second = await source.totals(queries=queries), await source.totals(queries=queries)
    assert len(set(first)) == 1
    assert first[0].of == first[0].bad
    assert second[0].of != first[0].of


@monitoring.NEEDED
async def test_the_last_value_bridges_a_replica_that_is_not_seen(real: Real, api: Open) -> None:
    source = api(real.address)
    real.leaving.shutdown()
    real.leaving.server_close()
    await until(source, "sum(leaving_total)", None)
    assert await source.count(query="sum(last_over_time(leaving_total[5m]))") == 7


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an authority, and with what it has signed for a server and for a client."""
    if shutil.which("openssl") is None:
        pytest.skip("apt-get install --yes openssl")
    folder = tmp_path_factory.mktemp("certificates")
    make = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "server", "client", "stranger"):
        signed = () if name in {"ca", "stranger"} else ("-CA", "ca.pem", "-CAkey", "ca.key")
        subject = ("-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1")
        files = ("-out", f"{name}.pem", "-keyout", f"{name}.key")
        subprocess.run([*make, *signed, *subject, *files], cwd=folder, check=True, capture_output=True)
    return folder


@monitoring.NEEDED
async def test_a_guarded_server_answers_those_who_show_what_it_asks_for(
    certificates: Path, api: Open
) -> None:
    ca, stranger = certificates / "ca.pem", certificates / "stranger.pem"
    shown = {"certificate": certificates / "client.pem", "key": certificates / "client.key"}
    tls = tls_context(ca=ca, **shown)
    known = ("backout", "s3cret")

    with monitoring.prometheus(certificates, "", web=GUARDED) as at:

        async def ask(access: Access) -> float | None:
            return await api(f"https://{at}", access=access).count(query="vector(1)")

        assert await ask(Access(basic=known, tls=tls)) == 1
        for basic in (None, ("backout", "another"), ("other", "s3cret")):
            with pytest.raises(
                RejectedBySystem, match="answered 401: it does not know us; give it 'token' or"
            ):
                await ask(Access(basic=basic, tls=tls))
        with pytest.raises(Unreachable):
            await ask(Access(basic=known, tls=tls_context(ca=ca, certificate=None, key=None)))
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            await ask(Access(basic=known, tls=tls_context(ca=stranger, **shown)))
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            await ask(Access(basic=known))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"ca": "none.pem"}, r"The authority .*none\.pem cannot be read: No such file.*certificates in PEM"),
        ({"ca": "client.key"}, r"The authority .*client\.key cannot be read: .*no certificate"),
        (
            {"certificate": "none.pem"},
            "The client certificate .*none.pem with the key .*client.key cannot be",
        ),
        ({"key": "none.key"}, "with the key .*none.key cannot be read: No such file"),
        ({"key": "server.key"}, "KEY_VALUES_MISMATCH.*Both must be PEM and belong together"),
        ({"key": "locked.key"}, "the key has no passphrase"),
    ],
    ids=["no authority", "no certificate in it", "no certificate", "no key", "another key", "a passphrase"],
)
def test_a_file_that_cannot_serve_is_named(certificates: Path, changed: dict[str, str], why: str) -> None:
    lock = ("openssl", "ec", "-in", "client.key", "-aes128", "-passout", "pass:abcd", "-out", "locked.key")
    subprocess.run(lock, cwd=certificates, check=True, capture_output=True)
    files = {"ca": "ca.pem", "certificate": "client.pem", "key": "client.key"} | changed
    with pytest.raises(FileUnreadable, match=why):
        tls_context(**{name: certificates / file for name, file in files.items()})
