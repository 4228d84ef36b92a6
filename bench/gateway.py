"""The gateway of a benchmark: the real one, but its playbooks are taken as they are written.

A rule that an alert fires alone cannot be backtested, so Backout would let it ask for approval. What the
benchmark measures is what follows once a rule has fired, so nothing may wait for a person first.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

from backout.lint import checked_playbook
from backout.playbook import Playbook
from cli.serve import serve_deployment
from deployment import Deployment, load_deployment, read_site


def _as_written(deployment: Deployment) -> Deployment:
    return replace(deployment, playbooks={name: _playbook(deployment, name) for name in deployment.playbooks})


def _playbook(deployment: Deployment, name: str) -> Playbook:
    file = deployment.at.path(deployment.site.playbooks) / f"{name}.yaml"
    return checked_playbook(file.read_text(), file=str(file), templates=deployment.templates, site=None)


if __name__ == "__main__":
    site, port = sys.argv[1:]
    asyncio.run(
        serve_deployment(_as_written(load_deployment(read_site(Path(site), os.environ))), port=int(port))
    )
