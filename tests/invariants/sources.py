"""The product's own source, read as Python reads it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Place(NamedTuple):
    """Where something stands."""

    file: str
    function: str
    node: ast.AST


def modules(layer: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield each module of a layer by its path."""
    for path in sorted((ROOT / layer).rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


@cache
def places(layer: str) -> tuple[Place, ...]:
    """Return every node of a layer with the innermost function around it."""
    return tuple(place for file, module in modules(layer) for place in _within(file, "", module))


def _within(file: str, function: str, node: ast.AST) -> Iterator[Place]:
    for child in ast.iter_child_nodes(node):
        inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
        yield Place(file, inside, child)
        yield from _within(file, inside, child)


def calls(layer: str) -> Iterator[tuple[Place, str, ast.Call]]:
    """Yield every call of a layer, with the dotted name of what is called."""
    for place in places(layer):
        if isinstance(place.node, ast.Call):
            yield place, ast.unparse(place.node.func), place.node


def keywords(call: ast.Call) -> set[str | None]:
    """Return the names of a call's keyword arguments."""
    return {keyword.arg for keyword in call.keywords}
