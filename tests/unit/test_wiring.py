"""The composition root: files to parts, with errors that say what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

import wiring
from backout.doors import secrets_of
from backout.errors import (
    EngineUnreachable,
    FileUnreadable,
    InvalidDocument,
    NoPlaybooks,
    SecretMissing,
    UnknownName,
)
from cli.starter import write_starter
from deployment import load_deployment, load_templates, read_site


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return the starter's site file."""
    file, *_ = write_starter(tmp_path)
    return file


def change(site: Path, old: str, new: str) -> None:
    """Change the text of the site file."""
    text = site.read_text()
    assert old in text
    site.write_text(text.replace(old, new))


def test_a_site_file_that_is_not_there_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match=r"site\.yaml cannot be read: No such file.*backout init"):
        read_site(tmp_path / "site.yaml", {})


def test_a_site_file_that_is_no_text_is_refused(site: Path) -> None:
    site.write_bytes(b"\xff\xfe")
    with pytest.raises(FileUnreadable, match="it is not UTF-8"):
        read_site(site, {})


def test_problems_of_the_site_file_have_their_place(site: Path) -> None:
    change(site, "kind: flagd-file", "kind: flag-file")
    with pytest.raises(InvalidDocument, match=rf"{site}:\d+:\d+: targets\.chat-exposure"):
        read_site(site, {})


def test_every_problem_of_every_playbook_is_told_at_once(site: Path) -> None:
    folder = site.parent / "my-playbooks"
    text = (folder / "conversational-agent.yaml").read_text()
    (folder / "conversational-agent.yaml").write_text(
        text.replace("target: chat-exposure", "target: nowhere")
    )
    (folder / "second.yaml").write_text("playbook: second\n")
    with pytest.raises(InvalidDocument) as refused:
        load_deployment(read_site(site, {}))
    assert any(
        "conversational-agent.yaml" in problem and "nowhere" in problem for problem in refused.value.problems
    )
    assert any("second.yaml" in problem for problem in refused.value.problems)


def test_only_playbooks_that_a_route_names_are_held_against_the_site(site: Path) -> None:
    shipped = Path("playbooks/image-generator.yaml")
    (site.parent / "my-playbooks" / shipped.name).write_text(shipped.read_text())
    assert "image-generator" in load_deployment(read_site(site, {})).playbooks
    change(site, "routes:", "routes:\n  - {match: {service: images}, playbook: image-generator}")
    with pytest.raises(InvalidDocument, match="images-metrics"):
        load_deployment(read_site(site, {}))


def test_a_folder_without_playbooks_is_refused(site: Path) -> None:
    change(site, "playbooks: my-playbooks", "playbooks: elsewhere")
    with pytest.raises(NoPlaybooks, match="elsewhere"):
        load_deployment(read_site(site, {}))


def test_a_route_to_an_unknown_playbook_is_refused_with_the_known_ones(site: Path) -> None:
    change(site, "playbook: conversational-agent,", "playbook: chatbot,")
    with pytest.raises(UnknownName, match=r"Unknown playbook 'chatbot'\. Known: conversational-agent\."):
        load_deployment(read_site(site, {}))


def test_paths_of_the_site_file_begin_at_its_folder(
    site: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path.parent)
    at = read_site(Path(tmp_path.name) / "site.yaml", {})
    assert at.path("flags.json") == site.parent.resolve() / "flags.json"
    assert at.path("/abs/flags.json") == Path("/abs/flags.json")


def test_a_secret_comes_from_a_file_without_its_line_end(site: Path) -> None:
    (site.parent / ".backout" / "alertmanager-token").write_text("s3cret\n")
    at = read_site(site, {})
    door = at.site.gateway.alerts.alertmanager
    assert door
    assert [at.secret(ref) for ref in secrets_of(door)] == ["s3cret"]


def test_a_secret_comes_from_the_environment(site: Path) -> None:
    change(site, "{token: {file: .backout/alertmanager-token}}", "{token: {env: AM_TOKEN}}")
    at = read_site(site, {"AM_TOKEN": "s3cret"})
    at.check_secrets()
    with pytest.raises(SecretMissing, match="in environment variable AM_TOKEN is not set"):
        read_site(site, {}).check_secrets()


@pytest.mark.parametrize("content", [None, "", " \n", b"\xff"])
def test_a_secret_file_that_holds_none_is_a_missing_secret(site: Path, content: str | bytes | None) -> None:
    token = site.parent / ".backout" / "alertmanager-token"
    if content is None:
        token.unlink()
    else:
        token.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SecretMissing, match=r"in file \.backout/alertmanager-token"):
        read_site(site, {}).check_secrets()


def test_no_secret_shows_in_what_is_printed_of_a_site(site: Path) -> None:
    change(site, "{token: {file: .backout/alertmanager-token}}", "{token: {env: AM_TOKEN}}")
    deployment = load_deployment(read_site(site, {"AM_TOKEN": "s3cret"}))
    deployment.at.check_secrets()
    assert "AM_TOKEN" in repr(deployment)
    assert "s3cret" not in repr(deployment)


def test_templates_are_known_by_their_path_below_the_folder() -> None:
    assert "slack/incident.md.j2" in load_templates()


def test_the_connection_is_the_one_that_the_environment_names() -> None:
    given = {
        "TEMPORAL_ADDRESS": "temporal:7233",
        "TEMPORAL_NAMESPACE": "backout",
        "TEMPORAL_CONFIG_FILE": "/dev/null",
    }
    assert wiring.connection(given) == {"target_host": "temporal:7233", "namespace": "backout"}


def test_a_connection_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "temporal.toml"
    broken.write_text("[profile")
    with pytest.raises(EngineUnreachable, match="TOML"):
        wiring.connection({"TEMPORAL_CONFIG_FILE": str(broken)})


async def test_a_temporal_that_does_not_answer_is_named() -> None:
    with pytest.raises(EngineUnreachable, match=r"Temporal at 127\.0\.0\.1:1 did not answer"):
        await wiring.connect({"target_host": "127.0.0.1:1"})
