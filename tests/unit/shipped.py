"""The shipped playbooks, by name."""

from __future__ import annotations

from pathlib import Path

from backout.yaml_text import load_playbook

ROOT = Path(__file__).parents[2]


FILES = {path.stem: path for path in (ROOT / "playbooks").glob("*.yaml")}


PLAYBOOKS = {
    name: load_playbook(path.read_text(encoding="utf-8"), file=str(path)) for name, path in FILES.items()
}
