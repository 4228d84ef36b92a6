"""A playbook with some of its values changed, and what lint says of it."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from backout.lint import lint
from backout.playbook import Playbook
from backout.problems import spell
from backout.site import Site
from backout.yaml_text import load_site
from backout.yaml_tree import read_tree

DATA = Path(__file__).parent / "data"
TEXT = (DATA / "complete.yaml").read_text(encoding="utf-8")
LANGUAGE = (DATA / "language.yaml").read_text(encoding="utf-8")
SITE = load_site((DATA / "site.yaml").read_text(encoding="utf-8"), file="site.yaml")
TEMPLATES = dict.fromkeys(
    (
        "notices/support.md.j2",
        "notices/customers.md.j2",
        "postmortem/standard.md.j2",
        "slack/page.md.j2",
    ),
    "# A title\nA text.",
)
GONE = object()
"""Stands for a value that is taken out."""

Changes = dict[str, object]
"""New values, each by its path, such as `steps.2.within`."""


@cache
def _document(text: str) -> Any:  # noqa: ANN401  # what YAML holds
    return read_tree(text).value


def step(number: int, **changes: object) -> dict[str, object]:
    """Return a step of the complete playbook with some of its fields changed."""
    return {**_document(TEXT)["steps"][number], **changes}


def changed(changes: Changes, text: str = TEXT) -> Playbook:
    """Return the complete playbook, or that of another text, with these changes."""
    document = deepcopy(_document(text))
    for path, value in changes.items():
        *way, last = (int(part) if part.isdigit() else part for part in path.split("."))
        node = document
        for part in way:
            # A list may be short for the mapping that holds it.
            node = node if isinstance(node, list) and isinstance(part, str) else node[part]
        if value is GONE:
            del node[last]
        elif isinstance(node, list) and last == len(node):
            node.append(value)
        else:
            node[last] = value
    return Playbook.model_validate(document)


def found(changes: Changes, site: Site | None = SITE, text: str = TEXT) -> list[tuple[str, str, str]]:
    """Return what lint says of the changed playbook: severity, path and message."""
    problems = lint(changed(changes, text), templates=TEMPLATES, site=site)
    return [(problem.severity, spell(problem.path), problem.message) for problem in problems]


def errors(changes: Changes) -> list[tuple[str, str]]:
    """Return the path and message of each error that lint finds in the changed complete playbook."""
    return [(path, message) for severity, path, message in found(changes) if severity == "error"]


def said(changes: Changes) -> list[tuple[str, str, str]]:
    """Return what lint says of the playbook of the whole language with these changes."""
    return found(changes, text=LANGUAGE)
