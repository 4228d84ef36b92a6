"""What HAProxy's runtime API tells of a backend's servers, and what Backout makes of it."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

_DRAINED, _RESOLVED, _SET_ASIDE = 0x08 | 0x10, 0x20, 0x01
_MAINTENANCE = _SET_ASIDE | 0x02 | 0x04 | _RESOLVED | 0x40
_DOWN = "0"
_HEAD = "# "


class Weights(NamedTuple):
    """The weights of the pair, from 0 to 256."""

    candidate: int
    baseline: int


class Server(NamedTuple):
    """One server of a backend."""

    name: str
    weight: int
    admin: int
    """What people said of it, in bits; a name that does not resolve is one of them."""
    down: bool
    """Its health check has failed."""
    address: str
    """Empty where a name is resolved: it changes by itself then."""

    @property
    def refusal(self) -> str:
        """Return why its weight says nothing about its traffic; empty where it does."""
        if self.admin & _MAINTENANCE:
            return f"server '{self.name}' is in maintenance"
        return f"server '{self.name}' is drained" if self.admin & _DRAINED else ""

    @property
    def set_aside(self) -> bool:
        """Say whether it has no weight and is in maintenance too, so that no session stays with it."""
        return not self.weight and self.admin & (_MAINTENANCE | _DRAINED) == _SET_ASIDE


class Backend(NamedTuple):
    """The servers of a backend, and the pair of them; it is one where the baseline is asked for."""

    servers: dict[str, Server]
    candidate: Server
    baseline: Server

    @property
    def weights(self) -> Weights:
        """Return the weights of the pair."""
        return Weights(self.candidate.weight, self.baseline.weight)

    @property
    def percent(self) -> int:
        """Return the candidate's share of what takes traffic, rounded up: only nobody is 0."""
        total = sum(server.weight for server in self.servers.values() if not server.refusal)
        return -(-100 * self.candidate.weight // total) if total else 0

    @property
    def others(self) -> list[str]:
        """Return the servers that take traffic beside the pair."""
        pair = {self.candidate.name, self.baseline.name}
        return [
            name for name, one in self.servers.items() if name not in pair and one.weight and not one.refusal
        ]

    @property
    def generation(self) -> str:
        """Return the pair's weights, and a digest of all that people can change beside them."""
        return self._generation(self.weights)

    def comes_from(self, expected: str, wanted: Weights) -> bool:
        """Say whether this was the expected generation, or is what half of the change has made of it."""
        before = _weights_of(expected)
        if before is None:
            return False
        halves = (
            before,
            before._replace(candidate=wanted.candidate),
            before._replace(baseline=wanted.baseline),
        )
        return self._generation(before) == expected and self.weights in halves

    def _generation(self, weights: Weights) -> str:
        pair = {self.candidate.name, self.baseline.name}
        # Setting the candidate aside is a part of a change to 0, which may be half made.
        ours = {self.candidate.name: _RESOLVED | _SET_ASIDE}
        rest = [
            (
                one.name,
                one.admin & ~ours.get(one.name, _RESOLVED),
                one.address,
                None if one.name in pair else one.weight,
            )
            for one in self.servers.values()
        ]
        return f"{weights.candidate}:{weights.baseline}-{sha256(repr(rest).encode()).hexdigest()[:12]}"


def _weights_of(generation: str) -> Weights | None:
    first, _, second = generation.partition("-")[0].partition(":")
    return Weights(int(first), int(second)) if first.isdecimal() and second.isdecimal() else None


def read_servers(text: str) -> dict[str, Server]:
    """Return the servers that `show servers state` tells of, by name.

    Raises:
        ValueError: it is not what HAProxy writes.
    """
    lines = text.splitlines()
    head = next((line for line in lines if line.startswith(_HEAD)), None)
    if head is None:
        msg = f"it answered '{text.strip()[:200]}'"
        raise ValueError(msg)
    fields = head.removeprefix(_HEAD).split()
    rows = [dict(zip(fields, line.split(), strict=False)) for line in lines[lines.index(head) + 1 :] if line]
    try:
        return {row["srv_name"]: _server(row) for row in rows}
    except KeyError as missing:
        msg = f"its answer has no column {missing}"
        raise ValueError(msg) from missing


def _server(row: dict[str, str]) -> Server:
    resolved = row.get("srv_fqdn", "-") != "-"
    return Server(
        name=row["srv_name"],
        weight=int(row["srv_uweight"]),
        admin=int(row["srv_admin_state"]),
        down=row["srv_op_state"] == _DOWN,
        address="" if resolved else f"{row['srv_addr']}:{row.get('srv_port', '')}",
    )
