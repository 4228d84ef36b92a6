"""The import rules of the single modules at the root, which import-linter cannot read as sources.

`wiring.py` knows every part but no edge, `deployment.py` and `telemetry.py` know no part, and nobody imports
`worker.py`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EDGES = frozenset({"bench", "cli", "demo", "tests", "tools", "worker"})
PARTS = frozenset({"activities", "adapters", "deployment", "gateway", "wiring", "workflows"})
NEVER = {
    "deployment.py": EDGES | (PARTS - {"deployment"}) | {"telemetry"},
    "telemetry.py": EDGES | PARTS,
    "wiring.py": EDGES,
    "worker.py": EDGES - {"worker"},
}


def imported_roots(source: str, name: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the top-level name of every import of a module."""
    for node in ast.walk(ast.parse(source, name)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module.partition(".")[0]


def violations(root: Path) -> list[str]:
    """Return a line for every import that the root modules must not have, and for modules without a rule."""
    found = []
    for path in sorted(root.glob("*.py")):
        if path.name not in NEVER:
            found.append(f"{path.name}:1 has no import rule. Add one to tools/root_imports.py.")
            continue
        for line, imported in imported_roots(path.read_text(encoding="utf-8"), path.name):
            if imported in NEVER[path.name]:
                found.append(f"{path.name}:{line} imports {imported}, which it never may.")
    return found


if __name__ == "__main__":
    problems = violations(ROOT)
    print("\n".join(problems) or "root modules: imports hold")
    sys.exit(1 if problems else 0)
