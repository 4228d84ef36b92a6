"""A deployment: the site file, the playbooks and the templates, read from disk and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from backout.arming import SUFFIX, Recorded, armed, disarmed, read_record
from backout.errors import FileUnreadable, InvalidDocument, NoPlaybooks, SecretMissing, UnknownName
from backout.lint import checked_playbook
from backout.lint_groups import group_problems
from backout.lint_routes import route_problems
from backout.playbook import Playbook
from backout.secret import SecretRef
from backout.site import Site
from backout.yaml_text import load_site

TEMPLATES = Path(__file__).resolve().parent / "templates"


@dataclass(frozen=True)
class SiteFile:
    """A site file, read and checked, and where its secrets are looked up."""

    file: Path
    site: Site
    environ: Mapping[str, str] = field(repr=False)

    def path(self, text: str) -> Path:
        """Return a path of the site file; a relative one starts at the file's own folder."""
        return self.file.parent / Path(text).expanduser()

    def secret(self, ref: SecretRef) -> str:
        """Return the secret itself.

        Raises:
            SecretMissing: its place is empty or cannot be read.
        """
        if ref.file is None:
            found = self.environ.get(ref.env or "", "")
        else:
            try:
                found = self.path(ref.file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SecretMissing(place=ref.place) from error
        if not found:
            raise SecretMissing(place=ref.place)
        return found

    def check_secrets(self) -> None:
        """See that every secret that the file names is there. `SecretMissing`: one is not."""
        for ref in _secrets_of(self.site):
            self.secret(ref)


@dataclass(frozen=True)
class Deployment:
    """A site with everything that its file names."""

    at: SiteFile
    playbooks: Mapping[str, Playbook]
    """By name, as they may run: a rule that no backtest arms asks for approval."""
    templates: Mapping[str, str]
    disarmed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By playbook: its `auto` rules that ask for approval instead, each with the reason."""

    @property
    def site(self) -> Site:
        """The site."""
        return self.at.site


def _secrets_of(value: object) -> Iterator[SecretRef]:
    match value:
        case SecretRef():
            yield value
        case BaseModel():
            yield from _secrets_of([part for _, part in value])
        case dict():
            yield from _secrets_of([*value.values()])
        case list() | tuple():
            for part in value:
                yield from _secrets_of(part)


def read_site(file: Path, environ: Mapping[str, str]) -> SiteFile:
    """Read a site file.

    Raises:
        FileUnreadable: it cannot be read.
        InvalidDocument: it is wrong; every problem is in it.
    """
    file = file.resolve()
    remedy = "Write one with 'backout init', or name yours with --site or BACKOUT_SITE."
    text = _text(file, what="The site file", remedy=remedy)
    return SiteFile(file=file, site=load_site(text, file=str(file)), environ=environ)


def load_deployment(at: SiteFile) -> Deployment:
    """Read the playbooks and templates of a site.

    Raises:
        FileUnreadable: a playbook cannot be read.
        InvalidDocument: a playbook or route is wrong; every problem of its kind is in it.
        NoPlaybooks: the folder of the playbooks holds none.
        UnknownName: a route names a playbook that is not there.
    """
    templates = load_templates()
    folder = at.path(at.site.playbooks)
    written = _playbooks(folder, at.site, templates)
    records = {name: load_record(folder / f"{name}.yaml") for name in written}
    playbooks = {name: armed(playbook, records[name]) for name, playbook in written.items()}
    for route in at.site.routes:
        if route.playbook not in playbooks:
            raise UnknownName(kind="playbook", name=route.playbook, known=playbooks)
    wrong = (*route_problems(at.site, playbooks), *group_problems(at.site, playbooks))
    if problems := [f"{at.file}: {problem}" for problem in wrong]:
        raise InvalidDocument(problems)
    why = {name: disarmed(playbook, records[name]) for name, playbook in written.items()}
    return Deployment(at=at, playbooks=playbooks, templates=templates, disarmed=why)


def load_record(playbook: Path) -> Recorded:
    """Return the backtest that is recorded beside a playbook's file, or None where there is none.

    Raises:
        FileUnreadable: it is there, and cannot be read.
    """
    path = record_path(playbook)
    if not path.exists():
        return None
    return read_record(_text(path, what="The recorded backtest", remedy="See who may read it."))


def record_path(playbook: Path) -> Path:
    """Return where the backtest of a playbook's file is recorded."""
    return playbook.with_name(playbook.stem + SUFFIX)


def load_templates(folder: Path = TEMPLATES) -> dict[str, str]:
    """Return the text of every template by its path below the folder, such as `postmortem/standard.md.j2`."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.j2")
    }


def _playbooks(folder: Path, site: Site, templates: Mapping[str, str]) -> dict[str, Playbook]:
    """Read every playbook of the folder; those that a route names are held against the site too."""
    routed = {route.playbook for route in site.routes}
    found: dict[str, Playbook] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        text = _text(path, what="The playbook", remedy="See who may read it.")
        held_against = site if path.stem in routed else None
        try:
            playbook = checked_playbook(text, file=str(path), templates=templates, site=held_against)
        except InvalidDocument as error:
            problems.extend(error.problems)
        else:
            found[playbook.playbook] = playbook
    if problems:
        raise InvalidDocument(problems)
    if not found:
        raise NoPlaybooks(folder=folder)
    return found


def _text(path: Path, *, what: str, remedy: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileUnreadable(what=what, path=path, why=error.strerror, remedy=remedy) from error
    except UnicodeDecodeError as error:
        raise FileUnreadable(
            what=what, path=path, why="it is not UTF-8", remedy="Save it as UTF-8."
        ) from error
