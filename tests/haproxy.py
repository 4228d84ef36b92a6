"""A real HAProxy on loopback, in a folder of its own, with two releases behind it that really answer."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

# Debian keeps it out of the path of whoever is not root.
_PROGRAM = shutil.which("haproxy", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])) or ""
NEEDED = pytest.mark.skipif(not _PROGRAM, reason="apt-get install --yes haproxy")
PATIENCE_S = 30
_CONFIG = """
global
    stats socket fd@{admin} level admin
    stats socket fd@{operator} level operator
    stats timeout 30s
    {state}
defaults
    {load}
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend service
    bind fd@{service}
    default_backend chat
backend chat
    balance hdr(x-user)
    hash-type consistent
    server r1 unix@{folder}/r1 weight 0 cookie one
    server r2 unix@{folder}/r2 weight 100 cookie two
{more}
frontend r1
    bind unix@{folder}/r1
    http-request return status 200 content-type text/plain string r1 hdr X-Release r1
frontend r2
    bind unix@{folder}/r2
    http-request return status 200 content-type text/plain string r2 hdr X-Release r2
"""


@dataclass(frozen=True)
class Running:
    """Where it listens."""

    admin: Path
    """The stats socket with every right."""
    operator: Path
    """The stats socket that may read, and change nothing."""
    service: str
    """The address at which users are served by r1 or r2."""

    def tell(self, command: str) -> str:
        """Send a command to the runtime API, as an operator does."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE_S)
            connection.connect(str(self.admin))
            connection.sendall(f"{command}\n".encode())
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        return answer.decode()


@contextmanager
def haproxy(more: str = "", *, state: Path | None = None) -> Iterator[Running]:
    """Run HAProxy with `more` in its configuration, and the state of its servers from a file."""
    # Not below pytest's own folder: the name of a unix socket is short.
    with tempfile.TemporaryDirectory(prefix="backout-haproxy-") as name:
        folder = Path(name)
        told = {"state": f"server-state-file {state}", "load": "load-server-state-from-file global"}
        parts = {"folder": folder, "more": more, **(told if state else dict.fromkeys(told, ""))}
        # Its sockets are open before it starts, so that nothing has to wait for it.
        with ExitStack() as stack:
            admin, operator = (_unix(stack, folder / level) for level in ("admin", "operator"))
            service = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            numbers = {"admin": admin.fileno(), "operator": operator.fileno(), "service": service.fileno()}
            process = _start(folder, _CONFIG.format(**parts, **numbers), [*numbers.values()])
            port = service.getsockname()[1]
        running = Running(folder / "admin", folder / "operator", f"http://127.0.0.1:{port}")
        try:
            assert "r2" in running.tell("show servers state chat"), (folder / "log").read_text()
            yield running
        finally:
            process.kill()
            process.wait(PATIENCE_S)


def _start(folder: Path, config: str, sockets: list[int]) -> subprocess.Popen[bytes]:
    (folder / "haproxy.cfg").write_text(config)
    with (folder / "log").open("w") as output:
        command = [_PROGRAM, "-db", "-f", str(folder / "haproxy.cfg")]
        return subprocess.Popen(command, stdout=output, stderr=output, pass_fds=sockets)


def _unix(stack: ExitStack, path: Path) -> socket.socket:
    found = stack.enter_context(socket.socket(socket.AF_UNIX))
    found.bind(str(path))
    found.listen()
    return found
