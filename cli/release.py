"""`backout release`: what is released, what guards it, and what is known to be good."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options

UNPROVEN = 4
"""Exit code: the release is no proven baseline."""

app = typer.Typer(
    help="Tell of releases, see that they are watched, name the last known good one. Runs on the gateway's "
    "machine, as it writes the site's own store.",
    no_args_is_help=True,
)


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
    during_incident: Annotated[
        str,
        typer.Option(
            help="Why it must be registered although an incident runs on another release of the service."
        ),
    ] = "",
    person: options.As = None,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Register a release, and start the watch that guards it. The same registration twice is one."""
    from cli import releasing  # noqa: PLC0415  # the database and the Temporal SDK cost 0.5 s, which --help does not need

    meant = releasing.Registering(file=file, person=person, during_incident=during_incident.strip())
    releasing.register(meant, site=site, state=state, as_json=as_json)


@app.command()
def watch(
    place: options.Place,
    release: options.Release = None,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """See that a registered release is watched, and start its watch where it is not."""
    from cli import releasing  # noqa: PLC0415  # as above

    releasing.watch(*options.named(place, release), site=site, state=state, as_json=as_json)


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
    place: options.Place,
    release: options.Release = None,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Show what a release is made of, where it comes from, and what its watch sees."""
    from cli import releasing  # noqa: PLC0415  # as above

    releasing.show(*options.named(place, release), site=site, state=state, as_json=as_json)


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
    release: options.Release = None,
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
    service, good = options.named(place, release)
    named = baselines.Named(service=service, release=good, why=why or "", person=person)
    baselines.name(named, site=site, state=state, as_json=as_json)


@app.command()
def prove(
    place: options.Place,
    release: options.Release = None,
    instead_of: Annotated[
        str,
        typer.Option(
            metavar="RELEASE",
            help="The release that would be reverted to it: what it served before that came counts too.",
        ),
    ] = "",
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Say whether a release is a proven baseline, as the service's playbooks ask for it.

    Exit codes: 0 proven, 4 not proven, 1 nothing to prove it by.
    """
    from cli import proving  # noqa: PLC0415  # as above

    service, named = options.named(place, release)
    asked = proving.Question(service=service, release=named, instead_of=instead_of)
    if not proving.prove(asked, site=site, state=state, as_json=as_json):
        raise typer.Exit(UNPROVEN)


@app.command()
def retire(  # noqa: PLR0913, PLR0917  # typer makes an option of each
    place: options.Place,
    why: Annotated[str, typer.Option(help="Why it needs no guard any more.")],
    release: options.Release = None,
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
    service, named = options.named(place, release)
    meant = releasing.Retirement(service=service, release=named, why=why, person=person)
    releasing.retire(meant, site=site, state=state, as_json=as_json)


@app.command()
def rollout(  # noqa: PLR0913, PLR0917  # typer makes an option of each
    place: options.Place,
    release: options.Release = None,
    why: Annotated[str, typer.Option(help="Why it goes up, for the timeline and for who approves.")] = "",
    person: options.As = None,
    site: options.Site = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Roll a registered release out in guarded stages, or release one again whose quarantine was lifted."""
    from cli import rollouts  # noqa: PLC0415  # as above

    service, named = options.named(place, release)
    wanted = rollouts.Wanted(service=service, release=named, why=why, person=person)
    rollouts.begin(wanted, site=site, state=state, as_json=as_json)
