"""How properties are tried: the same examples on every machine, and no clock that judges them."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

quickly = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
"""For properties of pure functions."""
widely = settings(quickly, max_examples=100)
"""For those that are cheap."""
at_length = settings(quickly, max_examples=25, stateful_step_count=25)
"""For sequences of acts."""
