"""`backout doctor` asks the sources what the playbooks ask them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import wiring
from backout.releases import BaselineRecord
from deployment import read_site
from tests.unit.doctored import change, look, point, rewrite, said, serving, write_site


@pytest.fixture
def service() -> Iterator[str]:
    """Return the address of the service."""
    with serving() as address:
        yield address


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return the site file."""
    return write_site(tmp_path)


def observing(criterion: str, signal: str, **test: object) -> dict[str, Any]:
    """Return a criterion that only observes."""
    return {"id": criterion, "signal": signal, "mode": "observe", "test": test}


def ask(site: Path, *criteria: dict[str, Any], **signals: dict[str, Any]) -> None:
    """Add criteria and signals to the site's playbook."""
    rewrite(
        site,
        lambda playbook: {
            **playbook,
            "signals": {**playbook["signals"], **signals},
            "criteria": [*playbook["criteria"], *criteria],
        },
    )


async def test_a_query_that_matches_nothing_is_a_warning_that_names_it(site: Path, service: str) -> None:
    point(site, service)
    lines = said(await look(site, release="r2"), "source chat-metrics")
    blind = [line for line in lines if line.startswith("warn")]
    query = "conversational-agent, signal unsupported: nothing matches chat_unsupported_total."
    assert blind == [f"warn: {query} Without data the signal is blind."]
    assert lines[-1] == "ok: answers; 5 of 6 queries have data"


def slow(than: float) -> dict[str, Any]:
    """Return a signal of the times that chats took."""
    told = {"kind": "above", "family": "experience", "source": "chat-metrics"}
    return {**told, "value": "chat_seconds", "than": than}


SLOW_LIMIT = observing("slow-limit", "slow", compare="limit", max="5%")
GAP = observing("gap", "errors", compare="gap", by="language", max_ratio=2)
AGAINST_BASELINE = observing(
    "worse",
    "errors",
    compare="baseline",
    max_ratio=1.5,
    bad='chat_errors_total{release="$baseline"}',
    of='chat_requests_total{release="$baseline"}',
)


async def test_queries_of_every_kind_of_signal_are_tried(site: Path, service: str) -> None:
    point(site, service)
    ask(site, SLOW_LIMIT, slow=slow(1))
    lines = said(await look(site, release="r2"), "source chat-metrics")
    assert lines[-1] == "ok: answers; 7 of 8 queries have data"


async def test_a_query_that_makes_no_sense_fails_by_its_name_and_spoils_no_other(
    site: Path, service: str
) -> None:
    point(site, service)
    ask(site, SLOW_LIMIT, GAP, slow=slow(2.5))
    lines = said(await look(site, release="r2"), "source chat-metrics")
    lacking = "not every series has a bucket that ends at 2.5; there are 1, inf"
    assert [line for line in lines if line.startswith("fail")] == [
        f"fail: conversational-agent, {line}. Without data the signal is blind."
        for line in (
            f"signal slow: 'chat_seconds': {lacking}",
            "signal errors by language: 'chat_errors_total': no series has the label 'language'",
            "signal errors by language: 'chat_requests_total': no series has the label 'language'",
        )
    ]
    assert lines[-1] == "ok: answers; 6 of 10 queries have data"


async def test_a_baseline_that_nobody_named_is_left_open_and_one_that_is_named_is_asked_for(
    site: Path, service: str
) -> None:
    point(site, service)
    ask(site, AGAINST_BASELINE)
    lacking = (
        "warn: conversational-agent, baseline of criterion worse: not tried, no baseline release is known"
    )
    assert lacking in said(await look(site, release="r2"), "source chat-metrics")
    named = BaselineRecord(service="chat", release="r2", by="me", why="it is good", at=datetime.now(UTC))
    async with wiring.open_adapters(read_site(site, {})) as adapters:
        await adapters.registry().name_baseline(baseline=named)
    lines = said(await look(site, release="r2"), "source chat-metrics")
    (blind,) = [line for line in lines if "baseline" in line]
    assert blind == (
        "warn: conversational-agent, baseline of criterion worse: nothing matches"
        ' chat_errors_total{release="r2"}.'
        " Without data the signal is blind."
    )


def remembering(playbook: dict[str, Any]) -> dict[str, Any]:
    """Return the playbook with a `detect` that looks back."""
    detect, *others = playbook["steps"]
    return {**playbook, "steps": [{**detect, "look_back": "1h"}, *others]}


async def test_a_source_without_a_memory_cannot_look_back(site: Path, service: str) -> None:
    point(site, service)
    rewrite(site, remembering)
    (line,) = [
        line
        for line in said(await look(site, release="r2"), "source chat-metrics")
        if "conversational-agent, detect" in line
    ]
    assert line.startswith(
        "warn: conversational-agent, detect: it cannot look back 1h; evidence begins with the incident."
        f" metrics page {service}/metrics knows only the present."
    )


async def test_what_nobody_has_pushed_yet_is_a_warning(site: Path) -> None:
    metrics = "kind: exposition\n    url: http://127.0.0.1:8000/metrics\n    timeout: 2s"
    change(site, metrics, "kind: push\n    path: pushes.db\n    token: {env: PUSH}")
    report = await look(site, release="r2")
    lines = said(report, "source chat-metrics")
    assert lines[0] == (
        "warn: conversational-agent, signal errors: no push had a counter 'chat_errors_total'. Known: none."
        " Without data the signal is blind."
    )
    assert lines[-1] == "ok: answers; 0 of 6 queries have data"
    assert not any(line.startswith("fail") for line in lines)


async def test_without_a_release_what_asks_for_one_is_left_open(site: Path, service: str) -> None:
    point(site, service)
    report = await look(site, release=None)
    assert any(
        "not tried, it asks for a release. Name one with --release." in line
        for line in said(report, "source chat-metrics")
    )
    assert said(report, "check served-version") == [
        "ok: answers; what it says of a release is seen with --release"
    ]
    assert report.is_well
