"""The demo's world before anything runs: its folder, its secrets, its site and its playbook."""

from __future__ import annotations

import stat
from getpass import getuser
from pathlib import Path

import pytest

from backout.checks import HttpCheck
from cli.session import actor_of
from demo import releases
from demo.world import DemoRunning, Engine, FolderUnusable, World, fresh_folder
from deployment import load_deployment, read_site
from tests.unit.demo_world import PEOPLE


def test_a_fresh_folder_takes_the_place_of_the_last_demo_and_touches_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "run-20200101-000000").mkdir()
    (tmp_path / "mine").mkdir()
    with fresh_folder(tmp_path) as folder:
        assert sorted(path.name for path in tmp_path.iterdir()) == ["demo.lock", "mine", folder.name]
        assert folder.name.startswith("run-")


def test_a_folder_where_a_demo_runs_is_refused_and_left_alone(tmp_path: Path) -> None:
    with fresh_folder(tmp_path) as folder:
        with pytest.raises(DemoRunning, match=f"Another demo runs in {tmp_path}"), fresh_folder(tmp_path):
            pass
        assert folder.exists()


def test_a_place_where_no_folder_can_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(FolderUnusable, match=r"file/demo: Not a directory\. Name another place with --state"),
        fresh_folder(tmp_path / "file" / "demo"),
    ):
        pass


def test_secrets_are_new_for_each_demo_and_only_for_their_owner(tmp_path: Path) -> None:
    tokens = set()
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        world = World(tmp_path / name)
        tokens |= {world.alert_token, world.signing_secret}
        for file in ("alertmanager-token", "slack-signing-secret", "slack-bot-token"):
            assert stat.S_IMODE((tmp_path / name / file).stat().st_mode) == 0o600
    assert len(tokens) == 4


def test_whoever_plays_the_demo_may_act_as_each_of_its_people(tmp_path: Path) -> None:
    site = World(tmp_path).write_site(
        service="http://127.0.0.1:4711", slack="http://127.0.0.1:4712/api/", interactive=True
    )
    assert site.act_as == (getuser(),)
    assert {actor_of(site, chosen=key).name for key in site.people} == {"Alice", "Bob", "Carol"}


def test_the_site_and_the_playbook_of_the_demo_fit_each_other(tmp_path: Path) -> None:
    world = World(tmp_path)
    site = world.write_site(
        service="http://127.0.0.1:4711", slack="http://127.0.0.1:4712/api/", interactive=False
    )
    deployment = load_deployment(read_site(world.site_file, {}))
    assert list(deployment.playbooks) == ["conversational-agent"]
    assert deployment.playbooks["conversational-agent"].release.service == releases.SERVICE
    assert deployment.site == site
    assert site.people == PEOPLE
    assert site.act_as == ()
    served = site.checks["served-version"]
    assert isinstance(served, HttpCheck)
    assert served.url.startswith("http://127.0.0.1:4711/served?")


def test_an_incidents_history_is_found_in_temporals_ui_by_its_encoded_id() -> None:
    engine = Engine(temporal="t", namespace="default", ui="http://127.0.0.1:8233", gateway="g")
    assert engine.history_of("incident/chat/2026.11") == (
        "http://127.0.0.1:8233/namespaces/default/workflows/incident%2Fchat%2F2026.11"
    )
