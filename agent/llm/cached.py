"""A backend that never pays twice for one question: completions are kept by content in the store."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import time
from collections.abc import Sequence
from typing import Any, Protocol

from agent.errors import StoreError
from agent.llm.backend import Backend, Capabilities, Completion, LlmRequest, Scores, Stream
from agent.llm.ledger import Ledger
from agent.llm.streams import stream_whole
from agent.llm.wrapper import WrappedBackend
from agent.schema import LlmCall

_log = logging.getLogger(__name__)
# What is said in a talk is kept with the talk alone: forgetting the talk must leave no copy behind.
_UNKEPT = ("chat_",)


class TextCache(Protocol):
    """Where answers outlive the process; the workspace store is one."""

    def cache_get(self, key: str) -> str | None:
        """The text kept under `key`, or None."""
        ...

    def cache_put(self, key: str, value: str) -> None:
        """Keeps `value` under `key`."""
        ...


class CachedBackend(WrappedBackend):
    """Holds a backend; an answer that came whole is kept under a hash of model and request.

    Requests are seeded, so the same one means the same answer. The model is its name and its `identity`: a
    file with other content or another server is another model. Truncated, repaired and failed answers are
    not kept: the next try may do better. Scores are not kept here; the reranker keeps those it needs. Answers
    of a talk are neither kept nor looked up.
    """

    def __init__(self, inner: Backend, cache: TextCache, *, ledger: Ledger | None = None) -> None:
        """Takes the backend and the place to keep answers.

        Args:
            inner: asked when nothing is kept.
            cache: the store.
            ledger: told of every kept answer that was given.
        """
        super().__init__(inner)
        self._cache = cache
        self._ledger = ledger

    def complete(self, request: LlmRequest) -> Completion:
        """See `Backend.complete`; a kept answer costs no tokens and no time."""
        if request.stage.startswith(_UNKEPT):
            return self._inner.complete(request)
        key = self._key(request)
        kept = self._kept(key, request, "complete")
        return self._keep(key, self._inner.complete(request)) if kept is None else kept

    def stream(self, request: LlmRequest) -> Stream:
        """See `Backend.stream`; a kept answer comes at once."""
        if request.stage.startswith(_UNKEPT):
            return (yield from self._inner.stream(request))
        key = self._key(request)
        kept = self._kept(key, request, "stream")
        if kept is not None:
            return (yield from stream_whole(kept))
        completion = yield from self._inner.stream(request)
        return self._keep(key, completion)

    def score(self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank") -> Scores:
        """See `Backend.score`."""
        return self._inner.score(prefix, continuations, stage=stage)

    def _key(self, request: LlmRequest) -> str:
        return completion_key(model_identity(self._inner.name, self._inner.capabilities), request)

    def _kept(self, key: str, request: LlmRequest, kind: str) -> Completion | None:
        plain = _read(self._cache.cache_get(key))
        if plain is None:
            return None
        if self._ledger is not None:
            now_ms = time.time_ns() // 1_000_000
            self._ledger.record(LlmCall(now_ms, kind, request.stage, "", self.name, cached=True))
        return Completion(text=plain["text"], model=self.name, data=plain.get("data"), cached=True)

    def _keep(self, key: str, completion: Completion) -> Completion:
        if completion.finish_reason == "stop" and not completion.degraded:
            data = None if completion.data is None else dict(completion.data)
            try:
                self._cache.cache_put(key, json.dumps({"text": completion.text, "data": data}))
            except StoreError as error:  # the answer is worth more than its copy
                _log.warning("an answer of %s was not kept: %s", self.name, error)
        return completion


def _read(kept: str | None) -> dict[str, Any] | None:
    """Text and data of a kept answer; None for one that is missing or no answer: the model is asked anew."""
    try:
        plain = json.loads(kept or "null")
    except ValueError:
        return None
    if not isinstance(plain, dict) or not isinstance(plain.get("text"), str):
        return None
    return plain if isinstance(plain.get("data"), dict | None) else None


def model_identity(name: str, capabilities: Capabilities) -> str:
    """What an answer depends on beside the request: the model's name, and which one of that name."""
    return f"{name} {capabilities.identity}".strip()


def completion_key(model: str, request: LlmRequest) -> str:
    """Under what a completion is kept: a hash of the model and all of the request but who asks."""
    plain = dataclasses.asdict(request)
    plain.pop("stage")
    text = json.dumps([model, plain], sort_keys=True, ensure_ascii=False, default=dict)
    return f"completion:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
