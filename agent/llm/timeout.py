"""A backend that answers in time or says that it did not."""

from __future__ import annotations

import contextvars
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from agent.errors import BackendTimeoutError
from agent.llm.backend import Backend, Completion, LlmRequest, Scores, Stream
from agent.llm.streams import broken_off
from agent.llm.wrapper import WrappedBackend

T = TypeVar("T")


class TimeoutBackend(WrappedBackend):
    """Holds a backend; each call, with all its retries, ends within `timeout_s` of its start.

    The call runs in a thread of its own, because a server that sends one byte a second keeps every time-out
    of a socket from firing. A call that is given up goes on in its thread until its own limits end it: what
    it still costs is counted by the wrappers within, and `RetryBackend` begins no further attempt.
    """

    def __init__(self, inner: Backend, timeout_s: float) -> None:
        super().__init__(inner)
        self._timeout_s = timeout_s

    def complete(self, request: LlmRequest) -> Completion:
        """See `Backend.complete`.

        Raises:
            BackendTimeoutError: no answer in time.
        """
        return self._within(lambda: self._inner.complete(request))

    def score(self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank") -> Scores:
        """See `Backend.score`.

        Raises:
            BackendTimeoutError: no answer in time.
        """
        return self._within(lambda: self._inner.score(prefix, continuations, stage=stage))

    def stream(self, request: LlmRequest) -> Stream:
        """See `Backend.stream`; the limit is for the whole of it."""
        started = time.monotonic()
        inbox: queue.SimpleQueue[str | Completion | BaseException] = queue.SimpleQueue()
        given_up = threading.Event()
        self._start(lambda: _pump(self._inner.stream(request), inbox, given_up))
        pieces: list[str] = []
        try:
            while True:
                left = started + self._timeout_s - time.monotonic()
                try:
                    message = inbox.get(timeout=max(left, 0.0))
                except queue.Empty:
                    if not pieces:
                        raise self._late() from None
                    taken = time.monotonic() - started
                    return broken_off("".join(pieces), self.name, str(self._late()), seconds=taken)
                if isinstance(message, BaseException):
                    raise message
                if isinstance(message, Completion):
                    return message
                pieces.append(message)
                yield message
        finally:
            given_up.set()

    def _within(self, call: Callable[[], T]) -> T:
        inbox: queue.SimpleQueue[tuple[T] | BaseException] = queue.SimpleQueue()

        def work() -> None:
            try:
                inbox.put((call(),))
            except BaseException as error:  # every one is raised again, in the thread that waits
                inbox.put(error)

        self._start(work)
        try:
            message = inbox.get(timeout=self._timeout_s)
        except queue.Empty:
            raise self._late() from None
        if isinstance(message, BaseException):
            raise message
        return message[0]

    def _start(self, work: Callable[[], None]) -> None:
        # Whom the call is charged to is a context variable: the thread needs a copy.
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(work,), name="llm-call", daemon=True).start()

    def _late(self) -> BackendTimeoutError:
        return BackendTimeoutError(
            f"{self.name}: expected an answer within {self._timeout_s:g} s, got none; "
            "raise llm.timeout_s, or try again"
        )


def _pump(
    stream: Stream, inbox: queue.SimpleQueue[str | Completion | BaseException], given_up: threading.Event
) -> None:
    """Moves a stream into a queue until it ends, fails, or nobody listens any more."""
    try:
        while not given_up.is_set():
            inbox.put(next(stream))
    except StopIteration as end:
        inbox.put(end.value)
    except BaseException as error:  # every one is raised again, in the thread that waits
        inbox.put(error)
    finally:
        stream.close()
