"""How much a person may say: at every door the same, and nothing is cut."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import time

import pytest
from temporalio.client import Client
from typer.testing import CliRunner

from backout.errors import ReasonTooLong
from backout.people import Act, Action
from cli.main import app
from cli.starter import write_starter
from tests.gateway.running import Gateway, as_bytes
from tests.gateway.world import an_act, signed, slash

TOO_LONG = "The reason is longer than 2000 characters (it has 2001), so nothing was done."


def test_a_reason_has_2000_characters_and_not_more() -> None:
    assert len(an_act("a", Action.NOTE, "é" * 2000).reason) == 2000
    with pytest.raises(ReasonTooLong) as refused:
        an_act("a", Action.NOTE, "é" * 2001)
    assert str(refused.value).startswith(TOO_LONG)


def test_an_act_that_comes_from_elsewhere_is_held_to_it_too() -> None:
    act = an_act("a", Action.NOTE, "x").model_dump_json().replace('"x"', f'"{"x" * 2001}"')
    with pytest.raises(ReasonTooLong):
        Act.model_validate_json(act)


@pytest.mark.parametrize("verb", ["note", "hold"])
async def test_slack_tells_who_says_too_much(gateway: Gateway, verb: str) -> None:
    body = slash(f"{verb} chat/r2 {'x' * 2001}")
    answer = await gateway.http.post(
        "/slack/commands", content=body, headers=as_bytes(signed(body, at=time()))
    )
    assert answer.status_code == 200
    assert answer.json()["text"].startswith(TOO_LONG)


async def test_the_command_tells_who_says_too_much(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_starter(tmp_path)
    monkeypatch.setenv("TEMPORAL_ADDRESS", client.service_client.config.target_host)
    words = ["note", "chat/r2", "x" * 2001, "--site", str(tmp_path / "site.yaml")]
    done = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert isinstance(done.exception, ReasonTooLong)
    assert str(done.exception).startswith(TOO_LONG)
