"""CloudEvents, binary and structured, read into alerts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backout.errors import InvalidDocument
from backout.senders import cloudevents
from backout.senders.message import Message, Told
from tests.unit.documented import documented, message, told

TYPE = "com.example.release.signal.breached"
events = cloudevents.hearing(firing=[TYPE], resolved=["over"])


@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_an_event_is_the_same_alert_in_both_modes(mode: str) -> None:
    recorded = documented(f"cloudevent-{mode}")
    one = told(events, recorded["body"], **recorded["headers"])
    assert (one.alert.name, one.alert.status, one.starts) == ("hallucinations_per_10k", "firing", "open")
    assert one.alert.starts_at == datetime(2026, 11, 20, 21, 8, 52, 509606, tzinfo=UTC)
    assert one.alert.labels == {
        "source": "/evals/llm-chat",
        "subject": "chat-2026.11",
        "type": TYPE,
        "signal": "hallucinations_per_10k",
        "value": "80",
        "threshold": "20",
    }
    other = documented(f"cloudevent-{'structured' if mode == 'binary' else 'binary'}")
    assert told(events, other["body"], **other["headers"]) == one


def test_headers_of_an_event_are_percent_encoded() -> None:
    recorded = documented("cloudevent-binary")
    headers = {**recorded["headers"], "ce-subject": "caf%C3%A9%20%25"}
    assert told(events, recorded["body"], **headers).alert.labels["subject"] == "caf\u00e9 %"


def test_attributes_win_over_labels_and_these_over_data() -> None:
    said = documented("cloudevent-structured")["body"]
    data = {"labels": {"a": "label", "release": "label"}, "a": "data", "b": "data", "type": "data"}
    labels = told(events, {**said, "release": "extension", "data": data}).alert.labels
    assert labels["a"] == "label"
    assert labels["b"] == "data"
    assert labels["release"] == "extension"
    assert labels["type"] == TYPE


def test_another_release_is_another_alert_and_an_event_may_say_its_own_episode() -> None:
    said = documented("cloudevent-structured")["body"]

    def heard(**changes: object) -> Told:
        return events(message({**said, **changes}), ["release"]).told[0]

    assert heard(release="a").alert.fingerprint != heard(release="b").alert.fingerprint
    assert heard(release="a").alert.fingerprint == heard(release="a", id="B", type="over").alert.fingerprint
    own = heard(data={"fingerprint": "f1", "startsAt": "2026-01-05T10:00:00+01:00"})
    assert own.starts == "said"
    assert own.alert.episode == "cloudevents/f1/2026-01-05T09:00:00+00:00"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"id": ""}, "id"),
        ({"data": "text"}, "data"),
        ({"data": {"startsAt": "2026-01-05T10:00:00"}}, "data.startsAt"),
        ({"data": {"fingerprint": "f" * 201}}, "data.fingerprint"),
        ({"data": {"labels": {"a": 1}}}, "data.labels.a"),
        ({"time": None}, "time"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_event_that_does_not_fit_is_refused_with_its_place(changes: dict[str, object], place: str) -> None:
    with pytest.raises(InvalidDocument, match=rf"^{place}: "):
        events(message({**documented("cloudevent-structured")["body"], **changes}), ())


def test_binary_data_that_is_no_json_is_refused_and_none_is_needed() -> None:
    headers = documented("cloudevent-binary")["headers"]
    with pytest.raises(InvalidDocument, match="data: it is no JSON"):
        events(Message(body=b"{", headers=headers), ())
    assert events(Message(body=b"", headers=headers), ()).told[0].alert.name == TYPE
