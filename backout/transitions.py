"""Transitions: when a watch that goes on for weeks has something to tell."""

from __future__ import annotations

from backout.evaluation import Evaluation, Outcome, Verdict
from backout.watch import Standing, Watch

STEADY_LOOKS = 4
"""So many looks must say the same before it is told: what comes and goes tells nobody anything."""
_PARTS = tuple(Standing.model_fields)


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
    Each part of the standing by itself: a criterion that hovers keeps no blind source from being told.
    """
    now = standing(said)
    steady = {part: _stood(watch, part) + 1 if _same(part, now, watch.standing) else 1 for part in _PARTS}
    news = {
        part: getattr(now, part)
        for part in _PARTS
        if steady[part] >= STEADY_LOOKS and not _same(part, now, watch.told)
    }
    is_fired = said.outcome is Outcome.FIRED
    told = now if is_fired else watch.told.model_copy(update=news)
    after = watch.model_copy(update={"standing": now, "steady": steady, "told": told})
    return after, is_fired or bool(news)


def _stood(watch: Watch, part: str) -> int:
    return watch.steady.get(part, watch.stood)


def _same(part: str, one: Standing, other: Standing) -> bool:
    return bool(getattr(one, part) == getattr(other, part))


def untold(watch: Watch) -> Watch:
    """Return the watch as if no rule had ever fired."""
    true_at = {name: at for name, at in watch.true_at.items() if name not in watch.fired_at}
    return watch.model_copy(update={"fired_at": {}, "true_at": true_at})
