"""`backout release`: what is released, what guards it, and what is known to be good."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options

app = typer.Typer(
    help="Tell of releases, see that they are watched, name the last known good one. Runs on the gateway's "
    "machine, as it writes the site's own store.",
    no_args_is_help=True,
)

_Place = Annotated[
    str,
    typer.Argument(metavar="SERVICE/RELEASE", help="The release, such as chat/r2; 'chat r2' means it too."),
]
_Release = Annotated[str | None, typer.Argument(metavar="RELEASE", hidden=True)]


def _named(place: str, release: str | None) -> tuple[str, str]:
    """Return the service and the release that are meant by one word, or by two."""
    service, slash, second = place.partition("/")
    if not service or bool(slash) == (release is not None) or not (second or release):
        given = " ".join(filter(None, (place, release)))
        msg = f"'{given}' is no release; write it as SERVICE/RELEASE, such as '{service or 'chat'}/r2'"
        raise typer.BadParameter(msg)
    return service, second or release or ""


@app.command()
def register(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="The registration in JSON or YAML, '-' for standard input: service, release, playbook, "
            "owner, artifacts (kind, name, digest); also datasets, evaluations, ramp, baseline.",
        ),
    ],
    person: options.As = None,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Register a release, and start the watch that guards it. The same registration twice is one."""
    from cli import releasing  # noqa: PLC0415  # the database and the Temporal SDK cost 0.5 s, which --help does not need

    releasing.register(file, person=person, site=site, state=state, as_json=as_json)


@app.command()
def watch(
    place: _Place,
    release: _Release = None,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """See that a registered release is watched, and start its watch where it is not."""
    from cli import releasing  # noqa: PLC0415  # as above

    releasing.watch(*_named(place, release), site=site, state=state, as_json=as_json)


@app.command("list")
def list_releases(
    service: Annotated[str | None, typer.Option(help="Only those of this service.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """List the registered releases, newest first. It needs no engine."""
    from cli import releasing  # noqa: PLC0415  # as above

    releasing.list_releases(service, limit=limit, site=site, state=state, as_json=as_json)


@app.command()
def show(
    place: _Place,
    release: _Release = None,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Show what a release is made of, where it comes from, and what its watch sees."""
    from cli import releasing  # noqa: PLC0415  # as above

    releasing.show(*_named(place, release), site=site, state=state, as_json=as_json)


@app.command()
def baseline(  # noqa: PLR0913, PLR0917  # typer makes an option of each
    place: Annotated[
        str,
        typer.Argument(
            metavar="SERVICE[/RELEASE]",
            help="The last known good release, such as chat/r1, to put it on record; 'chat r1' means it too. "
            "The service alone: show its record.",
        ),
    ],
    release: _Release = None,
    why: Annotated[str | None, typer.Option(help="Why it is known to be good; needed to name one.")] = None,
    person: options.As = None,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Name the last known good release of a service, or show which ones were named."""
    from cli import baselines  # noqa: PLC0415  # as above

    if release is None and "/" not in place:
        if why is not None:
            msg = "there is a reason, but no release that it is for; name the release after the service"
            raise typer.BadParameter(msg)
        baselines.show(place, site=site, state=state, as_json=as_json)
        return
    if not (why or "").strip():
        msg = "give the reason with --why: what shows that the release is good"
        raise typer.BadParameter(msg)
    service, good = _named(place, release)
    named = baselines.Named(service=service, release=good, why=why or "", person=person)
    baselines.name(named, site=site, state=state, as_json=as_json)


@app.command()
def retire(  # noqa: PLR0913, PLR0917  # typer makes an option of each
    place: _Place,
    why: Annotated[str, typer.Option(help="Why it needs no guard any more.")],
    release: _Release = None,
    person: options.As = None,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Guard a release no longer: its watch ends. An incident on it goes on."""
    from cli import releasing  # noqa: PLC0415  # as above

    if not why.strip():
        msg = "give a reason with --why"
        raise typer.BadParameter(msg)
    service, named = _named(place, release)
    meant = releasing.Retirement(service=service, release=named, why=why, person=person)
    releasing.retire(meant, site=site, state=state, as_json=as_json)
