"""What the guide to on-call shows is right: its policies, rotas and calendars can be read as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from ruamel.yaml import YAML

from backout.escalation import PolicyOrLevels
from backout.rotas import Calendar, Rota

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "on-call.md"


def shown(part: str) -> dict[str, Any]:
    """Return everything that the guide shows of a part of a playbook or site, by name."""
    blocks = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    # Dates and times stay text, as in a playbook.
    documents = [
        YAML(typ="safe", pure=True).load(re.sub(r"(\d{4}-\d\d-\d\d[^,\]} #\n]*)", r"'\1'", block))
        for block in blocks
    ]
    return {name: one for document in documents for name, one in document.get(part, {}).items()}


def test_its_policies_are_policies() -> None:
    policies = TypeAdapter(dict[str, PolicyOrLevels]).validate_python(shown("escalation"))
    assert list(policies) == ["simple", "model-on-call"]
    assert policies["model-on-call"].loops == 2


def test_its_rotas_are_rotas_and_its_calendar_is_one() -> None:
    rotas = TypeAdapter(dict[str, Rota]).validate_python(shown("rotas"))
    assert list(rotas) == ["primary", "secondary"]
    assert list(TypeAdapter(dict[str, Calendar]).validate_python(shown("calendars"))) == ["office"]
