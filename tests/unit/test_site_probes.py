"""The probes of a site file: what makes no sense is refused with what to write."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from backout.probes import HttpProbe

PROBE: dict[str, Any] = {"kind": "http", "url": "http://chat:8000/", "release_header": "X-Release"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"release_field": "by"}, "name either 'release_header' or 'release_field'"),
        ({"release_header": None}, "name either 'release_header' or 'release_field'"),
        ({"path": "session"}, "nothing tells one session from another; name 'cookies'"),
        ({"cookies": ["SRV"]}, "'cookies' and 'lasts' are for 'path: session'"),
        ({"lasts": "5m"}, "'cookies' and 'lasts' are for 'path: session'"),
        ({"path": "session", "cookies": ["SRV"], "headers": {"cookie": "a=b"}}, "leave one of them out"),
        ({"ca": "ca.pem"}, "'ca' is for an address that begins with https://"),
        ({"path": "cdn"}, "'direct', 'replica', 'cache' or 'session'"),
        ({"sessions": 51}, "less than or equal to 50"),
        ({"headers": {"X User": "a"}}, "should match pattern"),
    ],
)
def test_a_probe_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        HttpProbe.model_validate({**PROBE, **changes})


@pytest.mark.parametrize(
    "how",
    [{"cookies": ["SRV"]}, {"headers": {"X-User": "u-$session"}}, {"url": "http://chat/${session}"}],
    ids=["cookies", "a header", "the address"],
)
def test_a_session_may_be_told_apart_by_a_cookie_a_header_or_the_address(how: dict[str, Any]) -> None:
    assert HttpProbe.model_validate({**PROBE, "path": "session", **how}).way.path == "session"
