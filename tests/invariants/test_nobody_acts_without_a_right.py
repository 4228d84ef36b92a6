"""Nobody acts without a decision right; who did, when, why and by which right is on the timeline."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from backout import case_acts
from backout.authority import Allowed, Refused, decide
from backout.case import Directive
from backout.people import NEEDS_SUBJECT, Act, Action, Actor, Role
from backout.rules import Weight
from backout.severity import Severity
from backout.timeline import ActionTaken
from backout.view import Ask, IncidentOutcome, Phase, Question
from tests.invariants.properties import at_length, quickly
from tests.unit.views import OPENING, at, briefing, case_of

NAMES = ("on_call", "commander", "product")
ROLES = st.dictionaries(
    st.sampled_from(NAMES), st.builds(Role, may=st.lists(st.sampled_from(Action), unique=True).map(tuple))
)
HELD_ROLES = st.lists(st.sampled_from((*NAMES, "elsewhere")), unique=True).map(tuple)
PLAN, OTHER = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
VOTE = (Action.APPROVE, Action.REJECT)
ASKED = st.builds(
    Ask,
    what=st.just("Revert r2"),
    actions=st.sampled_from([VOTE, (Action.TICK,), (Action.ACKNOWLEDGE,)]),
    subject=st.just(PLAN),
    quorum=st.integers(1, 3),
    roles=st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(tuple),
    approved_by=st.sampled_from([(), ("ann",), ("ann", "ben")]),
    items=st.just(("a", "b")),
)
ANSWERS = {"fine": Weight.CARRY_ON, "stop": Weight.REVERT}
QUESTIONED = st.builds(
    Question,
    judgment=st.just("safety_view"),
    ask=st.just("Is it new?"),
    roles=st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(tuple),
    answers=st.just(ANSWERS),
)
STATES = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(IncidentOutcome),
        "phase": st.sampled_from(Phase),
        "held": st.sampled_from(["", "Ann: wait"]),
        "acknowledged_by": st.sampled_from(["", "Ann"]),
        "asks": st.dictionaries(st.sampled_from(["approve", "tick", "decide"]), ASKED),
        "recovered": st.booleans(),
        "emergency": st.sampled_from(["", "Ann"]),
    }
)
QUESTIONS = st.lists(QUESTIONED, max_size=1).map(tuple)


def actor(person: str, roles: tuple[str, ...]) -> Actor:
    return Actor(person=person, name=person.title(), roles=roles, via="cli")


@given(
    ROLES,
    HELD_ROLES,
    st.builds(
        Act,
        id=st.just("1"),
        action=st.sampled_from(Action),
        actor=st.just(actor("cleo", ())),
        reason=st.sampled_from(["", "because"]),
        subject=st.sampled_from([None, PLAN, PLAN[:14], OTHER]),
        item=st.just(1),
        judgment=st.sampled_from(["", "safety_view", "other"]),
        answer=st.sampled_from(["", "stop", "maybe"]),
    ),
    STATES,
    QUESTIONS,
)
@quickly
def test_in_every_state_only_a_holder_of_the_right_is_allowed_and_that_right_is_named(
    roles: dict[str, Role],
    held: tuple[str, ...],
    drawn: Act,
    state: dict[str, object],
    questions: tuple[Question, ...],
) -> None:
    brief = briefing(**state).model_copy(update={"questions": questions})
    act, action = drawn.model_copy(update={"actor": actor("cleo", held)}), drawn.action
    answer = decide(act, brief, roles)
    if isinstance(answer, Refused):
        assert answer.reason
        return
    assert answer.right in held
    assert action in roles[answer.right].may
    if action in VOTE:
        asked = next(ask for ask in brief.asks if action in ask.actions)
        assert answer.right in asked.roles
        assert act.subject in {PLAN, PLAN[:14]}
    if action is Action.EMERGENCY:
        assert act.reason
        assert brief.can_take_off
        assert brief.held or not brief.emergency
    if action is Action.COME_BACK:
        assert act.reason
        assert brief.held
        assert brief.can_come_back
    if action is Action.JUDGE:
        (question,) = brief.questions
        assert answer.right in question.roles
        assert (act.judgment, act.answer) == ("safety_view", "stop")


@given(HELD_ROLES, st.sampled_from(Action), STATES)
@quickly
def test_without_any_right_nothing_is_allowed_and_the_refusal_says_who_may(
    held: tuple[str, ...], action: Action, state: dict[str, object]
) -> None:
    everything_else = tuple(other for other in Action if other is not action)
    roles = {name: Role(may=everything_else) for name in NAMES}
    act = Act(id="1", action=action, actor=actor("cleo", held), reason="because", item=1)
    answer = decide(act, briefing(**state), roles)
    assert isinstance(answer, Refused)
    assert answer.reason.startswith(f"only nobody in this playbook may {action} here")


PEOPLE = {
    "ann": actor("ann", ("on_call",)),
    "ben": actor("ben", ("commander", "product")),
    "cleo": actor("cleo", ("product",)),
    "dan": actor("dan", ("commander",)),
    "eve": actor("eve", ()),
}
RIGHTS = {
    "on_call": Role(may=(Action.ACKNOWLEDGE, Action.HOLD, Action.RETRY, Action.TICK, Action.NOTE)),
    "commander": Role(may=tuple(Action)),
    "product": Role(may=VOTE),
}


class Crowd(RuleBasedStateMachine):
    """People try everything at any time; the engine asks, and obeys what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.case = case_of()
        self.number = 0
        self.plan = ""
        self.votes: set[str] = set()
        self.authorised: list[str] = []

    def try_to(self, person: str, action: Action, **fields: object) -> bool:
        """Let a person try, as the workflow does; say whether it was allowed."""
        self.number += 1
        act = Act.model_validate(
            {"id": str(self.number), "action": action, "actor": PEOPLE[person], "reason": "because", **fields}
        )
        before = self.case.model_copy(deep=True)
        answer = decide(act, self.case.brief(OPENING), RIGHTS)
        if isinstance(answer, Refused):
            assert self.case == before
            return False
        case_acts.take_act(self.case, act, right=answer.right, now=at(self.number), step="revert")
        return True

    @precondition(lambda self: "approve" not in self.case.asks)
    @rule(quorum=st.integers(1, 3), roles=st.sampled_from([("commander", "product"), ("product",)]))
    def ask(self, quorum: int, roles: tuple[str, ...]) -> None:
        """Ask for approvals of a new plan."""
        self.plan = f"sha256:{self.number:064x}"
        self.votes = set()
        self.case.rejections.clear()
        self.case.asks["approve"] = Ask(
            what="Revert r2", actions=VOTE, subject=self.plan, quorum=quorum, roles=roles
        )

    @rule(person=st.sampled_from(sorted(PEOPLE)), seen=st.sampled_from(["this plan", "another", "none"]))
    def approve(self, person: str, seen: str) -> None:
        asked = self.case.asks.get("approve")
        subject = {"this plan": self.plan, "another": OTHER, "none": None}[seen]
        if not self.try_to(person, Action.APPROVE, subject=subject):
            return
        assert asked is not None
        assert seen == "this plan"
        assert person not in self.votes
        self.votes.add(person)
        if len(self.votes) >= asked.quorum:
            self.authorised.append(self.plan)

    @rule(person=st.sampled_from(sorted(PEOPLE)), action=st.sampled_from(sorted(set(Action) - {VOTE[0]})))
    def act(self, person: str, action: Action) -> None:
        self.try_to(person, action, item=1, subject=self.plan)

    @rule(recovered=st.booleans())
    def users_recover(self, recovered: bool) -> None:  # noqa: FBT001  # drawn
        """Let the revert stop at a stage, or go on."""
        self.case.recovered = recovered

    @invariant()
    def only_the_commander_took_all_off_or_brought_it_back(self) -> None:
        who = {event.actor.person for event in self.acts(Action.EMERGENCY, Action.COME_BACK)}
        assert who <= {"ben", "dan"}
        assert bool(self.case.emergency) <= bool(self.acts(Action.EMERGENCY))
        assert bool(self.case.coming_back) <= bool(self.acts(Action.COME_BACK))

    def acts(self, *actions: Action) -> list[ActionTaken]:
        """Return what people did of these kinds."""
        return [e for e in self.case.timeline if isinstance(e, ActionTaken) and e.action in actions]

    @precondition(lambda self: self.case.directive is not None)
    @rule()
    def obey(self) -> None:
        """Do what was decided."""
        self.case.directive, self.case.held = None, ""

    @invariant()
    def what_is_authorised_has_its_quorum_of_distinct_people(self) -> None:
        assert list(self.case.authorised) == self.authorised

    @invariant()
    def every_act_on_the_timeline_has_a_person_a_right_and_a_time(self) -> None:
        for event in self.case.timeline:
            assert isinstance(event, ActionTaken)
            assert event.right in event.actor.roles
            assert event.action in RIGHTS[event.right].may
            assert event.act in self.case.receipts
            assert event.at > OPENING_TIME

    @invariant()
    def nobody_without_a_role_ever_acted(self) -> None:
        assert all(getattr(event, "actor", None) != PEOPLE["eve"] for event in self.case.timeline)


