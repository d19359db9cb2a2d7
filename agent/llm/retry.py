"""A backend that tries again what may pass by itself."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from agent.errors import LlmError, RateLimitError, TransientError
from agent.llm.backend import Backend, Completion, LlmRequest, Scores, Stream
from agent.llm.wrapper import WrappedBackend

RETRIABLE: Final[tuple[type[LlmError], ...]] = (RateLimitError, TransientError)
"""What is tried again. Not: time-outs (the time is gone), HTTP 4xx (it would be refused again), refused
budgets, bad schemas, and crashes of the local model, which that backend has tried again itself."""

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When to try again.

    Attributes:
        attempts: in all, the first included.
        first_delay_s: before the second attempt; doubled from one to the next.
        max_delay_s: of one wait of our own; a server's `Retry-After` may ask for more.
        total_s: an attempt that could not begin within it is not made.
        seed: of the jitter, which spreads each wait over its upper half so that clients do not come back
            in step ("Exponential Backoff And Jitter", https://aws.amazon.com/blogs/architecture/
            exponential-backoff-and-jitter/).
    """

    attempts: int = 3
    first_delay_s: float = 0.5
    max_delay_s: float = 20.0
    total_s: float = 60.0
    seed: int = 0


class RetryBackend(WrappedBackend):
    """Holds a backend; its errors of the kinds `RETRIABLE` lead to another attempt.

    A stream is begun again only while nothing of it has been given.
    """

    def __init__(
        self,
        inner: Backend,
        policy: RetryPolicy | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(inner)
        self._policy = policy or RetryPolicy()
        self._sleep = sleep
        self._clock = clock
        self._random = random.Random(self._policy.seed)

    def complete(self, request: LlmRequest) -> Completion:
        """See `Backend.complete`; raises what the last attempt raised."""
        return self._retried(lambda: self._inner.complete(request))

    def score(self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank") -> Scores:
        """See `Backend.score`; raises what the last attempt raised."""
        return self._retried(lambda: self._inner.score(prefix, continuations, stage=stage))

    def stream(self, request: LlmRequest) -> Stream:
        """See `Backend.stream`."""
        first, rest = self._retried(lambda: _begin(self._inner.stream(request)))
        if isinstance(first, Completion):
            return first
        try:
            yield first
            return (yield from rest)
        finally:
            rest.close()

    def _retried(self, call: Callable[[], T]) -> T:
        started = self._clock()
        for attempt in range(1, self._policy.attempts + 1):
            try:
                return call()
            except RETRIABLE as error:
                left = self._policy.total_s - (self._clock() - started)
                delay = self._delay(attempt, error)
                if attempt == self._policy.attempts or delay >= left:
                    why = "" if attempt == self._policy.attempts else f"; the next would be in {delay:.3g} s"
                    error.args = (f"{error} (attempt {attempt} of {self._policy.attempts}{why})",)
                    raise
                _log.info("%s: attempt %d failed, next in %.3g s: %s", self.name, attempt, delay, error)
                self._sleep(delay)
        raise AssertionError("the last attempt returns or raises")

    def _delay(self, attempt: int, error: BaseException) -> float:
        longest = min(self._policy.first_delay_s * 2.0 ** (attempt - 1), self._policy.max_delay_s)
        own = longest * self._random.uniform(0.5, 1.0)
        asked = error.retry_after_s if isinstance(error, RateLimitError) else None
        return max(own, asked or 0.0)


def _begin(stream: Stream) -> tuple[str | Completion, Stream]:
    """The first piece of a stream, or its completion when there is none; and the rest."""
    try:
        return next(stream), stream
    except StopIteration as end:
        completion: Completion = end.value
        return completion, stream
