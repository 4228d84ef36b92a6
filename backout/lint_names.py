"""Names in a playbook: each is given once, and each that is used is known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from backout.criteria import LimitTest
from backout.placeholders import placeholder_problems
from backout.playbook import Playbook
from backout.problems import Path, Problem, spell, unknown
from backout.site import Site
from backout.steps import CheckStep, EscalateStep, NotifyStep, PostmortemStep, RevertStep

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
    yield from _given_twice(
        "step", [(("steps", i, "name"), step.name) for i, step in enumerate(playbook.steps)]
    )
    yield from _given_twice(
        "criterion", [(("criteria", i, "id"), one.id) for i, one in enumerate(playbook.criteria)]
    )
    yield from _given_twice("rule", [(("rules", i, "id"), rule.id) for i, rule in enumerate(playbook.rules)])
    uses = [*_roles(playbook), *_inside(playbook), *_templates(playbook, templates)]
    for use in [*uses, *(_at_site(playbook, site) if site else ())]:
        if use.name not in use.known:
            yield Problem(path=use.path, message=unknown(use.kind, use.name, use.known))
    yield from _unused(playbook)
    for path, query in _queries(playbook):
        yield from placeholder_problems(path, query)
    requests = playbook.release.requests
    if requests and "$release" not in requests.query:
        msg = 'it counts every release; add release="$release" to count what the candidate alone has served'
        yield Problem(path=("release", "requests", "query"), message=msg, severity="warning")


def _given_twice(kind: str, names: Iterable[tuple[Path, str]]) -> Iterator[Problem]:
    taken: dict[str, Path] = {}
    for path, name in names:
        first = taken.setdefault(name, path)
        if first != path:
            msg = (
                f"the {kind} name '{name}' is taken by {spell(first[:-1])}; write '{path[-1]}: ' with another"
            )
            yield Problem(path=path, message=msg)


def _roles(playbook: Playbook) -> Iterator[_Use]:
    known = playbook.roles
    for i, step in enumerate(playbook.steps):
        yield _Use("role", ("steps", i, "owner"), step.owner, known)
    for policy, levels in playbook.escalation.items():
        for i, level in enumerate(levels):
            for j, role in enumerate(level.page):
                yield _Use("role", ("escalation", policy, i, "page", j), role, known)
    for i, rule in enumerate(playbook.rules):
        for j, role in enumerate(rule.approve_by):
            yield _Use("role", ("rules", i, "approve_by", j), role, known)


def _inside(playbook: Playbook) -> Iterator[_Use]:
    criteria = [criterion.id for criterion in playbook.criteria]
    for i, criterion in enumerate(playbook.criteria):
        if criterion.signal is not None:
            yield _Use("signal", ("criteria", i, "signal"), criterion.signal, playbook.signals)
    for i, rule in enumerate(playbook.rules):
        for j, name in enumerate(rule.when.any_of):
            yield _Use("criterion", ("rules", i, "when", "any_of", j), name, criteria)
    for i, step in enumerate(playbook.steps):
        if isinstance(step, EscalateStep):
            yield _Use("escalation policy", ("steps", i, "policy"), step.policy, playbook.escalation)


def _templates(playbook: Playbook, templates: Collection[str]) -> Iterator[_Use]:
    for i, step in enumerate(playbook.steps):
        if isinstance(step, NotifyStep | PostmortemStep):
            folder = "notices/" if isinstance(step, NotifyStep) else "postmortem/"
            known = sorted(
                name.removeprefix(folder).removesuffix(_SUFFIX)
                for name in templates
                if name.startswith(folder) and name.endswith(_SUFFIX)
            )
            yield _Use(f"template in templates/{folder}", ("steps", i, "template"), step.template, known)


def _at_site(playbook: Playbook, site: Site) -> Iterator[_Use]:
    yield _Use("channel of the site", ("channel",), playbook.channel, site.channels)
    for name, signal in playbook.signals.items():
        yield _Use("source of the site", ("signals", name, "source"), signal.source, site.sources)
    if playbook.release.requests:
        path = ("release", "requests", "source")
        yield _Use("source of the site", path, playbook.release.requests.source, site.sources)
    for i, step in enumerate(playbook.steps):
        match step:
            case RevertStep():
                yield _Use("target of the site", ("steps", i, "target"), step.target, site.targets)
            case NotifyStep():
                yield _Use("channel of the site", ("steps", i, "channel"), step.channel, site.channels)
            case CheckStep():
                for j, check in enumerate(step.checks):
                    yield _Use("check of the site", ("steps", i, "checks", j), check, site.checks)
            case _:
                pass


def _unused(playbook: Playbook) -> Iterator[Problem]:
    weighed = {name for rule in playbook.rules for name in rule.when.any_of}
    for i, criterion in enumerate(playbook.criteria):
        if criterion.id not in weighed:
            alone = (
                "it can only delay recovery" if isinstance(criterion.test, LimitTest) else "it does nothing"
            )
            msg = f"no rule uses criterion '{criterion.id}', so {alone}; name it in a rule or delete it"
            yield Problem(path=("criteria", i, "id"), message=msg, severity="warning")
    tested = {criterion.signal for criterion in playbook.criteria}
    for name in playbook.signals:
        if name not in tested:
            msg = f"no criterion tests signal '{name}'; add one or delete it"
            yield Problem(path=("signals", name), message=msg, severity="warning", on_key=True)


def _queries(playbook: Playbook) -> Iterator[tuple[Path, str]]:
    for name, signal in playbook.signals.items():
        yield ("signals", name, "bad"), signal.bad
        yield ("signals", name, "of"), signal.of
    if playbook.release.requests:
        yield ("release", "requests", "query"), playbook.release.requests.query
