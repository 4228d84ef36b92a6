"""`backout init`: a site to start from."""

from __future__ import annotations

from getpass import getuser
from pathlib import Path

import pytest

from backout.errors import AlreadyThere
from cli.starter import write_starter
from deployment import load_deployment, read_site


def test_the_starter_is_a_valid_site_with_a_valid_playbook(tmp_path: Path) -> None:
    site, playbook, *_ = write_starter(tmp_path / "new" / "folder")
    at = read_site(site, {})
    at.check_secrets()
    assert set(load_deployment(at).playbooks) == {playbook.stem}


def test_whoever_writes_it_may_act_by_their_login(tmp_path: Path) -> None:
    site, *_ = write_starter(tmp_path)
    read = read_site(site, {}).site
    assert read.people["me"].login == getuser()
    assert read.act_as == ()


def test_the_token_is_new_each_time_and_for_its_owner_alone(tmp_path: Path) -> None:
    *_, one = write_starter(tmp_path / "one")
    *_, other = write_starter(tmp_path / "other")
    assert one.read_text() != other.read_text()
    assert one.stat().st_mode & 0o777 == 0o600
    assert one.parent.stat().st_mode & 0o777 == 0o700


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("mine")
    with pytest.raises(AlreadyThere, match=r"site\.yaml already, and nothing was written"):
        write_starter(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["site.yaml"]
    assert (tmp_path / "site.yaml").read_text() == "mine"
