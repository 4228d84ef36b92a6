"""A playbook with a way up, and the hands to begin a rollout by it."""

from __future__ import annotations

from temporalio.client import Client

from adapters.memory_quarantines import MemoryQuarantines
from adapters.stores.memory import MemoryRegistry
from backout.people import Actor, ReleaseRight
from backout.playbook import Playbook
from backout.releases import Artifact, Quarantine
from gateway.freezing import Freeze
from gateway.incidents import Incidents
from gateway.rollouts import RollOut, Rollouts
from tests.gateway.registered import DIGEST
from tests.gateway.world import NINE, PLAYBOOK

OLGA = Actor(person="olga", name="Olga", roles=("lead",), via="cli:olga")
ALICE = Actor(person="alice", name="Alice", roles=("on_call",), via="cli:alice")
MODEL = Artifact(kind="model", name="chat-8b", digest=DIGEST)


def with_a_way_up(**changes: object) -> Playbook:
    """Return the playbook of the gateway's tests with a rollout, and a lead who may begin and approve it."""
    told = PLAYBOOK.model_dump(mode="json")
    lead = {"may": ["approve", ReleaseRight.ROLLOUT]}
    rollout = {
        "step": "rollout",
        "owner": "lead",
        "target": "exposure",
        "stages": [1, 10, 100],
        "soak": "5m",
        "within": "2h",
        "on_timeout": "hold",
    }
    changed = {
        "roles": told["roles"] | {"lead": lead},
        "rollout": [rollout, told["steps"][-1]],
        "communications": [
            {
                "id": "news",
                "audience": "executives",
                "channel": "room",
                "template": "executives",
                "owner": "lead",
                "after": "opened",
                "within": "1h",
                "until": "closed",
            }
        ],
    }
    return Playbook.model_validate(told | changed | changes)


def quarantined(release: str, *artifacts: Artifact) -> Quarantine:
    """Return a quarantine of a release of another incident."""
    return Quarantine(
        service="chat",
        release=release,
        artifacts=artifacts,
        incident=f"incident/chat/{release}",
        why="rule harm fired",
        at=NINE,
    )


class Way:
    """What a rollout is begun with."""

    def __init__(self, client: Client, playbook: Playbook | None = None) -> None:
        self.registry = MemoryRegistry()
        self.quarantines = MemoryQuarantines()
        self.incidents = Incidents(client=client)
        playbooks = {"chat-agent": playbook or with_a_way_up()}
        self.freeze = Freeze(
            incidents=self.incidents,
            quarantines=self.quarantines,
            registry=self.registry,
            playbooks=playbooks,
            routes=(),
        )
        self.rollouts = Rollouts(
            incidents=self.incidents, registry=self.registry, freeze=self.freeze, playbooks=playbooks
        )


def asked(release: str = "r2", *, by: Actor = OLGA, why: str = "the prompt is mended") -> RollOut:
    """Return the wish of a person to roll a release out."""
    return RollOut(service="chat", release=release, actor=by, why=why)
