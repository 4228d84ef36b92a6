"""YAML text to a model: playbooks, site files. Every problem at once, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from backout.errors import InvalidDocument
from backout.misfits import misfits
from backout.playbook import Playbook
from backout.problems import Finding, Problem, found_at
from backout.site import Site
from backout.site_lint import site_problems
from backout.yaml_tree import Tree, read_tree

M = TypeVar("M", bound=BaseModel)


def read(
    text: str, *, file: str, model: type[M], judge: Callable[[M], Iterable[Problem]]
) -> tuple[M | None, tuple[Finding, ...]]:
    """Return the document, None where the text or its fields are wrong, and every finding in their order.

    `judge` adds what only the whole document shows; it is asked where every field fits.
    """
    tree = read_tree(text)
    document, problems = _fit(tree, model)
    if document is not None:
        problems = tuple(judge(document))
    written = [tree.as_written(problem) for problem in problems]
    placed = [*tree.problems, *((tree.place_of(problem), problem) for problem in written)]
    placed.sort(key=lambda found: (found[0].line, found[0].column))
    return document, tuple(found_at(place, problem, file=file) for place, problem in placed)


def _fit(tree: Tree, model: type[M]) -> tuple[M | None, tuple[Problem, ...]]:
    if tree.value is None:
        return None, ()
    wrong = {problem.path for _, problem in tree.problems}
    try:
        document = model.model_validate(tree.value)
    except ValidationError as error:
        return None, tuple(problem for problem in misfits(error, model) if problem.path not in wrong)
    return (None if wrong else document), ()


def parse(text: str, *, file: str, model: type[M]) -> M:
    """Return the document that the text holds.

    Raises:
        InvalidDocument: the text is not YAML, or a field is wrong; it names every problem and its place.
    """
    return accepted(read(text, file=file, model=model, judge=_no_problems))


def accepted(result: tuple[M | None, tuple[Finding, ...]]) -> M:
    """Return the document of a result without errors.

    Raises:
        InvalidDocument: the result has errors; warnings alone do not refuse a document.
    """
    document, findings = result
    errors = [finding.text for finding in findings if finding.severity == "error"]
    if document is None or errors:
        raise InvalidDocument(errors)
    return document


def _no_problems(_: BaseModel) -> tuple[Problem, ...]:
    return ()


def load_playbook(text: str, *, file: str) -> Playbook:
    """Return the playbook that the text holds; `lint.checked_playbook` also asks whether it can work.

    Raises:
        InvalidDocument: see `parse`.
    """
    return parse(text, file=file, model=Playbook)


def load_site(text: str, *, file: str) -> Site:
    """Return the site that the text holds.

    Raises:
        InvalidDocument: see `parse`; or the site contradicts itself.
    """
    return accepted(read(text, file=file, model=Site, judge=site_problems))
