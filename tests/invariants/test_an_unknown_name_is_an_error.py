"""An unknown name is an error with the known names in it, never a default."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel
from temporalio.exceptions import ApplicationError

from activities.checks import CheckActivities
from activities.exposure import ExposureActivities
from activities.people import PeopleActivities
from activities.signals import SignalActivities
from adapters.memory import MemoryWorld
from backout.commands import parse, word_of
from backout.errors import BackoutError, UnknownName
from backout.exposure import ReadExposure, SetExposure
from backout.model import Name
from backout.people import Action
from backout.playbook import CountQuery, Playbook
from backout.rendering import render
from backout.requests import CountRequests, DraftNotice, Notice, Observe, RunCheck, SendNotice
from backout.yaml_text import load_playbook
from tests.unit.attempts import failed
from tests.unit.linted import LANGUAGE, TEXT, changed, found

DEFINES = {"playbook", "service", "name", "id", "audience"}
"""Fields that give a name; every other name in a playbook refers to one."""


def references(value: object, hint: object, path: str = "") -> Iterator[str]:
    """Yield the path of every name that a playbook refers to, whatever fields its models may get."""
    if isinstance(value, BaseModel):
        hints = get_type_hints(type(value), include_extras=True)
        for field in type(value).model_fields.keys() - DEFINES:
            yield from references(getattr(value, field), hints[field], f"{path}.{field}")
    elif isinstance(value, tuple | dict):
        children = enumerate(value) if isinstance(value, tuple) else value.items()
        for key, child in children:
            # The keys of a mapping are names that it gives.
            yield from references(child, _values(hint) if isinstance(value, dict) else hint, f"{path}.{key}")
    elif isinstance(value, str) and _mentions_names(hint):
        yield path.lstrip(".")


def _values(hint: object) -> object:
    """Return the hint of a mapping's values."""
    mapping = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return get_args(mapping)[1]


def _mentions_names(hint: object) -> bool:
    is_name = get_args(hint)[:2] == get_args(Name)
    return is_name or any(_mentions_names(part) for part in get_args(hint))


TEXTS = {"complete": TEXT, "language": LANGUAGE}
REFERENCES = [
    (text, path) for text in TEXTS for path in sorted(references(changed({}, TEXTS[text]), Playbook))
]


def test_the_walk_finds_names_of_every_kind() -> None:
    assert {
        "channel",
        "release.requests.source",
        "signals.errors.source",
        "criteria.0.signal",
        "rules.0.when.any_of.0",
        "rules.2.approve_by.1",
        "escalation.ladder.levels.1.page.0",
        "steps.0.owner",
        "steps.1.policy",
        "steps.2.target",
        "steps.3.checks.0",
        "steps.5.channel",
        "steps.5.template",
        "steps.7.template",
    } <= {path for text, path in REFERENCES if text == "complete"}
    assert {
        "criteria.7.signal",
        "rules.3.when.of.2",
        "rules.4.when.all_of.1.any_of.1",
        "vetoes.0.when.any_of.0",
        "vetoes.0.blocks.1",
        "vetoes.0.unless.0",
        "vetoes.0.decide_by.0",
        "judgments.0.by.0",
        "escalation.ladder.levels.1.people.0",
        "escalation.ladder.levels.0.rotas.0",
        "escalation.ladder.levels.0.via.0",
        "escalation.ladder.levels.0.hours",
        "escalation.ladder.levels.1.off_hours",
    } <= {path for text, path in REFERENCES if text == "language"}


@pytest.mark.parametrize(("text", "path"), REFERENCES)
def test_every_name_that_a_playbook_refers_to_must_be_known(text: str, path: str) -> None:
    problems = found({path: "nobody-knows"}, text=TEXTS[text])
    (said,) = (message for _, _, message in problems if "'nobody-knows'" in message)
    assert said.startswith("unknown ")
    assert ". Known: " in said
    assert not said.endswith("Known: none")


