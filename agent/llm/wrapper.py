"""What every wrapper shares: a backend that holds a backend and passes everything on."""

from __future__ import annotations

from collections.abc import Sequence

from agent.llm.backend import Backend, Capabilities, Completion, LlmRequest, Scores, Stream


class WrappedBackend:
    """Passes every call to the backend within; a wrapper overrides what it changes."""

    def __init__(self, inner: Backend) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        """Name of the backend within."""
        return self._inner.name

    @property
    def capabilities(self) -> Capabilities:
        """What the backend within can do."""
        return self._inner.capabilities

    def complete(self, request: LlmRequest) -> Completion:
        """See `Backend.complete`."""
        return self._inner.complete(request)

    def stream(self, request: LlmRequest) -> Stream:
        """See `Backend.stream`."""
        return self._inner.stream(request)

    def score(self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank") -> Scores:
        """See `Backend.score`."""
        return self._inner.score(prefix, continuations, stage=stage)

    def open(self) -> None:
        """Makes what would be made at the first call, so that its failure or wait comes now.

        Raises:
            BackendError: it cannot be made.
        """
        open_now(self._inner)

    def close(self) -> None:
        """Closes the backend within."""
        self._inner.close()


def open_now(backend: Backend) -> None:
    """Opens a backend that is made lazily; does nothing for the others.

    Raises:
        BackendError: it cannot be opened.
    """
    opener = getattr(backend, "open", None)
    if opener is not None:
        opener()
