"""The channels that a site file names.

What talks to a vendor is imported where it is built: a site pays only for what it names.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import assert_never

from backout import ports, site
from backout.secret import SecretRef
from backout.site_lint import LONGEST_TRY


def open_channel(
    config: site.Channel, *, secret: Callable[[SecretRef], str], path: Callable[[str], Path]
) -> ports.Channel:
    """Return a channel; `secret` and `path` look up what its part of the site file only names.

    Raises:
        SecretMissing: its token, key or password is not there.
        FileUnreadable: its certificates are not there.
    """
    match config:
        case site.SlackChannel():
            from adapters.channels.slack import SlackWeb  # noqa: PLC0415  # see the module's docstring

            return SlackWeb(secret(config.token), config.channel, config.api, LONGEST_TRY)
        case site.SlackDirectChannel():
            from adapters.channels.slack_direct import SlackDirect  # noqa: PLC0415  # see the module's docstring

            return SlackDirect(secret(config.token), config.api, LONGEST_TRY)
        case site.TerminalChannel():
            from adapters.channels.terminal import Terminal  # noqa: PLC0415  # see the module's docstring

            return Terminal(sys.stdout)
        case site.PagerDutyChannel():
            from adapters.channels.pagerduty import PagerDutyEvents  # noqa: PLC0415  # see the module's docstring

            return PagerDutyEvents(secret(config.routing_key), config.timeout, config.url)
        case site.WebhookChannel():
            from adapters.channels.webhook import Webhook  # noqa: PLC0415  # see the module's docstring

            return Webhook(config.url, secret(config.secret), config.timeout)
        case site.MailChannel():
            return _mail(config, secret, path)
        case _:
            assert_never(config)


def _mail(
    config: site.MailChannel, secret: Callable[[SecretRef], str], path: Callable[[str], Path]
) -> ports.Channel:
    from adapters.channels.mail import Mail, MailServer  # noqa: PLC0415  # see the module's docstring
    from adapters.tls import tls_context  # noqa: PLC0415  # see the module's docstring

    ca = path(config.ca) if config.ca else None
    server = MailServer(
        host=config.host,
        port=config.port,
        timeout=config.timeout,
        tls=config.tls,
        trust=None if config.tls == "none" else tls_context(ca=ca, certificate=None, key=None),
        login=(config.user, secret(config.password)) if config.user and config.password else None,
    )
    return Mail(server, config.sender, config.to)