@pytest.mark.parametrize(
    ("written", "mistyped", "known"),
    [
        ("remind: 15m", "remnd: 15m", "remind"),
        ("at_risk: {users", "at_risk: {user", "users"),
        ("{step: detect,", "{step: detct,", "detect"),
        ("on_timeout: escalate", "on_timeout: escalte", "escalate"),
        ("family: fairness", "family: fairnes", "fairness"),
        ("compare: alert", "compare: alrt", "alert"),
        ("authority: auto", "authority: atuo", "auto"),
        ("may: [approve, reject]", "may: [approve, rejct]", "reject"),
        ("severity: major", "severity: majr", "major"),
        ("kind: ratio", "kind: rtio", "ratio"),
        ("artifacts: [model", "artifacts: [modl", "model"),
        ("do: page", "do: pag", "page"),
        ("kind: distribution", "kind: distributon", "distribution"),
        ("clock: labelled", "clock: labeled", "labelled"),
        ("compare: gap", "compare: gapp", "gap"),
        ("fine: carry on", "fine: cary on", "carry on"),
        ("mode: observe", "mode: obsrve", "observe"),
        ("max_hold: 20m", "max_hld: 20m", "max_hold"),
    ],
)
def test_every_mistyped_word_of_a_playbook_is_refused_with_the_right_ones(
    written: str, mistyped: str, known: str
) -> None:
    text = TEXT if written in TEXT else LANGUAGE
    assert written in text
    with pytest.raises(BackoutError, match=rf"book.yaml:\d+:\d+: .*\b{known}\b"):
        load_playbook(text.replace(written, mistyped, 1), file="book.yaml")


WORLD = MemoryWorld()
PLACE = {"service": "chat", "release": "r2"}
SIGNAL = {"kind": "ratio", "family": "quality", "source": "unheard-of", "bad": "bad", "of": "requests"}
OBSERVE = Observe.model_validate(
    {
        **PLACE,
        "sense": "breach",
        "signals": {"s": SIGNAL},
        "criteria": ({"id": "c", "signal": "s", "test": {"compare": "limit", "max": "1%"}},),
        "rules": (),
        "tick": "1s",
        "window": "1s",
        "lasting": "1s",
    }
)
EXPOSURE = ExposureActivities(targets={"known-one": WORLD.target})
SIGNALS = SignalActivities(sources={"known-one": WORLD.source}, clock=WORLD.clock)
PEOPLE = PeopleActivities(
    channels={"known-one": WORLD.channel}, directory={}, templates={"notices/known-one.md.j2": ""}, history=""
)
COUNT = CountRequests(count=CountQuery(source="unheard-of", query="served"), **PLACE)
NOTICE = Notice(audience="customers", title="t", text="t")
AT_RUN_TIME: dict[str, Callable[[], Awaitable[ApplicationError]]] = {
    "a target to set": lambda: failed(
        EXPOSURE.set_exposure,
        SetExposure(target="unheard-of", service="chat", release="r2", percent=0, key="k"),
    ),
    "a target to read": lambda: failed(
        EXPOSURE.read_exposure, ReadExposure(target="unheard-of", service="chat", release="r2")
    ),
    "a source to watch": lambda: failed(SIGNALS.observe, OBSERVE),
    "a source to count": lambda: failed(SIGNALS.count_requests, COUNT),
    "a check": lambda: failed(
        CheckActivities(checks={"known-one": WORLD.check}, store=WORLD.store).run_check,
        RunCheck(check="unheard-of", **PLACE),
    ),
    "a channel": lambda: failed(
        PEOPLE.send_notice, SendNotice(channel="unheard-of", notice=NOTICE, incident="incident/chat/r2")
    ),
    "a notice": lambda: failed(PEOPLE.draft_notice, DraftNotice(template="unheard-of", audience="customers")),
}


@pytest.mark.parametrize("kind", AT_RUN_TIME)
async def test_at_run_time_it_fails_once_and_for_all_with_the_known_names(kind: str) -> None:
    failure = await AT_RUN_TIME[kind]()
    assert (failure.type, failure.non_retryable) == ("UnknownName", True)
    assert "unheard-of" in failure.message
    assert "Known: " in failure.message
    assert "known-one" in failure.message
    assert WORLD.target.changes == []


def test_an_unknown_template_or_command_lists_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="Known: known-one"):
        render("unheard-of", templates={"known-one": ""})
    with pytest.raises(UnknownName) as caught:
        parse("acknowlege")
    assert all(word_of(action) in str(caught.value) for action in Action)
