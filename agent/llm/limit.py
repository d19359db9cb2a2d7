"""A backend that is asked by only so many at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from agent.errors import TransientError
from agent.llm.backend import Backend, Completion, LlmRequest, Scores, Stream
from agent.llm.wrapper import WrappedBackend


class ConcurrencyBackend(WrappedBackend):
    """Holds a backend; at most `limit` calls are under way in it, the others wait their turn."""

    def __init__(self, inner: Backend, limit: int, *, wait_s: float) -> None:
        """Takes the limit.

        Args:
            inner: the backend.
            limit: calls at once, 1 or more.
            wait_s: for a turn; after that the call is given up.
        """
        super().__init__(inner)
        self._limit = limit
        self._wait_s = wait_s
        self._turns = threading.BoundedSemaphore(limit)

    def complete(self, request: LlmRequest) -> Completion:
        """See `Backend.complete`.

        Raises:
            TransientError: no turn came; nothing was sent.
        """
        with self._turn():
            return self._inner.complete(request)

    def score(self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank") -> Scores:
        """See `Backend.score`.

        Raises:
            TransientError: no turn came; nothing was sent.
        """
        with self._turn():
            return self._inner.score(prefix, continuations, stage=stage)

    def stream(self, request: LlmRequest) -> Stream:
        """See `Backend.stream`; the turn ends with the stream, or when it is closed."""
        with self._turn():
            return (yield from self._inner.stream(request))

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=self._wait_s):
            raise TransientError(
                f"{self.name}: {self._limit} calls were under way for {self._wait_s:g} s and none ended; "
                "raise llm.calls.max_concurrent, or ask less at once"
            )
        try:
            yield
        finally:
            self._turns.release()
