"""From the thread that hears the worker to the caller who reads piece by piece."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator

from agent.errors import BackendError, LlmError
from agent.llm.backend import Completion


class Relay:
    """Hands pieces of one answer across threads, each character once, also when the work is done over.

    A worker that crashed in the middle is asked again and tells its answer from the beginning; what the
    caller has had already is held back.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._queue: queue.SimpleQueue[str | Completion | LlmError] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._sent = ""
        self._heard = ""
        self._strayed = False

    def begin(self) -> Callable[[str], bool]:
        """A listener for one attempt; it answers False when the rest is not wanted."""
        self._heard = ""
        return self._hear

    def finish(self, end: Completion | LlmError) -> None:
        """Ends the pieces, with the completion or with an error."""
        if self._strayed and isinstance(end, Completion):
            end = BackendError(f"{self._model} crashed in the middle and, asked again, answered differently")
        self._queue.put(end)

    def pieces(self) -> Generator[str, None, Completion]:
        """The pieces as they come, then the completion as return value.

        Raises:
            LlmError: what `finish` was given, when nothing had come; otherwise the completion tells it.
        """
        told = ""
        try:
            while True:
                entry = self._queue.get()
                if isinstance(entry, Completion):
                    return entry
                if isinstance(entry, str):
                    told += entry
                    yield entry
                elif told:
                    return Completion(
                        told, self._model, finish_reason="error", degraded=True, note=f"broken off: {entry}"
                    )
                else:
                    raise entry
        finally:
            self._closed.set()

    def _hear(self, text: str) -> bool:
        self._heard += text
        fresh = self._heard[len(self._sent) :]
        if not self._heard.startswith(self._sent[: len(self._heard)]):
            self._strayed = True
        elif fresh:
            self._queue.put(fresh)
            self._sent = self._heard
        return not (self._strayed or self._closed.is_set())
