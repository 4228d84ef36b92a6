"""Metrics pages that a test serves."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

from adapters.sources.exposition import ExpositionMetrics

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


Serve: TypeAlias = Callable[[Handler], Awaitable[str]]


Open: TypeAlias = Callable[..., ExpositionMetrics]


PAGE = """\
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{release="r1",code="200"} 90
requests_total{release="r1",code="500"} 1
requests_total{release="r2",code="200"} 6.0 1700000000000
requests_total{release="r2",code="500"} 4
 requests_total_other{release="r2"} 1000
up 1
nothing_yet_total 0
ratio{release="r2"} NaN
ratio{release="r1"} 1
huge_total +Inf
below_total -1
"""


def answering(body: str | bytes, *, status: int = 200, content_type: str = "text/plain") -> Handler:
    content = body.encode() if isinstance(body, str) else body

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=content, status=status, content_type=content_type)

    return answer
