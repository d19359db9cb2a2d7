"""A backend that is opened when first asked: commands that need no model never load one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent.errors import BackendError, DriftrecError
from agent.llm.backend import Backend, Capabilities, Completion, LlmRequest, Scores


class LazyBackend:
    """Holds a backend that `open_inner` makes at the first call. A failure to open is kept and told again.

    Args:
        name: what to call it before it is open.
        open_inner: makes the backend; its errors become `BackendError`, so that callers degrade as for
            any other failure of the model.
    """

    def __init__(self, name: str, open_inner: Callable[[], Backend]) -> None:
        self._name = name
        self._open_inner = open_inner
        self._inner: Backend | None = None
        self.problem = ""

    @property
    def name(self) -> str:
        """Name of the backend, opened or not."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What the backend can do; opens it."""
        return self._opened().capabilities

    def complete(self, request: LlmRequest) -> Completion:
        """See `Backend.complete`; opens the backend first."""
        return self._opened().complete(request)

    def score(self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank") -> Scores:
        """See `Backend.score`; opens the backend first."""
        return self._opened().score(prefix, continuations, stage=stage)

    def close(self) -> None:
        """Closes the backend if it was opened."""
        if self._inner is not None:
            self._inner.close()
            self._inner = None

    def _opened(self) -> Backend:
        if self.problem:
            raise BackendError(self.problem)
        if self._inner is None:
            try:
                self._inner = self._open_inner()
            except DriftrecError as error:
                self.problem = str(error)
                raise BackendError(self.problem) from error
        return self._inner
