"""The flagd file: what is written into it, what is left alone, and what is refused."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest

from adapters.targets import flagd_file
from adapters.targets.flagd_file import FlagdFile
from adapters.targets.flagd_flag import KEPT_KEYS, METADATA_KEY
from backout.errors import RejectedBySystem, UnknownName, Unreachable
from backout.exposure import Exposure

HASHED = {"cat": [{"var": "$flagd.flagKey"}, {"var": "targetingKey"}]}


def flag(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  # any JSON
    base = {"state": "ENABLED", "variants": {"r1": "one", "r2": "two", "r3": "three"}, "defaultVariant": "r2"}
    return base | changes


def write(folder: Path, **changes: Any) -> Path:  # noqa: ANN401  # any JSON
    path = folder / "flags.json"
    path.write_text(json.dumps({"flags": {"chat": flag(**changes)}}))
    return path


def split(*entries: Any) -> dict[str, Any]:  # noqa: ANN401  # any JSON
    return {"fractional": [HASHED, *entries]}


def flag_in(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())["flags"]["chat"]
    return found


async def put(
    path: Path, percent: int, key: str, *, release: str = "r2", by: str = "targetingKey"
) -> Exposure:
    return await FlagdFile(str(path), "chat", "r1", by).set(
        service="chat", release=release, percent=percent, key=key
    )


def names_in(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


async def exposure(path: Path, release: str = "r2") -> int:
    return (await FlagdFile(str(path), "chat", "r1").read(service="chat", release=release)).percent


async def test_a_flag_without_a_rule_gets_one_with_the_candidate_first(tmp_path: Path) -> None:
    path = write(tmp_path)
    await put(path, 10, "k")
    assert flag_in(path)["targeting"] == {"fractional": [HASHED, ["r2", 10], ["r1", 90]]}


async def test_a_release_that_had_no_users_gets_the_first_range(tmp_path: Path) -> None:
    path = write(tmp_path, defaultVariant="r1")
    assert (await put(path, 10, "k")).percent == 10
    assert flag_in(path)["targeting"] == split(["r2", 10], ["r1", 90])


async def test_users_are_hashed_by_the_property_that_the_site_names(tmp_path: Path) -> None:
    path = write(tmp_path)
    await put(path, 10, "k", by="account")
    assert flag_in(path)["targeting"]["fractional"][0]["cat"][1] == {"var": "account"}


async def test_users_whom_the_rule_cannot_place_get_the_baseline(tmp_path: Path) -> None:
    path = write(tmp_path)
    await put(path, 50, "k")
    assert flag_in(path)["defaultVariant"] == "r1"


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        pytest.param(
            {"fractional": [{"var": "email"}, ["r1", 90], ["r2", 10]]},
            {"fractional": [{"var": "email"}, ["r1", 95], ["r2", 5]]},
            id="how users are hashed, and which end is the candidate's",
        ),
        pytest.param(
            {"fractional": [["r2", 1], ["r1", 1]]},
            {"fractional": [["r2", 5], ["r1", 95]]},
            id="the short form without an expression",
        ),
        pytest.param(
            split(["r2", 20], ["r3", 30], ["r1", 50]),
            split(["r2", 5], ["r3", 30], ["r1", 65]),
            id="the share of another release",
        ),
    ],
)
async def test_a_set_keeps_what_the_rule_had(tmp_path: Path, rule: Any, wanted: Any) -> None:  # noqa: ANN401
    path = write(tmp_path, targeting=rule)
    await put(path, 5, "k")
    assert flag_in(path)["targeting"] == wanted


@pytest.mark.parametrize(
    ("changes", "percent"),
    [
        pytest.param({"targeting": {}}, 100, id="an empty rule leaves everybody on the default"),
        pytest.param({"defaultVariant": "r1"}, 0, id="the default is another"),
        pytest.param({"targeting": split(["r2", 1], ["r1", 3])}, 25, id="weights that are no percent"),
        pytest.param({"targeting": split(["r2", 1], ["r1", 999])}, 1, id="one in a thousand is not zero"),
        pytest.param({"targeting": split(["r2"], ["r1"])}, 50, id="weights that are left out are 1"),
        pytest.param({"targeting": split(["r2", -5], ["r1", 5])}, 0, id="a negative weight is 0"),
        pytest.param(
            {"targeting": split(["r2", 0], ["r1", 0])}, 100, id="no weight at all means the default"
        ),
        pytest.param({"targeting": split(["r1", 100])}, 0, id="a rule without the release"),
    ],
)
async def test_exposure_is_read_as_flagd_serves_it(tmp_path: Path, changes: Any, percent: int) -> None:  # noqa: ANN401
    assert await exposure(write(tmp_path, **changes)) == percent


async def test_everything_else_in_the_file_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    document = {
        "$schema": "https://flagd.dev/schema/v0/flags.json",
        "flags": {
            "zebra": {"state": "DISABLED", "variants": {"on": True}, "defaultVariant": "on"},
            "chat": flag(metadata={"owner": "ml", "tier": 1}, unknown=[1, {"é": None}]),
            "alpha": {"state": "ENABLED", "variants": {"on": 1.5}, "defaultVariant": "on"},
        },
        "$evaluators": {"staff": {"in": ["@corp", {"var": "email"}]}},
        "metadata": {"flagSetId": "main"},
    }
    text = json.dumps(document, indent=4, ensure_ascii=False)
    path.write_text(text)
    await put(path, 10, "k")
    after = json.loads(path.read_text())
    changed = after["flags"]["chat"]
    assert changed.pop("targeting")
    assert changed["metadata"].pop(METADATA_KEY)
    assert json.dumps(after, indent=4, ensure_ascii=False) == text.replace(
        '"defaultVariant": "r2"', '"defaultVariant": "r1"'
    )
    assert '\n    "flags"' in path.read_text()
    assert "é" in path.read_text()


@pytest.mark.parametrize("end", ["", "\n"], ids=["without a last newline", "with a last newline"])
async def test_the_file_ends_as_it_did(tmp_path: Path, end: str) -> None:
    path = write(tmp_path)
    path.write_text(path.read_text() + end)
    await put(path, 10, "k")
    assert path.read_text().endswith("}" + end)


async def test_a_repeated_key_does_not_write_the_file(tmp_path: Path) -> None:
    path = write(tmp_path)
    await put(path, 10, "k")
    before = path.stat()
    await put(path, 10, "k")
    assert path.stat() == before


async def test_somebody_elses_change_is_a_new_generation(tmp_path: Path) -> None:
    path = write(tmp_path)
    ours = await put(path, 10, "k")
    path.write_text(path.read_text().replace("10", "60").replace("90", "40"))
    theirs = await FlagdFile(str(path), "chat", "r1").read(service="chat", release="r2")
    assert theirs.percent == 60
    assert theirs.generation != ours.generation


async def test_the_ledger_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = write(tmp_path)
    for number in range(KEPT_KEYS + 3):
        await put(path, number, f"k{number}")
    ledger = json.loads(flag_in(path)["metadata"][METADATA_KEY])
    assert list(ledger["done"]) == [f"k{number}" for number in range(3, KEPT_KEYS + 3)]
    assert ledger["generation"] == KEPT_KEYS + 3


async def test_the_file_keeps_its_mode_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.chmod(0o640)
    await put(path, 10, "k")
    assert path.stat().st_mode & 0o777 == 0o640
    assert names_in(tmp_path) == ["flags.json"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
async def test_the_file_keeps_its_owner(tmp_path: Path) -> None:
    path = write(tmp_path)
    os.chown(path, 4321, 1234)
    await put(path, 10, "k")
    assert (path.stat().st_uid, path.stat().st_gid) == (4321, 1234)


async def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = write(tmp_path)
    before = path.read_text()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unreachable, match="No space left on device"):
        await put(path, 10, "k")
    assert path.read_text() == before
    assert names_in(tmp_path) == ["flags.json"]


async def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    path = write(tmp_path / "real")
    link = tmp_path / "flags.json"
    link.symlink_to(path)
    await put(link, 10, "k")
    assert link.is_symlink()
    assert await exposure(path) == 10


async def test_the_new_file_is_newer_even_when_the_old_one_is_from_the_future(tmp_path: Path) -> None:
    path = write(tmp_path)
    future = path.stat().st_mtime + 3600
    os.utime(path, (future, future))
    await put(path, 10, "k")
    assert path.stat().st_mtime > future


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
