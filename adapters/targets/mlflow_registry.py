"""MLflow's registry of models and prompts, as far as one alias needs it, through the REST API."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import BaseModel, ValidationError

from adapters.fetch import Access
from adapters.targets.api import JsonApi
from adapters.targets.ledger import Ledger
from backout.errors import RejectedBySystem, UnknownName
from backout.model import Frozen
from backout.targets import MlflowTarget

_API = "/api/2.0/mlflow"
_IS_PROMPT = "tags.`mlflow.prompt.is_prompt`"
_TOLD = 100
"""So many of the newest names are told where one is unknown."""


class _Tag(BaseModel):
    key: str
    value: str = ""


class _Alias(BaseModel):
    alias: str
    version: str


class Version(BaseModel):
    """A version of a model or prompt."""

    version: str
    status: str = "READY"
    tags: list[_Tag] = []

    def release(self, tag: str | None) -> str | None:
        """Return the release that it is of; without a tag that names releases, its own number is one."""
        return next((found.value for found in self.tags if found.key == tag), None) if tag else self.version


class _Registered(BaseModel):
    name: str
    aliases: list[_Alias] = []
    tags: list[_Tag] = []


class _RegisteredAnswer(BaseModel):
    registered_model: _Registered


class _RegisteredAnswers(BaseModel):
    registered_models: list[_Registered] = []


class _VersionAnswer(BaseModel):
    model_version: Version


class _VersionsAnswer(BaseModel):
    model_versions: list[Version] = []
    """Left out where there are none."""


class _Done(BaseModel):
    """An answer that says nothing."""


class Note(Frozen):
    """What Backout remembers of an alias. It is written before the alias is moved: both cannot be at once."""

    ledger: Ledger = Ledger()
    moved_from: str = ""
    """The version where the last change found the alias."""
    moved_to: str = ""
    """The version where it was to go."""
    settled: bool = True
    """Whether it was seen there."""


class Pointer(Frozen):
    """An alias as it was read: where it is, and what Backout has noted of it."""

    version: str
    note: Note

    @property
    def generation(self) -> str:
        """Return the number of Backout's last change, and the version, which everybody can change."""
        return f"{self.note.ledger.generation}-{self.version}"

    @property
    def changed_by(self) -> str:
        """Return the key of Backout's last change; empty where the alias is not where that took it."""
        return self.note.ledger.last if self.version == self.note.moved_to else ""

    def is_unfinished(self, key: str) -> bool:
        """Say whether this key's change may have been cut short: nobody took the alias elsewhere since."""
        near = self.version in (self.note.moved_from, self.note.moved_to)
        return key == self.note.ledger.last and not self.note.settled and near

    def noted(self, key: str, percent: int, *, to: str) -> Note:
        """Return the note of a change that is about to be made."""
        ledger = self.note.ledger.with_key(key, percent)
        return Note(ledger=ledger, moved_from=self.version, moved_to=to, settled=False)


class Registry:
    """Reads and moves one alias, and finds the versions of releases."""

    def __init__(self, config: MlflowTarget, access: Access) -> None:
        """Speak of this alias."""
        self._url = config.url
        self._holder = "model" if config.model else "prompt"
        self._name = config.model or config.prompt or ""
        self._alias = config.alias
        self._release_tag = config.release_tag
        self._note_tag = f"backout.{config.alias}"
        self.what = f"alias '{config.alias}' of {self._holder} '{self._name}' in MLflow {config.url}"
        self._api = JsonApi(self.what, config.url, timeout=config.timeout, access=access)

    async def pointer(self) -> Pointer:
        """Return the alias. `UnknownName`: there is no such model or prompt, or no such alias of it."""
        held = await self._registered()
        aliases = {alias.alias: alias.version for alias in held.aliases}
        if self._alias not in aliases:
            kind = f"alias of {self._holder} '{self._name}'"
            raise UnknownName(kind=kind, name=self._alias, known=aliases)
        text = next((tag.value for tag in held.tags if tag.key == self._note_tag), "{}")
        try:
            note = Note.model_validate_json(text)
        except ValidationError as error:
            why = f"the tag '{self._note_tag}' is not what Backout wrote; remove it"
            raise RejectedBySystem(what=self.what, why=why) from error
        return Pointer(version=aliases[self._alias], note=note)

    async def version(self, release: str) -> Version:
        """Return the version of a release.

        Raises:
            UnknownName: no version is of that release.
            RejectedBySystem: two are.
        """
        tag = self._release_tag
        found = await self._versions(f"tags.`{tag}` = '{release}'") if tag else await self._numbered(release)
        if not found:
            known = {version.release(tag) for version in await self._versions()}
            kind = f"release of {self._holder} '{self._name}'"
            raise UnknownName(kind=kind, name=release, known=[name for name in known if name])
        if len(found) > 1:
            numbers = ", ".join(version.version for version in found)
            why = f"versions {numbers} all have the tag '{tag}' with '{release}'; a release is one of them"
            raise RejectedBySystem(what=self.what, why=why)
        return found[0]

    async def point(self, version: str) -> None:
        """Take the alias to a version."""
        body = {"name": self._name, "alias": self._alias, "version": version}
        await self._api.ask("POST", f"{_API}/registered-models/alias", _Done, body={**body})

    async def write(self, note: Note) -> None:
        """Keep a note beside the alias."""
        body = {"name": self._name, "key": self._note_tag, "value": note.model_dump_json()}
        await self._api.ask("POST", f"{_API}/registered-models/set-tag", _Done, body={**body})

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._api.aclose()

    async def _registered(self) -> _Registered:
        path, fields = f"{_API}/registered-models/get", {"name": self._name}
        try:
            return (await self._api.ask("GET", path, _RegisteredAnswer, fields=fields)).registered_model
        except RejectedBySystem as error:
            if not _is_gone(error):
                raise
            kind = f"{self._holder} in MLflow {self._url}"
            raise UnknownName(kind=kind, name=self._name, known=await self._names()) from error

    async def _numbered(self, number: str) -> list[Version]:
        if not number.isdecimal():
            return []
        path, fields = f"{_API}/model-versions/get", {"name": self._name, "version": number}
        try:
            return [(await self._api.ask("GET", path, _VersionAnswer, fields=fields)).model_version]
        except RejectedBySystem as error:
            if not _is_gone(error):
                raise
            return []

    async def _versions(self, among: str = "") -> list[Version]:
        """Return the newest versions; `among` narrows them. Those of prompts must be asked for."""
        wanted = [f"name = '{self._name}'", *([among] if among else [])]
        if self._holder == "prompt":
            wanted.append(f"{_IS_PROMPT} = 'true'")
        fields = {"filter": " AND ".join(wanted), "max_results": str(_TOLD)}
        answer = await self._api.ask("GET", f"{_API}/model-versions/search", _VersionsAnswer, fields=fields)
        return answer.model_versions

    async def _names(self) -> list[str]:
        fields = {"max_results": str(_TOLD)}
        if self._holder == "prompt":
            fields["filter"] = f"{_IS_PROMPT} = 'true'"
        path = f"{_API}/registered-models/search"
        answer = await self._api.ask("GET", path, _RegisteredAnswers, fields=fields)
        return [found.name for found in answer.registered_models]


def _is_gone(error: RejectedBySystem) -> bool:
    """Say whether MLflow itself has no such thing; a proxy's own 404 says nothing of the kind."""
    return error.details.get("status") == HTTPStatus.NOT_FOUND and bool(error.details.get("said"))
