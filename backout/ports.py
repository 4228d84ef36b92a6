"""The ports: what activities and the gateway ask of the outside world. All parameters are keyword-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from backout.alerts import Alert
from backout.counting import Counted, MarkedEvent, Query
from backout.exposure import Capability, Exposure
from backout.messages import Answered, Button, CheckResult, Cookie, DocumentRef, Message, Posted
from backout.outbox import OutboxEntry
from backout.people import Person
from backout.probes import Way
from backout.pushes import Push
from backout.release_sets import Conversations
from backout.releases import BaselineRecord, Quarantine, ReleaseRecord
from backout.requests import RunCheck
from backout.timeline import Event
from backout.view import IncidentSummary


class Clock(Protocol):
    """Time, as the activities see it."""

    def now(self) -> datetime:
        """Return the time now, in UTC."""

    async def sleep(self, *, duration: timedelta) -> None:
        """Wait for that long; cancellable."""


class Source(Protocol):
    """Counts what happened to a release."""

    async def look(self, *, queries: Sequence[Query]) -> tuple[Counted, ...]:
        """Return what each query counts now, in their order, all from one look.

        A query that matches nothing has no count, never 0; one that makes no sense has a problem, and spoils
        no other. `Unreachable`, `RejectedBySystem`: the source as a whole gives nothing.
        """

    async def history(
        self, *, queries: Sequence[Query], start: datetime, end: datetime, tick: timedelta
    ) -> tuple[tuple[Counted, ...], ...]:
        """Return, for each query in their order, what it counted at start, start + tick, ... up to end.

        `NoHistory`: the source knows only the present. Otherwise as `look`.
        """


class Marks(Protocol):
    """Keeps external events that people and pipelines mark."""

    async def mark(self, *, event: MarkedEvent) -> bool:
        """Keep an event; one of a known key is replaced. Say whether it is new."""

    async def during(self, *, service: str, start: datetime, end: datetime) -> tuple[MarkedEvent, ...]:
        """Return the events of a service, and those of all services, that touch this time, oldest first."""


class Registry(Protocol):
    """Keeps what was released, and which release of a service is the last known good one."""

    async def register(self, *, record: ReleaseRecord) -> bool:
        """Keep a release; False where the same registration is kept already.

        `ReleaseDiffers`: another registration of that release is kept.
        """

    async def release(self, *, service: str, release: str) -> ReleaseRecord | None:
        """Return a release, or None where it is not registered."""

    async def releases(self, *, service: str | None, limit: int) -> tuple[ReleaseRecord, ...]:
        """Return the newest releases first, of one service or of all."""

    async def retire(self, *, service: str, release: str, at: datetime, why: str) -> None:
        """Say that a release is no longer guarded. `ReleaseUnknown`: it is not registered."""

    async def name_baseline(self, *, baseline: BaselineRecord) -> None:
        """Record the last known good release of a service; earlier ones stay on record."""

    async def baselines(self, *, service: str) -> tuple[BaselineRecord, ...]:
        """Return what was named the baseline of a service, the newest first."""


class PushStore(Protocol):
    """Keeps the counts that evaluators push."""

    async def take(self, *, push: Push) -> bool:
        """Keep a push durably before returning; False where its key is kept already."""


class Target(Protocol):
    """Holds the exposure of a release."""

    @property
    def capability(self) -> Capability:
        """What kind of exposure it holds: any percent, or a pointer that is at the release or is not."""

    @property
    def conversations(self) -> frozenset[Conversations]:
        """What it can make of conversations that are under way; empty where it knows none."""

    async def read(self, *, service: str, release: str) -> Exposure:
        """Return the exposure now. `UnknownName`: it does not know the service or release."""

    async def set(
        self,
        *,
        service: str,
        release: str,
        percent: int,
        key: str,
        expected: str = "",
        conversations: Conversations | None = None,
    ) -> Exposure:
        """Set the exposure; the same key twice is one effect. Return what is read back.

        `expected`: the generation that was read before. `ExposureMoved`: it is another one now, and this key
        did not make it; nothing is changed then. Empty sets it whatever it is.
        `conversations`: what becomes of those that are under way, one of what the target can see to. None
        leaves it to the target.
        """


class Probe(Protocol):
    """Asks the service itself, as a user on one path to it would."""

    @property
    def way(self) -> Way:
        """What the path goes through, and how many users ask on it."""

    async def ask(self, *, service: str, session: str, cookies: Sequence[Cookie] = ()) -> Answered:
        """Return which release answered. The same session is the same user: caches and stickiness see it so.

        The probe remembers nothing: who asks again brings the cookies of the answer before.
        `Unreachable`, `RejectedBySystem`: the path gives no answer, which is no proof of anything.
        """


class Leases(Protocol):
    """Keeps which incident may change a target: one at a time."""

    async def take(
        self, *, target: str, service: str, incident: str, at: datetime, instead_of: str = ""
    ) -> str:
        """Lease a target of a service to an incident, unless another has it; return which has it then.

        `instead_of`: an incident or rollout whose lease is no hindrance, and becomes this one's.
        """

    async def leave(self, *, incident: str) -> None:
        """Give back everything that an incident has leased."""


class Quarantines(Protocol):
    """Keeps the artifacts that must not be released again."""

    async def quarantine(self, *, quarantine: Quarantine) -> Quarantine:
        """Keep a quarantine; return what is in force: it, or the one of the same release and incident."""

    async def quarantines(self, *, service: str | None) -> tuple[Quarantine, ...]:
        """Return what is quarantined now, the newest first: of a service, or all."""

    async def lift(self, *, service: str, release: str, by: str, why: str, at: datetime) -> bool:
        """Lift the quarantines of a release; False where none is kept."""


class Channel(Protocol):
    """Where people are told and paged."""

    async def post(self, *, message: Message, people: Sequence[Person]) -> Posted:
        """Post a message that calls these people."""

    async def update(self, *, ref: str, message: Message) -> None:
        """Replace a message that was posted before."""


class SlackCalls(Protocol):
    """What the Slack door asks of Slack. Every call gives up in time by itself."""

    async def open_form(self, *, trigger: str, button: Button, respond_to: str) -> None:
        """Open the form that asks for the reason of what a button does, for the person who tapped it.

        `trigger` is the tap's trigger id, good for three seconds. The form carries the button and
        `respond_to`, the tap's response_url, and brings them back when it is submitted. `Unreachable`,
        `RateLimited`, `RejectedBySystem`: no form is open.
        """

    async def respond(self, *, url: str, text: str) -> None:
        """Say something to the person who tapped, and to nobody else, at the tap's response_url.

        Text is finished mrkdwn. Only addresses of this Slack are posted to: any other is `RejectedBySystem`.
        `Unreachable`, `RateLimited`: nobody heard it, and it may be tried again.
        """

    async def members_of(self, *, group: str) -> tuple[str, ...]:
        """Return the member ids of a user group.

        `Unreachable`, `RateLimited`, `RejectedBySystem`: Slack does not say.
        """


class OnCall(Protocol):
    """Knows who is on call by a rota."""

    async def people(self, *, at: datetime, directory: Mapping[str, Person]) -> tuple[str, ...]:
        """Return the keys of those in the directory who are on call at that moment.

        Nobody is an empty answer. Somebody who is not in the directory is `UnknownName`, never left out.
        `Unreachable`, `RejectedBySystem`: the system of the rota gives no answer.
        """


class Check(Protocol):
    """An integrity check of the site."""

    async def run(self, *, asked: RunCheck) -> CheckResult:
        """Look at the world once. `Unreachable` where it cannot be seen: that is not a failed check."""


class Store(Protocol):
    """Keeps incidents, their timeline and their documents."""

    async def save(self, *, summary: IncidentSummary, events: Sequence[Event]) -> None:
        """Keep an incident's state and add to its timeline; an event of a known number is one event."""

    async def timeline(self, *, incident: str) -> tuple[Event, ...]:
        """Return the newest run's timeline in order; empty where the incident is unknown."""

    async def incidents(self, *, limit: int, incident: str | None = None) -> tuple[IncidentSummary, ...]:
        """Return the newest incidents first: those of one id, which come one after another, or all."""

    async def put_document(self, *, incident: str, name: str, text: str) -> DocumentRef:
        """Keep a document; the same name again replaces it."""


class Outbox(Protocol):
    """Alerts between the answer 202 and the workflow engine: at least once, in order, crash-safe."""

    async def put(self, *, entry: OutboxEntry) -> bool:
        """Write an entry durably before returning; False where the same key is kept already.

        A dead letter of the same key does not count: an entry to be delivered takes its place.
        """

    async def pending(self, *, limit: int) -> tuple[OutboxEntry, ...]:
        """Return what is to be delivered, oldest first; an entry that cannot be read has no alert."""

    async def delivered(self, *, key: str) -> None:
        """Mark an entry as delivered."""

    async def failed(self, *, key: str, why: str) -> None:
        """Count a delivery that did not work; the entry stays pending."""

    async def refused(self, *, key: str, why: str) -> None:
        """Make an entry a dead letter, because it can never be delivered as it is."""

    async def dead(self, *, limit: int) -> tuple[OutboxEntry, ...]:
        """Return the dead letters: what was refused, newest first."""

    async def depth(self) -> int:
        """Return how many entries are pending."""

    async def alerts(self, *, source: str, fingerprint: str, limit: int) -> tuple[Alert, ...]:
        """Return the alerts of a source and fingerprint that were routed once, newest first."""
