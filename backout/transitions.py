"""Transitions: when a watch that goes on for weeks has something to tell."""

from __future__ import annotations

from backout.evaluation import Evaluation, Outcome, Verdict
from backout.watch import Standing, Watch

STEADY_LOOKS = 4
"""So many looks must say the same before it is told: what comes and goes tells nobody anything."""


def standing(said: Evaluation) -> Standing:
    """Return who is in doubt."""

    def are(verdict: Verdict) -> tuple[str, ...]:
        return tuple(factor.criterion for factor in said.factors if factor.verdict is verdict)

    return Standing(
        suspect=are(Verdict.SUSPECT),
        breached=are(Verdict.BREACHED),
        blind=tuple(sorted(blind.source for blind in said.blind)),
        vetoed=tuple(sorted({vetoed.rule for vetoed in said.vetoed})),
    )


def turned(watch: Watch, said: Evaluation) -> tuple[Watch, bool]:
    """Return the watch with what it stands at, and whether that is to be told now.

    A rule that fired is told at once; anything else once it stood for some looks and was not told before.
    """
    now = standing(said)
    stood = watch.stood + 1 if now == watch.standing else 1
    is_new = said.outcome is Outcome.FIRED or (now != watch.told and stood >= STEADY_LOOKS)
    told = now if is_new else watch.told
    return watch.model_copy(update={"standing": now, "stood": stood, "told": told}), is_new


def untold(watch: Watch) -> Watch:
    """Return the watch as if no rule had ever fired."""
    true_at = {name: at for name, at in watch.true_at.items() if name not in watch.fired_at}
    return watch.model_copy(update={"fired_at": {}, "true_at": true_at})
