"""The shape gate: functions and files stay short enough to be read at one go.

A function's length runs from its `def` to its end, without its docstring; a file's is all of its lines.
The 90th percentile (nearest rank) is judged for product code and for tests and tools apart, so that
many short tests do not hide a long product file. Complexity (8 at most) is ruff's C901.
"""

from __future__ import annotations

import ast
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GENERATED = frozenset({"__pycache__", "build", "dist", "node_modules"})
NOT_PRODUCT = frozenset({"bench", "tests", "tools"})
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, order=True)
class Measured:
    """The length of one function or file, in lines."""

    lines: int
    place: str


@dataclass(frozen=True)
class Limit:
    """What a group of functions or files may measure, in lines."""

    what: str
    p90: int
    longest: int


_Lengths = tuple[list[Measured], list[Measured]]

FUNCTIONS = Limit("functions", p90=25, longest=50)
FILES = Limit("files", p90=250, longest=400)


def python_files(root: Path) -> list[Path]:
    """Return the checkout's Python files, without hidden and generated folders."""
    return sorted(path for path in root.rglob("*.py") if _is_ours(path.relative_to(root)))


def _is_ours(path: Path) -> bool:
    return not any(part.startswith(".") or part in GENERATED for part in path.parts)


def function_lengths(source: str, name: str) -> Iterator[Measured]:
    """Yield the length of every function of a module, nested ones included."""
    for node in ast.walk(ast.parse(source, name)):
        if isinstance(node, FUNCTION):
            yield Measured(_length(node), f"{name}:{node.lineno} {node.name}")


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def percentile_90(lengths: Sequence[int]) -> int:
    """Return the nearest-rank 90th percentile; 0 for no lengths."""
    return sorted(lengths)[math.ceil(0.9 * len(lengths)) - 1] if lengths else 0


def judge(group: str, limit: Limit, measured: Sequence[Measured]) -> bool:
    """Print the numbers of a group, and its offenders where it breaks the limit; return whether it holds."""
    ranked = sorted(measured, reverse=True)
    p90 = percentile_90([one.lines for one in ranked])
    longest = ranked[0].lines if ranked else 0
    print(
        f"{group} {limit.what}: {len(ranked)} measured, "
        f"p90 {p90} (at most {limit.p90}), longest {longest} (at most {limit.longest})"
    )
    shown = limit.p90 if p90 > limit.p90 else limit.longest
    offenders = [one for one in ranked if one.lines > shown]
    for one in offenders:
        print(f"  {one.place}: {one.lines} lines")
    return not offenders


def check(root: Path) -> bool:
    """Judge every group under a folder; return whether all hold."""
    groups: dict[str, _Lengths] = {"product": ([], []), "tests and tools": ([], [])}
    for path in python_files(root):
        name = path.relative_to(root)
        functions, files = groups["tests and tools" if name.parts[0] in NOT_PRODUCT else "product"]
        source = path.read_text(encoding="utf-8")
        functions.extend(function_lengths(source, str(name)))
        files.append(Measured(len(source.splitlines()), f"{name}:1"))
    verdicts = [
        judge(group, limit, measured)
        for group, pair in groups.items()
        for limit, measured in zip((FUNCTIONS, FILES), pair, strict=True)
    ]
    return all(verdicts)


if __name__ == "__main__":
    sys.exit(0 if check(ROOT) else 1)
