"""Nobody authorises alone, twice, without a right, or for their own release: checked against an oracle.

People, deputies and the shipper do everything in every order. The oracle shares no code with the product: it
remembers who really voted for which plan, and says by the words of the playbook what that amounts to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import permutations, product

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from backout import case_acts, consents
from backout.acting import actor
from backout.authority import Allowed, decide, rights
from backout.people import Act, Action, Person
from backout.severity import Severity
from backout.site import Deputy
from backout.timeline import ActionTaken
from backout.view import Ask
from tests.invariants.properties import at_length
from tests.unit.linted import SITE, changed
from tests.unit.views import OPENED, OPENING, at, case_of

ROLES = ("on_call", "commander", "product", "legal")
MAY = {
    "on_call": {"acknowledge", "hold", "resume", "note"},
    "commander": {"approve", "reject", "resume", "close", "severity"},
    "product": {"approve", "reject"},
    "legal": {"approve", "reject", "override"},
}
GLASS = ("on_call", "product", "legal")
OWN = {
    "ann": ("on_call",),
    "ben": ("commander", "product"),
    "cleo": ("product", "legal"),
    "dan": ("commander",),
    "eve": (),
    "fay": ("legal",),
}
PLAYBOOK = changed(
    {"roles": {name: {"may": sorted(may)} for name, may in MAY.items()}}
    | {"break_glass": {"roles": list(GLASS), "report": ["commander"]}}
)
VOTES = ("approve", "override", "break_glass", "reject")
ASKED = tuple(Action(one) for one in VOTES)


@dataclass
class Oracle:
    """What really happened to the votes on one plan."""

    roles: tuple[str, ...]
    quorum: int
    required: tuple[str, ...]
    distinct: int
    approved: dict[str, set[str]] = field(default_factory=dict)
    broke: dict[str, set[str]] = field(default_factory=dict)
    overridden: bool = False
    rejected: bool = False

    def counts(self, person: str, held: set[str], action: str, shipper: str) -> bool:
        """Say whether this vote of somebody who holds these roles may count."""
        if person == shipper and action != "reject":
            return False
        if action == "break_glass":
            return bool(held & set(GLASS)) and person not in self.broke
        if action == "override":
            return any(action in MAY[role] for role in held)
        may = any(action in MAY[role] and role in self.roles for role in held)
        return may and not (action == "approve" and person in self.approved)

    def take(self, person: str, held: set[str], action: str) -> None:
        """Remember a vote."""
        if action == "approve":
            self.approved[person] = held & set(self.roles)
        elif action == "break_glass":
            self.broke[person] = held & set(GLASS)
        else:
            self.overridden |= action == "override"
            self.rejected |= action == "reject"

    @property
    def authorised(self) -> bool:
        """Whether all of it amounts to an authorisation."""
        if self.rejected:
            return False
        enough = len(self.approved) >= self.quorum
        different = most_roles(list(self.approved.values())) >= self.distinct
        complete = seated(self.required, self.approved)
        return (enough and different and complete) or self.overridden or two_of_two(self.broke)


def most_roles(people: list[set[str]]) -> int:
    """Return how many roles these people fill at most, one each, by trying everything."""
    choices = [[*sorted(roles), ""] for roles in people]
    return max(len({one for one in chosen if one}) for chosen in product(*choices))


def seated(required: tuple[str, ...], votes: dict[str, set[str]]) -> bool:
    """Say whether each role has a person of its own, by trying every order of people."""
    return any(
        all(role in votes[person] for role, person in zip(required, chosen, strict=True))
        for chosen in permutations(votes, len(required))
    )


def two_of_two(broke: dict[str, set[str]]) -> bool:
    return any(
        one != other
        for first, second in permutations(broke, 2)
        for one in broke[first]
        for other in broke[second]
    )


class Ballots(RuleBasedStateMachine):
    """Everybody tries everything; the product and the oracle must agree at every moment."""

    @initialize(
        shipper=st.sampled_from(["", *OWN]),
        deputies=st.lists(st.tuples(st.sampled_from(sorted(OWN)), st.sampled_from(sorted(OWN))), max_size=3),
    )
    def begin(self, shipper: str, deputies: list[tuple[str, str]]) -> None:
        """Open the incident: somebody shipped the release, and some stand in for others at first."""
        self.shipper = shipper
        self.number = 0
        self.case = case_of()
        self.oracles: dict[str, Oracle] = {}
        self.deputies = [(person, of) for person, of in deputies if person != of]
        people = {
            key: Person(name=key.title(), roles=roles, email=f"{key}@example.org")
            for key, roles in OWN.items()
        }
        standing = tuple(
            Deputy(person=person, of=of, start=OPENED, end=OPENED + timedelta(minutes=15))
            for person, of in self.deputies
        )
        self.site = SITE.model_copy(update={"people": people, "deputies": standing})
        known_as = f"{shipper.upper()}@example.org" if shipper else ""
        self.opening = OPENING.model_copy(update={"playbook": PLAYBOOK, "shipped_by": known_as})

    def held(self, person: str) -> set[str]:
        """Return the roles that somebody has at this moment, by the site file's words."""
        extra = [OWN[of] for deputy, of in self.deputies if deputy == person and self.number < 15]
        return set(OWN[person]).union(*extra)

    @precondition(lambda self: len(self.case.asks) < 2)
    @rule(
        quorum=st.integers(1, 3),
        roles=st.sampled_from([("commander",), ("product", "legal"), ("legal", "commander")]),
        required=st.sampled_from([(), ("legal",), ("product", "legal")]),
        distinct=st.integers(1, 2),
    )
    def ask(self, quorum: int, roles: tuple[str, ...], required: tuple[str, ...], distinct: int) -> None:
        """Ask for approvals of a new plan, beside what waits already."""
        self.number += 1
        subject = f"sha256:{self.number:08d}{'0' * 56}"
        roles = tuple(dict.fromkeys((*roles, *required)))
        self.case.asks[subject] = Ask(
            what=f"Plan {self.number}",
            actions=ASKED,
            subject=subject,
            quorum=quorum,
            roles=roles,
            required=required,
            roles_needed=distinct,
            glass=GLASS,
        )
        self.oracles[subject] = Oracle(roles=roles, quorum=quorum, required=required, distinct=distinct)

    @precondition(lambda self: self.oracles)
    @rule(
        person=st.sampled_from(sorted(OWN)),
        action=st.sampled_from(VOTES),
        which=st.integers(1, 2),
        told=st.sampled_from(["digest", "code", "code", "other", "nothing"]),
    )
    def vote(self, person: str, action: str, which: int, told: str) -> None:
        """Let somebody vote on a plan that waits, waited once, or never was."""
        self.number += 1
        subject = list(self.oracles)[-which % len(self.oracles)]
        named = {"digest": subject, "code": subject[7:15], "other": "f" * 8, "nothing": None}[told]
        allowed = self.try_to(person, action, subject=named)
        oracle = self.oracles[subject]
        right = oracle.counts(person, self.held(person), action, self.shipper)
        waits = subject in self.case.asks or allowed
        assert allowed == (right and waits and told in {"digest", "code"})
        if allowed:
            oracle.take(person, self.held(person), action)

    @rule(person=st.sampled_from(sorted(OWN)), action=st.sampled_from(sorted(set(Action) - set(ASKED))))
    def do_something_else(self, person: str, action: Action) -> None:
        """Nothing but a vote changes what is authorised."""
        self.number += 1
        self.try_to(person, action.value)
        self.case.directive, self.case.held = None, "" if self.number % 2 else "Ann: wait"

    def try_to(self, person: str, action: str, **fields: object) -> bool:
        """Let a person try, as the doors and the workflow do; say whether it was allowed."""
        moment = OPENED + timedelta(minutes=self.number)
        who = actor(self.site, person, via="cli", at=moment)
        told = {"id": str(self.number), "action": action, "actor": who, "reason": "because", **fields}
        act = Act.model_validate(told | {"severity": Severity.MINOR})
        before = self.case.model_copy(deep=True)
        answer = decide(act, self.case.brief(self.opening), rights(PLAYBOOK))
        if not isinstance(answer, Allowed):
            assert self.case == before
            return False
        case_acts.take_act(self.case, act, right=answer.right, now=at(self.number), step="revert")
        return True

    @invariant()
    def what_is_authorised_is_what_the_oracle_says(self) -> None:
        if not hasattr(self, "case"):
            return
        wanted = {subject for subject, oracle in self.oracles.items() if oracle.authorised}
        assert set(self.case.authorised) == wanted
        assert len(self.case.authorised) == len(wanted)

    @invariant()
    def who_shipped_it_and_who_has_no_role_authorised_nothing(self) -> None:
        if not hasattr(self, "case"):
            return
        for event in self.case.timeline:
            if isinstance(event, ActionTaken) and event.action.value in VOTES[:3]:
                assert event.actor.person != self.shipper
                assert event.right in event.actor.roles


