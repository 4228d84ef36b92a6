"""One command's way to the engine and to the site, and the edge between synchronous and asynchronous code."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from temporalio.envconfig import ClientConnectConfig

import wiring
from backout.acting import actor
from backout.errors import EngineUnnamed, LoginUnknown, NotYourLogin, UnknownName
from backout.people import Actor
from backout.site import Site
from cli.options import SITE
from cli.state import read_state
from deployment import SiteFile, read_site
from gateway.incidents import Incidents

WITHIN_S = 10.0
"""Seconds that a person at a terminal waits for an answer."""
# A process that exits right after its last connection closed may crash in the SDK's native threads.
_SETTLE_S = 0.1
_INTERRUPTED = 130

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end; a second signal while it stops ends it at once."""

    async def settled() -> T:
        try:
            return await work
        finally:
            await asyncio.sleep(_SETTLE_S)

    try:
        return asyncio.run(settled())
    except asyncio.CancelledError:
        raise SystemExit(_INTERRUPTED) from None


def connection(state: Path) -> ClientConnectConfig:
    """Return the engine of the environment; else that of the `backout up` which runs on this state folder.

    Raises:
        EngineUnnamed: neither is there.
    """
    config = wiring.connection(os.environ)
    if "target_host" in config:
        return config
    running = read_state(state)
    if running is None:
        raise EngineUnnamed(folder=state)
    return ClientConnectConfig(target_host=running.temporal, namespace=running.namespace)


async def open_incidents(state: Path) -> Incidents:
    """Return the incidents of the engine that is meant here.

    Raises:
        EngineDown: no engine is named, or it does not answer.
    """
    return Incidents(client=await wiring.connect(connection(state)))


def site_file(site: Path | None, state: Path) -> SiteFile:
    """Read the site that is named; else that of the running `backout up`; else site.yaml."""
    running = None if site else read_state(state)
    return read_site(site or Path(running.site if running else SITE), os.environ)


def actor_of(site: Site, *, chosen: str | None) -> Actor:
    """Return the person who acts: the owner of this operating-system account, or the one that was chosen.

    Only an account that the site lists under `act_as` may choose somebody else: one person is no quorum.
    The account is recorded in both cases.

    Raises:
        UnknownName: the chosen one is not in the directory.
        LoginUnknown: nobody was chosen, and the account is nobody's.
        NotYourLogin: the chosen one is another person.
    """
    login = pwd.getpwuid(os.geteuid()).pw_name
    mine = next((key for key, person in site.people.items() if person.login == login), None)
    key = chosen or mine
    if key is None:
        raise LoginUnknown(login=login, known=", ".join(site.people))
    if key not in site.people:
        raise UnknownName(kind="person", name=key, known=site.people)
    if key != mine and login not in site.act_as:
        raise NotYourLogin(login=login, person=key, whose=f"that of '{mine}'" if mine else "nobody's")
    return actor(site, key, via=f"cli:{login}", at=datetime.now(UTC))


def new_act_id() -> str:
    """Return an idempotency id for a command that was given none."""
    return f"cli-{uuid4()}"
