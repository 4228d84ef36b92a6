"""Reading a request's body within bounds: its type, its size, the time it may take, and what it says."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request

from backout.errors import InvalidDocument
from backout.json_text import MARK, repeated_key
from backout.misfits import describe, misfits
from backout.problems import spell

KIB = 1024
MIB = 1024 * KIB
READ_S = 10.0
"""Seconds that a sender has for its whole body."""
JSON = "application/json"

M = TypeVar("M", bound=BaseModel)


async def read_body(request: Request, *, media_type: str, limit: int) -> bytes:
    """Return the raw body.

    Raises:
        HTTPException: 415 for another type or a compressed body, 413 above `limit` bytes, 408 for a sender
            that is too slow.
    """
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != media_type:
        raise HTTPException(415, f"Send {media_type}, not '{sent}'.")
    if (encoding := request.headers.get("content-encoding", "identity").lower()) != "identity":
        raise HTTPException(415, f"Send the body as it is, not as '{encoding[:60]}'.")
    body = bytearray()
    try:
        async with asyncio.timeout(READ_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise too_large(limit)
    except TimeoutError:
        raise HTTPException(408, f"The body did not arrive within {READ_S:g} s.") from None
    return bytes(body)


def too_large(limit: int) -> HTTPException:
    """Return the refusal of a body above `limit` bytes."""
    return HTTPException(413, f"The body is above {limit} bytes.")


def said(body: bytes) -> object:
    """Return what a JSON body says.

    Raises:
        InvalidDocument: it is no JSON, or a mapping in it has a key twice.
    """
    if body.startswith(MARK):
        raise InvalidDocument(["body: it begins with a byte order mark; send UTF-8 without one"])
    try:
        found: object = from_json(body)
    except ValueError as error:
        raise InvalidDocument([f"body: it is no JSON: {error}"]) from error
    if (key := repeated_key(body)) is not None:
        raise InvalidDocument([f"body: {describe(key)} is there twice in one mapping; which one counts?"])
    return found


def fitted(raw: object, model: type[M]) -> M:
    """Return what a body says as a model. Text is no number and a number is no text here.

    Raises:
        InvalidDocument: it does not fit; every misfit is in it, with its place.
    """
    try:
        return model.model_validate_json(to_json(raw, inf_nan_mode="constants"), strict=True)
    except ValidationError as error:
        found = misfits(error, model)
        raise InvalidDocument(f"{spell(one.path) or 'body'}: {one.message}" for one in found) from None
