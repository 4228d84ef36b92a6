"""A small model service, run as its own process: it knows nothing of Backout, only its flags and its users.

It picks a model per user through the OpenFeature SDK (flagd provider, file mode), takes the prompt that is
live in its registry, and counts on /metrics.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
from pathlib import Path
from random import Random
from typing import TypeVar

import uvicorn
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from pydantic import Field, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from backout.model import Frozen
from demo import releases
from demo.registry import PromptRegistry
from demo.releases import Faults

Sent = TypeVar("Sent", bound=Frozen)

FLAGS_ARE_READ_EVERY_MS = 200
MOST_USERS = 5000
MOST_PROMPTS = 1000


class ChatMessage(Frozen):
    """What a user says."""

    user: str = Field(min_length=1)
    message: str = Field(min_length=1)


class Counts:
    """What the service counts, by release; every count starts at 0, so that none is missing."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("chat_requests", "Requests that came in")
        self.errors = self._counter("chat_errors", "Requests that failed")
        self.judged = self._counter("chat_judged", "Answers that the judge has labelled")
        self.unsafe = self._counter("chat_unsafe", "Answers labelled unsafe")
        self.severe = self._counter("chat_severe", "Answers that the safety desk confirmed as severe")
        self.unsupported = self._counter("chat_unsupported", "Answers that no document supports")

    def _counter(self, name: str, about: str) -> Counter:
        counter = Counter(name, about, ["release"], registry=self.registry)
        for release in releases.RELEASES:
            counter.labels(release)
        return counter


class Chat:
    """The service: its users, its prompt cache, its counts and its releases' faults."""

    def __init__(self, *, flags: OpenFeatureClient, registry: PromptRegistry, chance: Random) -> None:
        self._flags = flags
        self._registry = registry
        self._chance = chance
        self._counts = Counts()
        self._faults = dict.fromkeys(releases.RELEASES, releases.HEALTHY)
        self._prompts: dict[tuple[str, str], str] = {}
        self._users: dict[str, None] = {}

    def release_of(self, user: str) -> str:
        """Return the release that the user gets right now."""
        who = EvaluationContext(targeting_key=user)
        return self._flags.get_string_value(releases.FLAG, releases.BASELINE, who)

    async def chat(self, request: Request) -> Response:
        """POST /chat: answer a user's message with the model of the user's release, and the live prompt."""
        said = await _body(request, ChatMessage)
        release, live = self.release_of(said.user), self._registry.live
        self._remember(said.user)
        # No await between the choice and the cache: a purge never runs in between.
        prompt = self._prompt(live, said.message)
        self._counts.requests.labels(release).inc()
        await asyncio.sleep(self._chance.uniform(0.004, 0.02))
        try:
            answer = releases.answer(prompt=prompt, faults=self._faults[release], chance=self._chance)
        except releases.ModelFailed:
            self._counts.errors.labels(release).inc()
            said_why = "the model did not answer"
            return JSONResponse({"error": said_why, "release": release, "prompt": live}, 500)
        self._judge(release, answer)
        return JSONResponse({"answer": answer.text, "release": release, "prompt": live})

    async def release(self, request: Request) -> Response:
        """GET /release?user=U: which model and which prompt the user gets right now."""
        user = request.query_params.get("user", "")
        return JSONResponse({"release": self.release_of(user), "prompt": self._registry.live})

    async def metrics(self, _: Request) -> Response:
        """GET /metrics: the counts, in the Prometheus text format."""
        return Response(generate_latest(self._counts.registry), media_type=CONTENT_TYPE_LATEST)

    async def cache(self, request: Request) -> Response:
        """GET /cache?release=R: how many prompts of that release the prompt cache holds."""
        release = _known(request.query_params.get("release", ""))
        return JSONResponse({"release": release, "entries": sum(key[0] == release for key in self._prompts)})

    async def served(self, request: Request) -> Response:
        """GET /served?release=R&users=N: how many of the N users seen last get that release right now."""
        release = _known(request.query_params.get("release", ""))
        try:
            wanted = int(request.query_params.get("users", "300"))
        except ValueError:
            raise HTTPException(422, "users: write a whole number") from None
        users = list(self._users)[-wanted:] if wanted > 0 else []
        got = sum(self.release_of(user) == release for user in users)
        return JSONResponse({"release": release, "users": len(users), "on_release": got})

    async def set_faults(self, request: Request) -> Response:
        """PUT /faults/{release}: from now on the release has these faults."""
        release = _known(request.path_params["release"])
        self._faults[release] = await _body(request, Faults)
        return JSONResponse({"release": release, **self._faults[release].model_dump()})

    async def healthz(self, _: Request) -> Response:
        """GET /healthz: the service runs."""
        return PlainTextResponse("ok")

    def purge(self) -> None:
        """Drop the prompts that are not live any more."""
        for key in [key for key in self._prompts if key[0] != self._registry.live]:
            del self._prompts[key]

    def _remember(self, user: str) -> None:
        self._users.pop(user, None)
        self._users[user] = None
        if len(self._users) > MOST_USERS:
            del self._users[next(iter(self._users))]

    def _prompt(self, live: str, message: str) -> str:
        key = (live, message)
        if key not in self._prompts:
            if len(self._prompts) == MOST_PROMPTS:
                del self._prompts[next(iter(self._prompts))]
            self._prompts[key] = releases.prompt_of(release=live, message=message)
        return self._prompts[key]

    def _judge(self, release: str, answer: releases.Answer) -> None:
        self._counts.judged.labels(release).inc()
        if answer.label == "unsafe":
            self._counts.unsafe.labels(release).inc()
        elif answer.label == "severe":
            self._counts.severe.labels(release).inc()
        elif answer.label == "unsupported":
            self._counts.unsupported.labels(release).inc()


