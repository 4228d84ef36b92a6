"""What a step can come to, beside failing."""

from __future__ import annotations

from backout.model import Frozen


class Done(Frozen):
    """The step did what it is for."""

    result: str


class TimedOut(Frozen):
    """The step's time window ended first."""

    missing: str


class Stopped(Frozen):
    """The step stopped itself and needs a person, whatever `on_failure` says."""

    why: str
    call: tuple[str, ...] = ()
    """Roles that are called to decide; the step's owner where none is named."""


Achieved = Done | TimedOut | Stopped
