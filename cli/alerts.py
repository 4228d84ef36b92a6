"""`backout alerts`: what the gateway's outbox holds, and what would become of a message."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options

app = typer.Typer(
    help="Look into the gateway's outbox: alerts that wait, alerts that were refused. Try what routes do.",
    no_args_is_help=True,
)

_Key = Annotated[str, typer.Argument(help="The dead letter's key, from 'backout alerts dead'.")]
_Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")]


@app.command()
def pending(
    limit: _Limit = 50,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """List alerts that were accepted and wait for the engine, oldest first."""
    from cli import desk  # noqa: PLC0415  # the database and the Temporal SDK cost 0.5 s, which --help does not need

    desk.list_outbox("pending", limit=limit, site=site, state=state, as_json=as_json)


@app.command()
def dead(
    limit: _Limit = 50,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """List dead letters: alerts that were refused, with the reason, newest first."""
    from cli import desk  # noqa: PLC0415  # as above

    desk.list_outbox("dead", limit=limit, site=site, state=state, as_json=as_json)


@app.command()
def show(
    key: _Key,
    body: Annotated[bool, typer.Option("--body", help="Print only what came, to correct it.")] = False,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Show a dead letter: what came, why it was refused, and what would mend it."""
    from cli import resending  # noqa: PLC0415  # as above

    resending.show(key, "body" if body else "json" if as_json else "all", site=site, state=state)


@app.command()
def resend(
    key: _Key,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A label that the alert should have had; can be repeated."),
    ] = None,
    body: Annotated[
        typer.FileBinaryRead | None,
        typer.Option(help="What its sender should have posted, in place of what came; '-' reads stdin."),
    ] = None,
    site: options.Site = None,
    state: options.State = options.STATE,
) -> None:
    """Send a dead letter again, by today's routes and playbooks; the gateway delivers it within seconds.

    What could not be read is read again as its sender's door reads it. Either all of it is sent, or nothing.
    """
    from cli import resending  # noqa: PLC0415  # as above

    mending = resending.Mending(labels=options.labels(label), body=body.read() if body else None)
    resending.resend(key, mending, site=site, state=state)


@app.command("test")
def try_out(
    file: Annotated[
        typer.FileBinaryRead,
        typer.Argument(
            help="A message as its sender posts it, or a recording of one; '-' reads it from stdin."
        ),
    ],
    sender: Annotated[
        str | None, typer.Option(help="Who sent it.", show_default="what its fields tell")
    ] = None,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Say which playbook a message would start, and why; nothing is sent and nothing is kept.

    The exit code is 1 if an alert of it would be refused.
    """
    from cli import trying  # noqa: PLC0415  # reading a site costs 0.2 s, which --help does not need

    would_pass = trying.try_message(file, sender=sender, site=site, state=state, as_json=as_json)
    raise typer.Exit(0 if would_pass else 1)
