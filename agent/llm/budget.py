"""A hard budget in tokens and money: a call that could exceed it is not made."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from agent.errors import BudgetError
from agent.llm.backend import Backend, Completion, LlmRequest, Scores, Stream
from agent.llm.ledger import CallLog, Ledger, Price
from agent.llm.usage import Usage, bound_of_request, bound_of_score
from agent.llm.wrapper import WrappedBackend
from agent.settings import CostSettings

_DAY_MS: Final = 86_400_000


class Budget:
    """What may still be spent. One budget is shared by every backend that draws on it.

    What is spent is read from the log of calls, so it holds over restarts and for all processes of a
    workspace; calls that wait to be written to it count as well. What is under way in this process counts
    with its upper bound until its true cost is in the log; two processes may together exceed a limit by what
    the other one has under way.
    """

    def __init__(
        self,
        limits: CostSettings,
        calls: CallLog,
        *,
        ledger: Ledger | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._limits = limits
        self._ledger = ledger or Ledger(calls)
        self._calls = calls
        self._clock = clock
        self._price = Price(limits.price_in, limits.price_out)
        self._lock = threading.Lock()
        self._under_way = Usage(0, 0)

    @contextmanager
    def reserved(self, bound: Usage, asked_by: str) -> Iterator[None]:
        """Within the block, so much counts as spent.

        Raises:
            BudgetError: it would exceed a limit.
        """
        with self._lock:
            self._check(bound, asked_by)
            self._add(bound, 1)
        try:
            yield
        finally:
            with self._lock:
                self._add(bound, -1)

    def _add(self, usage: Usage, sign: int) -> None:
        self._under_way = Usage(
            self._under_way.prompt_tokens + sign * usage.prompt_tokens,
            self._under_way.output_tokens + sign * usage.output_tokens,
        )

    def _check(self, bound: Usage, asked_by: str) -> None:
        limits = self._limits
        today_ms = int(self._clock() * 1000) // _DAY_MS * _DAY_MS
        for since_ms, span, most_tokens, most_money in (
            (today_ms, "day", limits.tokens_per_day, limits.money_per_day),
            (0, "total", limits.tokens_total, limits.money_total),
        ):
            if most_tokens is None and most_money is None:
                continue
            # First what waits: a call that is written in between counts twice rather than not at all.
            waiting_tokens, waiting_money = self._ledger.waiting_since(self._calls, since_ms)
            tokens, money = self._calls.spent_since(since_ms)
            tokens += waiting_tokens + self._under_way.tokens
            money += waiting_money + self._price.cost(self._under_way)
            if most_tokens is not None and tokens + bound.tokens > most_tokens:
                raise _exceeded(asked_by, "tokens", span, most_tokens, tokens, bound.tokens)
            cost = self._price.cost(bound)
            if most_money is not None and money + cost > most_money:
                raise _exceeded(asked_by, "money", span, most_money, money, cost)


class BudgetBackend(WrappedBackend):
    """Holds a backend; before each call an upper bound of its cost is set aside in the budget."""

    def __init__(self, inner: Backend, budget: Budget) -> None:
        super().__init__(inner)
        self._budget = budget

    def complete(self, request: LlmRequest) -> Completion:
        """See `Backend.complete`.

        Raises:
            BudgetError: the call could exceed the budget; it was not made.
        """
        with self._budget.reserved(bound_of_request(request), self.name):
            return self._inner.complete(request)

    def stream(self, request: LlmRequest) -> Stream:
        """See `Backend.stream`.

        Raises:
            BudgetError: the call could exceed the budget; it was not made.
        """
        with self._budget.reserved(bound_of_request(request), self.name):
            return (yield from self._inner.stream(request))

    def score(self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank") -> Scores:
        """See `Backend.score`.

        Raises:
            BudgetError: the call could exceed the budget; it was not made.
        """
        with self._budget.reserved(bound_of_score(prefix, continuations), self.name):
            return self._inner.score(prefix, continuations, stage=stage)


def _exceeded(asked_by: str, unit: str, span: str, most: float, spent: float, needed: float) -> BudgetError:
    setting = f"{unit}_per_day" if span == "day" else f"{unit}_total"
    when = "today" if span == "day" else "in all"
    return BudgetError(
        f"{asked_by}: the call was not made: it could take {needed:,.6g}, {spent:,.6g} of "
        f"{most:,.6g} {unit} {when} are spent or set aside; raise llm.cost.{setting}, or wait"
    )
