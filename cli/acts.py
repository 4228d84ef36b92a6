"""The acts of people: one command for each verb of the registry, which Slack's commands come from too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from backout.commands import VERBS, Verb
from backout.people import Action
from cli import options

_Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INCIDENT TEXT",
        help="service/release, left out where only one is open; for approve and reject the code of what "
        "you have read; then the reason, or the item's number.",
    ),
]
_Reason = Annotated[str | None, typer.Option("--reason", "-m", help="Why, for the timeline.")]
_Id = Annotated[str | None, typer.Option("--id", help="Idempotency id: the same id twice is one act.")]

ACTS = {verb.name: verb for verb in VERBS.values() if isinstance(verb.does, Action)}
"""The verbs that act; the others of the registry only show."""


def add_to(app: typer.Typer) -> None:
    """Add a command for each verb that acts."""
    for verb in ACTS.values():
        help_text = f"{verb.about[0].upper()}{verb.about[1:]}."
        app.command(verb.name, help=help_text, rich_help_panel="Acts in an incident")(_command(verb))


def _command(verb: Verb) -> Callable[..., None]:
    def act(  # noqa: PLR0913, PLR0917  # typer makes an option of each
        words: _Words = None,
        reason: _Reason = None,
        person: options.As = None,
        act_id: _Id = None,
        site: options.Site = None,
        state: options.State = options.STATE,
        as_json: options.Json = False,
    ) -> None:
        from cli import desk  # noqa: PLC0415  # the Temporal SDK costs 0.3 s, which --help does not need

        desk.act(
            desk.ActRequest(verb=verb, words=tuple(words or ()), reason=reason, person=person, act_id=act_id),
            site=site,
            state=state,
            as_json=as_json,
        )

    return act
