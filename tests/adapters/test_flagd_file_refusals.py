"""The flagd file: what is refused, with the place and the names that it knows."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from adapters.targets import flagd_file
from adapters.targets.flagd_file import FlagdFile
from adapters.targets.flagd_flag import METADATA_KEY
from backout.errors import RejectedBySystem, StageOutOfRange, UnknownName, Unreachable
from tests.adapters.flags import exposure, put, split, write


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("{", r"it is not JSON: .* line 1 column 2", id="half a file"),
        pytest.param("[]", "it is not a JSON object", id="a list"),
        pytest.param('{"flags": []}', "it has no object 'flags'", id="flags in a list"),
        pytest.param('{"flags": {"chat": 1}}', "the flag: Input should be a valid dictionary", id="no flag"),
        pytest.param(
            '{"flags": {"chat": {"variants": {}}}}', "state: Field required", id="a flag without state"
        ),
    ],
)
async def test_a_broken_file_is_refused_with_the_place(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "flags.json"
    path.write_text(text)
    with pytest.raises(RejectedBySystem, match=why):
        await exposure(path)
    with pytest.raises(RejectedBySystem, match=why):
        await put(path, 0, "k")
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"state": "DISABLED"}, "it is DISABLED", id="a disabled flag"),
        pytest.param({"defaultVariant": None}, "it has no defaultVariant", id="the default is in the code"),
        pytest.param(
            {"targeting": {"if": [True, "r2", "r1"]}}, "more than one 'fractional' rule", id="other rules"
        ),
        pytest.param(
            {"targeting": split(["r2", 1]) | {"if": [True, "r2"]}},
            "more than one 'fractional' rule",
            id="two rules",
        ),
        pytest.param({"targeting": split(["r2", "many"])}, "whole weight", id="a weight that is no number"),
        pytest.param(
            {"targeting": split(["r2", {"var": "w"}])}, "whole weight", id="a weight that is computed"
        ),
        pytest.param(
            {"metadata": {METADATA_KEY: "?"}}, "metadata 'backout' is not", id="a ledger of somebody else"
        ),
    ],
)
async def test_an_exposure_that_cannot_be_told_is_never_guessed(
    tmp_path: Path,
    changes: Any,  # noqa: ANN401  # any JSON
    why: str,
) -> None:
    path = write(tmp_path, **changes)
    before = path.read_text()
    with pytest.raises(RejectedBySystem, match=why):
        await exposure(path)
    with pytest.raises(RejectedBySystem, match=why):
        await put(path, 0, "k")
    assert path.read_text() == before


async def test_other_releases_are_not_pushed_out(tmp_path: Path) -> None:
    path = write(tmp_path, targeting=split(["r2", 10], ["r3", 60], ["r1", 30]))
    with pytest.raises(RejectedBySystem, match=r"other variants take too much of .*'r3': 60.* to give 50 %"):
        await put(path, 50, "k")


async def test_the_share_of_another_release_is_not_rounded(tmp_path: Path) -> None:
    path = write(tmp_path, targeting=split(["r2", 1], ["r3", 1], ["r1", 1]))
    with pytest.raises(RejectedBySystem, match="other variants take too much"):
        await put(path, 10, "k")


async def test_the_baseline_itself_cannot_be_taken_off(tmp_path: Path) -> None:
    path = write(tmp_path)
    with pytest.raises(RejectedBySystem, match="'r1' is the baseline"):
        await put(path, 0, "k", release="r1")


async def test_names_that_the_file_does_not_know_are_listed_with_those_that_it_does(tmp_path: Path) -> None:
    path = write(tmp_path)
    with pytest.raises(UnknownName, match=r"Unknown flag in .*flags\.json 'voice'\. Known: chat"):
        await FlagdFile(str(path), "voice", "r1").read(service="chat", release="r2")
    with pytest.raises(UnknownName, match=r"Unknown variant in flag 'chat' .*'r9'\. Known: r1, r2, r3"):
        await exposure(path, "r9")
    with pytest.raises(UnknownName, match=r"'r0'\. Known: r1, r2, r3"):
        await FlagdFile(str(path), "chat", "r0").set(service="chat", release="r2", percent=0, key="k")


async def test_a_missing_file_or_folder_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "flags.json", tmp_path / "nowhere" / "flags.json"):
        with pytest.raises(RejectedBySystem, match=r"flags\.json refused: there is no such file"):
            await exposure(path)
        with pytest.raises(RejectedBySystem, match=r"flags\.json refused: there is no such file"):
            await put(path, 0, "k")


async def test_a_writer_waits_for_another_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path)
    monkeypatch.setattr(flagd_file, "_LOCK_S", 0.05)
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(Unreachable, match=r"another process has held its lock for 0\.05 s"):
        await put(path, 0, "k")
    os.close(other)
    assert (await put(path, 0, "k")).percent == 0


@pytest.mark.parametrize("percent", [-1, 101])
async def test_a_percent_out_of_range_is_refused_before_the_file_is_looked_at(
    tmp_path: Path, percent: int
) -> None:
    with pytest.raises(StageOutOfRange):
        await put(tmp_path / "nothing.json", percent, "k")
