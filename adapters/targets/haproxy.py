"""A pair of servers in a backend of HAProxy: exposure is the candidate's share of the weights."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from string import Template

from adapters.targets.haproxy_state import Backend, Server, Weights, read_servers
from backout.errors import ExposureMoved, RejectedBySystem, UnknownName, Unreachable
from backout.exposure import Capability, Exposure, must_be_possible
from backout.release_sets import Conversations
from backout.targets import HaproxyTarget

ANSWER_LIMIT = 4 * 1024 * 1024
"""Bytes that an answer of the runtime API may have."""
_TAKEN_AWAY = (Conversations.MIGRATE, Conversations.RESTART)


class Haproxy:
    """Speaks HAProxy's runtime API: one connection for each command, as HAProxy closes it after the answer.

    The API keeps no keys and cannot compare and set at once. A key's second use finds the weights that the
    first one made; `expected` is held against what was read immediately before the write.
    """

    capability = Capability.PERCENTAGE
    """Weights are any percent."""
    conversations = HaproxyTarget.sees_to
    """All: by weight, by maintenance, and by ending sessions."""

    def __init__(
        self, socket: str, backend: str, *, candidate: str, baseline: str, timeout: timedelta
    ) -> None:
        """Change these servers of a backend.

        Args:
            socket: the path of the stats socket, or host:port.
            backend: the backend's name.
            candidate: the server of the candidate; `$release` is filled in.
            baseline: the server of the last known good release.
            timeout: how long a read, or a set with all its commands, may take.
        """
        self._socket = socket
        self._backend = backend
        self._candidate = Template(candidate)
        self._baseline = baseline
        self._timeout_s = timeout.total_seconds()
        self._what = f"HAProxy at {socket}"
        self._turn = asyncio.Lock()

    async def read(self, *, service: str, release: str) -> Exposure:  # noqa: ARG002  # the port's shape
        """Return the exposure of a release's server.

        Raises:
            UnknownName: there is no such backend or server.
            RejectedBySystem: a server of the pair is drained or in maintenance, so weights say nothing, or we
                may not ask.
            Unreachable: HAProxy does not answer in time.
        """
        async with self._in_time():
            return _exposure(await self._look(release))

    async def set(
        self,
        *,
        service: str,  # noqa: ARG002  # the port's shape
        release: str,
        percent: int,
        key: str,  # noqa: ARG002  # HAProxy cannot keep it: the weights themselves tell what was done
        expected: str = "",
        conversations: Conversations | None = None,
    ) -> Exposure:
        """Set both weights, which add up to 100: first the one that rises, so that never both are 0.

        A weight of 0 lets persistent sessions finish. At 0, `migrate` sets the candidate aside (maintenance),
        so that their next requests go to the baseline, and `restart` also ends what is under way. It raises
        what `read` raises too.

        Raises:
            StageOutOfRange: no such percent.
            ExposureMoved: another generation is there than was expected.
            Unreachable: the server that is to take traffic is down.
        """
        must_be_possible(percent, of=self._what, capability=self.capability)
        async with self._in_time(), self._turn:
            found, wanted = await self._look(release), Weights(percent, 100 - percent)
            if found.weights != wanted:
                if expected and not found.comes_from(expected, wanted):
                    raise ExposureMoved(target=self._what, expected=expected, found=found.generation)
                self._must_be_able(found, wanted)
                await self._change(found, wanted)
            if not percent:
                await self._see_to(found.candidate, conversations)
            return _exposure(await self._look(release))

    async def _see_to(self, candidate: Server, conversations: Conversations | None) -> None:
        """Take persistent sessions away from a candidate without weight, where they are not to finish."""
        place = f"{self._backend}/{candidate.name}"
        if conversations in _TAKEN_AWAY and not candidate.set_aside:
            await self._order(f"set server {place} state maint")
        if conversations is Conversations.RESTART:
            await self._order(f"shutdown sessions server {place}")

    async def _change(self, found: Backend, wanted: Weights) -> None:
        if found.candidate.set_aside and wanted.candidate:
            await self._order(f"set server {self._backend}/{found.candidate.name} state ready")
        changes = [(found.candidate, wanted.candidate), (found.baseline, wanted.baseline)]
        for server, weight in sorted(changes, key=lambda change: change[0].weight - change[1]):
            if server.weight != weight:
                # A refusal ends it here: what rises is never refused after the other one fell.
                await self._order(f"set server {self._backend}/{server.name} weight {weight}")

    async def _order(self, command: str) -> None:
        if said := (await self._command(command)).strip():
            raise self._refused(why=f"'{command}': {said}")

    def _must_be_able(self, found: Backend, wanted: Weights) -> None:
        if found.candidate.name == found.baseline.name:
            why = f"'{self._baseline}' is the baseline; the exposure of a candidate can be set, not its own"
            raise self._refused(why=why)
        if found.others:
            names = ", ".join(found.others)
            why = (
                f"servers beside the pair take traffic in backend '{self._backend}': {names}. "
                "Give them weight 0, or a backend of their own"
            )
            raise self._refused(why=why)
        if wanted.baseline and found.baseline.down:
            why = f"server '{self._baseline}' of backend '{self._backend}' is down, so it can take no traffic"
            raise Unreachable(what=self._what, why=why)

    async def _look(self, release: str) -> Backend:
        text = await self._command(f"show servers state {self._backend}")
        if text.startswith("Can't find backend"):
            kind = f"backend of {self._what}"
            raise UnknownName(kind=kind, name=self._backend, known=await self._backends())
        try:
            servers = read_servers(text)
        except ValueError as error:
            raise self._refused(why=str(error)) from error
        pair = []
        for name in (self._candidate.substitute(release=release), self._baseline):
            if name not in servers:
                kind = f"server of backend '{self._backend}' of {self._what}"
                raise UnknownName(kind=kind, name=name, known=servers)
            pair.append(servers[name])
        candidate, baseline = pair
        refusals = (
            "" if candidate.set_aside and candidate != baseline else candidate.refusal,
            baseline.refusal,
        )
        if refusal := " and ".join(dict.fromkeys(filter(None, refusals))):
            remedy = "Set the weight that it is to have, then 'set server ... state ready'"
            raise self._refused(why=f"{refusal}, so its weight does not tell what it takes. {remedy}")
        return Backend(servers, candidate, baseline)

    async def _backends(self) -> list[str]:
        return [
            line for line in (await self._command("show backend")).splitlines() if line and line[0] != "#"
        ]

    async def _command(self, command: str) -> str:
        reader, writer = await self._connect()
        try:
            writer.write(f"{command}\n".encode())
            answer = await reader.read(ANSWER_LIMIT)
            while more := await reader.read(ANSWER_LIMIT):
                answer += more
                if len(answer) > ANSWER_LIMIT:
                    raise self._refused(why=f"its answer to '{command}' is larger than {ANSWER_LIMIT} bytes")
        finally:
            writer.close()
        if not answer.endswith(b"\n"):
            raise Unreachable(what=self._what, why=f"it closed the connection in its answer to '{command}'")
        return answer.decode(errors="replace")

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if "/" in self._socket:
            return await asyncio.open_unix_connection(self._socket)
        host, _, port = self._socket.rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port))

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except TimeoutError:
            why = f"no whole answer within {self._timeout_s:g} s"
            raise Unreachable(what=self._what, why=why) from None
        except PermissionError as error:
            raise self._refused(
                why="this account may not use the socket; see its 'user', 'group' and 'mode'"
            ) from error
        except OSError as error:
            raise Unreachable(what=self._what, why=error.strerror or str(error)) from error

    def _refused(self, *, why: str) -> RejectedBySystem:
        return RejectedBySystem(what=self._what, why=why)


def _exposure(found: Backend) -> Exposure:
    return Exposure(percent=found.percent, generation=found.generation)
