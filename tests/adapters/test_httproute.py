"""An HTTPRoute: what is read of it, what a change leaves as it is, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import pytest

from adapters.fetch import Access
from adapters.targets.httproute import HttpRouteWeights
from backout.errors import ExposureMoved, RejectedBySystem, UnknownName, Unreachable
from tests.adapters.httproute_target import ROUTE, config, rule
from tests.adapters.target_world import look, put
from tests.kubernetes import EDITOR, Cluster, kubernetes

Open: TypeAlias = Callable[..., HttpRouteWeights]


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    """A cluster with a route whose traffic is on r2."""
    async with kubernetes() as running:
        running.create(ROUTE, rule(r1=0, r2=100))
        yield running


@pytest.fixture
async def opened(cluster: Cluster) -> AsyncIterator[Open]:
    """Open a target with these fields; closed after the test."""
    async with AsyncExitStack() as stack:

        def start(*, token: str = EDITOR, **fields: Any) -> HttpRouteWeights:  # noqa: ANN401  # any field
            target = HttpRouteWeights(
                config(f"http://127.0.0.1:{cluster.port}", **fields), Access(token=token)
            )
            stack.push_async_callback(target.aclose)
            return target

        yield start


def weights(cluster: Cluster) -> list[dict[str, int]]:
    """Return the weights of the backends, rule by rule."""
    rules = cluster.routes[ROUTE]["spec"]["rules"]
    return [{ref["name"]: ref["weight"] for ref in one["backendRefs"]} for one in rules]


async def test_both_weights_change_at_once_and_nothing_else_does(cluster: Cluster, opened: Open) -> None:
    health = {
        "matches": [{"path": {"value": "/health"}}],
        "backendRefs": [{"name": "health", "port": 1, "weight": 7}],
    }
    cluster.create(ROUTE, rule(r1=0, r2=100), health, rule(r1=10, r2=90))
    before = cluster.routes[ROUTE]["spec"]
    assert (await look(opened())).percent == 100
    assert (await put(opened(), 25, "k")).percent == 25
    after = cluster.routes[ROUTE]["spec"]
    assert weights(cluster) == [{"r1": 75, "r2": 25}, {"health": 7}, {"r1": 75, "r2": 25}]
    for spec in (before, after):
        for one in spec["rules"]:
            for ref in one["backendRefs"]:
                del ref["weight"]
    assert after == before


async def test_what_a_controller_writes_into_the_status_is_no_conflict(
    cluster: Cluster, opened: Open
) -> None:
    seen = (await look(opened())).generation
    cluster.write(ROUTE, {"status": {"parents": [1]}}, by="gateway-controller")
    left = iter([2, 3])

    def write_status() -> None:
        if number := next(left, 0):
            cluster.write(ROUTE, {"status": {"parents": [number]}}, by="gateway-controller")

    cluster.between = write_status
    done = await put(opened(), 10, "k", expected=seen)
    assert (done.percent, done.by) == (10, "backout")
    cluster.write(ROUTE, {"status": {"parents": [4]}}, by="gateway-controller")
    assert await look(opened()) == done


async def test_a_change_that_comes_between_look_and_write_is_not_overwritten(
    cluster: Cluster, opened: Open
) -> None:
    seen = (await look(opened())).generation
    cluster.between = lambda: cluster.weigh(ROUTE, {"r1": 20, "r2": 80})
    with pytest.raises(ExposureMoved, match="last by kubectl-edit"):
        await put(opened(), 10, "k", expected=seen)
    assert weights(cluster) == [{"r1": 20, "r2": 80}]


async def test_a_route_that_never_holds_still_is_given_up(cluster: Cluster, opened: Open) -> None:
    cluster.between = lambda: cluster.write(ROUTE, {"status": {}}, by="gateway-controller")
    with pytest.raises(Unreachable, match="changed by others 5 times in a row"):
        await put(opened(), 10, "k")
    assert weights(cluster) == [{"r1": 0, "r2": 100}]


async def test_exposure_is_the_largest_share_and_only_nobody_is_0(cluster: Cluster, opened: Open) -> None:
    cluster.create(ROUTE, rule(r1=1000, r2=1), rule(r1=9, r2=1))
    assert (await look(opened())).percent == 10
    cluster.create(ROUTE, rule(r1=1000, r2=1))
    assert (await look(opened())).percent == 1
    cluster.create(ROUTE, rule(r1=0, r2=0))
    assert (await look(opened())).percent == 0


async def test_backends_are_found_by_the_names_of_the_site(cluster: Cluster, opened: Open) -> None:
    cluster.create(ROUTE, rule(**{"chat-stable": 0, "chat-r2": 100}))
    target = opened(candidate="chat-$release", baseline="chat-stable")
    assert (await put(target, 50, "k")).percent == 50


async def test_the_baseline_itself_cannot_be_taken_back(cluster: Cluster, opened: Open) -> None:
    cluster.create(ROUTE, rule(r1=100, r2=0))
    with pytest.raises(
        RejectedBySystem, match="'r1' is the baseline; the exposure of a candidate can be set"
    ):
        await opened().set(service="chat", release="r1", percent=0, key="k")


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ([rule(r1=0, r2=50, r3=50)], "other backends take traffic beside the pair: r3; give them weight 0"),
        ([rule(r1=0, r2=100), rule(r2=100)], "has the backends r2; it must have r2 and r1 once each"),
    ],
    ids=["a third backend", "a rule without the baseline"],
)
async def test_what_cannot_be_split_between_two_is_refused(
    cluster: Cluster, opened: Open, rules: list[dict[str, Any]], why: str
) -> None:
    cluster.create(ROUTE, *rules)
    before = weights(cluster)
    with pytest.raises(RejectedBySystem, match=why):
        await put(opened(), 10, "k")
    assert weights(cluster) == before


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"route": "nothing"}, r"Unknown HTTPRoute of namespace 'prod' .* 'nothing'\. Known: chat"),
        ({"baseline": "r0"}, r"Unknown backend of HTTPRoute prod/chat .* 'r0'\. Known: r1, r2"),
    ],
    ids=["route", "baseline"],
)
async def test_an_unknown_name_is_told_with_the_known_ones(
    opened: Open, wrong: dict[str, str], said: str
) -> None:
    with pytest.raises(UnknownName, match=said):
        await look(opened(**wrong))


async def test_a_wrong_token_is_refused_and_never_told(opened: Open) -> None:
    with pytest.raises(RejectedBySystem, match="answered 401: Unauthorized: it does not know us") as refused:
        await look(opened(token="s3cret"))
    assert "s3cret" not in str(refused.value)
