"""Bodies that can be read in two ways, or not at all, are refused at every door of ours."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import pytest

from tests.gateway.pushed import JUDGES, kept
from tests.gateway.running import Gateway, connect, gateway_over
from tests.gateway.world import PIPELINE_TOKEN

TOKENS = {"/signals": JUDGES, "/releases": PIPELINE_TOKEN, "/events": PIPELINE_TOKEN}
every_door = pytest.mark.parametrize("path", TOKENS)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """Run the gateway without an engine: nothing of this reaches it."""
    async with gateway_over(await connect("127.0.0.1:9", lazy=True)) as gateway:
        yield gateway


@every_door
@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"key": "a", "what": 1, "key": "b"}', "body: 'key' is there twice in one mapping"),
        (b'{"counts": {"n.bad": 4, "n.bad": 400}}', "body: 'n.bad' is there twice in one mapping"),
        (b'[{"ramp": [{"at": 1, "at": 1}]}]', "body: 'at' is there twice in one mapping"),
        (b"\xef\xbb\xbf{}", "body: it begins with a byte order mark; send UTF-8 without one"),
        ("{}".encode("utf-16"), "body: it is no JSON"),
    ],
    ids=["a key twice", "a key twice inside", "a key twice in a list", "a byte order mark", "utf-16"],
)
async def test_a_body_that_can_be_read_in_two_ways_is_refused(
    gateway: Gateway, path: str, body: bytes, error: str
) -> None:
    answer = await gateway.post(path, body, TOKENS[path])
    assert answer.status_code == 400
    assert error in answer.json()["error"]
    assert kept(gateway) == 0


@every_door
async def test_a_compressed_body_is_not_unpacked(gateway: Gateway, path: str) -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    answer = await gateway.post(path, bomb, TOKENS[path], **{"Content-Encoding": "gzip"})
    assert answer.status_code == 415
    assert answer.json()["error"] == "Send the body as it is, not as 'gzip'."


async def test_a_long_number_is_not_told_back_whole(gateway: Gateway) -> None:
    body = b'{"source": "judges", "key": "k", "counts": {"n": %s}}' % (b"1" * 4000)
    error = (await gateway.post("/signals", body, JUDGES)).json()["error"]
    assert error == f"counts.n: expected a finite number, found the number {'1' * 60}..."
