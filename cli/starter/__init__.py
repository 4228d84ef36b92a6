"""`backout init`: a site to start from, valid as it is, with comments that say what to change."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
from pathlib import Path

from backout.errors import AlreadyThere
from deployment import record_path

_HERE = Path(__file__).parent
_SHIPPED = _HERE.parents[1] / "playbooks" / "conversational-agent.yaml"
_PLAYBOOKS = "my-playbooks"
_TOKEN = Path(".backout") / "alertmanager-token"


def write_starter(folder: Path) -> tuple[Path, ...]:
    """Write the site file, a playbook with its backtest and a token into a folder; return what was written.

    Raises:
        AlreadyThere: one of them exists. Nothing is written then.
    """
    site, playbook, token = folder / "site.yaml", folder / _PLAYBOOKS / _SHIPPED.name, folder / _TOKEN
    record = record_path(playbook)
    written = (site, playbook, record, token)
    if existing := [str(path) for path in written if path.exists()]:
        raise AlreadyThere(files=", ".join(existing))
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
    token.parent.chmod(0o700)
    login = pwd.getpwuid(os.geteuid()).pw_name
    site.write_text(
        (_HERE / "site.yaml").read_text(encoding="utf-8").replace("{{ login }}", login), encoding="utf-8"
    )
    shutil.copyfile(_SHIPPED, playbook)
    shutil.copyfile(record_path(_SHIPPED), record)
    with os.fdopen(
        os.open(token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as secret:
        secret.write(secrets.token_urlsafe(24))
    return written
