"""Static lint: what would go wrong with a playbook, said before it runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from backout.arming import Recorded, arming_problems
from backout.lint_alternatives import alternative_problems
from backout.lint_channels import channel_problems
from backout.lint_checks import check_step_problems
from backout.lint_communications import communication_problems
from backout.lint_conditions import condition_problems
from backout.lint_escalation import escalation_problems
from backout.lint_kinds import kind_problems
from backout.lint_lengths import length_problems
from backout.lint_names import name_problems
from backout.lint_proven import proven_problems
from backout.lint_queries import query_problems
from backout.lint_reverts import revert_problems
from backout.lint_rights import right_problems
from backout.lint_rollout import rollout_problems
from backout.lint_rules import rule_problems
from backout.lint_served import served_problems
from backout.lint_sets import set_problems
from backout.lint_steps import step_problems
from backout.lint_votes import vote_problems
from backout.lint_windows import window_problems
from backout.playbook import Playbook
from backout.problems import Finding, Problem
from backout.site import Site
from backout.yaml_text import accepted, read


def lint(playbook: Playbook, *, templates: Mapping[str, str], site: Site | None) -> tuple[Problem, ...]:
    """Return what is wrong with a playbook; without a site, what only a site can show is not asked.

    `templates` are by their names below templates/, such as `notices/customers.md.j2`.
    """
    return (
        *name_problems(playbook, templates, site),
        *channel_problems(playbook, site),
        *query_problems(playbook, site),
        *proven_problems(playbook, site),
        *kind_problems(playbook, site),
        *condition_problems(playbook),
        *revert_problems(playbook),
        *rule_problems(playbook),
        *step_problems(playbook, site),
        *check_step_problems(playbook, site),
        *set_problems(playbook, site),
        *alternative_problems(playbook),
        *served_problems(playbook, site),
        *window_problems(playbook),
        *length_problems(playbook, site),
        *right_problems(playbook, site),
        *escalation_problems(playbook, site),
        *vote_problems(playbook, site),
        *communication_problems(playbook, templates, site),
        *rollout_problems(playbook, templates, site),
    )


def inspect(
    text: str, *, file: str, templates: Mapping[str, str], site: Site | None, record: Recorded = None
) -> tuple[Playbook | None, tuple[Finding, ...]]:
    """Return the playbook of a text, None where its fields are wrong, and every finding in order.

    `record` is the backtest that is kept beside the file; without one no rule may revert by itself.
    """

    def judge(playbook: Playbook) -> tuple[Problem, ...]:
        found = lint(playbook, templates=templates, site=site)
        return (*_named_as(playbook, file), *found, *arming_problems(playbook, record))

    return read(text, file=file, model=Playbook, judge=judge)


def _named_as(playbook: Playbook, file: str) -> tuple[Problem, ...]:
    stem = PurePath(file).stem
    if playbook.playbook == stem:
        return ()
    msg = f"the playbook is called '{playbook.playbook}' but its file '{stem}'; make them equal"
    return (Problem(path=("playbook",), message=msg),)


def checked_playbook(text: str, *, file: str, templates: Mapping[str, str], site: Site | None) -> Playbook:
    """Return the playbook of a text that has no errors; warnings do not refuse it.

    Raises:
        InvalidDocument: it has errors; all of them, each a line `file:line:column: path: message`.
    """
    return accepted(inspect(text, file=file, templates=templates, site=site))
