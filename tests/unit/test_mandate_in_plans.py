"""A plan names whose authority it takes: where that is another, its digest is, and approvals do not count."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from backout.exposure import StagedPlan
from backout.mandate import Mandate
from backout.model import digest_of
from backout.steps import Move

BOTH = ("commander", "product")
ASKED = Mandate(because="quality", authority="approve", roles=BOTH, quorum=2)


def digest(mandate: Mandate) -> str:
    """Return the digest of a plan under this mandate."""
    return digest_of(
        StagedPlan(
            incident="incident/chat/r2",
            target="exposure",
            service="chat",
            release="r2",
            stages=(50, 0),
            soak=timedelta(minutes=2),
            because=mandate.because,
            step="revert",
            takes=mandate.takes,
        )
    )


OTHERS: dict[str, dict[str, Any]] = {
    "a smaller quorum": {"quorum": 1},
    "a larger quorum": {"quorum": 3},
    "other roles": {"roles": ("commander",)},
    "two roles": {"roles_needed": 2},
    "one of these roles": {"must": ("product",)},
    "a required role": {"required": ("product",)},
    "an owner": {"authority": "ack"},
    "nothing": {"authority": "auto"},
}


def test_each_other_mandate_makes_another_plan() -> None:
    digests = {digest(ASKED.model_copy(update=change)) for change in OTHERS.values()}
    assert len(digests) == len(OTHERS)
    assert digest(ASKED) not in digests


@pytest.mark.parametrize(
    "change", [{"within": timedelta(minutes=5)}, {"on_timeout": Move.ABORT}], ids=["how long", "silence"]
)
def test_how_long_people_have_changes_no_plan(change: dict[str, Any]) -> None:
    """The severity may change it while people vote."""
    assert digest(ASKED.model_copy(update=change)) == digest(ASKED)


def test_it_is_told_in_words() -> None:
    strict = ASKED.model_copy(update={"roles_needed": 2, "must": ("product",), "required": ("legal",)})
    assert strict.takes == "approve: 2 of commander, product; in 2 roles; one of product; with legal"
