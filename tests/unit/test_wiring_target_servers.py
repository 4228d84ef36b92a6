"""The composition root: each kind of target of the site file becomes its adapter, with what lets it in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

import wiring
from backout.errors import BackoutError, InvalidDocument
from cli.starter import write_starter
from deployment import SiteFile, read_site
from tests.adapters.httproute_target import rule
from tests.kubernetes import EDITOR, kubernetes
from tests.unit.doctored import look, said

MLFLOW = "kind: mlflow, model: chat, alias: champion, baseline: r1"
UNLEASH = "kind: unleash, feature: 'chat-$release', environment: production, token: {env: SECRET}"
HTTPROUTE = "kind: httproute, namespace: prod, route: chat, baseline: r1, token: {env: SECRET}"
SHOWN = {
    "httproute and a token": (HTTPROUTE, "", "Bearer s3cret"),
    "unleash and a token": (UNLEASH, "", "Bearer s3cret"),
    "mlflow and nothing": (MLFLOW, "", None),
    "mlflow and a token": (MLFLOW, "token: {env: SECRET}", "Bearer s3cret"),
    "mlflow, a user and a password": (
        MLFLOW,
        "basic: {user: ann, password: {env: SECRET}}",
        "Basic YW5uOnMzY3JldA==",
    ),
}


def with_target(folder: Path, fields: str) -> SiteFile:
    """Write the starter's site with this target beside its own."""
    file, *_ = write_starter(folder)
    file.write_text(file.read_text().replace("targets:\n", f"targets:\n  other: {{{fields}}}\n"))
    return read_site(file, {"SECRET": "s3cret"})


@pytest.mark.parametrize(("fields", "access", "shown"), SHOWN.values(), ids=SHOWN)
async def test_a_target_is_reached_where_the_site_says_and_shown_what_it_names(
    tmp_path: Path, fields: str, access: str, shown: str | None
) -> None:
    seen: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.json_response({"message": "no"}, status=403)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        url = f"url: '{server.make_url('/')}'"
        at = with_target(tmp_path, ", ".join(part for part in (fields, url, access) if part))
        async with wiring.open_adapters(at) as adapters:
            with pytest.raises(BackoutError, match="answered 403: no: we may not do this"):
                await adapters.targets()["other"].read(service="chat", release="r2")
    assert set(seen) == {shown}


WRONG: Mapping[str, tuple[str, str]] = {
    "httproute of one backend": (
        f"{HTTPROUTE}, url: 'http://h', candidate: r1",
        "'candidate' and 'baseline' are two backends",
    ),
    "httproute of an unknown placeholder": (
        f"{HTTPROUTE}, url: 'http://h', candidate: 'chat-$service'",
        "unknown placeholder 'service'",
    ),
    "httproute at no address": (f"{HTTPROUTE}, url: h", "'h' is not an address"),
    "unleash of an unknown placeholder": (
        UNLEASH.replace("$release", "$releese") + ", url: 'http://h'",
        "unknown placeholder 'releese'",
    ),
    "unleash at no address": (f"{UNLEASH}, url: h", "'h' is not an address"),
    "unleash with a useless authority": (
        f"{UNLEASH}, url: 'http://h', ca: x.pem",
        "'ca' is for an address that begins",
    ),
    "mlflow of nothing": (
        "kind: mlflow, url: 'http://h', alias: a, baseline: r1",
        "name either 'model' or 'prompt'",
    ),
    "mlflow of two": (f"{MLFLOW}, url: 'http://h', prompt: p", "name either 'model' or 'prompt'"),
    "mlflow with two ways in": (
        f"{MLFLOW}, url: 'http://h', token: {{env: SECRET}}, basic: {{user: a, password: {{env: SECRET}}}}",
        "either 'token' or 'basic', not both",
    ),
    "mlflow with a useless authority": (
        f"{MLFLOW}, url: 'http://h', ca: x.pem",
        "'ca' is for an address that begins",
    ),
    "mlflow at no address": (f"{MLFLOW}, url: 'h:5000'", "'h:5000' is not an address"),
    "mlflow with a password in its address": (
        f"{MLFLOW}, url: 'http://a:b@h'",
        "never written into an address",
    ),
}


@pytest.mark.parametrize(("fields", "why"), WRONG.values(), ids=WRONG)
def test_a_target_that_makes_no_sense_is_refused_with_the_reason(
    tmp_path: Path, fields: str, why: str
) -> None:
    with pytest.raises(InvalidDocument, match=why):
        with_target(tmp_path, fields)


async def test_the_doctor_reads_the_weights_of_a_route(tmp_path: Path) -> None:
    async with kubernetes() as cluster:
        cluster.create("chat", rule(r1=70, r2=30))
        with_target(tmp_path, f"{HTTPROUTE}, url: 'http://127.0.0.1:{cluster.port}'")
        environ = {"SECRET": EDITOR}
        report = await look(tmp_path / "site.yaml", release="r2", environ=environ)
        assert said(report, "target other")[0] == "ok: 30 % of traffic is on r2"
        report = await look(tmp_path / "site.yaml", release=None, environ=environ)
        assert said(report, "target other")[0] == "ok: 70 % of traffic is on r1"
