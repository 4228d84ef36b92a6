"""`backout notices`: what people would be told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backout.errors import UnknownName
from backout.notice_facts import Stage
from backout.notice_samples import sample
from backout.notice_text import drafted
from backout.requests import DraftNotice
from deployment import load_templates

app = typer.Typer(help="Notices: what each audience would be told.", no_args_is_help=True)


@app.command()
def preview(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, metavar="FILE", help="A playbook.")
    ],
    communication: Annotated[str, typer.Argument(help="The id of one of its communications.")],
    stage: Annotated[Stage | None, typer.Option(help="How far the incident is; every stage without.")] = None,
) -> None:
    """Print a notice of a playbook as it would be, with made-up facts. Nothing is sent.

    Exit codes: 0 printed, 1 the playbook or the template is wrong, or there is no such communication.
    """
    from cli.backtesting import read_playbook  # noqa: PLC0415  # it costs 0.5 s, which --help does not need

    playbook = read_playbook(file)
    known = {one.id: one for one in playbook.communications}
    if communication not in known:
        raise UnknownName(kind="communication", name=communication, known=known)
    told, templates = known[communication], load_templates()
    for one in (stage,) if stage else Stage:
        facts = sample(playbook, one, every=told.every)
        request = DraftNotice(template=told.template, audience=told.audience, facts=facts)
        notice = drafted(request, templates)
        typer.secho(f"--- {one.value}, to {told.audience} through {told.channel}", dim=True)
        typer.secho(notice.title, bold=True)
        typer.echo(f"\n{notice.text}\n")
