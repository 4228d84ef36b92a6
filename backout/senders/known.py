"""Every sender by its name, and which of them posted a body that carries no name."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import from_json

from backout.doors import AlertDoors
from backout.senders import alertmanager, cloudevents, datadog, generic, grafana, opsgenie, pagerduty
from backout.senders.message import Hear, Message

FIXED: Mapping[str, Hear] = {
    alertmanager.SOURCE: alertmanager.hear,
    grafana.SOURCE: grafana.hear,
    pagerduty.SOURCE: pagerduty.hear,
    datadog.SOURCE: datadog.hear,
    opsgenie.SOURCE: opsgenie.hear,
    generic.SOURCE: generic.hear,
}
"""The senders whose messages mean the same everywhere."""

SENDERS = (*FIXED, cloudevents.SOURCE)


def heard_by(doors: AlertDoors) -> Mapping[str, Hear]:
    """Return what reads each sender; CloudEvents only where the site says what their types mean."""
    events = doors.cloudevents
    if events is None:
        return FIXED
    reads = cloudevents.hearing(firing=events.firing, resolved=events.resolved)
    return {**FIXED, cloudevents.SOURCE: reads}


def guessed(message: Message) -> tuple[str, ...]:
    """Return the senders that may have posted this: one where its fields tell, none where nobody does."""
    if any(name.startswith("ce-") for name in message.headers):
        return (cloudevents.SOURCE,)
    try:
        said = from_json(message.body)
    except ValueError:
        return ()
    if isinstance(said, list):  # only events come in batches
        return (cloudevents.SOURCE,) if all(_fields(one) >= _EVENT for one in said) else ()
    return next((senders for telling, senders in _TELLING if telling <= _fields(said)), ())


def _fields(said: object) -> frozenset[str]:
    return frozenset(said) if isinstance(said, dict) else frozenset()


_EVENT = frozenset({"specversion", "type"})
_TELLING: tuple[tuple[frozenset[str], tuple[str, ...]], ...] = (
    (_EVENT, (cloudevents.SOURCE,)),
    (frozenset({"alerts", "orgId"}), (grafana.SOURCE,)),
    (frozenset({"alerts", "groupKey"}), (alertmanager.SOURCE,)),
    (frozenset({"alerts", "receiver"}), (alertmanager.SOURCE, grafana.SOURCE)),
    (frozenset({"alerts"}), (generic.SOURCE, alertmanager.SOURCE, grafana.SOURCE)),
    (frozenset({"event"}), (pagerduty.SOURCE,)),
    (frozenset({"action", "alert"}), (opsgenie.SOURCE,)),
    (frozenset({"alert_transition"}), (datadog.SOURCE,)),
)
"""Fields that a body has, and who posts such; the first that fit."""
