"""An alias in MLflow: what is read of it, where it goes, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import pytest

from adapters.fetch import OPEN, Access
from adapters.targets.mlflow import MlflowAlias
from backout.errors import ExposureMoved, PointerOnly, RejectedBySystem, UnknownName
from backout.exposure import Capability
from tests.adapters.mlflow_target import ALIAS, config, reading_only
from tests.adapters.target_world import look, put
from tests.mlflow import NEEDED, Running

pytestmark = [*NEEDED]
Open: TypeAlias = Callable[..., MlflowAlias]


@pytest.fixture
async def opened(mlflow_server: Running) -> AsyncIterator[Open]:
    """Open a target with these fields; closed after the test."""
    async with AsyncExitStack() as stack:

        def start(*, access: Access = OPEN, **fields: Any) -> MlflowAlias:  # noqa: ANN401  # any field
            target = MlflowAlias(config(**{"url": mlflow_server.url, **fields}), access)
            stack.push_async_callback(target.aclose)
            return target

        yield start


@pytest.fixture
def model(mlflow_server: Running) -> str:
    """Return a model whose alias is at r2, its second version of three."""
    name = mlflow_server.register("r1", "r2", "r3")
    mlflow_server.point(name, ALIAS, 2)
    return name


async def test_a_prompt_is_taken_back_as_a_model_is(mlflow_server: Running, opened: Open) -> None:
    name = mlflow_server.register("r1", "r2", prompt=True)
    mlflow_server.point(name, ALIAS, 2)
    target = opened(prompt=name)
    assert (await put(target, 0, "down")).percent == 0
    assert mlflow_server.aliases(name) == {ALIAS: "1"}
    with pytest.raises(UnknownName, match=r"Unknown release of prompt .* 'r9'\. Known: r1, r2"):
        await target.read(service="chat", release="r9")


async def test_an_alias_takes_no_percent_between(mlflow_server: Running, opened: Open, model: str) -> None:
    target = opened(model=model)
    assert target.capability is Capability.POINTER
    with pytest.raises(PointerOnly, match=r"so it cannot give 50 %\. Say in the playbook .* 'flips_at'"):
        await put(target, 50, "k")
    assert mlflow_server.aliases(model) == {ALIAS: "2"}


async def test_without_a_tag_a_release_is_the_number_of_its_version(
    mlflow_server: Running, opened: Open, model: str
) -> None:
    target = opened(model=model, release_tag=None, baseline="1")
    assert (await target.read(service="chat", release="2")).percent == 100
    assert (await target.set(service="chat", release="2", percent=0, key="k")).percent == 0
    assert mlflow_server.aliases(model) == {ALIAS: "1"}
    for unknown in ("9", "r2"):
        with pytest.raises(UnknownName, match=f"'{unknown}'. Known: 1, 2, 3"):
            await target.read(service="chat", release=unknown)


async def test_somebody_elses_third_version_stays_where_nobody_is_on_the_candidate(
    mlflow_server: Running, opened: Open, model: str
) -> None:
    mlflow_server.point(model, ALIAS, 3)
    assert (await put(opened(model=model), 0, "k")).percent == 0
    assert mlflow_server.aliases(model) == {ALIAS: "3"}


async def test_a_change_that_was_cut_short_before_the_alias_moved_is_made_by_its_repeat(
    mlflow_server: Running, opened: Open, model: str
) -> None:
    target = opened(model=model)
    before = await look(target)
    async with reading_only(mlflow_server, but="set-tag") as door:
        with pytest.raises(RejectedBySystem, match="answered 403"):
            await put(opened(url=door, model=model), 0, "k", expected=before.generation)
    half = await look(target)
    assert (half.percent, half.changed_by) == (100, "")
    assert (await put(target, 0, "k", expected=before.generation)).percent == 0
    assert mlflow_server.aliases(model) == {ALIAS: "1"}


async def test_a_change_that_was_cut_short_is_not_made_where_somebody_took_the_alias_elsewhere_since(
    mlflow_server: Running, opened: Open, model: str
) -> None:
    async with reading_only(mlflow_server, but="set-tag") as door:
        with pytest.raises(RejectedBySystem):
            await put(opened(url=door, model=model), 0, "k")
    mlflow_server.point(model, ALIAS, 3)
    await put(opened(model=model), 0, "k")
    assert mlflow_server.aliases(model) == {ALIAS: "3"}


async def test_who_puts_the_alias_back_by_hand_is_not_overruled_by_a_late_repeat(
    mlflow_server: Running, opened: Open, model: str
) -> None:
    target = opened(model=model)
    done = await put(target, 0, "k")
    mlflow_server.point(model, ALIAS, 2)
    late = await put(target, 0, "k")
    assert (late.percent, late.changed_by) == (100, "")
    with pytest.raises(ExposureMoved, match=r"was 1-1 and is 1-2\. Nothing"):
        await put(target, 0, "k2", expected=done.generation)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"model": "nothing"}, "Unknown model in MLflow .* 'nothing'. Known: .*model-"),
        ({"prompt": "nothing"}, "Unknown prompt in MLflow .* 'nothing'. Known: (?!.*model-)"),
        ({"alias": "live"}, "Unknown alias of model 'model-.*' 'live'. Known: champion"),
        ({"baseline": "r0"}, "Unknown release of model 'model-.*' 'r0'. Known: r1, r2, r3"),
        ({"release_tag": "version"}, "Unknown release of model 'model-.*' 'r2'. Known: none"),
    ],
    ids=["model", "prompt", "alias", "baseline", "tag"],
)
async def test_an_unknown_name_is_told_with_the_known_ones(
    opened: Open, model: str, wrong: dict[str, str], said: str
) -> None:
    named = wrong if "prompt" in wrong else {"model": model, **wrong}
    with pytest.raises(UnknownName, match=said):
        await put(opened(**named), 0, "k")


async def test_a_release_of_two_versions_is_refused(mlflow_server: Running, opened: Open) -> None:
    name = mlflow_server.register("r1", "r2", "r2")
    mlflow_server.point(name, ALIAS, 3)
    with pytest.raises(RejectedBySystem, match="versions 3, 2 all have the tag 'release' with 'r2'"):
        await look(opened(model=name))


async def test_the_baseline_itself_cannot_be_taken_back(
    mlflow_server: Running, opened: Open, model: str
) -> None:
    mlflow_server.point(model, ALIAS, 1)
    with pytest.raises(RejectedBySystem, match="'r1' is the baseline, so there is nothing to go back to"):
        await opened(model=model).set(service="chat", release="r1", percent=0, key="k")


async def test_a_baseline_that_is_not_ready_is_refused(
    mlflow_server: Running, opened: Open, model: str
) -> None:
    async with reading_only(mlflow_server, but="registered-models", seen="FAILED_REGISTRATION") as door:
        with pytest.raises(RejectedBySystem, match="version 1 of the baseline 'r1' is FAILED_REGISTRATION"):
            await put(opened(url=door, model=model), 0, "k")
    assert mlflow_server.aliases(model) == {ALIAS: "2"}


async def test_a_tag_that_somebody_else_wrote_stops_a_change(
    mlflow_server: Running, opened: Open, model: str
) -> None:
    mlflow_server.post(
        "registered-models/set-tag", {"name": model, "key": f"backout.{ALIAS}", "value": "mine"}
    )
    with pytest.raises(
        RejectedBySystem, match=r"the tag 'backout\.champion' is not what Backout wrote; remove it"
    ):
        await put(opened(model=model), 0, "k")
    assert mlflow_server.aliases(model) == {ALIAS: "2"}
