"""The demo's people: who answers what, in which order, and how it reaches the gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

import pytest
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from backout.people import Action
from backout.view import Ask, IncidentView
from demo.people import Answer, DoorClosed, OnCall, Slack, commands, next_answer, words
from tests.unit.demo_world import PEOPLE, a_view, served

PLAN, NOTICE = "sha256:" + "4f1a2b3c" * 8, "sha256:" + "99aabbcc" * 8
OWN_IT = Ask(what="Do you own it?", actions=(Action.ACKNOWLEDGE,), roles=("on_call", "incident_commander"))
REVERT = Ask(
    what="Revert?",
    actions=(Action.APPROVE, Action.REJECT),
    subject=PLAN,
    quorum=2,
    roles=("incident_commander", "product_owner"),
)


def view(step: str, *asks: Ask) -> IncidentView:
    return a_view(step, asks=asks)


def answer(person: str, action: Action, about: str) -> Answer:
    code = about.removeprefix("sha256:")[:8] if action is Action.APPROVE else ""
    return Answer(person=person, action=action, about=about, code=code)


def test_the_owner_of_the_step_answers_first() -> None:
    notice = REVERT.model_copy(update={"subject": NOTICE, "quorum": 1})
    assert next_answer(view("revert", REVERT), people=PEOPLE, given=()) == answer("bob", Action.APPROVE, PLAN)
    assert next_answer(view("notify", notice), people=PEOPLE, given=()) == answer(
        "carol", Action.APPROVE, NOTICE
    )


def test_an_acknowledgement_is_the_on_calls() -> None:
    assert next_answer(view("escalate", OWN_IT), people=PEOPLE, given=()) == answer(
        "alice", Action.ACKNOWLEDGE, "Do you own it?"
    )


def test_nobody_approves_the_same_plan_twice() -> None:
    bob = answer("bob", Action.APPROVE, PLAN)
    second = next_answer(view("revert", REVERT), people=PEOPLE, given=[bob])
    assert second == answer("carol", Action.APPROVE, PLAN)
    assert second is not None
    assert next_answer(view("revert", REVERT), people=PEOPLE, given=[bob, second]) is None
    voted = REVERT.model_copy(update={"approved_by": ("bob", "carol")})
    assert next_answer(view("revert", voted), people=PEOPLE, given=()) is None


def test_a_question_that_the_story_has_no_answer_for_stays_open() -> None:
    held = Ask(what="Held: what now?", actions=(Action.RESUME, Action.ABORT), roles=("incident_commander",))
    assert next_answer(view("revert", held), people=PEOPLE, given=()) is None


def test_whoever_watches_is_shown_every_answer_that_somebody_may_give() -> None:
    voted = REVERT.model_copy(update={"approved_by": ("bob",)})
    assert commands(voted, people=PEOPLE, cli="backout", state="x") == [
        "backout approve 4f1a2b3c --as carol --state x",
        "backout reject 4f1a2b3c --as carol --reason why --state x",
    ]
    assert commands(OWN_IT, people=PEOPLE, cli="backout", state="x") == [
        "backout ack --as alice --state x",
        "backout ack --as bob --state x",
    ]


@asynccontextmanager
async def gateway(taken: list[dict[str, str]], *, status: int = 200) -> AsyncIterator[str]:
    """A gateway's Slack door that believes only what is signed with `s3cret`."""

    async def command(request: Request) -> Response:
        body = await request.body()
        if status != 200:
            return PlainTextResponse("out of order", status)
        if not SignatureVerifier("s3cret").is_valid_request(body, dict(request.headers)):
            return PlainTextResponse("forged", 401)
        taken.append(dict(parse_qsl(body.decode())))
        return JSONResponse({"response_type": "ephemeral", "text": "taken:\n1 of 2"})

    app = Starlette(routes=[Route("/slack/commands", command, methods=["POST"])])
    async with served(app) as url:
        yield url


async def test_an_answer_reaches_the_gateway_as_a_slash_command_that_slack_could_have_signed() -> None:
    taken: list[dict[str, str]] = []
    said: list[str] = []
    async with gateway(taken) as url:
        slack = Slack(gateway=url, signing_secret="s3cret")
        on_call = OnCall(slack=slack, people=PEOPLE, say=said.append, thinks_s=0)
        for _ in range(3):
            await on_call.look(view("revert", REVERT))
    assert [form["user_id"] for form in taken] == ["U01BOB", "U01CAROL"]
    assert taken[0]["command"] == "/backout"
    assert taken[0]["text"] == "approve chat/2026.11 4f1a2b3c the numbers are plain"
    assert len({form["trigger_id"] for form in taken}) == 2
    assert said[0] == "Bob types /backout approve chat/2026.11 4f1a2b3c the numbers are plain → taken: 1 of 2"


async def test_an_answer_that_did_not_count_is_given_again_in_a_while() -> None:
    taken: list[dict[str, str]] = []
    async with gateway(taken) as url:
        slack = Slack(gateway=url, signing_secret="s3cret")
        on_call = OnCall(slack=slack, people=PEOPLE, say=lambda _: None, thinks_s=0, patience_s=0)
        for _ in range(2):
            await on_call.look(view("escalate", OWN_IT))
    assert [form["user_id"] for form in taken] == ["U01ALICE", "U01ALICE"]


async def test_a_door_that_does_not_open_is_an_error_that_names_the_command() -> None:
    async with gateway([], status=503) as url:
        slack = Slack(gateway=url, signing_secret="s3cret")
        with pytest.raises(DoorClosed, match="'/backout ack' of Alice with HTTP 503: out of order"):
            await slack.type("ack", key="alice", person=PEOPLE["alice"])


async def test_a_wrong_secret_opens_no_door() -> None:
    async with gateway([]) as url:
        slack = Slack(gateway=url, signing_secret="wrong")
        with pytest.raises(DoorClosed, match="HTTP 401: forged"):
            await slack.type("ack", key="alice", person=PEOPLE["alice"])


def test_what_is_typed_names_the_incident_and_says_why() -> None:
    alice = answer("alice", Action.ACKNOWLEDGE, "Do you own it?")
    assert words(alice, view("escalate", OWN_IT)) == "ack chat/2026.11 I am on it"
