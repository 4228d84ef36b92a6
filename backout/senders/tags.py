"""Tags that are written `name:value`, as Datadog and Opsgenie have them, read as labels."""

from __future__ import annotations

from collections.abc import Iterable


def labels_of_tags(tags: Iterable[str]) -> dict[str, str]:
    """Return tags as labels; a tag without a value is a label with an empty one.

    A tag with several values has them all, `a,b`: no one of them may be taken for the release.
    """
    values: dict[str, list[str]] = {}
    for tag in tags:
        name, _, value = tag.strip().partition(":")
        known = values.setdefault(name.strip(), [])
        if value.strip() not in known:
            known.append(value.strip())
    return {name: ",".join(told) for name, told in values.items() if name}
