"""A backend that is opened when first asked: commands that need no model never load one."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence

from agent.errors import BackendError, DriftrecError
from agent.llm.backend import Backend, Capabilities, Completion, LlmRequest, Scores, Stream


class LazyBackend:
    """Holds a backend that `open_inner` makes at the first call. A failure to open is kept and told again.

    Args:
        name: what to call it before it is open.
        open_inner: makes the backend; its errors become `BackendError`, so that callers degrade as for
            any other failure of the model.
        declared: what it can do as far as known beforehand, so that asking does not open it; its
            `identity` is kept. None opens it to ask.
    """

    def __init__(
        self, name: str, open_inner: Callable[[], Backend], *, declared: Capabilities | None = None
    ) -> None:
        self._name = name
        self._open_inner = open_inner
        self._declared = declared
        self._inner: Backend | None = None
        self._opening = threading.Lock()
        self.problem = ""

    @property
    def name(self) -> str:
        """Name of the backend, opened or not."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What the backend can do; without a declaration this opens it."""
        if self._declared is None:
            return self._opened().capabilities
        inner = self._inner
        if inner is None:
            return self._declared
        return dataclasses.replace(inner.capabilities, identity=self._declared.identity)

    def complete(self, request: LlmRequest) -> Completion:
        """See `Backend.complete`; opens the backend first."""
        return self._opened().complete(request)

    def stream(self, request: LlmRequest) -> Stream:
        """See `Backend.stream`; opens the backend first."""
        return (yield from self._opened().stream(request))

    def score(self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank") -> Scores:
        """See `Backend.score`; opens the backend first."""
        return self._opened().score(prefix, continuations, stage=stage)

    def open(self) -> None:
        """Opens the backend now.

        Raises:
            BackendError: it cannot be opened.
        """
        self._opened()

    def close(self) -> None:
        """Closes the backend if it was opened."""
        with self._opening:
            if self._inner is not None:
                self._inner.close()
                self._inner = None

    def _opened(self) -> Backend:
        with self._opening:
            if self.problem:
                raise BackendError(self.problem)
            if self._inner is None:
                try:
                    self._inner = self._open_inner()
                except DriftrecError as error:
                    self.problem = str(error)
                    raise BackendError(self.problem) from error
            return self._inner
