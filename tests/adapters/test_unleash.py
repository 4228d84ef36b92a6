"""A gradual rollout in Unleash: whom it lets in, what is read of it, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import httpx
import pytest
from aiohttp import web
from pydantic import JsonValue

from adapters.fetch import Access
from adapters.targets.unleash import UnleashRollout
from backout.errors import ExposureMoved, RejectedBySystem, UnknownName, Unreachable
from tests.adapters.conftest import Serve
from tests.adapters.target_world import look, put
from tests.adapters.unleash_target import config
from tests.installed import PATIENCE_S
from tests.unleash import ADMIN, CLIENT, NEEDED, Running

pytestmark = [*NEEDED]
Open: TypeAlias = Callable[..., UnleashRollout]


@pytest.fixture
async def opened(unleash_server: Running) -> AsyncIterator[Open]:
    """Open a target of this feature; closed after the test."""
    async with AsyncExitStack() as stack:

        def start(feature: str, *, url: str = "", token: str = ADMIN, **fields: Any) -> UnleashRollout:  # noqa: ANN401  # any field
            named = feature.replace("r2", "$release")
            target = UnleashRollout(config(url or unleash_server.url, named, **fields), Access(token=token))
            stack.push_async_callback(target.aclose)
            return target

        yield start


async def test_who_changed_it_last_is_told_in_the_words_of_the_server(
    unleash_server: Running, opened: Open
) -> None:
    name = unleash_server.feature("r2")
    target = opened(name)
    before = await put(target, 50, "k")
    unleash_server.roll_out(name, "80")
    found = await look(target)
    assert (found.percent, found.changed_by, found.by) == (80, "", "admin")
    with pytest.raises(
        ExposureMoved, match=rf"was {before.generation} and is {found.generation}, last by admin\."
    ):
        await put(target, 10, "k2", expected=before.generation)


async def test_what_a_person_wrote_beside_the_rollout_stays(unleash_server: Running, opened: Open) -> None:
    beta: JsonValue = {
        "contextName": "region",
        "operator": "IN",
        "values": ["eu"],
        "inverted": False,
        "caseInsensitive": False,
    }
    name = unleash_server.feature("r2", title="ramp", constraints=[beta])
    before = unleash_server.strategy(name)
    await put(opened(name), 50, "k")
    after = unleash_server.strategy(name)
    assert after["parameters"].pop("backout")
    before["parameters"]["rollout"] = "50"
    assert after == before


async def test_a_change_that_comes_between_look_and_write_is_not_overwritten(
    unleash_server: Running, opened: Open, serve: Serve
) -> None:
    name = unleash_server.feature("r2")
    door = await serve(quicker_than(unleash_server, name, times=1))
    seen = (await look(opened(name))).generation
    with pytest.raises(ExposureMoved):
        await put(opened(name, url=door), 10, "k", expected=seen)
    assert (await look(opened(name))).percent == 99


async def test_without_an_expectation_a_change_begins_anew_and_gives_up_in_the_end(
    unleash_server: Running, opened: Open, serve: Serve
) -> None:
    name = unleash_server.feature("r2")
    door = await serve(quicker_than(unleash_server, name, times=2))
    assert (await put(opened(name, url=door), 10, "k")).percent == 10
    door = await serve(quicker_than(unleash_server, name, times=9))
    with pytest.raises(Unreachable, match="changed by others 3 times in a row"):
        await put(opened(name, url=door), 5, "k5")


def quicker_than(server: Running, feature: str, *, times: int) -> Callable[[web.Request], Any]:
    """Pass requests on; so many times, somebody else changes the rollout right before a change."""
    left = iter(range(100 - times, 100))

    async def answer(request: web.Request) -> web.Response:
        if request.method == "PATCH" and (rollout := next(left, None)):
            server.roll_out(feature, str(rollout))
        headers = {
            name: request.headers[name]
            for name in ("Authorization", "Content-Type")
            if name in request.headers
        }
        async with httpx.AsyncClient(timeout=PATIENCE_S, trust_env=False, headers=headers) as client:
            url = f"{server.url}{request.rel_url}"
            found = await client.request(request.method, url, content=await request.read())
        return web.Response(status=found.status_code, body=found.content, content_type="application/json")

    return answer


async def test_what_is_turned_off_is_0_and_is_not_turned_on(unleash_server: Running, opened: Open) -> None:
    name = unleash_server.feature("r2")
    target = opened(name)
    unleash_server.ask("POST", f"{unleash_server.place(name)}/off")
    assert (await look(target)).percent == 0
    with pytest.raises(
        RejectedBySystem, match="off in 'development', so 10 % would reach nobody; turn it on"
    ):
        await put(target, 10, "k")
    assert (await put(target, 0, "k0")).percent == 0
    unleash_server.ask("POST", f"{unleash_server.place(name)}/on")
    assert (await look(target)).percent == 0


async def test_a_strategy_that_is_disabled_is_0_too(unleash_server: Running, opened: Open) -> None:
    name = unleash_server.feature("r2")
    # The last one that is disabled turns the feature off.
    unleash_server.add(name, title="ramp", disabled=True)
    target = opened(name, strategy="ramp")
    assert (await look(target)).percent == 0
    with pytest.raises(RejectedBySystem, match="is disabled, so 10 % would reach nobody"):
        await put(target, 10, "k")


async def test_a_rollout_beyond_100_is_everybody(unleash_server: Running, opened: Open) -> None:
    name = unleash_server.feature("r2")
    unleash_server.roll_out(name, "150")
    assert (await look(opened(name))).percent == 100


async def test_of_several_strategies_the_one_is_changed_that_is_named(
    unleash_server: Running, opened: Open
) -> None:
    name = unleash_server.feature("r2", title="ramp")
    staff = unleash_server.add(name, title="staff")
    with pytest.raises(RejectedBySystem, match=rf"several strategies, .*: ramp \(.*\), staff \({staff}\)"):
        await look(opened(name))
    with pytest.raises(UnknownName, match=r"'rampe'. Known: ramp \(.*\), staff \("):
        await look(opened(name, strategy="rampe"))
    assert (await put(opened(name, strategy="ramp"), 10, "k")).percent == 10
    assert (await look(opened(name, strategy=staff))).percent == 100


async def test_a_strategy_without_stages_is_refused(unleash_server: Running, opened: Open) -> None:
    name = unleash_server.feature("r2", name="default", parameters={})
    with pytest.raises(RejectedBySystem, match=r"is 'default'; only a gradual rollout \(flexibleRollout\)"):
        await look(opened(name))


async def test_a_feature_of_many_releases_says_by_its_variant_which_one_it_is_about(
    unleash_server: Running, opened: Open
) -> None:
    variant: JsonValue = {"name": "r7", "weight": 1000, "weightType": "variable", "stickiness": "userId"}
    name = unleash_server.feature("every", variants=[variant])
    target = opened(name)
    assert (await target.read(service="chat", release="r7")).percent == 100
    with pytest.raises(UnknownName, match=r"variant of strategy .* 'r2'\. Known: r7"):
        await look(target)
    with pytest.raises(UnknownName, match=r"variant of strategy .* 'r2'\. Known: none"):
        await look(opened(unleash_server.feature("none")))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"project": "nothing"}, r"Unknown project in Unleash .* 'nothing'\. Known: default"),
        ({"environment": "nothing"}, r"environment of .* 'nothing'\. Known: development, production"),
        ({"environment": "production"}, "'production' .* it has no strategy"),
    ],
    ids=["project", "environment", "environment without a strategy"],
)
async def test_an_unknown_name_is_told_with_the_known_ones(
    unleash_server: Running, opened: Open, wrong: dict[str, str], said: str
) -> None:
    with pytest.raises((UnknownName, RejectedBySystem), match=said):
        await look(opened(unleash_server.feature("r2"), **wrong))


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("*:*.wrong", "answered 401: You must log in to use Unleash: it does not know us; name its 'token'"),
        (CLIENT, "answered 403: invalid token: .*: we may not do this"),
    ],
    ids=["unknown", "of a client"],
)
async def test_a_wrong_token_is_refused_and_never_told(
    unleash_server: Running, opened: Open, token: str, said: str
) -> None:
    with pytest.raises(RejectedBySystem, match=said) as refused:
        await look(opened(unleash_server.feature("r2"), token=token))
    assert token not in str(refused.value)
