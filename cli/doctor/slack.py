"""The doctor's look at Slack's door: whether it can be heard, and who its user groups give roles to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backout.ports import SlackCalls
from backout.secret import SecretRef
from backout.site import Site, SlackDoor
from cli.doctor.report import Report, patience

HTTP, SOCKET = "/slack/commands and /slack/interactions", "Slack's socket"


def slack_secrets(door: SlackDoor | None) -> tuple[str, tuple[SecretRef, ...]]:
    """Return what Slack comes in through, and the secrets that it takes."""
    if door is None:
        return HTTP, ()
    refs = (door.signing_secret, door.app_token, door.token)
    return SOCKET if door.app_token else HTTP, tuple(ref for ref in refs if ref)


async def look_at_slack(report: Report, site: Site, slack: Callable[[], SlackCalls]) -> None:
    """See that forms can open, and that each user group has members of the directory.

    `slack` opens what Slack is asked through, where there is something to ask.
    """
    door = site.gateway.slack
    if door is None:
        return
    if door.token is None:
        advice = "Name the bot's token (gateway.slack.token), or people type the commands."
        report.warn("Slack's forms", f"Buttons that ask for a reason open none. {advice}")
    known = {person.slack for person in site.people.values()}
    for group, role in door.groups.items():
        with report.examining(f"user group {group}"):
            async with patience():
                members = await slack().members_of(group=group)
            _judge(report, group, role, [member for member in members if member in known], members)


def _judge(report: Report, group: str, role: str, people: Sequence[str], members: Sequence[str]) -> None:
    if not people:
        advice = "Give the people in it 'slack: U...' under 'people'."
        report.warn(f"user group {group}", f"Gives nobody the role {role}: {_in_it(members)}. {advice}")
    else:
        report.ok(f"user group {group}", f"gives {len(people)} of its {len(members)} the role {role}")


def _in_it(members: Sequence[str]) -> str:
    return "none of its members is in the directory" if members else "it has no members"
