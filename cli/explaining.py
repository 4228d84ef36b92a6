"""What `backout triggers explain` does: ask for an incident, and print why it was decided as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from backout.addressing import short_of
from backout.evaluation import Evaluation
from backout.explaining import Branch, Decision, Explanation, RuleTruth, Weighed, explained
from backout.releases import described
from backout.rendering import clock
from cli import printing
from cli.desk import view_of
from cli.session import run


def explain(incident: str, *, state: Path, as_json: bool) -> None:
    """Print the explanation of an incident."""
    found = explained(run(view_of(incident, state)))
    if as_json:
        printing.as_json(found)
    else:
        show(found)


def show(found: Explanation) -> None:
    """Print an explanation for people."""
    printing.line(f"{short_of(found.incident)}: playbook {found.playbook} version {found.version}")
    for text in _release(found):
        printing.line(text)
    if found.decision is None:
        printing.line("The rules were not held against anything yet.")
        return
    _decision(found.decision)
    for answer in found.judged:
        printing.line(
            f"Judgment: {answer.judgment} is {answer.answer}, by {answer.by}, until {clock(answer.until)}"
        )
    if found.alerts:
        printing.line(f"Alerts that are firing: {', '.join(found.alerts)}")
    for line in found.earlier:
        printing.line(f"Also decided: {line}")


def _release(found: Explanation) -> Iterator[str]:
    baseline = found.baseline or "none is known"
    yield f"Release {found.release}, baseline {baseline}, {_exposure(found.exposure)}"
    for artifact in found.artifacts:
        yield f"  {described(artifact)}"
    if not found.artifacts:
        yield "  it is not registered, so its artifacts are not known"


def _exposure(percent: int | None) -> str:
    return "exposure not read yet" if percent is None else f"{percent} % of traffic on it"


def _decision(decision: Decision) -> None:
    said = decision.evaluation
    rule = f" by rule {said.rule}" if said.rule else ""
    does = f", which asks for: {said.do.value}" if said.do else ""
    printing.line(
        f"{said.outcome.value.upper()}{rule}{does}, at {clock(decision.at)} in step {decision.step}, "
        f"{_exposure(decision.exposure)}"
    )
    for reason in said.reasons:
        printing.line(f"  because {reason}")
    printing.line("")
    factors = printing.table(
        "Criterion", "Verdict", "Bad", "Judged", "Since", "Rate", "Limit", "Evidence", "Hold", "Revert"
    )
    for one in decision.weighed:
        factors.add_row(*printing.cells(*_factor(one)))
    printing.show(factors)
    for text in _asides(said):
        printing.line(text)
    printing.line("")
    for rule_truth in decision.rules:
        _rule(rule_truth)


def _factor(one: Weighed) -> tuple[str, ...]:
    factor = one.factor
    name = f"{factor.criterion}[{factor.cohort}]" if factor.cohort else factor.criterion
    numbers = [f"{level:.3g}" if level else "-" for level in (factor.evidence, one.suspicion, one.need)]
    return (
        f"{name} (only observed)" if factor.mode == "observe" else name,
        factor.verdict.value,
        str(factor.bad),
        f"{factor.judged} since {clock(factor.since)}" if factor.since else str(factor.judged),
        clock(factor.since) if factor.since else "-",
        _percent(one.rate),
        _percent(factor.limit),
        *numbers,
    )


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.3%}"


def _asides(said: Evaluation) -> Iterator[str]:
    for blind in said.blind:
        since = f" since {clock(blind.since)}" if blind.since else ""
        why = f" ({blind.why})" if blind.why else ""
        yield f"Blind: source {blind.source}{since}{why}, so nothing is known by {', '.join(blind.criteria)}"
    for vetoed in said.vetoed:
        yield f"Held back: rule {vetoed.rule} by {vetoed.veto}, until {clock(vetoed.until)}"
    for text in said.observed:
        yield f"Only observed: {text}"
    for text in said.surroundings or ("no marked event goes on, and no answer weighs",):
        yield f"Context: {text}"
    for text in said.not_counted:
        yield f"Not counted: {text}"


def _rule(one: RuleTruth) -> None:
    state = "fired" if one.fired else "true" if one.tree.holds else "not true"
    printing.line(f"Rule {one.rule} ({one.do.value}, {one.authority}): {state}")
    _branch(one.tree, 1)


def _branch(branch: Branch, depth: int) -> None:
    mark = "+" if branch.holds else "-"
    why = f": {branch.why}" if branch.why else ""
    printing.line(f"{'  ' * depth}{mark} {branch.text}{why}")
    for part in branch.parts:
        _branch(part, depth + 1)
