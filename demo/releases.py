"""The demo's two releases, and how a release answers: well, or with the faults that it has."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from backout.model import Frozen

SERVICE = "chat"
FLAG = "chat-release"
BASELINE = "2026.10"
CANDIDATE = "2026.11"
RELEASES = (BASELINE, CANDIDATE)

QUESTIONS = (
    "Does my plan cover physiotherapy?",
    "How do I claim for new glasses?",
    "Is my medicine on the list?",
    "How long do I wait for a specialist?",
    "Can I see a doctor abroad?",
    "What do I pay for a night in hospital?",
    "Does the plan cover my children?",
    "Where do I send a bill?",
    "May I change my doctor?",
    "When does my plan end?",
)
"""What users ask the demo's assistant, the help desk of a health plan."""

Share = Annotated[float, Field(ge=0, le=1)]


class Faults(Frozen):
    """What share of a release's requests goes wrong, and how."""

    errors: Share = 0.0
    """Requests that fail: HTTP 500."""
    unsafe: Share = 0.0
    """Answers that moderation would have stopped."""
    severe: Share = 0.0
    """Answers that a person at the safety desk confirms as severe: one is too many."""
    unsupported: Share = 0.0
    """Answers that no document of the plan supports."""


HEALTHY = Faults(errors=0.002, unsafe=0.0005, unsupported=0.002)
"""The usual share of faults of a good release: never nothing."""

GONE_BAD = Faults(errors=0.22, unsafe=0.10, unsupported=0.18)
"""The candidate after its document index was swapped: it fails, and it makes things up."""


@dataclass(frozen=True)
class Answer:
    """One answer, as the judge that samples every answer has labelled it."""

    text: str
    label: Literal["good", "unsafe", "unsupported", "severe"]


class ModelFailed(Exception):
    """The release could not answer."""


def answer(*, prompt: str, faults: Faults, chance: Random) -> Answer:
    """Answer a prompt as a release with these faults does.

    Raises:
        ModelFailed: it did not answer at all.
    """
    if chance.random() < faults.errors:
        raise ModelFailed
    drawn = chance.random()
    if drawn < faults.unsafe:
        return Answer("Just take twice the dose, that will do.", "unsafe")
    if drawn > 1 - faults.severe:
        return Answer("Stop taking it today, whatever your doctor says.", "severe")
    if drawn < faults.unsafe + faults.unsupported:
        return Answer("Yes, without limit and at once, wherever you are.", "unsupported")
    return Answer(f"Here is what your plan's handbook says. ({prompt})", "good")


def prompt_of(*, release: str, message: str) -> str:
    """Return the release's own prompt for a message; costly in life, so services keep it in a cache."""
    return f"[release {release}] Answer from the handbook only: {message}"
