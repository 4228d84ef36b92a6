"""The text of a notice, from its template and the facts."""

from __future__ import annotations

from collections.abc import Mapping

from backout import rendering
from backout.requests import DraftNotice, Notice


def drafted(request: DraftNotice, templates: Mapping[str, str]) -> Notice:
    """Return the notice of a template, which knows `facts`, `incident` (their summary) and `audience`.

    Raises:
        UnknownName: there is no such template.
        TemplateBroken: it cannot be rendered from these facts.
    """
    text = rendering.render(
        f"notices/{request.template}.md.j2",
        templates=templates,
        facts=request.facts,
        incident=request.facts.incident if request.facts else None,
        audience=request.audience,
    )
    title, body = rendering.title_and_text(text)
    return Notice(audience=request.audience, title=title, text=body)
