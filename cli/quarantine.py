"""`backout release frozen`, `quarantined`, `quarantine` and `lift`: what may be released now."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options

FROZEN = 4
"""Exit code: it may not be released now. 3, the engine or the store says nothing, counts as frozen too."""

_Why = Annotated[str, typer.Option(help="The reason; it stays on record.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of releases."""
    for command in (frozen, quarantined, quarantine, lift):
        app.command()(command)


def frozen(
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="The service, such as chat.")],
    release: Annotated[str | None, typer.Option(help="A release that is to go out.")] = None,
    digest: Annotated[
        list[str] | None,
        typer.Option(metavar="sha256:...", help="A digest that is to go out; can be repeated."),
    ] = None,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Say whether a service is frozen by an incident, and whether a release or digest is quarantined.

    Exit codes: 0 free, 4 frozen or quarantined, 3 nobody can say (count it as frozen), 1 wrong question.
    """
    from cli import freezing  # noqa: PLC0415  # the database and the Temporal SDK cost 0.5 s, which --help does not need

    if freezing.frozen(
        service, release=release, digests=digest or (), site=site, state=state, as_json=as_json
    ):
        raise typer.Exit(FROZEN)


def quarantined(
    service: Annotated[str | None, typer.Argument(metavar="[SERVICE]", help="Only of this service.")] = None,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """List what must not be released again, newest first. It needs no engine."""
    from cli import freezing  # noqa: PLC0415  # as above

    freezing.quarantined(service, site=site, state=state, as_json=as_json)


def quarantine(  # noqa: PLR0913, PLR0917  # typer makes an option of each
    place: options.Place,
    why: _Why,
    release: options.Release = None,
    person: options.As = None,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Quarantine a release by hand. It takes the right 'lift', by which it is undone."""
    from cli import freezing  # noqa: PLC0415  # as above

    service, meant = options.named(place, release)
    decision = freezing.Decision(service=service, release=meant, why=_reason(why), person=person)
    freezing.quarantine(decision, site=site, state=state, as_json=as_json)


def lift(  # noqa: PLR0913, PLR0917  # typer makes an option of each
    place: options.Place,
    why: _Why,
    release: options.Release = None,
    person: options.As = None,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Lift the quarantine of a release: it and its artifacts may be released again."""
    from cli import freezing  # noqa: PLC0415  # as above

    service, meant = options.named(place, release)
    decision = freezing.Decision(service=service, release=meant, why=_reason(why), person=person)
    freezing.lift(decision, site=site, state=state, as_json=as_json)


def _reason(why: str) -> str:
    if not why.strip():
        msg = "give the reason with --why"
        raise typer.BadParameter(msg)
    return why.strip()
