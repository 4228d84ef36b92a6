"""The alert doors in the site file, and how they are opened."""

from __future__ import annotations

import base64
import hmac

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from backout.doors import AlertDoors, secrets_of
from backout.errors import InvalidDocument
from backout.yaml_text import load_site
from gateway.admission import BySignature, ByToken, ByUser, WayIn, way_in

SITE = """
site: test
people: {{}}
sources: {{}}
targets: {{}}
channels: {{}}
store: {{kind: sqlite, path: s.db, documents: d}}
gateway:
  outbox: o.db
  alerts:
    {door}
"""


def doors(door: str) -> AlertDoors:
    return load_site(SITE.format(door=door), file="site.yaml").gateway.alerts


@pytest.mark.parametrize(
    ("door", "expected"),
    [
        ("alertmanager: {token: {env: A}}", ByToken(("a",))),
        ("alertmanager: {token: [{env: A}, {env: B}]}", ByToken(("a", "b"))),
        ("datadog: {basic: {user: u, password: [{env: A}, {env: B}]}}", ByUser("u", ("a", "b"))),
        ("opsgenie: {token: {env: A}}", ByToken(("a",))),
        ("cloudevents: {basic: {user: u, password: {env: A}}, firing: [x]}", ByUser("u", ("a",))),
        ("cloudevents: {token: {env: A}, firing: [x]}", ByToken(("a",))),
        ("grafana: {basic: {user: u, password: {env: A}}}", ByUser("u", ("a",))),
        ("grafana: {token: {env: A}}", ByToken(("a",))),
        ("grafana: {signature: {secret: {env: A}}}", BySignature(("a",), "X-Grafana-Alerting-Signature")),
        (
            "generic: {signature: {secret: {env: A}, timestamp_header: X-Time}}",
            BySignature(("a",), "X-Backout-Signature", timestamp_header="X-Time"),
        ),
        ("generic: {signature: {secret: {env: A}, header: X-Mine}}", BySignature(("a",), "X-Mine")),
        ("pagerduty: {secret: [{env: A}]}", BySignature(("a",), "X-PagerDuty-Signature", "v1=")),
    ],
)
def test_a_door_is_opened_as_the_site_file_says(door: str, expected: WayIn) -> None:
    ((sender, config),) = doors(door).open.items()
    assert way_in(sender, config, lambda ref: (ref.env or "").lower()) == expected
    assert len(secrets_of(config)) == len(expected.secrets)
    assert "'a'" not in repr(expected)


@pytest.mark.parametrize(
    ("door", "problem"),
    [
        ("alertmanager: {}", "exactly one of 'token' and 'basic'"),
        ("alertmanager: {token: {env: A}, basic: {user: u, password: {env: B}}}", "exactly one of"),
        ("grafana: {token: {env: A}, signature: {secret: {env: B}}}", "'token' and 'basic' and 'signature'"),
        ("alertmanager: {token: []}", "token"),
        ("alertmanager: {token: s3cret}", "token"),
        ("alertmanager: {token: {env: A, file: f}}", "exactly one of 'env' and 'file'"),
        ("alertmanager: {signature: {secret: {env: A}}}", "unknown field 'signature'"),
        ("pagerduty: {token: {env: A}}", "secret"),
        ("cloudevents: {token: {env: A}}", "firing"),
        ("cloudevents: {token: {env: A}, firing: [a], resolved: [a]}", "'a' cannot both fire and resolve"),
        ("datadog: {basic: {user: 'a:b', password: {env: A}}}", "user"),
        ("grafana: {signature: {secret: {env: A}, header: 'X Y'}}", "header"),
        ("alertmanager: {token: {env: A}, rate: {per_s: 0}}", "expected more than 0"),
        ("pagerduty: {secret: {env: A}, rate: {burst: 0}}", "expected 1 or more"),
        ("grafana: {token: {env: A}, rate: {per_s: .inf}}", "per_s"),
        ("cloudevents: {token: {env: A}, firing: [a], origins: ['https://a']}", "origins"),
        ("nagios: {token: {env: A}}", "unknown field 'nagios'"),
    ],
)
def test_a_door_that_cannot_be_is_refused_with_its_place(door: str, problem: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        doors(door)
    assert problem in str(refused.value)
    assert str(refused.value).startswith("site.yaml:11:")


def request(**headers: str) -> Request:
    raw = [(name.lower().replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw})


async def read(_: Request) -> bytes:
    return b"body"


async def comes_in(way: WayIn, **headers: str) -> bool:
    try:
        return await way.body_of(request(**headers), read) == b"body"
    except HTTPException as error:
        return error.status_code != 401


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


async def test_the_user_and_password_that_alertmanager_was_seen_to_send_come_in() -> None:
    assert await comes_in(ByUser("am", ("pw",)), authorization="Basic YW06cHc=")


@pytest.mark.parametrize(
    "pair", ["am:", ":pw", "am", "am:pw ", "AM:pw", "am:pwx", "amp:w", "", "am:old:", "\u00e9:pw"]
)
async def test_no_other_user_and_password_come_in(pair: str) -> None:
    assert not await comes_in(ByUser("am", ("pw", "old")), authorization=basic(pair))


async def test_a_password_may_have_colons_and_letters_of_any_language() -> None:
    assert await comes_in(ByUser("am", ("p:\u00e9",)), authorization=basic("am:p:\u00e9"))


async def test_of_many_signatures_only_some_are_looked_at() -> None:
    way = BySignature(("k",), "X-PagerDuty-Signature", "v1=")

    made = "v1=" + hmac.new(b"k", b"body", "sha256").hexdigest()
    assert await comes_in(way, x_pagerduty_signature=",".join(["v0=1"] * 8 + [made]))
    assert await comes_in(way, x_pagerduty_signature=made.upper().replace("V1", "v1"))
    assert not await comes_in(way, x_pagerduty_signature=",".join(["v1=1"] * 10 + [made]))
    assert not await comes_in(way, x_pagerduty_signature=made.removeprefix("v1="))
    assert not await comes_in(way, x_pagerduty_signature="v1=")
