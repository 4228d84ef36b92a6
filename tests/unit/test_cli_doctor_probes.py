"""`backout doctor` asks every probe once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.doctored import change, look, rewrite, said, serving, write_site


@pytest.fixture
def service() -> Iterator[str]:
    """Return the address of the service, which says that release 1 is on."""
    with serving() as address:
        yield address


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return the site file."""
    return write_site(tmp_path)


def probed(site: Path, url: str) -> None:
    probe = f"{{kind: http, path: replica, url: '{url}/$service', release_field: on_release}}"
    site.write_text(f"{site.read_text()}\nprobes:\n  chat-1: {probe}\n")


async def test_a_probe_says_which_release_answers_and_whether_a_playbook_asks_it(
    site: Path, service: str
) -> None:
    probed(site, service)
    assert said(await look(site, release="r2"), "probe chat-1") == [
        "warn: No playbook asks it.",
        "ok: 1 answered through replica",
    ]
    served = {
        "step": "served",
        "owner": "on_call",
        "probes": ["chat-1"],
        "lag": "1m",
        "within": "5m",
        "on_timeout": "hold",
    }

    def with_proof(playbook: dict[str, list[object]]) -> dict[str, list[object]]:
        place = [step["step"] for step in playbook["steps"]].index("revert") + 1  # type: ignore[index]  # raw YAML
        return {**playbook, "steps": [*playbook["steps"][:place], served, *playbook["steps"][place:]]}

    rewrite(site, with_proof)
    assert said(await look(site, release="r2"), "probe chat-1") == ["ok: 1 answered through replica"]


async def test_a_probe_that_gives_no_answer_fails(site: Path) -> None:
    probed(site, "http://127.0.0.1:1")
    report = await look(site, release="r2")
    assert said(report, "probe chat-1")[-1].startswith(
        "fail: probe chat-1 did not answer: http://127.0.0.1:1/"
    )
    assert said(report, "store")[0].startswith("ok")


async def test_a_probe_that_asks_for_a_service_is_not_asked_where_none_is_known(
    site: Path, service: str
) -> None:
    probed(site, service)
    assert said(await look(site, release="r2", has_playbooks=False), "probe chat-1") == [
        "warn: No playbook asks it.",
        "warn: Not asked: it asks for a service, and no playbook names one.",
    ]
    change(site, "/$service", "/any")
    report = await look(site, release="r2", has_playbooks=False)
    assert said(report, "probe chat-1")[-1] == "ok: 1 answered through replica"
