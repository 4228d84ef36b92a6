"""The flagd file: what is written into it, what is left alone, and what is refused."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from adapters.targets.flagd_file import FlagdFile
from adapters.targets.flagd_flag import METADATA_KEY
from adapters.targets.ledger import KEPT_KEYS
from backout.errors import Unreachable
from tests.adapters.flags import HASHED, exposure, flag, flag_in, names_in, put, split, write


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
