"""The commands that run Backout: up, gateway, doctor, init."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.starter import write_starter

_Port = Annotated[int, typer.Option(min=0, max=65535, help="The engine's port; 0 chooses a free one.")]
_UiPort = Annotated[
    int, typer.Option(min=0, max=65535, help="The port of Temporal's UI; 0 chooses a free one.")
]
_GatewayPort = Annotated[
    int | None,
    typer.Option(
        min=0, max=65535, help="The port to listen on.", show_default="gateway.port of the site file"
    ),
]
_Release = Annotated[
    str | None,
    typer.Option(
        metavar="[SERVICE/]RELEASE",
        help="A release that is out now: its queries must match something, its exposure is read.",
    ),
]
_RunChecks = Annotated[
    bool,
    typer.Option("--run-checks", help="Run the checks too that change something: commands, purges, marks."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (up, gateway, doctor, init):
        app.command(rich_help_panel="Run Backout")(command)


def up(
    site: options.Site = None,
    state: options.State = options.STATE,
    port: _Port = 7233,
    ui_port: _UiPort = 8233,
) -> None:
    """Run everything on this machine: the embedded Temporal engine, the worker and the gateway.

    All of it listens on loopback. Ctrl-C stops it; the next 'backout up' goes on with every open incident.
    """
    from cli.session import run  # noqa: PLC0415  # the Temporal SDK costs 0.3 s, which --help does not need
    from cli.up import bring_up  # noqa: PLC0415  # as above

    run(bring_up(site or options.SITE, state=state, port=port, ui_port=ui_port))


def gateway(site: options.Site = None, port: _GatewayPort = None) -> None:
    """Run the gateway alone: it hears alerts and Slack commands, and carries them to Temporal.

    The connection to Temporal comes from TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and the like.
    """
    import os  # noqa: PLC0415  # with the modules below

    import telemetry  # noqa: PLC0415  # as above
    from cli.serve import serve  # noqa: PLC0415  # as above
    from cli.session import run  # noqa: PLC0415  # as above

    settings = telemetry.Settings.read(os.environ)
    telemetry.set_up_logging(settings)
    run(serve(site or options.SITE, port=port))


def doctor(
    site: options.Site = None,
    state: options.State = options.STATE,
    release: _Release = None,
    run_checks: _RunChecks = False,
    as_json: options.Json = False,
) -> None:
    """Check a site for real: connect to everything that it names, ask, read, and say what to fix."""
    from cli.doctor.examine import check_up  # noqa: PLC0415  # as above
    from cli.doctor.sources import Out  # noqa: PLC0415  # as above

    if release and "/" in release:
        service, named = options.named(release, None)
        out = Out(service=service, release=named)
    else:
        out = Out(release=release)
    if not check_up(site, state=state, out=out, runs_checks=run_checks, as_json=as_json):
        raise typer.Exit(1)


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write site.yaml.")] = Path(),
) -> None:
    """Write a commented site.yaml to start from, with a playbook and a token for Alertmanager."""
    for path in write_starter(folder):
        typer.echo(f"Wrote {path}")
    typer.echo(f"Next: change the addresses in it, then 'backout doctor --site {folder / 'site.yaml'}'.")
