"""A backend that never pays twice for one question: completions are kept by content in the store."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from typing import Protocol

from agent.llm.backend import Backend, Capabilities, Completion, LlmRequest, Scores


class TextCache(Protocol):
    """Where answers outlive the process; the workspace store is one."""

    def cache_get(self, key: str) -> str | None:
        """The text kept under `key`, or None."""
        ...

    def cache_put(self, key: str, value: str) -> None:
        """Keeps `value` under `key`."""
        ...


class CachedBackend:
    """Holds a backend; an answer that came whole is kept under a hash of model and request.

    Requests are seeded, so the same one means the same answer. Truncated, repaired and failed answers are
    not kept: the next try may do better. Scores are not kept here; the reranker keeps those it needs.
    """

    def __init__(self, inner: Backend, cache: TextCache) -> None:
        self._inner = inner
        self._cache = cache

    @property
    def name(self) -> str:
        """Name of the backend within."""
        return self._inner.name

    @property
    def capabilities(self) -> Capabilities:
        """What the backend within can do."""
        return self._inner.capabilities

    def complete(self, request: LlmRequest) -> Completion:
        """See `Backend.complete`; a kept answer costs no tokens and no time."""
        key = completion_key(self._inner.name, request)
        kept = self._cache.cache_get(key)
        if kept is not None:
            plain = json.loads(kept)
            return Completion(text=plain["text"], model=self._inner.name, data=plain["data"])
        completion = self._inner.complete(request)
        if completion.finish_reason == "stop" and not completion.degraded:
            data = None if completion.data is None else dict(completion.data)
            self._cache.cache_put(key, json.dumps({"text": completion.text, "data": data}))
        return completion

    def score(self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank") -> Scores:
        """See `Backend.score`."""
        return self._inner.score(prefix, continuations, stage=stage)

    def close(self) -> None:
        """Closes the backend within."""
        self._inner.close()


def completion_key(model: str, request: LlmRequest) -> str:
    """Under what a completion is kept: a hash of the model and all of the request but who asks."""
    plain = dataclasses.asdict(request)
    plain.pop("stage")
    text = json.dumps([model, plain], sort_keys=True, ensure_ascii=False, default=dict)
    return f"completion:{hashlib.sha256(text.encode()).hexdigest()}"
