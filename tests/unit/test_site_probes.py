"""The probes of a site file: what makes no sense is refused with what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from backout.errors import InvalidDocument
from backout.probes import HttpProbe
from backout.yaml_text import load_site

PROBE: dict[str, Any] = {"kind": "http", "url": "http://chat:8000/", "release_header": "X-Release"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"release_field": "by"}, "name either 'release_header' or 'release_field'"),
        ({"release_header": None}, "name either 'release_header' or 'release_field'"),
        ({"path": "session"}, "nothing tells one session from another; name 'cookies'"),
        ({"path": "session", "headers": {"X-User": "$sessions"}}, "nothing tells one session from another"),
        ({"cookies": ["SRV"]}, "'cookies' and 'lasts' are for 'path: session'"),
        ({"lasts": "5m"}, "'cookies' and 'lasts' are for 'path: session'"),
        ({"path": "session", "cookies": ["SRV"], "headers": {"cookie": "a=b"}}, "leave one of them out"),
        ({"ca": "ca.pem"}, "'ca' is for an address that begins with https://"),
        ({"path": "cdn"}, "'direct', 'replica', 'cache' or 'session'"),
        ({"sessions": 51}, "less than or equal to 50"),
        ({"timeout": "6s"}, "an answer may take 5s at most"),
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


SITE = (Path(__file__).parent / "data" / "site.yaml").read_text(encoding="utf-8")


def refused(probe: str) -> str:
    text = f"{SITE}\nprobes:\n  web: {{kind: http, release_header: X-Release, {probe}}}\n"
    with pytest.raises(InvalidDocument) as caught:
        load_site(text, file="site.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ("url: chat", "probes.web.url: 'chat' is not an address"),
        ("url: 'http://me:secret@chat/'", "probes.web.url: a secret is named, never written into an address"),
        ("url: 'http://chat/$release'", "probes.web.url: unknown placeholder 'release'"),
        ("url: 'http://chat/', headers: {X-User: $user}", "probes.web.headers.X-User: unknown placeholder"),
        (
            "url: 'http://chat/', headers: {authorization: Bearer s3cret}",
            "a secret is named, never written here; use 'token'",
        ),
    ],
)
def test_an_address_and_headers_are_as_sound_as_everywhere(probe: str, message: str) -> None:
    assert message in refused(probe)
