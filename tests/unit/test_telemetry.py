"""Settings from the environment, log lines, and the health page."""

from __future__ import annotations

import asyncio
import logging
from io import StringIO
from typing import Any

import httpx
import pytest

from backout.errors import AddressTaken, BadSetting
from telemetry import Address, LogLine, Settings, health_page, parse_address, tracing


def test_settings_without_an_environment_listen_on_loopback() -> None:
    settings = Settings.read({})
    assert str(settings.worker_health) == "127.0.0.1:8091"
    assert str(settings.metrics) == "127.0.0.1:8092"
    assert settings.log_level == "info"


def test_each_setting_is_read_from_its_variable() -> None:
    given = {
        "BACKOUT_SITE": "/etc/backout/site.yaml",
        "BACKOUT_WORKER_HEALTH": "0.0.0.0:9000",
        "BACKOUT_METRICS": "[::1]:9001",
        "BACKOUT_LOG_LEVEL": "warning",
        "BACKOUT_UI": "https://temporal.example.com",
    }
    settings = Settings.read(given)
    assert settings.site == "/etc/backout/site.yaml"
    assert settings.worker_health == Address(host="0.0.0.0", port=9000)  # noqa: S104  # as it was asked for
    assert settings.metrics == Address(host="::1", port=9001)
    assert str(settings.metrics) == "[::1]:9001"
    assert settings.log_level == "warning"
    assert settings.ui == "https://temporal.example.com"


def test_an_empty_variable_is_no_setting() -> None:
    assert Settings.read({"BACKOUT_LOG_LEVEL": ""}).log_level == "info"


@pytest.mark.parametrize(
    "text", ["8091", "localhost", "localhost:", ":8091", "localhost:http", "127.0.0.1:65536"]
)
def test_what_is_no_address_is_named_with_its_variable(text: str) -> None:
    with pytest.raises(BadSetting, match=r"BACKOUT_METRICS: .*Write it as host:port"):
        Settings.read({"BACKOUT_METRICS": text})


def test_an_unknown_log_level_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadSetting, match=r"BACKOUT_LOG_LEVEL: .*'debug', 'info', 'warning' or 'error'"):
        Settings.read({"BACKOUT_LOG_LEVEL": "loud"})


def test_an_address_that_is_one_already_stays_as_it_is() -> None:
    address = Address(host="127.0.0.1", port=1)
    assert parse_address(address) is address


def test_a_log_line_is_one_line_with_its_fields() -> None:
    line = _logged("Started\nhere", site="demo", state="not well", health="127.0.0.1:8091")
    assert line.endswith('Z info worker: Started here site=demo state="not well" health=127.0.0.1:8091')


def test_a_log_line_of_temporal_names_the_incident_and_the_activity() -> None:
    context = {
        "workflow_id": "incident/chat/r2",
        "activity_type": "set_exposure",
        "attempt": 2,
        "namespace": "default",
    }
    line = _logged("Failed", temporal_activity=context)
    assert line.endswith("worker: Failed workflow_id=incident/chat/r2 activity_type=set_exposure attempt=2")


def test_a_warning_carries_the_message_of_its_error_and_an_error_the_whole_of_it() -> None:
    error = (ValueError, ValueError("it is odd"), None)
    assert _logged("Odd", level=logging.WARNING, exc_info=error).endswith('Odd error="it is odd"')
    whole = _logged("Odd", level=logging.ERROR, exc_info=error)
    assert "ValueError: it is odd" in whole


def test_without_an_endpoint_nothing_is_traced() -> None:
    with tracing("backout-worker", {}) as plugins:
        assert plugins == ()


@pytest.mark.parametrize(("status", "code"), [("ok", 200), ("down", 503)])
async def test_the_health_page_answers_with_the_health(status: str, code: int) -> None:
    async with _page(status) as at, httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"http://{at}/healthz")
        assert answer.status_code == code
        assert answer.json() == {"status": status}
        assert (await http.get(f"http://{at}/")).status_code == 404
        assert (await http.post(f"http://{at}/healthz")).status_code == 404


async def test_the_health_page_survives_those_who_do_not_speak_http() -> None:
    async with _page("ok") as at:
        for said in (b"", b"hello", b"x" * 100_000):
            _, writer = await asyncio.open_connection(at.host, at.port)
            writer.write(said)
            writer.close()
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"http://{at}/healthz")).status_code == 200


async def test_a_health_page_whose_address_is_taken_says_what_to_change() -> None:
    async with _page("ok") as at:
        with pytest.raises(
            AddressTaken, match=f"cannot listen on {at}: Address already in use.*BACKOUT_WORKER_HEALTH"
        ):
            async with health_page(at, _health("ok")):
                pass


def _page(status: str) -> Any:  # noqa: ANN401  # an asynchronous context manager of an address
    return health_page(Address(host="127.0.0.1", port=0), _health(status))


def _health(status: str) -> Any:  # noqa: ANN401  # a Health
    async def health() -> dict[str, Any]:
        return {"status": status}

    return health


def _logged(message: str, *, level: int = logging.INFO, exc_info: Any = None, **extra: object) -> str:  # noqa: ANN401
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LogLine())
    logger = logging.Logger("worker")  # noqa: LOG001  # one of its own, beside the process's
    logger.addHandler(handler)
    logger.log(level, message, exc_info=exc_info, extra=extra)
    return stream.getvalue().removesuffix("\n")
