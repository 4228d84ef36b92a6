"""`backout event`: what happens outside and may explain what the signals say."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer

from backout.model import parse_duration
from cli import options

app = typer.Typer(
    help="Mark external events: deploys elsewhere, outages of providers, tests. They stand beside every "
    "reading, and rules can listen to them. Runs on the gateway's machine, as it writes the site's store.",
    no_args_is_help=True,
)


def _moment(text: str) -> datetime:
    """Read a time; one without a zone could be anybody's."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.utcoffset() is None:
        msg = f"'{text}' is not a time with its zone; write it as 2026-01-05T09:00:00Z"
        raise typer.BadParameter(msg)
    return at


def _duration(text: str) -> timedelta:
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    assert isinstance(found, timedelta)  # noqa: S101  # what the parser returns for text
    return found


@app.command()
def mark(  # noqa: PLR0913, PLR0917  # typer makes an option of each
    kind: Annotated[str, typer.Argument(help="Such as deploy, provider_outage or ab_test.")],
    what: Annotated[str, typer.Option(help="What happens, in a sentence.")],
    service: Annotated[str, typer.Option(help="The service that it concerns.", show_default="all")] = "",
    lasting: Annotated[
        timedelta | None,
        typer.Option("--for", parser=_duration, metavar="DURATION", help="How long it lasts, such as 30m."),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(parser=_moment, metavar="TIME", help="When it began.", show_default="now"),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option(
            parser=_moment, metavar="TIME", help="When it ends.", show_default="it goes on until you say so"
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="The same key again replaces the event.", show_default="of kind, service and start"
        ),
    ] = None,
    person: options.As = None,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Mark an event. Times are written with their zone, as in 2026-01-05T09:00:00Z.

    To end one that goes on, mark it again with its key and --end.
    """
    from cli import happenings  # noqa: PLC0415  # the database costs 0.3 s, which --help does not need

    if lasting is not None and end is not None:
        msg = "give --for or --end, not both"
        raise typer.BadParameter(msg)
    spoken = happenings.Spoken(
        kind=kind, what=what, service=service, lasting=lasting, start=start, end=end, key=key, person=person
    )
    happenings.mark(spoken, site=site, state=state, as_json=as_json)


@app.command("list")
def list_events(
    service: Annotated[str | None, typer.Option(help="Only what concerns this service.")] = None,
    back: Annotated[
        timedelta, typer.Option(parser=_duration, metavar="DURATION", help="From so long ago on.")
    ] = "7d",  # type: ignore[assignment]  # typer reads the default with the parser
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """List the events of late and those to come, oldest first."""
    from cli import happenings  # noqa: PLC0415  # as above

    happenings.list_events(service, back=back, site=site, state=state, as_json=as_json)
