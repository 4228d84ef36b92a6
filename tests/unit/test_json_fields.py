"""Fields of JSON documents: what a path leads to, and what no document is."""

from __future__ import annotations

import pytest

from adapters.json_fields import parsed, told, value_at


@pytest.mark.parametrize("body", [b"", b"no", b"[" * 100_000, b"9" * 5000])
def test_what_cannot_be_read_is_no_document(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parsed(body)


@pytest.mark.parametrize("part", ["\u00b2", "-1", "2", "x"])
def test_what_counts_no_item_of_a_list_is_missing(part: str) -> None:
    with pytest.raises(LookupError):
        value_at({"all": ["a", "b"]}, f"all.{part}")


def test_a_value_that_is_nested_too_deeply_is_told_as_that() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert told(deep) == "what is nested too deeply to be shown"  # type: ignore[arg-type]  # JSON all the way
