"""A real PostgreSQL server on loopback, in a folder of its own, gone after use."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.ports import kept_port

PATIENCE_S = 90
USER, PASSWORD = "backout", "p@ss/word"
# Debian keeps the server's programs out of the path.
_FOLDERS = [
    os.environ.get("PATH", ""),
    *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),
]
_INITDB = shutil.which("initdb", path=os.pathsep.join(_FOLDERS))
NEEDED = pytest.mark.skipif(_INITDB is None, reason="apt-get install --yes postgresql")


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a server; yield `host:port`. Its superuser is USER, with PASSWORD."""
    assert _INITDB
    # Not below pytest's own folder: the server's account may not enter that one.
    with tempfile.TemporaryDirectory(prefix="backout-postgresql-") as name, kept_port() as port:
        folder, log, password = Path(name), Path(name, "log"), Path(name, "password")
        password.write_text(PASSWORD)
        log.touch()
        account = _account()
        for path in (folder, log, password):
            os.chown(path, account.pw_uid, account.pw_gid)
        made = ("--pgdata=data", f"--username={USER}", "--pwfile=password", "--auth=scram-sha-256")
        assert _start(account, folder, _INITDB, *made, "--locale=C", "--no-sync").wait() == 0, log.read_text()
        settings = ("listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=", "fsync=off")
        options = [argument for setting in settings for argument in ("-c", setting)]
        server = _start(account, folder, str(Path(_INITDB).with_name("postgres")), "-D", "data", *options)
        try:
            _await(server, port, log)
            yield f"127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait(PATIENCE_S)


def _account() -> pwd.struct_passwd:
    """Return whose the server is: it refuses to be root's."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    return next(account for account in pwd.getpwall() if account.pw_name in {"postgres", "nobody"})


def _start(account: pwd.struct_passwd, folder: Path, *command: str) -> subprocess.Popen[bytes]:
    is_root = os.geteuid() == 0
    user, group, groups = (account.pw_uid, account.pw_gid, ()) if is_root else (None, None, None)
    with (folder / "log").open("a") as log:
        return subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, user=user, group=group, extra_groups=groups
        )


def _await(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends = time.monotonic() + PATIENCE_S
    while True:
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < ends, log.read_text()
        try:
            psycopg.connect(
                host="127.0.0.1", port=port, user=USER, password=PASSWORD, dbname="postgres"
            ).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
