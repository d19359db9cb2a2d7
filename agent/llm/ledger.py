"""The ledger: what every call of a model took, and for whom."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Protocol

from agent.errors import BackendTimeoutError, LlmError, StoreError, TransientError
from agent.llm.backend import Backend, Completion, LlmRequest, Scores, Stream
from agent.llm.usage import Usage, bound_of_request, bound_of_score
from agent.llm.wrapper import WrappedBackend
from agent.schema import LlmCall

_charged_user: ContextVar[str] = ContextVar("charged_user", default="")
_log = logging.getLogger(__name__)


@contextmanager
def charged_to(user_id: str) -> Iterator[None]:
    """Within the block, model calls are written to the ledger as made for that user; nothing is sent."""
    token = _charged_user.set(user_id)
    try:
        yield
    finally:
        _charged_user.reset(token)


class CallLog(Protocol):
    """Where calls are kept: the workspace store, or the memory of this process."""

    def append_call(self, call: LlmCall) -> None:
        """Adds a call."""
        ...

    def spent_since(self, since_ms: int) -> tuple[int, float]:
        """Tokens and money of the metered calls that began at a moment or later."""
        ...


class MemoryCalls:
    """The calls of this process alone."""

    def __init__(self) -> None:
        self.calls: list[LlmCall] = []

    def append_call(self, call: LlmCall) -> None:
        """Adds a call."""
        self.calls.append(call)

    def spent_since(self, since_ms: int) -> tuple[int, float]:
        """Tokens and money of the metered calls that began at a moment or later."""
        counted = [call for call in self.calls if call.metered and call.created_ms >= since_ms]
        tokens = sum(call.prompt_tokens + call.output_tokens for call in counted)
        return tokens, sum(call.cost for call in counted)


@dataclass(frozen=True, slots=True)
class Price:
    """Of a million tokens, in and out; `metered` calls count against the limits."""

    per_million_in: float = 0.0
    per_million_out: float = 0.0
    metered: bool = False

    def cost(self, usage: Usage) -> float:
        """What so many tokens cost."""
        return (
            usage.prompt_tokens * self.per_million_in + usage.output_tokens * self.per_million_out
        ) / 1_000_000


class Ledger:
    """Writes calls to one or more logs. A log that cannot be written now gets its calls with a later one.

    An answer that was paid for must not be lost because another process holds the store.
    """

    def __init__(self, *logs: CallLog) -> None:
        self._waiting: list[tuple[CallLog, list[LlmCall]]] = [(log, []) for log in logs]
        self._open: dict[int, _Entry] = {}
        self._lock = threading.Lock()

    def record(self, call: LlmCall) -> None:
        """Writes a call, for the user of the `charged_to` block if it names none."""
        named = call if call.user_id else replace(call, user_id=_charged_user.get())
        with self._lock:
            for _, waiting in self._waiting:
                waiting.append(named)
            self._write_waiting()

    def waiting_since(self, log: CallLog, since_ms: int) -> tuple[int, float]:
        """Tokens and money of the metered calls that began since then and that `log` does not have yet."""
        counted = MemoryCalls()
        with self._lock:
            counted.calls = [call for known, waiting in self._waiting if known is log for call in waiting]
        return counted.spent_since(since_ms)

    def open_entry(self, entry: _Entry) -> None:
        """A call has begun."""
        with self._lock:
            self._open[id(entry)] = entry

    def close_entry(self, entry: _Entry) -> bool:
        """The call gets its line now; False when it has had one."""
        with self._lock:
            return self._open.pop(id(entry), None) is not None

    def flush(self) -> None:
        """Writes what waits, and every call under way with its upper bound: the process may end now."""
        with self._lock:
            under_way = list(self._open.values())
        for entry in under_way:
            entry.abandon()
        with self._lock:
            self._write_waiting()

    def _write_waiting(self) -> None:
        for log, waiting in self._waiting:
            try:
                while waiting:
                    log.append_call(waiting[0])
                    waiting.pop(0)
            except StoreError as error:
                _log.warning("%d calls wait to be written to the ledger: %s", len(waiting), error)


class LedgerBackend(WrappedBackend):
    """Holds a backend; every call is written to the ledger, failed ones too.

    A call that failed after the server may have worked on it (no answer in time, a reply cut off) is
    written with an upper bound of its tokens, marked as estimated.
    """

    def __init__(
        self, inner: Backend, ledger: Ledger, price: Price, *, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(inner)
        self._ledger = ledger
        self._price = price
        self._clock = clock

    def complete(self, request: LlmRequest) -> Completion:
        """See `Backend.complete`."""
        entry = self._entry("complete", request.stage, bound_of_request(request))
        try:
            completion = self._inner.complete(request)
        except BaseException as error:
            entry.fail(error)
            raise
        entry.finish(completion)
        return completion

    def stream(self, request: LlmRequest) -> Stream:
        """See `Backend.stream`; a stream that is closed early counts with its upper bound."""
        entry = self._entry("stream", request.stage, bound_of_request(request))
        try:
            completion = yield from self._inner.stream(request)
        except BaseException as error:
            entry.fail(error)
            raise
        entry.finish(completion)
        return completion

    def score(self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank") -> Scores:
        """See `Backend.score`; scored tokens are read, not written, and count as prompt tokens."""
        entry = self._entry("score", stage, bound_of_score(prefix, continuations))
        try:
            scores = self._inner.score(prefix, continuations, stage=stage)
        except BaseException as error:
            entry.fail(error)
            raise
        entry.write("ok", Usage(scores.prompt_tokens + scores.scored_tokens, 0))
        return scores

    def close(self) -> None:
        """Closes the backend within. Calls under way, whose callers have given up, are written first."""
        self._ledger.flush()
        super().close()

    def _entry(self, kind: str, stage: str, bound: Usage) -> _Entry:
        user_id = _charged_user.get()  # now, for a stream ends wherever its reader is then
        now_ms = int(self._clock() * 1000)
        blank = LlmCall(now_ms, kind, stage, user_id, self.name, metered=self._price.metered)
        return _Entry(self._ledger, self._price, blank, bound)


class _Entry:
    """One line of the ledger while its call is under way."""

    def __init__(self, ledger: Ledger, price: Price, blank: LlmCall, bound: Usage) -> None:
        self._ledger = ledger
        self._price = price
        self._blank = blank
        self._started = time.perf_counter()
        self.bound = bound
        ledger.open_entry(self)

    def fail(self, error: BaseException) -> None:
        """The call raised. What is no error of ours may have come at any point of it."""
        if isinstance(error, (GeneratorExit, KeyboardInterrupt)):
            return self.abandon()
        uncharged = isinstance(error, LlmError) and not isinstance(error, BackendTimeoutError)
        charged = error.charged if isinstance(error, TransientError) else not uncharged
        self.write(type(error).__name__, self.bound if charged else Usage(0, 0), estimated=charged)

    def abandon(self) -> None:
        """Nobody waits for the call any more, and what it takes will not be heard."""
        self.write("abandoned", self.bound, estimated=True)

    def finish(self, completion: Completion) -> None:
        """The call returned."""
        broken = completion.finish_reason == "error"
        usage = self.bound if broken else Usage(completion.prompt_tokens, completion.output_tokens)
        outcome = "degraded" if completion.degraded else "ok"
        self.write(outcome, usage, estimated=completion.estimated or broken)

    def write(self, outcome: str, usage: Usage, *, estimated: bool = False) -> None:
        """Writes the line; a call that has one keeps it."""
        if not self._ledger.close_entry(self):
            return
        self._ledger.record(
            replace(
                self._blank,
                prompt_tokens=usage.prompt_tokens,
                output_tokens=usage.output_tokens,
                seconds=time.perf_counter() - self._started,
                cost=self._price.cost(usage),
                outcome=outcome,
                estimated=estimated,
            )
        )
