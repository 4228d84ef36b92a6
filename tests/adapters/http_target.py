"""The example server of the HTTP target's documentation, as a target whose contract is tried."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

import httpx
import pytest

from adapters.fetch import Access
from adapters.targets.http import HttpTarget
from backout.exposure import Capability
from tests.adapters.target_world import RELEASE, SERVICE, USERS, Kind, World
from tests.adapters.wire import laid

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/reference/http-target.md"
TOKEN = "s3cret"


@contextmanager
def example(folder: Path) -> Iterator[int]:
    """Run the server that the documentation shows; yield its port."""
    code = re.search(r"^```python\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    assert code
    program = folder / "exposure.py"
    program.write_text(code[1])
    environ = {**os.environ, "EXPOSURE_TOKEN": TOKEN}
    process = subprocess.Popen([sys.executable, program, "0"], env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _pointer(request: pytest.FixtureRequest, folder: Path) -> AbstractAsyncContextManager[World]:
    return _begin(request, folder, Capability.POINTER)


@asynccontextmanager
async def _begin(
    request: pytest.FixtureRequest,  # noqa: ARG001  # as every kind
    folder: Path,
    capability: Capability = Capability.PERCENTAGE,
) -> AsyncIterator[World]:
    with example(folder) as port:
        async with laid(("127.0.0.1", port)) as wire, AsyncExitStack() as stack:
            number = count()

            def opened(*, token: str = TOKEN, timeout_s: float = 30) -> HttpTarget:
                url = f"http://{wire.address[0]}:{wire.address[1]}/exposure/$service/$release"
                target = HttpTarget(url, timedelta(seconds=timeout_s), Access(token=token), capability)
                stack.push_async_callback(target.aclose)
                return target

            async def move(percent: int) -> None:
                headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": f"person-{next(number)}"}
                async with httpx.AsyncClient(headers=headers) as client:
                    address = f"http://127.0.0.1:{port}/exposure/{SERVICE}/{RELEASE}"
                    (await client.put(address, json={"percent": percent})).raise_for_status()

            async def on_candidate() -> set[str]:
                async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                    served = {user: await client.get(f"/release-of/{user}") for user in USERS}
                return {user for user, found in served.items() if found.json()["release"] == RELEASE}

            yield World(
                open=opened,
                move=move,
                levels=(100, 50, 10, 0) if capability is Capability.PERCENTAGE else (100, 0),
                wire=wire,
                write=b"PUT /",
                writes=(b"PUT /",),
                done=b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
                stranger=lambda: opened(token="wrong"),
                hasty=lambda: opened(timeout_s=0.2),
                on_candidate=on_candidate,
            )


KIND = Kind(_begin)
POINTER = Kind(_pointer, percentage=False)
