"""The lock guard: the locks are complete, hashed and free of places, and they fit pyproject.toml.

A lock that names an index, a URL or a path would bind every install to the machine that wrote it.
"""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
RUNTIME, DEV = "requirements.txt", "requirements-dev.txt"
EXTRAS = {RUNTIME: ("build",), DEV: ("build", "dev")}
REMEDY = "Run 'make lock'."

_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)(\s*;[^#]*?)?(?P<hashes>(\s+--hash=sha256:[0-9a-f]{64})*)"
)
_OPTION = re.compile(r"^\s*(-\w|--(?!hash=))\S*")


@dataclass(frozen=True)
class Lock:
    """The pins of one lock file, and what is wrong with it by itself."""

    pins: dict[str, str]
    problems: tuple[str, ...]


def read_lock(text: str, name: str) -> Lock:
    """Read a lock: one pin per logical line, each with a hash and nothing that names a place."""
    pins: dict[str, str] = {}
    problems = [
        f"{name}:{number} names a place: {line.strip()}"
        for number, line in enumerate(text.splitlines(), start=1)
        if "/" in line or _OPTION.match(line)
    ]
    for entry in _entries(text):
        pin = _PIN.fullmatch(entry)
        if pin is None:
            problems.append(f"{name}: not a pin 'name==version --hash=sha256:...': {entry}")
            continue
        pins[canonicalize_name(pin["name"])] = pin["version"]
        if not pin["hashes"]:
            problems.append(f"{name}: {pin['name']} has no sha256 hash.")
    return Lock(pins, tuple(problems))


def _entries(text: str) -> list[str]:
    code = re.sub(r"(?m)^\s*#.*\n?", "", text + "\n")
    return [entry.strip() for entry in code.replace("\\\n", " ").splitlines() if entry.strip()]


def unmet(project: dict[str, Any], extras: tuple[str, ...], lock: Lock, name: str) -> list[str]:
    """Return a line for every input of pyproject.toml that a lock does not pin as it asks."""
    optional = project.get("optional-dependencies", {})
    inputs = sum((optional.get(extra, []) for extra in extras), project.get("dependencies", []))
    found = []
    for wanted in map(Requirement, inputs):
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        pinned = lock.pins.get(canonicalize_name(wanted.name))
        if pinned is None:
            found.append(f"{name}: {wanted} of pyproject.toml is not pinned.")
        elif not wanted.specifier.contains(pinned, prereleases=True):
            found.append(f"{name}: pyproject.toml asks for {wanted}, the lock has {pinned}.")
    return found


def disagreements(runtime: Lock, dev: Lock) -> list[str]:
    """Return a line for every runtime pin that the dev lock lacks or has in another version."""
    return [
        f"{DEV}: {name} is {dev.pins.get(name, 'missing')}, {RUNTIME} has {version}."
        for name, version in runtime.pins.items()
        if dev.pins.get(name) != version
    ]


def problems_of(root: Path) -> list[str]:
    """Return everything that is wrong with the locks of a checkout."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locks = {name: read_lock((root / name).read_text(encoding="utf-8"), name) for name in EXTRAS}
    found = [problem for lock in locks.values() for problem in lock.problems]
    for name, extras in EXTRAS.items():
        found += unmet(project, extras, locks[name], name)
    return found + disagreements(locks[RUNTIME], locks[DEV])


if __name__ == "__main__":
    problems = problems_of(ROOT)
    print("\n".join([*problems, REMEDY]) if problems else "locks: complete, hashed, free of places")
    sys.exit(1 if problems else 0)
