"""Names in a playbook: each is given once, and each that is used is known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from backout.criteria import AlertTest, EventTest
from backout.kinds import answers
from backout.lint_conditions import conditions, leaves
from backout.playbook import Playbook
from backout.problems import Path, Problem, spell, unknown
from backout.site import Site
from backout.steps import (
    CheckStep,
    EscalateStep,
    NotifyStep,
    PostmortemStep,
    RevertStep,
    ServedStep,
    StagedStep,
)

_SUFFIX = ".md.j2"


@dataclass(frozen=True)
class _Use:
    """A name that is used somewhere, and the names that would do."""

    kind: str
    path: Path
    name: str
    known: Collection[str]


def name_problems(playbook: Playbook, templates: Collection[str], site: Site | None) -> Iterator[Problem]:
    """Yield names that are given twice, unknown names, and what is defined but never used."""
    for kind, names in _given(playbook):
        yield from _given_twice(kind, names)
    uses = [*_roles(playbook), *_inside(playbook), *_in_rules(playbook), *_templates(playbook, templates)]
    for use in [*uses, *(_at_site(playbook, site) if site else ())]:
        if use.name not in use.known:
            yield Problem(path=use.path, message=unknown(use.kind, use.name, use.known))
    yield from _unused(playbook)


def _given(playbook: Playbook) -> Iterator[tuple[str, list[tuple[Path, str]]]]:
    """Yield the names that are given, by kind; those of one kind must differ from each other."""
    yield "step", [(("steps", i, "name"), step.name) for i, step in enumerate(playbook.steps)]
    # What conditions can name is one kind: whatever it is, the name alone must tell it.
    criteria = [(("criteria", i, "id"), one.id) for i, one in enumerate(playbook.criteria)]
    occasions = [(("occasions", name), name) for name in playbook.occasions]
    answered = [
        (("judgments", i, "answers", answer), f"{one.id}.{answer}")
        for i, one in enumerate(playbook.judgments)
        for answer in one.answers
    ]
    yield "criterion", [*criteria, *occasions, *answered]
    yield "rule", [(("rules", i, "id"), rule.id) for i, rule in enumerate(playbook.rules)]
    yield "veto", [(("vetoes", i, "id"), veto.id) for i, veto in enumerate(playbook.vetoes)]
    yield (
        "communication",
        [(("communications", i, "id"), one.id) for i, one in enumerate(playbook.communications)],
    )
    yield "judgment", [(("judgments", i, "id"), one.id) for i, one in enumerate(playbook.judgments)]


def _given_twice(kind: str, names: Iterable[tuple[Path, str]]) -> Iterator[Problem]:
    taken: dict[str, Path] = {}
    for path, name in names:
        first = taken.setdefault(name, path)
        if first == path:
            continue
        # An entry of a list has its name in a field; an entry of a mapping is its name.
        is_field, was_field = isinstance(path[-2], int), isinstance(first[-2], int)
        what = f"write '{path[-1]}: ' with another" if is_field else "give it another"
        place = first[:-1] if was_field else first
        msg = f"the {kind} name '{name}' is taken by {spell(place)}; {what}"
        yield Problem(path=path, message=msg, on_key=not is_field)


def _roles(playbook: Playbook) -> Iterator[_Use]:
    for i, step in enumerate(playbook.steps):
        yield _Use("role", ("steps", i, "owner"), step.owner, playbook.roles)
    for i, told in enumerate(playbook.communications):
        yield _Use("role", ("communications", i, "owner"), told.owner, playbook.roles)
    for path, roles in (*_lists_of_roles(playbook), *_voting(playbook)):
        for j, role in enumerate(roles):
            yield _Use("role", (*path, j), role, playbook.roles)


def _lists_of_roles(playbook: Playbook) -> Iterator[tuple[Path, tuple[str, ...]]]:
    for name, policy in playbook.escalation.items():
        for i, level in enumerate(policy.levels):
            yield ("escalation", name, "levels", i, "page"), level.page
    for i, rule in enumerate(playbook.rules):
        yield ("rules", i, "approve_by"), rule.approve_by
        yield ("rules", i, "required"), rule.required
    for i, veto in enumerate(playbook.vetoes):
        yield ("vetoes", i, "decide_by"), veto.decide_by
    for i, judgment in enumerate(playbook.judgments):
        yield ("judgments", i, "by"), judgment.by


def _voting(playbook: Playbook) -> Iterator[tuple[Path, tuple[str, ...]]]:
    for i, step in enumerate(playbook.steps):
        if isinstance(step, NotifyStep):
            yield ("steps", i, "approve_by"), step.approve_by
            yield ("steps", i, "required"), step.required
    for i, told in enumerate(playbook.communications):
        yield ("communications", i, "approve_by"), told.approve_by
        yield ("communications", i, "required"), told.required
    for action, roles in playbook.consents.items():
        yield ("consents", action.value), roles
    if playbook.break_glass:
        yield ("break_glass", "roles"), playbook.break_glass.roles
        yield ("break_glass", "report"), playbook.break_glass.report


def _inside(playbook: Playbook) -> Iterator[_Use]:
    for i, criterion in enumerate(playbook.criteria):
        if criterion.signal is not None:
            yield _Use("signal", ("criteria", i, "signal"), criterion.signal, playbook.signals)
    for i, step in enumerate(playbook.steps):
        if isinstance(step, EscalateStep):
            yield _Use("escalation policy", ("steps", i, "policy"), step.policy, playbook.escalation)


def _in_rules(playbook: Playbook) -> Iterator[_Use]:
    known = [*(one.id for one in playbook.criteria), *playbook.occasions, *answers(playbook)]
    kind = "name in a condition" if len(known) > len(playbook.criteria) else "criterion"
    for path, condition in conditions(playbook):
        for leaf in leaves(condition, path):
            yield _Use(kind, leaf.path, leaf.name, known)
    rules = [rule.id for rule in playbook.rules]
    for i, veto in enumerate(playbook.vetoes):
        for field, names in (("blocks", veto.blocks), ("unless", veto.unless)):
            for j, name in enumerate(names):
                yield _Use("rule", ("vetoes", i, field, j), name, rules)


def _templates(playbook: Playbook, templates: Collection[str]) -> Iterator[_Use]:
    for i, step in enumerate(playbook.steps):
        if isinstance(step, NotifyStep | PostmortemStep):
            folder = "notices/" if isinstance(step, NotifyStep) else "postmortem/"
            yield _template(("steps", i, "template"), step.template, folder, templates)
    for i, told in enumerate(playbook.communications):
        yield _template(("communications", i, "template"), told.template, "notices/", templates)


def _template(path: Path, template: str, folder: str, templates: Collection[str]) -> _Use:
    known = sorted(
        name.removeprefix(folder).removesuffix(_SUFFIX)
        for name in templates
        if name.startswith(folder) and name.endswith(_SUFFIX)
    )
    return _Use(f"template in templates/{folder}", path, template, known)


def _at_site(playbook: Playbook, site: Site) -> Iterator[_Use]:
    for name, signal in playbook.signals.items():
        yield _Use("source of the site", ("signals", name, "source"), signal.source, site.sources)
    if playbook.release.requests:
        path = ("release", "requests", "source")
        yield _Use("source of the site", path, playbook.release.requests.source, site.sources)
    yield from _channels(playbook, site)
    yield from _steps(playbook, site)


def _steps(playbook: Playbook, site: Site) -> Iterator[_Use]:
    for i, step in enumerate(playbook.steps):
        match step:
            case StagedStep():
                yield from _targets(("steps", i), step, site)
            case CheckStep():
                for j, check in enumerate(step.checks):
                    yield _Use("check of the site", ("steps", i, "checks", j), check, site.checks)
            case ServedStep():
                for j, probe in enumerate(step.probes):
                    yield _Use("probe of the site", ("steps", i, "probes", j), probe, site.probes)
            case _:
                pass


def _targets(path: Path, step: StagedStep, site: Site) -> Iterator[_Use]:
    if step.target:
        yield _Use("target of the site", (*path, "target"), step.target, site.targets)
    for i, part in enumerate(step.targets):
        yield _Use("target of the site", (*path, "targets", i, "target"), part.target, site.targets)
    if not isinstance(step, RevertStep):
        return
    if step.capacity:
        at = (*path, "capacity")
        yield _Use("target of the site", (*at, "target"), step.capacity.target, site.targets)
        for i, check in enumerate(step.capacity.checks):
            yield _Use("check of the site", (*at, "checks", i), check, site.checks)
    for i, other in enumerate(step.alternatives):
        for j, part in enumerate(other.targets):
            place = (*path, "alternatives", i, "targets", j, "target")
            yield _Use("target of the site", place, part.target, site.targets)


def _channels(playbook: Playbook, site: Site) -> Iterator[_Use]:
    named: list[tuple[Path, str]] = [(("channel",), playbook.channel)]
    named += [
        (("steps", i, "channel"), step.channel)
        for i, step in enumerate(playbook.steps)
        if isinstance(step, NotifyStep)
    ]
    told = enumerate(playbook.communications)
    named += [(("communications", i, "channel"), one.channel) for i, one in told]
    for path, name in named:
        yield _Use("channel of the site", path, name, site.channels)


def _unused(playbook: Playbook) -> Iterator[Problem]:
    weighed = {leaf.name for path, condition in conditions(playbook) for leaf in leaves(condition, path)}
    for i, criterion in enumerate(playbook.criteria):
        if criterion.id not in weighed and criterion.mode == "act":
            certain = isinstance(criterion.test, AlertTest | EventTest)
            alone = "it does nothing" if certain else "it can only delay recovery"
            msg = f"no rule uses criterion '{criterion.id}', so {alone}; name it in a rule or delete it"
            yield Problem(path=("criteria", i, "id"), message=msg, severity="warning")
    tested = {criterion.signal for criterion in playbook.criteria}
    for name in playbook.signals:
        if name not in tested:
            msg = f"no criterion tests signal '{name}'; add one or delete it"
            yield Problem(path=("signals", name), message=msg, severity="warning", on_key=True)
    for name in playbook.occasions:
        if name not in weighed:
            msg = f"no condition names the occasion '{name}', so it weighs in nothing; use it or delete it"
            yield Problem(path=("occasions", name), message=msg, severity="warning", on_key=True)
