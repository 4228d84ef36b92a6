"""What senders of alerts document, and what is heard of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from backout.senders.message import Hear, Message, Told

DATA = Path(__file__).resolve().parents[1] / "gateway" / "data"


def documented(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / f"documented-{name}.json").read_text(encoding="utf-8"))
    return found


def message(said: object, **headers: str) -> Message:
    return Message(body=json.dumps(said).encode(), headers=headers)


def told(hear: Hear, said: object, **headers: str) -> Told:
    (one,) = hear(message(said, **headers), ()).told
    return one
