"""The doctor sees where traffic would go back to another release than the one that people named."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import wiring
from backout.releases import BaselineRecord
from backout.targets import FlagdFileTarget, HaproxyTarget, HttpTarget, MlflowTarget, Target
from cli.doctor.world import goes_back_to
from deployment import read_site
from tests.unit.doctored import look, said, write_site

WARNING = (
    "warn: At 0 % traffic goes to known-good, but the last known good release of chat is {named}. "
    "Change its 'baseline' in the site file, unless both are the same."
)


async def warned(site: Path, named: str, *, release: str | None = None) -> list[str]:
    """Name a baseline, and return what the doctor warns of at the target."""
    async with wiring.open_adapters(read_site(site, {})) as adapters:
        await adapters.registry().name_baseline(
            baseline=BaselineRecord(
                service="chat", release=named, by="ann", why="quiet", at=datetime.now(UTC)
            )
        )
    found = said(await look(site, release=release), "target chat-exposure")
    return [line for line in found if line.startswith("warn")]


async def test_a_target_that_goes_back_to_another_release_than_the_named_one_is_a_warning(
    tmp_path: Path,
) -> None:
    site = write_site(tmp_path)
    assert await warned(site, "r1") == [WARNING.format(named="r1")]
    assert await warned(site, "known-good") == []
    # What is out now was promoted: it is not what would be gone back to.
    assert await warned(site, "r2", release="r2") == []


HAPROXY = {"kind": "haproxy", "socket": "./admin.sock", "backend": "chat", "baseline": "chat-r1"}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (FlagdFileTarget(kind="flagd-file", path="f.json", flag="chat", baseline="r1"), "r1"),
        (
            MlflowTarget(kind="mlflow", url="http://127.0.0.1:1", model="chat", alias="live", baseline="r1"),
            "r1",
        ),
        (HaproxyTarget.model_validate({**HAPROXY, "candidate": "chat-$release"}), "r1"),
        (HaproxyTarget.model_validate({**HAPROXY, "candidate": "canary"}), ""),
        (HttpTarget(kind="http", url="http://127.0.0.1:1/$release"), ""),
    ],
    ids=["a variant", "an alias", "a server named after its release", "another server", "not said"],
)
def test_where_a_target_goes_back_to_is_known_as_far_as_the_site_file_says_it(
    config: Target, expected: str
) -> None:
    assert goes_back_to(config) == expected
