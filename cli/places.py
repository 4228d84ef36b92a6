"""Where the parts of `backout up` listen, and the environment that tells them."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from backout.errors import AddressTaken
from backout.model import Frozen
from telemetry import Address, Settings

ROOT = Path(__file__).resolve().parent.parent
"""The folder of Backout's own code."""
NAMESPACE = "default"
"""The namespace of the embedded engine, which makes it by itself."""
_LOOPBACK = "127.0.0.1"
_RESERVED_WITHIN_S = 1.0


class Places(Frozen):
    """Where each part listens."""

    temporal: Address
    ui: Address
    gateway: Address
    worker: Address
    metrics: Address


def choose_places(*, port: int, ui_port: int, gateway: Address, settings: Settings) -> Places:
    """Return where each part will listen; port 0 becomes a free one.

    Raises:
        AddressTaken: something else listens on a port that was asked for.
    """
    with ExitStack() as held:  # All at once, so that no free port is chosen twice.

        def free(what: str, wanted: Address, remedy: str) -> Address:
            probe = held.enter_context(
                socket.socket(socket.AF_INET6 if ":" in wanted.host else socket.AF_INET)
            )
            # As servers do: what is left of a closed connection does not take a port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((wanted.host, wanted.port))
            except OSError as error:
                why = os.strerror(error.errno or 0)
                raise AddressTaken(what=what, address=wanted, why=why, remedy=remedy) from error
            if not wanted.port:
                _reserve(probe)
            return Address(host=wanted.host, port=probe.getsockname()[1])

        return Places(
            temporal=free(
                "The engine", Address(host=_LOOPBACK, port=port), "choose another port with --port"
            ),
            ui=free(
                "Temporal's UI", Address(host=_LOOPBACK, port=ui_port), "choose another port with --ui-port"
            ),
            gateway=free("The gateway", gateway, "choose another gateway.port in the site file"),
            worker=free(
                "The worker's health page", settings.worker_health, "name another in BACKOUT_WORKER_HEALTH"
            ),
            metrics=free("The worker's metrics page", settings.metrics, "name another in BACKOUT_METRICS"),
        )


def _reserve(probe: socket.socket) -> None:
    """Have the system give a socket's port to nobody who asks for any, until the part listens on it.

    A connection that was closed on this side keeps the port for a minute; whoever names it, as the part does,
    gets it all the same. Without it, what starts at the same moment may be given the same port.
    """
    # Where no connection can be made, the port is as free as it was found.
    with suppress(OSError), socket.socket(probe.family) as other:
        probe.listen(1)
        other.settimeout(_RESERVED_WITHIN_S)
        other.connect(probe.getsockname())
        accepted, _ = probe.accept()
        accepted.close()


def without_temporal(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without any connection to another Temporal server, its TLS and keys included."""
    kept = {name: value for name, value in environ.items() if not name.startswith("TEMPORAL_")}
    return kept | {"TEMPORAL_CONFIG_FILE": os.devnull}


def environment_of_parts(environ: Mapping[str, str], places: Places, *, ui: str) -> dict[str, str]:
    """Return the environment of worker and gateway: ours, with the embedded engine as their Temporal."""
    code = os.pathsep.join(filter(None, (str(ROOT), environ.get("PYTHONPATH", ""))))
    return without_temporal(environ) | {
        "TEMPORAL_ADDRESS": str(places.temporal),
        "TEMPORAL_NAMESPACE": NAMESPACE,
        "BACKOUT_WORKER_HEALTH": str(places.worker),
        "BACKOUT_METRICS": str(places.metrics),
        "BACKOUT_UI": ui or f"http://{places.ui}",
        "PYTHONPATH": code,
    }
