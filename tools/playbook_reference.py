"""Writes docs/reference/playbook.md from the playbook's JSON Schema, and so from the models' docstrings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from inspect import getsource
from itertools import pairwise
from pathlib import Path
from typing import Any

from backout import people, playbook, rules, signals, steps
from backout.playbook_schema import playbook_schema
from backout.steps import BaseStep

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "playbook.md"

_HEAD = """\
# Playbook reference

<!-- Written by tools/playbook_reference.py; edit the docstrings in backout/ instead. -->

Every field of a playbook. A field that is not here is an error, and so is a name that nothing has.

- `backout playbook lint FILE... --site SITE` says what would go wrong, with the place of every problem.
- `backout playbook schema` prints the JSON Schema. An editor with a YAML language server completes and checks
  by it: `backout playbook schema > .backout/playbook.schema.json`, then begin a playbook with the line
  `# yaml-language-server: $schema=../.backout/playbook.schema.json`.
- `backout playbook show FILE` prints the whole playbook as a checklist for people.

Playbooks are YAML 1.2 (or JSON, which is a part of it), at most 256 KiB. `on`, `off`, `yes` and `1:30` are
text, as is every date. Anchors, aliases and tags are refused: each value stands where it is read.

A *duration* is a number with its unit: `250ms`, `15s`, `5m`, `1h30m`, `5d`; it is above zero. A *rate* is
`30 per 10000`, `1.5%` or `0.003`, strictly between 0 and 1. A *name* begins with a letter and has letters,
digits, `_`, `.` and `-`, at most 63 of them. In queries `$service`, `$release` and `$baseline` (the
last known good release) are filled in; a database is given them apart from the text, so there they are
written `:release`.

What decides about a release is built from the bottom up: a [source](site.md) counts, a *signal* says what is
counted, a *criterion* tests one signal, a *rule* combines criteria into an action. How a criterion decides,
and how sure it is, is told in [the guide to triggers](../triggers.md).
"""

EXAMPLES = {
    "RatioSignal": "{kind: ratio, family: safety, source: judge, bad: unsafe_total, of: judged_total}",
    "AboveSignal": "{kind: above, family: experience, source: prometheus, value: latency_seconds, than: 2.5}",
    "BelowSignal": "{kind: below, family: quality, source: prometheus, value: usefulness_score, than: 0.4}",
    "EventSignal": "{kind: event, family: safety, source: desk, events: severe_confirmed_total}",
    "DistributionSignal": "{kind: distribution, family: quality, source: topics, of: asked_total, by: topic}",
    "LimitTest": "{compare: limit, max: 30 per 10000}",
    "ReferenceTest": "{compare: reference, usual: 6%, max_ratio: 1.4}",
    "BaselineTest": """{compare: baseline, max_ratio: 1.5, bad: 'failed_total{release="$baseline"}', """
    """of: 'requests_total{release="$baseline"}'}""",
    "GapTest": "{compare: gap, by: language, max_ratio: 1.5}",
    "DriftTest": "{compare: drift, reference: {billing: 0.5, contract: 0.3, other: 0.2}, max_rise: 10%}",
    "EventTest": "{compare: event}",
    "AlertTest": "{compare: alert, named: ChatErrorsHigh}",
    "Criterion": "{id: moderation-limit, signal: moderation, min_sample: 1000, "
    "test: {compare: limit, max: 30 per 10000}, evidence: {false_alarm: 100d, false_hold: 7d, sustain: 4m}, "
    "missing: {after: 2m, do: page}}",
    "Rule": "{id: quality, when: {any_of: [hallucination-limit]}, authority: approve, "
    "approve_by: [product_owner, safety_lead], quorum: 2, approve_within: 10m, on_timeout: hold}",
    "AnyOf": "{any_of: [moderation-limit, error-limit]}",
    "AllOf": "{all_of: [slow, {any_of: [error-limit, refusals]}]}",
    "AtLeast": "{at_least: 2, of: [slow, refusals, hallucination-limit], level: hold, within: 15m}",
    "Veto": "{id: provider-is-down, when: {any_of: [provider_outage]}, blocks: [errors], unless: [harm], "
    "max_hold: 30m, decide_by: [incident_commander]}",
    "Occasion": "{kind: provider_outage, lasts: 2h}",
    "Judgment": "{id: safety_view, by: [safety_lead], ask: Is this failure new?, expires: 30m, "
    "answers: {fine: carry on, concerned: weaker evidence suffices, stop: revert now, known: hold off}}",
    "Rearm": "{quiet: 10m, cooldown: 1h}",
}
"""A short example of each part of the trigger language, as it stands in a playbook."""


def page() -> str:
    """Return the reference as Markdown."""
    schema = playbook_schema()
    definitions = schema["$defs"]
    shared = set(BaseStep.model_fields)
    sections = [_HEAD, *_section("Playbook", schema, definitions)]
    for name in _order(schema, definitions):
        definition = definitions[name]
        if "step" not in definition.get("properties", {}):
            sections += _section(name, definition, definitions)
            continue
        if "## Every step\n" not in sections:
            sections += _section("Every step", _picked(definition, shared, BaseStep.__doc__), definitions)
        own = set(definition["properties"]) - shared
        sections += _section(name, _picked(definition, own, definition["description"]), definitions)
    return "\n".join(sections).rstrip() + "\n"


def _picked(definition: dict[str, Any], fields: set[str], description: str | None) -> dict[str, Any]:
    properties = {name: about for name, about in definition["properties"].items() if name in fields}
    return {**definition, "properties": properties, "description": description}


def _order(schema: dict[str, Any], definitions: dict[str, Any]) -> list[str]:
    """Return the definitions in the order in which a reader meets them."""
    met: list[str] = []
    waiting = list(_references(schema["properties"]))
    while waiting:
        name = waiting.pop(0)
        if name not in met:
            met.append(name)
            waiting[:0] = _references(definitions[name])
    return met


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].rsplit("/", 1)[1]
        for key, value in node.items():
            if key != "discriminator":
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _section(name: str, definition: dict[str, Any], definitions: dict[str, Any]) -> Iterator[str]:
    yield f"## {name}\n"
    yield f"{definition['description']}\n"
    if name in EXAMPLES:
        yield from ("```yaml", EXAMPLES[name], "```", "")
    if "enum" in definition:
        yield from _members(name, definition["enum"])
        yield ""
        return
    yield "| Field | Value | If left out | Meaning |"
    yield "|---|---|---|---|"
    required = definition.get("required", ())
    for field, about in definition["properties"].items():
        left_out = "an error" if field in required else _default(about)
        yield f"| `{field}` | {_value(about)} | {left_out} | {_meaning(about, definitions)} |"
    yield ""


def _meaning(about: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Return the field's own description, or else that of what it holds."""
    held = [definitions[name]["description"] for name in _references(about)]
    meaning = about.get("description") or (held[0] if len(held) == 1 else "")
    # A row of a table is one line.
    return " ".join(str(meaning).split())


