"""What is odd about the integrity checks of a site file although every field fits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from backout.addresses import address_problems
from backout.check_values import FileValue, HttpValue, Scalar, SourceValue, SqlValue, ValueAt
from backout.checks import (
    ArtifactAt,
    Check,
    CommandCheck,
    DigestCheck,
    DrainedCheck,
    HttpCheck,
    OutputsCheck,
    PairingCheck,
    PurgedCheck,
    SqlCheck,
)
from backout.lint_queries import bound_problems
from backout.placeholders import IN_QUERIES, placeholder_problems
from backout.problems import Path, Problem, unknown
from backout.site import Site, SqlSource

IN_COMMANDS = (*IN_QUERIES, "key")
IN_ARTIFACTS = (*IN_QUERIES, "digest", "hex")
_WORDS = frozenset(f"${name}" for name in IN_COMMANDS)
_WHOLE = re.compile(r"\$[A-Za-z]\w*")
_WITHIN = re.compile(rf"\$\{{?({'|'.join(IN_COMMANDS)})\b")


def check_problems(site: Site) -> Iterator[Problem]:
    """Yield what makes the checks of a site unfit for use."""
    for name, check in site.checks.items():
        yield from _asked(("checks", name), check)
        yield from _compared(("checks", name), check, site)


def _asked(path: Path, check: Check) -> Iterator[Problem]:
    """Yield what is wrong with the checks that ask one system."""
    match check:
        case HttpCheck():
            yield from address_problems((*path, "url"), check.url, IN_QUERIES, token=check.token)
            yield from _expected((*path, "expect"), check.expect)
        case CommandCheck():
            yield from _command(path, check)
        case DigestCheck():
            for i, artifact in enumerate(check.artifacts):
                yield from _artifact((*path, "artifacts", i), artifact)
        case PurgedCheck():
            yield from _purged(path, check)
        case OutputsCheck():
            yield from _outputs(path, check)
        case _:
            pass


def _compared(path: Path, check: Check, site: Site) -> Iterator[Problem]:
    """Yield what is wrong with the checks that compare values."""
    match check:
        case SqlCheck():
            yield from bound_problems((*path, "query"), check.query, IN_QUERIES)
            yield from placeholder_problems((*path, "expect"), str(check.expect), IN_QUERIES)
        case DrainedCheck():
            yield from _value((*path, "count"), check.count, site)
            if check.apart >= check.timeout:
                msg = "the time is over before the second look; make 'timeout' longer than 'apart'"
                yield Problem(path=(*path, "apart"), message=msg)
        case PairingCheck():
            yield from _pair(path, check, site)
        case _:
            pass


def _command(path: Path, check: CommandCheck) -> Iterator[Problem]:
    for i, word in enumerate(check.command):
        if word in _WORDS:
            continue
        if _WHOLE.fullmatch(word):
            yield Problem(path=(*path, "command", i), message=unknown("placeholder", word[1:], IN_COMMANDS))
        elif within := _WITHIN.search(word):
            msg = f"'{within[0]}' is filled in only where it is a word of its own; give it one"
            yield Problem(path=(*path, "command", i), message=msg)


def _expected(path: Path, values: Mapping[str, Scalar]) -> Iterator[Problem]:
    for name, value in values.items():
        yield from placeholder_problems((*path, name), str(value), IN_QUERIES)


def _artifact(path: Path, at: ArtifactAt) -> Iterator[Problem]:
    if at.path is not None:
        yield from placeholder_problems((*path, "path"), at.path, IN_ARTIFACTS)
    if at.url is not None:
        yield from address_problems((*path, "url"), at.url, IN_ARTIFACTS, token=at.token)


def _pair(path: Path, check: PairingCheck, site: Site) -> Iterator[Problem]:
    yield from _value((*path, "one"), check.one, site)
    yield from _value((*path, "other"), check.other, site)
    if check.one == check.other:
        msg = "both are the same place, which always agrees with itself; name the other one"
        yield Problem(path=(*path, "other"), message=msg)


def _value(path: Path, at: ValueAt, site: Site) -> Iterator[Problem]:
    match at:
        case HttpValue():
            yield from address_problems((*path, "url"), at.url, IN_QUERIES, token=at.token)
        case FileValue():
            yield from placeholder_problems((*path, "path"), at.path, IN_QUERIES)
        case SqlValue():
            yield from bound_problems((*path, "query"), at.query, IN_QUERIES)
        case SourceValue():
            yield from _source(path, at, site)


def _source(path: Path, at: SourceValue, site: Site) -> Iterator[Problem]:
    source = site.sources.get(at.source)
    if source is None:
        msg = unknown("source", at.source, site.sources)
        yield Problem(path=(*path, "source"), message=msg)
    elif isinstance(source, SqlSource):
        yield from bound_problems((*path, "query"), at.query, (*IN_QUERIES, "at"))
    else:
        yield from placeholder_problems((*path, "query"), at.query, IN_QUERIES)


def _purged(path: Path, check: PurgedCheck) -> Iterator[Problem]:
    yield from address_problems((*path, "url"), check.url, IN_QUERIES, token=check.token)
    if check.origin is not None:
        yield from address_problems((*path, "origin"), check.origin, IN_QUERIES, token=check.token)
        if check.origin == check.url:
            msg = "it is the address of the cache itself; name the one behind it"
            yield Problem(path=(*path, "origin"), message=msg)
    if check.purge is not None:
        token = check.purge.token
        yield from address_problems((*path, "purge", "url"), check.purge.url, IN_QUERIES, token=token)
    yield from _expected((*path, "not_headers"), check.not_headers)
    yield from _expected((*path, "not_fields"), check.not_fields)


def _outputs(path: Path, check: OutputsCheck) -> Iterator[Problem]:
    yield from bound_problems((*path, "ids"), check.ids, IN_QUERIES)
    for field, text in (("mark", check.mark), ("left", check.left)):
        if text is not None:
            yield from bound_problems((*path, field), text, IN_QUERIES)
    if check.mark is not None and check.left is None:
        msg = "nothing would show that it marked them all; add 'left', a SELECT of those that are not"
        yield Problem(path=(*path, "mark"), message=msg)
    if check.mark is not None and check.of == "baseline":
        msg = "it would quarantine what the last known good release produced; let it be of the candidate"
        yield Problem(path=(*path, "of"), message=msg)
