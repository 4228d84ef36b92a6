"""Provenance: the outputs that a release produced, as evidence that anybody can hold against its digest."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from backout.messages import Evidence

MOST_IDS = 100
"""So many ids are on the timeline and in the postmortem; the document has all of them."""
MOST_OUTPUTS = 100_000
"""So many outputs one check may list."""
LONGEST_ID = 200
"""Characters that the id of an output may have."""
_NAME_DIGITS = 16


def text_of(outputs: Sequence[str]) -> str:
    """Return the document: every id on a line of its own."""
    return "".join(f"{one}\n" for one in outputs)


def evidence_of(outputs: Sequence[str]) -> Evidence:
    """Return the evidence for these outputs; nobody has kept its document yet."""
    digest = "sha256:" + sha256(text_of(outputs).encode()).hexdigest()
    return Evidence(ids=tuple(outputs[:MOST_IDS]), count=len(outputs), digest=digest)


def name_of(check: str, evidence: Evidence) -> str:
    """Return the document's name. Its digest is in the name: other outputs never replace it."""
    digest = evidence.digest.partition(":")[2][:_NAME_DIGITS]
    return f"evidence-{check}-{digest}.txt"
