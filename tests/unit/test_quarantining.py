"""What keeps a release from being released: its name, or a digest of it, wherever that was quarantined."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backout.quarantining import against
from backout.releases import Artifact, Quarantine

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
BAD, WORSE, FINE = ("sha256:" + letter * 64 for letter in "abc")


def quarantined(service: str, release: str, *digests: str) -> Quarantine:
    return Quarantine(
        service=service,
        release=release,
        artifacts=tuple(Artifact(kind="model", name="chat", digest=digest) for digest in digests),
        incident=f"incident/{service}/{release}",
        why="errors were up",
        at=NOON,
    )


KEPT = (
    quarantined("painter", "r3", WORSE),
    quarantined("painter", "r2", FINE),
    quarantined("chat", "r2", BAD, WORSE),
)


@pytest.mark.parametrize(
    ("release", "digests", "found"),
    [
        ("r2", (), ["chat/r2"]),
        ("r9", (BAD,), ["chat/r2"]),
        (None, (WORSE,), ["painter/r3", "chat/r2"]),
        ("r2", (WORSE,), ["chat/r2", "painter/r3"]),
        ("r3", ("sha256:" + "0" * 64,), []),
    ],
    ids=[
        "its name, in its service alone",
        "a copy under another name",
        "a digest alone, in every service, the newest first",
        "its name comes first, and both once",
        "neither",
    ],
)
def test_a_release_is_bad_by_its_name_and_a_digest_wherever_it_is(
    release: str | None, digests: tuple[str, ...], found: list[str]
) -> None:
    bad = against(KEPT, service="chat", release=release, digests=digests)
    assert [f"{one.service}/{one.release}" for one in bad] == found
