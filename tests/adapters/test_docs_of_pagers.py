"""What the how-to of the pagers shows is what there is."""

from __future__ import annotations

import re

import pytest

from backout.site import Channel, Site
from backout.yaml_text import load_site
from tests.adapters.verifying import HOW_TO

REST = """\
site: s
sources: {}
targets: {}
store: {kind: sqlite, path: a, documents: b}
gateway: {outbox: o}
"""


@pytest.fixture
def site() -> Site:
    shown = re.search(r"```yaml\n(.*?)```", HOW_TO.read_text(), re.DOTALL)
    assert shown
    return load_site(REST + shown[1], file="site.yaml")


def test_the_site_file_that_is_shown_is_one(site: Site) -> None:
    kinds: set[type[Channel]] = {type(channel) for channel in site.channels.values()}
    assert [kind.__name__ for kind in sorted(kinds, key=lambda kind: kind.__name__)] == [
        "MailChannel",
        "PagerDutyChannel",
        "SlackChannel",
        "SlackDirectChannel",
        "WebhookChannel",
    ]