def build(chat: Chat, registry: PromptRegistry) -> Starlette:
    """Return the service's web application."""
    return Starlette(
        routes=[
            Route("/chat", chat.chat, methods=["POST"]),
            Route("/metrics", chat.metrics),
            Route("/cache", chat.cache),
            Route("/served", chat.served),
            Route("/release", chat.release),
            Route("/faults/{release}", chat.set_faults, methods=["PUT"]),
            Route("/healthz", chat.healthz),
            *registry.routes,
        ]
    )


def _known(release: str) -> str:
    if release not in releases.RELEASES:
        raise HTTPException(404, f"unknown release '{release}'. Known: {', '.join(releases.RELEASES)}")
    return release


async def _body(request: Request, model: type[Sent]) -> Sent:
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as invalid:
        problem = invalid.errors()[0]
        place = ".".join(str(part) for part in problem["loc"]) or "body"
        raise HTTPException(422, f"{place}: {problem['msg']}") from None


def main() -> None:
    """Serve on a free port of loopback, and write the port to a file once connections are accepted."""
    wanted = argparse.ArgumentParser(prog="python -m demo.service", description=__doc__)
    wanted.add_argument("--flags", required=True, help="the flagd file that says who gets which release")
    wanted.add_argument("--registry-token", type=Path, required=True, help="the token of the prompt registry")
    wanted.add_argument("--port-file", type=Path, required=True, help="where the chosen port is written")
    wanted.add_argument("--seed", type=int, default=11, help="makes the faults repeatable")
    given = wanted.parse_args()
    api.set_provider_and_wait(
        FlagdProvider(
            resolver_type=ResolverType.FILE,
            offline_flag_source_path=given.flags,
            deadline_ms=FLAGS_ARE_READ_EVERY_MS,
        )
    )
    registry = PromptRegistry(token=given.registry_token.read_text())
    chat = Chat(flags=api.get_client(), registry=registry, chance=Random(given.seed))
    registry.watchers.append(chat.purge)
    app = build(chat, registry)
    # With the protocol named: asyncio turns Nagle's delay (40 ms an answer) off only where it is.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(256)
    unfinished = given.port_file.with_suffix(".new")
    unfinished.write_text(str(listening.getsockname()[1]))
    unfinished.replace(given.port_file)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
