"""Witnesses: whatever can say something of a release, asked whether it is a proven baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from backout import proving
from backout.counting import Counted, Query
from backout.errors import BackoutError, UnknownName
from backout.guard import Place
from backout.ports import Clock, Quarantines, Registry, Source, Store
from backout.proof import Floor, Known, Proof, ProveBaseline, Served
from backout.proving import MOST_CHOICES, TICKS
from backout.quarantining import against
from backout.releases import BaselineRecord, ReleaseRecord, digests_of
from backout.streams import asked as as_asked
from backout.view import incident_id

MOST_INCIDENTS = 100
"""Incidents on one release that are looked at, the newest of them."""


class Witnesses:
    """The registry, the record of incidents, what is quarantined, and the sources that count."""

    def __init__(
        self,
        *,
        registry: Registry,
        store: Store,
        sources: Mapping[str, Source],
        clock: Clock,
        quarantines: Quarantines,
    ) -> None:
        """Ask these."""
        self._registry = registry
        self._store = store
        self._quarantines = quarantines
        self._sources = sources
        self._clock = clock

    async def proof(self, asked: ProveBaseline, *, of: str = "") -> Proof:
        """Say whether the baseline is proven; where not, also what people could name instead.

        `of`: the release that is looked at, whichever was named. Checks are not run: see `Proof.checked`.

        Raises:
            UnknownName: there is no such source.
            Unreachable, RejectedBySystem: what is kept cannot be read.
        """
        baselines = await self._registry.baselines(service=asked.service)
        candidate, floor = await self._record(asked, asked.release), await self._floor(asked, baselines)
        name = of or proving.baseline(asked, candidate, floor)
        stretches = proving.stretches(asked, candidate, now=self._clock.now())
        found = None
        if name:
            (found,) = await self._known(asked, ((name, await self._record(asked, name)),), stretches)
        is_baseline = any(one.release == asked.release for one in baselines)
        told = partial(proving.proof, asked, found, floor, is_baseline=is_baseline)
        proof = told(())
        return proof if proof.is_proven else told(await self._others(asked, name, stretches))

    async def _record(self, asked: ProveBaseline, release: str) -> ReleaseRecord | None:
        return await self._registry.release(service=asked.service, release=release)

    async def _floor(self, asked: ProveBaseline, baselines: Sequence[BaselineRecord]) -> Floor | None:
        named = proving.floor(asked.release, baselines)
        if named is None:
            return None
        record = await self._record(asked, named.release)
        return Floor(named=named, registered_at=record.registered_at if record else None)

    async def _others(
        self, asked: ProveBaseline, name: str, stretches: Sequence[Served]
    ) -> tuple[Known, ...]:
        """Return what is known of the newest releases that are neither the candidate nor the baseline."""
        records = await self._registry.releases(service=asked.service, limit=MOST_CHOICES + 2)
        others = [
            (one.registration.release, one)
            for one in records
            if one.registration.release not in {asked.release, name}
        ]
        return await self._known(asked, others[:MOST_CHOICES], stretches)

    async def _known(
        self,
        asked: ProveBaseline,
        releases: Sequence[tuple[str, ReleaseRecord | None]],
        stretches: Sequence[Served],
    ) -> tuple[Known, ...]:
        names = [name for name, _ in releases]
        served = [await self._served(asked, names, stretch) for stretch in stretches]
        kept = await self._quarantines.quarantines(service=None)
        return tuple(
            [
                Known(
                    release=name,
                    record=record,
                    served=tuple(of_all[number] for of_all in served),
                    incidents=await self._store.incidents(
                        limit=MOST_INCIDENTS, incident=incident_id(asked.service, name)
                    ),
                    quarantines=against(
                        kept, service=asked.service, release=name, digests=digests_of(record)
                    ),
                )
                for number, (name, record) in enumerate(releases)
            ]
        )

    async def _served(
        self, asked: ProveBaseline, names: Sequence[str], stretch: Served
    ) -> tuple[Served, ...]:
        """Return what each release served in a stretch; without data, why there is none."""
        tick = (stretch.end - stretch.start) / TICKS
        answers = await self._history(asked, names, stretch)
        if isinstance(answers, str):
            return (stretch.model_copy(update={"problem": answers}),) * len(names)
        return tuple(
            proving.counted(
                stretch.model_copy(update={"problem": next((one.problem for one in run if one.problem), "")}),
                [one.total for one in run],
                tick=tick,
            )
            for run in answers
        )

    async def _history(
        self, asked: ProveBaseline, names: Sequence[str], stretch: Served
    ) -> Sequence[Sequence[Counted]] | str:
        if asked.count is None:
            return "the playbook says no release.requests, so nothing counts them"
        source = asked.count.source
        if source not in self._sources:
            raise UnknownName(kind="source", name=source, known=self._sources)
        query = Query(text=asked.count.query)
        queries = [as_asked(query, Place(service=asked.service, release=name)) for name in names]
        tick = (stretch.end - stretch.start) / TICKS
        try:
            return await self._sources[source].history(
                queries=queries, start=stretch.start, end=stretch.end, tick=tick
            )
        except BackoutError as error:
            return str(error)
