"""Lint of channels: what calls nobody is not sent by a channel that only reaches people who are called."""

from __future__ import annotations

from collections.abc import Iterator

from backout.playbook import Playbook
from backout.problems import Path, Problem
from backout.site import MailChannel, PagerDutyChannel, Site, SlackDirectChannel
from backout.steps import NotifyStep


def channel_problems(playbook: Playbook, site: Site | None) -> Iterator[Problem]:
    """Yield the channels of the playbook that could not take what it sends them."""
    for path, name in _told(playbook):
        match site and site.channels.get(name):
            case SlackDirectChannel():
                msg = f"'{name}' reaches only people who are called, and this calls nobody; name another"
                yield Problem(path=path, message=msg)
            case MailChannel(to=()):
                msg = f"'{name}' has no addresses, and this calls nobody; name some in its 'to' at the site"
                yield Problem(path=path, message=msg)
            case PagerDutyChannel() if path == ("channel",):
                msg = (
                    f"'{name}' takes no news; name where the responders work, and this one in a level's 'via'"
                )
                yield Problem(path=path, message=msg)


def _told(playbook: Playbook) -> Iterator[tuple[Path, str]]:
    """Yield where the playbook names a channel for what calls nobody, and the name."""
    yield ("channel",), playbook.channel
    for i, step in enumerate(playbook.steps):
        if isinstance(step, NotifyStep):
            yield ("steps", i, "channel"), step.channel
    for i, communication in enumerate(playbook.communications):
        yield ("communications", i, "channel"), communication.channel
