"""What fires, what holds it back and what people are asked: the triggers of a playbook on paper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from backout.authority import approvers
from backout.checklist_conditions import in_words
from backout.checklist_stages import BLANK
from backout.criteria import (
    AlertTest,
    BaselineTest,
    Criterion,
    DriftTest,
    EventTest,
    Evidence,
    GapTest,
    LimitTest,
    ReferenceTest,
)
from backout.model import format_duration as written
from backout.playbook import Playbook
from backout.rendering import escape_markdown as plain
from backout.rules import Do, Judgment, Rule, Veto, Weight
from backout.signals import AboveSignal, BelowSignal


def trigger_lines(playbook: Playbook) -> Iterator[str]:
    """Yield the sections about what fires, and about what weighs in it."""
    yield from _rules(playbook)
    yield from _criteria(playbook)
    if playbook.vetoes:
        yield from ("## What holds rules back", "")
        yield from (f"- {_veto(veto, playbook)}" for veto in playbook.vetoes)
        yield ""
    if playbook.judgments:
        yield from ("## What people are asked", "")
        for judgment in playbook.judgments:
            yield from _judgment(judgment)
        yield ""


def _rules(playbook: Playbook) -> Iterator[str]:
    yield from ("## What fires", "")
    yield f"Signals are read every {written(playbook.tick)}. The first rule that fires decides who is asked."
    yield ""
    for number, rule in enumerate(playbook.rules, 1):
        yield f"{number}. **{rule.id}** {_does(rule, playbook)}"
        yield f"   It fires when {in_words(rule.when, playbook)}."
    yield ""
    yield (
        f"A rule that fired may fire again after {written(playbook.rearm.cooldown)}, once it has been quiet "
        f"for {written(playbook.rearm.quiet)}."
    )
    yield ""
    yield "No data is not health: a signal without data neither fires nor clears anything."
    yield ""


def _does(rule: Rule, playbook: Playbook) -> str:
    match rule.do:
        case Do.REVERT:
            return _authority(rule, playbook)
        case Do.HOLD:
            return "holds the incident until a person decides."
        case Do.PAGE:
            return "calls people; the watch goes on."
        case Do.PAUSE_AND_INVESTIGATE:
            who = " and ".join(rule.approve_by) or "two roles with the right to approve"
            return f"pauses for a targeted investigation; a revert needs the decision of {who}."
        case _:
            assert_never(rule.do)


def _authority(rule: Rule, playbook: Playbook) -> str:
    match rule.authority:
        case "auto":
            if rule.veto_window is None:
                return "reverts at once; nobody is asked."
            return f"is announced, and reverts after {written(rule.veto_window)} unless somebody holds it."
        case "ack":
            return "reverts as soon as a person owns the incident (acknowledges)."
        case "approve":
            who = " or ".join(approvers(rule, playbook))
            among = f", with {' and '.join(rule.required)} among them" if rule.required else ""
            many = f"{rule.quorum} different people" if rule.quorum > 1 else "one person"
            time = f" They have {written(rule.approve_within)}." if rule.approve_within else ""
            after = f" Silence means: {rule.on_timeout}." if rule.on_timeout else ""
            vote = f"reverts once {many} ({who}){among} approved the plan"
            return f"{vote}; one reject holds the incident.{time}{after}"


def _criteria(playbook: Playbook) -> Iterator[str]:
    yield from ("## What the criteria mean", "")
    for criterion in playbook.criteria:
        about = playbook.signals[criterion.signal].about if criterion.signal in playbook.signals else ""
        observed = " Only observed: it never acts." if criterion.mode == "observe" else ""
        end = f" {plain(about)}" if about else ""
        yield f"- `{criterion.id}`: {_breached(criterion, playbook)}.{_missing(criterion)}{observed}{end}"
    yield ""


def _breached(criterion: Criterion, playbook: Playbook) -> str:
    match criterion.test:
        case AlertTest(named=named):
            return f"the alert `{named}` is firing"
        case EventTest():
            return f"a single {_signal(criterion, playbook)} is enough; nothing else is weighed"
        case _:
            compared = f"{_signal(criterion, playbook)} {_compared(criterion)}"
            return f"{compared}, {_sure(criterion.evidence)}; {_needs(criterion)}"


def _sure(evidence: Evidence) -> str:
    return (
        f"sustained {written(evidence.sustain)}; at most one false alarm in {written(evidence.false_alarm)}, "
        f"one false suspicion in {written(evidence.false_hold)}"
    )


def _needs(criterion: Criterion) -> str:
    if isinstance(criterion.test, GapTest):
        return f"a cohort counts from {criterion.min_sample} judged on"
    return f"recovery needs {criterion.min_sample} judged"


def _signal(criterion: Criterion, playbook: Playbook) -> str:
    signal = playbook.signals.get(criterion.signal or "")
    family = f" ({signal.family.value})" if signal else ""
    match signal:
        case AboveSignal(value=value, than=than):
            return f"*{criterion.signal}*{family}, the share of `{value}` above {than:g},"
        case BelowSignal(value=value, than=than):
            return f"*{criterion.signal}*{family}, the share of `{value}` at or below {than:g},"
        case _:
            return f"*{criterion.signal}*{family}"


def _compared(criterion: Criterion) -> str:
    match criterion.test:
        case LimitTest(max=highest, min=lowest):
            return f"is {'more' if highest else 'less'} than {per_10k(highest or lowest or 0)}"
        case ReferenceTest(max_ratio=highest, min_ratio=lowest, usual=usual):
            return f"is {_times(highest, lowest)} its usual {per_10k(usual)}"
        case BaselineTest(max_ratio=highest, min_ratio=lowest):
            return f"is {_times(highest, lowest)} what the baseline shows at the same time"
        case GapTest(by=by, max_ratio=highest):
            return f"is, for one `{by}`, {_times(highest, None)} what all the others show"
        case DriftTest(reference=reference, max_rise=rise):
            shares = ", ".join(f"{plain(name)} {share * 100:g} %" for name, share in reference.items())
            return (
                f"has a category whose share is {rise * 100:g} % of everything above its reference ({shares})"
            )
        case AlertTest() | EventTest():
            return ""
        case _:
            assert_never(criterion.test)


def _times(highest: float | None, lowest: float | None) -> str:
    return f"more than {highest:g} times" if highest else f"less than {lowest:g} times"


def per_10k(rate: float) -> str:
    """Write a rate as people count: `30 per 10000 (0.3 %)`."""
    return f"{rate * 10_000:g} per 10000 ({rate * 100:g} %)"


def _missing(criterion: Criterion) -> str:
    after = f" for {written(criterion.missing.after)}" if criterion.missing.after else ""
    match criterion.missing.do:
        case "page":
            return f" Without data{after}, people are called."
        case "hold":
            return f" Without data{after}, the incident is held."
        case "report":
            return ""


def _veto(veto: Veto, playbook: Playbook) -> str:
    rules = ", ".join(veto.blocks)
    ended = f" It ends when {' or '.join(veto.unless)} fires." if veto.unless else ""
    return (
        f"**{veto.id}**: while {in_words(veto.when, playbook)}, it holds back {rules}, for "
        f"{written(veto.max_hold)} at most; after that {' or '.join(veto.decide_by)} must approve.{ended}"
    )


_WEIGHTS = {
    Weight.CARRY_ON: "the signals decide",
    Weight.WEAKER: "a tenth of the evidence suffices",
    Weight.REVERT: "the release is taken back once the plan is approved",
    Weight.HOLD_OFF: "no rule reverts while it lasts",
}


def _judgment(judgment: Judgment) -> Iterator[str]:
    yield (
        f"- **{judgment.id}**, for {' or '.join(judgment.by)}: {plain(judgment.ask)} An answer lasts "
        f"{written(judgment.expires)}."
    )
    for answer, weight in judgment.answers.items():
        yield f"   - [ ] {answer}: {_WEIGHTS[weight]}. By and at: {BLANK}"
