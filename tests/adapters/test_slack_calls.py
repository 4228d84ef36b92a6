"""What the Slack door asks of Slack: only Slack is answered, and each failure says whether it may pass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.channels.slack_calls import SlackCallsWeb
from backout.errors import RateLimited, RejectedBySystem, Unreachable
from backout.messages import Button
from backout.people import Action
from demo.slack.faults import Fault
from demo.slack.server import BOT_TOKEN, FakeSlack

REJECT = Button(
    action=Action.REJECT, incident="incident/chat/r2", code="4f1a2b3c", label="Reject …", confirm="Sure?"
)


class Hooks:
    """A place where Slack takes answers; it answers with this status."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.said: list[dict[str, object]] = []

    async def take(self, request: web.Request) -> web.Response:
        self.said.append(await request.json())
        return web.Response(status=self.status, headers=self.headers)


@pytest.fixture
def hooks() -> Hooks:
    return Hooks()


@pytest.fixture
async def server(hooks: Hooks) -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_post("/hook", hooks.take)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    yield server
    await server.close()


@pytest.fixture
async def calls(server: TestServer) -> AsyncIterator[SlackCallsWeb]:
    async with aclosing(SlackCallsWeb(None, str(server.make_url("/api/")))) as calls:
        yield calls


async def test_a_person_is_told_something_that_nobody_else_sees(
    calls: SlackCallsWeb, server: TestServer, hooks: Hooks
) -> None:
    await calls.respond(url=str(server.make_url("/hook")), text="done")
    assert hooks.said == [{"response_type": "ephemeral", "replace_original": False, "text": "done"}]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, RateLimited),
        (500, Unreachable),
        (503, Unreachable),
        (404, RejectedBySystem),
        (302, RejectedBySystem),
    ],
)
async def test_a_failed_answer_says_whether_it_may_pass(
    calls: SlackCallsWeb, server: TestServer, hooks: Hooks, status: int, error: type[Exception]
) -> None:
    hooks.status, hooks.headers = status, {"Retry-After": "7", "Location": "/hook"}
    with pytest.raises(error) as failed:
        await calls.respond(url=str(server.make_url("/hook")), text="done")
    assert len(hooks.said) == 1
    if isinstance(failed.value, RateLimited):
        assert failed.value.retry_after_s == 7


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://hooks.slack.com/x",
        "https://hooks.slack.com.example/x",
        "https://hooks.slack.com@example.org/x",
        "https://127.0.0.1/hook",
        "http://[::1",
        "file:///etc/passwd",
        "hook",
        "",
    ],
)
async def test_nobody_but_slack_is_ever_answered(calls: SlackCallsWeb, url: str) -> None:
    with pytest.raises(RejectedBySystem, match="is not Slack's"):
        await calls.respond(url=url, text="done")


async def test_without_a_token_no_form_opens_and_no_group_is_known(calls: SlackCallsWeb) -> None:
    with pytest.raises(RejectedBySystem, match=r"names no bot token \(gateway\.slack\.token\)"):
        await calls.open_form(trigger="t", button=REJECT, respond_to="")
    with pytest.raises(RejectedBySystem, match=r"names no bot token"):
        await calls.members_of(group="S01ALL")


async def test_what_slack_refuses_is_told_from_what_may_pass() -> None:
    slack = FakeSlack(groups={"S01ALL": ["U01ALICE"]})
    api = await slack.start()
    async with aclosing(SlackCallsWeb(BOT_TOKEN, api)) as calls:
        with pytest.raises(RejectedBySystem, match="invalid_trigger_id"):
            await calls.open_form(trigger="t", button=REJECT, respond_to="https://hooks.slack.com/x")
        assert await calls.members_of(group="S01ALL") == ("U01ALICE",)
        slack.faults.on.append(Fault("hangs up"))
        with pytest.raises(Unreachable):
            await calls.members_of(group="S01ALL")
    await slack.close()
