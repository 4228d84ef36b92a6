"""What every channel does, whatever system is behind it; each runs against a server on loopback."""

from __future__ import annotations

import re
import traceback
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias, get_args

import pytest

from backout.errors import RateLimited, RejectedBySystem, Unreachable
from backout.messages import Message, State
from backout.people import Action, Person
from backout.ports import Channel
from backout.rendering import escape_mrkdwn
from backout.severity import Severity
from cli.doctor.world import SelfChecking
from tests.adapters.certificates import Certificates
from tests.adapters.mailing import PASSWORD, MailWorld
from tests.adapters.pagers import (
    ROUTING_KEY,
    SECRET,
    WRONG,
    Closes,
    PagerDutyWorld,
    SlackWorld,
    TerminalWorld,
    WebhookWorld,
    World,
)

ANN = Person(name="Ann Example", slack="U01ANN", email="ann@example.org")
BEN = Person(name="Ben Übel", slack="U01BEN", email="ben@example.org")
Open: TypeAlias = Callable[..., Channel]
STATES: tuple[State, ...] = get_args(State)
SECRETS = (WRONG, ROUTING_KEY, SECRET, PASSWORD)
LINK = "https://backout.example/incidents/chat/r2"
PAGE = Message(
    title="CRITICAL: chat r2 needs you",
    text="*Signals:* errors at 30 % &amp; rising, <https://plots.example/7|the plot>",
    actions=(Action.ACKNOWLEDGE, Action.APPROVE),
    code="4f1a2b3c",
    incident="incident/chat/r2",
    severity=Severity.CRITICAL,
    link=LINK,
    key="run-1/7",
)
REMOTE = ("slack", "slack-direct", "pagerduty", "mail over TLS", "webhook")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack's SDK would ask a proxy for loopback too; no other channel does."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=["terminal", "mail", *REMOTE])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Return the system of a channel, at work."""
    made = _world(request)
    await made.start()
    yield made
    await made.stop()


def _world(request: pytest.FixtureRequest) -> World:
    match request.param:
        case "terminal":
            return TerminalWorld()
        case "pagerduty":
            return PagerDutyWorld()
        case "webhook":
            return WebhookWorld()
        case "mail":
            return MailWorld()
        case "mail over TLS":
            certificates: Certificates = request.getfixturevalue("certificates")
            return MailWorld(certificates.served, certificates.trusted)
        case kind:
            return SlackWorld(direct=kind == "slack-direct")


remote = pytest.mark.parametrize("world", REMOTE, indirect=True)


@pytest.fixture
async def opened(world: World) -> AsyncIterator[Callable[..., Channel]]:
    """Open channels to the system; closed after the test."""
    channels: list[Channel] = []

    def start(*, wrong: bool = False, timeout_s: float = 30) -> Channel:
        channels.append(world.open(wrong=wrong, timeout_s=timeout_s))
        return channels[-1]

    yield start
    for channel in channels:
        if isinstance(channel, Closes):
            await channel.aclose()


async def test_a_page_says_what_it_is_about_and_how_to_answer(world: World, opened: Open) -> None:
    posted = await opened().post(message=PAGE, people=(ANN, BEN))
    assert (bool(posted.ref), posted.unreached) == (True, ())
    told = world.heard()[0]
    for part in ("CRITICAL: chat r2 needs you", "errors at 30 %", "rising", "plots.example/7", "ack chat/r2"):
        assert part in told


async def test_those_who_are_called_are_called(world: World, opened: Open) -> None:
    await opened().post(message=PAGE, people=(ANN, BEN))
    told = "".join(world.heard())
    assert re.search("Ann|U01ANN", told)
    assert re.search("Ben|U01BEN", told)


async def test_what_is_new_can_be_told_of_a_page_as_long_as_the_incident_lasts(
    world: World, opened: Open
) -> None:
    channel = opened()
    posted = await channel.post(message=PAGE, people=(ANN,))
    for state in STATES:
        await channel.update(ref=posted.ref, message=PAGE.model_copy(update={"state": state}))
    assert world.heard()