def _members(name: str, values: list[str]) -> Iterator[str]:
    """Yield an enumeration's values, with the docstrings that the code has below them."""
    enumeration = next(
        vars(module)[name] for module in (people, playbook, rules, signals, steps) if name in vars(module)
    )
    (body,) = ast.parse(getsource(enumeration)).body
    meanings: dict[str, str] = {}
    for member, below in pairwise(body.body if isinstance(body, ast.ClassDef) else ()):
        match member, below:
            case ast.Assign(value=ast.Constant(value=str(value))), ast.Expr(
                value=ast.Constant(value=str(text))
            ):
                meanings[value] = text
    for value in values:
        yield f"- `{value}`" + (f": {meanings[value]}" if value in meanings else "")


def _default(about: dict[str, Any]) -> str:
    if "default" not in about:
        return "see its meaning"
    default = about["default"]
    if default in (None, "", [], {}):
        return "none"
    if isinstance(default, dict):
        return "all its defaults"
    return f"`{str(default).lower() if default is False else default}`"


def _value(about: dict[str, Any]) -> str:
    if "$ref" in about:
        return _link(about["$ref"])
    for union in ("oneOf", "anyOf"):
        if union in about:
            return " or ".join(_value(member) for member in about[union] if member.get("type") != "null")
    if "const" in about:
        return f"`{about['const']}`"
    if "enum" in about:
        return " or ".join(f"`{value}`" for value in about["enum"])
    return _plain(about)


def _plain(about: dict[str, Any]) -> str:
    match about.get("type"):
        case "array":
            return f"list of: {_value(about['items'])}"
        case "object":
            named = [*about.get("patternProperties", {}).values(), about.get("additionalProperties")]
            return f"mapping of names to: {_value(named[0])}"
        case "number":
            return "number"
        case "integer":
            bounds = (about.get("minimum"), about.get("maximum"))
            return "whole number" + (f", {bounds[0]} to {bounds[1]}" if None not in bounds else "")
        case "boolean":
            return "`true` or `false`"
        case "string" if "pattern" in about:
            return "name"
        case "string":
            return "duration" if "examples" in about else "text"
        case _:
            return "rate"


def _link(reference: str) -> str:
    name = reference.rsplit("/", 1)[1]
    return f"[{name}](#{name.lower()})"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
