"""Bearer tokens: who is let in. Comparisons take the same time whatever is presented."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request


def unauthorized() -> HTTPException:
    """Return the one refusal of everybody who is not let in: it does not say what was wrong."""
    return HTTPException(401, headers={"WWW-Authenticate": "Bearer"})


def opened_by(request: Request, tokens: Mapping[str, str]) -> frozenset[str]:
    """Return the names of the tokens that the request presents: every one is compared, whichever fits.

    Raises:
        HTTPException: 401, it presents none of them.
    """
    scheme, _, told = request.headers.get("authorization", "").partition(" ")
    presented = told.strip().encode() if scheme.lower() == "bearer" else b""
    same = {name: hmac.compare_digest(presented, token.encode()) for name, token in tokens.items()}
    if not any(same.values()):
        raise unauthorized()
    return frozenset(name for name, fits in same.items() if fits)


def admit(request: Request, token: str) -> None:
    """Let the request in if it presents the token. `HTTPException`: 401, it does not."""
    opened_by(request, {"": token})