TestBallots = Ballots.TestCase
TestBallots.settings = settings(at_length, max_examples=60, stateful_step_count=40)


def test_no_consent_is_complete_without_a_person_for_each_role() -> None:
    """Every actor, every set of roles and every crowd of consenting people, against the oracle."""
    crowd = sorted(OWN)
    for by, size in product(crowd, (1, 2)):
        for roles in permutations(("commander", "product", "legal"), size):
            for voters in permutations([one for one in crowd if one != by], 2):
                given = consented(by, roles, voters)
                votes = {
                    one: set(OWN[one]) & set(roles) for one in (by, *voters) if set(OWN[one]) & set(roles)
                }
                assert given == seated(roles, votes), (by, roles, voters)


def consented(by: str, roles: tuple[str, ...], voters: tuple[str, ...]) -> bool:
    """Let these people answer what somebody wants to do; say whether it is carried out."""
    site = SITE.model_copy(
        update={"people": {key: Person(name=key.title(), roles=own) for key, own in OWN.items()}}
    )
    people = {key: actor(site, key, via="cli", at=OPENED) for key in OWN}
    close = Act(id="close", action=Action.CLOSE, actor=people[by], reason="because")
    ask = consents.question(close, roles, until=at(30), shipped_by="")
    if ask is None:
        return True
    case = case_of(held="Ann: wait")
    case_acts.ask_consent(case, close, ask, right="commander", now=at(1), step="revert")
    for number, voter in enumerate(voters):
        vote = Act(id=str(number), action=Action.APPROVE, actor=people[voter], subject=ask.subject)
        if isinstance(decide(vote, case.brief(OPENING), rights(PLAYBOOK)), Allowed):
            case_acts.take_act(case, vote, right=roles[0], now=at(2), step="revert")
    return case.directive is not None
