"""Channels that call people, in the site file: what could not work or is not safe is refused at once."""

from __future__ import annotations

from pathlib import Path

import pytest

import wiring
from adapters.channels.mail import Mail
from adapters.channels.pace import Paced
from adapters.channels.pagerduty import PagerDutyEvents
from adapters.channels.slack_direct import SlackDirect
from adapters.channels.webhook import Webhook
from backout.errors import InvalidDocument, SecretMissing
from backout.site import Site
from backout.yaml_text import load_site
from deployment import read_site
from tests.unit.doctored import look, said, write_site
from tests.unit.linted import DATA, Changes, errors, found, step

TEXT = (DATA / "site.yaml").read_text(encoding="utf-8")
MAIL = "kind: mail, host: smtp.example.org, sender: b@example.org, timeout: 5s"
KINDS = {
    "pager": "{kind: pagerduty, routing_key: {env: KEY}, timeout: 5s}",
    "mail": f"{{{MAIL}, user: b, password: {{env: KEY}}}}",
    "desk": f"{{{MAIL}, to: [desk@x.org], user: b, password: {{env: KEY}}}}",
    "direct": "{kind: slack-direct, token: {env: KEY}}",
    "hook": '{kind: webhook, url: "http://127.0.0.1:1/x", secret: {env: KEY}, timeout: 5s}',
}


def site_with(channels: dict[str, str]) -> Site:
    lines = "".join(f"  {name}: {config}\n" for name, config in channels.items())
    return load_site(TEXT.replace("channels:\n", f"channels:\n{lines}"), file="site.yaml")


@pytest.mark.parametrize(
    ("channel", "why"),
    [
        (f"{{{MAIL}, tls: none}}", "'tls: none' is for a server on this very machine"),
        (
            "{kind: mail, host: 127.0.0.1.example, sender: b@x.org, timeout: 5s, tls: none}",
            "this very machine",
        ),
        (f"{{{MAIL}, user: b}}", "'user' and 'password' go together"),
        (
            "{kind: mail, host: 127.0.0.1, sender: b@x.org, timeout: 5s, tls: none, ca: a.pem}",
            "'ca' goes with 'tls: starttls' or 'tls: tls'",
        ),
        (
            f"{{{MAIL}, tls: none, user: b, password: {{env: K}}}}",
            "a password is not sent without TLS",
        ),
        (f'{{{MAIL}, to: ["Eve <eve@x.org>"]}}', "'Eve <eve@x.org>' is not an e-mail address; write it as"),
        (f'{{{MAIL}, to: ["a@x.org\\r\\nBcc: e@x.org"]}}', "is not an e-mail address"),
        (f"{{{MAIL.replace('smtp.example.org', 'a..b')}}}", "'a..b' does not fit"),
        (
            f"{{{MAIL.replace('5s', '9s')}}}",
            "timeout: a page is tried for 10 s at a time; let this be 8s at most",
        ),
        ("{kind: pagerduty, routing_key: 0123, timeout: 5s}", "routing_key"),
        (
            "{kind: pagerduty, routing_key: {env: K}, timeout: 5s, url: ftp://x}",
            "url: 'ftp://x' is not an addres",
        ),
        (
            '{kind: webhook, url: "https://me:pw@x.org", secret: {env: K}, timeout: 5s}',
            "a secret is named, never written into an address",
        ),
        ("{kind: slack-direct, token: {env: K}, api: slack}", "api: 'slack' is not an address"),
    ],
)
def test_what_could_not_work_or_is_not_safe_is_refused(channel: str, why: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        site_with({"pager": channel})
    assert why in str(refused.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_a_mail_server_of_this_machine_needs_no_tls(host: str) -> None:
    site = site_with({"mail": f'{{kind: mail, host: "{host}", sender: b@x.org, timeout: 5s, tls: none}}'})
    assert "mail" in site.channels


def test_the_address_of_a_person_is_one() -> None:
    with pytest.raises(InvalidDocument, match="'ann' is not an e-mail address"):
        load_site(TEXT.replace("login: ann}", "login: ann, email: ann}"), file="site.yaml")


async def test_each_kind_becomes_its_channel_at_its_pace_and_a_missing_secret_is_named(
    tmp_path: Path,
) -> None:
    file = write_site(tmp_path)
    lines = "".join(f"  {name}: {config}\n" for name, config in KINDS.items())
    file.write_text(file.read_text().replace("channels:\n", f"channels:\n{lines}"))
    async with wiring.open_adapters(read_site(file, {"KEY": "s3cret"})) as adapters:
        channels = adapters.channels()
        for name, kind in (("pager", PagerDutyEvents), ("direct", SlackDirect), ("hook", Webhook)):
            channel = channels[name]
            assert isinstance(channel, Paced)
            assert isinstance(channel.behind, kind)
        assert isinstance(channels["mail"], Mail)
    site = read_site(file, {}).site
    async with wiring.open_adapters(read_site(file, {})) as adapters:
        for name in KINDS:
            with pytest.raises(SecretMissing, match="KEY is not set"):
                adapters.channel(site.channels[name])


async def test_the_doctor_names_whom_a_mail_cannot_reach(tmp_path: Path) -> None:
    file = write_site(tmp_path)
    mail = "  mail: {kind: mail, host: 127.0.0.1, port: 1, sender: b@x.org, tls: none, timeout: 5s}\n"
    file.write_text(file.read_text().replace("channels:\n", f"channels:\n{mail}"))
    warned, failed = said(await look(file, release=None), "channel mail")
    assert "me, colleague have no e-mail address: it cannot call them. Give them 'email: ...'" in warned
    assert failed.startswith("fail: mail server 127.0.0.1:1 did not answer")


@pytest.mark.parametrize("kind", ["direct", "mail", "pager", "hook", "desk"])
def test_what_calls_nobody_goes_where_it_can_be_read(kind: str) -> None:
    site = site_with(KINDS)
    changes: Changes = {"channel": kind}
    told = [(path, message) for _, path, message in found(changes, site) if path == "channel"]
    whys = {
        "direct": "'direct' reaches only people who are called, and this calls nobody; name another",
        "mail": "'mail' has no addresses, and this calls nobody; name some in its 'to' at the site",
        "pager": "'pager' takes no news; name where the responders work, and this one in a level's 'via'",
    }
    assert told == ([("channel", whys[kind])] if kind in whys else [])


def test_a_notice_goes_where_it_can_be_read() -> None:
    site = site_with(KINDS)
    told = [(path, message) for _, path, message in found({"steps.5": step(5, channel="direct")}, site)]
    assert ("steps[5].channel", "'direct' reaches only people who are called") in [
        (path, message.partition(",")[0]) for path, message in told
    ]
    assert errors({}) == []