async def test_a_message_as_long_as_a_book_is_cut_and_says_where_the_rest_is(
    world: World, opened: Open
) -> None:
    book = PAGE.model_copy(update={"text": "errors at 30 %\n" * 20_000, "title": "t" * 5000, "link": LINK})
    await opened().post(message=book, people=[ANN] * (1 if isinstance(world, SlackWorld) else 300))
    told = "".join(world.heard())
    assert "errors at 30 %" in told
    if not isinstance(world, TerminalWorld):
        assert len(told) < 100_000
        assert "cut here" in told
        assert LINK in told or isinstance(world, SlackWorld)


async def test_hostile_words_stay_words(world: World, opened: Open) -> None:
    message = Message(
        title="x\r\nBcc: eve@example.org\r\n\r\ny\x1b[2J",
        text=escape_mrkdwn(
            "<!channel> \u202e.\n.\r\n.\r\nRCPT TO:<eve@example.org> <script>1</script> \x00\ud800 'q\"\\"
        ),
        incident="incident/chat/r2",
        thread="C01INC:1.2\r\nBcc: eve@example.org",
    )
    if isinstance(world, SlackWorld):
        message = message.model_copy(update={"thread": None})
    await opened().post(
        message=message, people=(ANN.model_copy(update={"name": "A\r\nBcc: eve@example.org"}),)
    )
    (told,) = world.heard()
    assert "eve@example.org" in told
    assert "<!channel>" not in told or not isinstance(world, SlackWorld)
    if isinstance(world, MailWorld):
        ((envelope, mail),) = world.mails
        assert (envelope.rcpt_tos, mail["Bcc"], mail["Cc"]) == (["ann@example.org"], None, None)
    if isinstance(world, TerminalWorld | MailWorld | PagerDutyWorld | WebhookWorld):
        assert not set("\x00\x1b\u202e\ud800") & set(told)


@remote
async def test_wrong_credentials_are_told_with_what_to_do_and_never_with_the_credentials(
    world: World, opened: Open
) -> None:
    with pytest.raises(RejectedBySystem) as refused:
        await opened(wrong=True).post(message=PAGE, people=(ANN,))
    assert re.search("token|routing key|password|secret", str(refused.value))
    assert world.heard() == []
    told = "".join(traceback.format_exception(refused.value)) + repr(refused.value.details)
    assert not [secret for secret in SECRETS if secret in told]


@remote
async def test_a_system_that_is_down_silent_or_hangs_up_is_unreachable(world: World, opened: Open) -> None:
    for fault in ("silent", "hangs up", "broken"):
        world.fault = fault
        with pytest.raises(Unreachable):
            await opened(timeout_s=0.3).post(message=PAGE, people=(ANN,))
    channel = opened(timeout_s=0.3)
    await world.stop()
    with pytest.raises(Unreachable):
        await channel.post(message=PAGE, people=(ANN,))


@remote
async def test_a_limit_is_told_with_the_time_to_wait(world: World, opened: Open) -> None:
    world.fault = "limited"
    with pytest.raises(RateLimited) as limited:
        await opened().post(message=PAGE, people=(ANN,))
    assert limited.value.retry_after_s == (20 if isinstance(world, MailWorld) else 45)


@remote
async def test_a_refusal_is_final_and_says_what_the_system_said(world: World, opened: Open) -> None:
    world.fault = "refusing"
    with pytest.raises(RejectedBySystem, match=r"422|550 not from you|is_archived"):
        await opened().post(message=PAGE, people=(ANN,))


@remote
async def test_a_check_says_that_it_is_let_in_and_tells_nobody(world: World, opened: Open) -> None:
    channel = opened()
    assert isinstance(channel, SelfChecking)
    assert await channel.check()
    assert world.heard() == []
    stranger = opened(wrong=True)
    assert isinstance(stranger, SelfChecking)
    with pytest.raises(RejectedBySystem):
        await stranger.check()
    world.fault = "hangs up"
    if not isinstance(world, MailWorld):
        with pytest.raises(Unreachable):
            await channel.check()
