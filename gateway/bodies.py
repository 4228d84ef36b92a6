"""Reading a request's body within bounds: its type, its size and the time it may take."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request

KIB = 1024
MIB = 1024 * KIB
READ_S = 10.0
"""Seconds that a sender has for its whole body."""


async def read_body(request: Request, *, media_type: str, limit: int) -> bytes:
    """Return the raw body.

    Raises:
        HTTPException: 415 for another type, 413 above `limit` bytes, 408 for a sender that is too slow.
    """
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != media_type:
        raise HTTPException(415, f"Send {media_type}, not '{sent}'.")
    body = bytearray()
    try:
        async with asyncio.timeout(READ_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise HTTPException(413, f"The body is above {limit} bytes.")
    except TimeoutError:
        raise HTTPException(408, f"The body did not arrive within {READ_S:g} s.") from None
    return bytes(body)
