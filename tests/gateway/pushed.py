"""Pushes to the signals door, and what is kept of them."""

from __future__ import annotations

import json

import httpx

from tests.gateway.running import Gateway
from tests.gateway.world import PUSH_TOKENS

JUDGES = PUSH_TOKENS["judges"]


def a_push(key: str = "k1", /, **changes: object) -> dict[str, object]:
    push: dict[str, object] = {
        "source": "judges",
        "key": key,
        "labels": {"service": "chat", "release": "r2"},
        "counts": {"grounding.judged": 40, "grounding.unsupported": 3},
    }
    return push | changes


async def post(gateway: Gateway, body: object, token: str = JUDGES, **headers: str) -> httpx.Response:
    return await gateway.post("/signals", json.dumps(body).encode(), token, **headers)


def kept(gateway: Gateway) -> int:
    return sum(len(store.taken) for store in gateway.pushes.values())