OPENING_TIME = at(0)
TestCrowd = Crowd.TestCase
TestCrowd.settings = at_length


def test_each_right_lets_its_holder_act_at_the_right_moment() -> None:
    """The other direction: refusing everybody everything would not do."""
    vote = Ask(what="?", actions=tuple(NEEDS_SUBJECT), subject=PLAN, quorum=2, roles=("commander",))
    tick = Ask(what="?", actions=(Action.TICK,), items=("a",))
    asked = Question(judgment="safety_view", ask="?", roles=("commander",), answers=ANSWERS)
    for action in Action:
        held = "" if action is Action.HOLD else "Ann: wait"
        state: dict[str, object] = {"held": held, "asks": {"approve": vote, "tick": tick}}
        roles = {"commander": Role(may=(action,))}
        judged = {"judgment": "safety_view", "answer": "stop", "severity": Severity.CRITICAL}
        told = {"id": "1", "action": action, "reason": "because", "subject": PLAN, "item": 1}
        act = Act.model_validate({**told, **judged, "actor": PEOPLE["dan"]})
        brief = briefing(**state).model_copy(update={"questions": (asked,), "can_come_back": True})
        assert decide(act, brief, roles) == Allowed(right="commander")


def test_a_directive_exists_for_each_decision_and_for_nothing_else() -> None:
    decisions = {"resume", "retry", "skip", "abort", "close", "emergency", "come_back"}
    assert {directive.value for directive in Directive} == decisions
