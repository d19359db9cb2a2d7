"""The ledger of model calls in the store: append-only rows, and what they add up to."""

from __future__ import annotations

import dataclasses
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, case, func, select

from agent.data.store import Store
from agent.data.tables import llm_calls
from agent.schema import LlmCall

CallKey = Literal["stage", "user", "model", "day"]
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class CallTotals:
    """What the calls of one stage, user, model or day add up to.

    Attributes:
        key: the stage, user id, model, or UTC day; an empty user is nobody in particular.
        calls: kept answers included.
        cached: answered from what was kept.
        failed: ended in an error, or were abandoned: nobody heard the answer.
        seconds: waited for the model, summed.
        estimated: calls whose tokens are an upper bound.
    """

    key: str
    calls: int
    cached: int
    failed: int
    prompt_tokens: int
    output_tokens: int
    seconds: float
    cost: float
    estimated: int

    def to_dict(self) -> dict[str, Any]:
        """The totals as JSON-ready data."""
        return asdict(self)


class CallTable:
    """The model calls of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append_call(self, call: LlmCall) -> None:
        """Adds a call.

        Raises:
            StoreError: the store cannot be written now.
        """
        with self._store.write() as connection:
            connection.execute(llm_calls.insert().values(**dataclasses.asdict(call)))

    def spent_since(self, since_ms: int) -> tuple[int, float]:
        """Tokens and money of the metered calls that began at a moment or later."""
        tokens = func.coalesce(func.sum(llm_calls.c.prompt_tokens + llm_calls.c.output_tokens), 0)
        statement = select(tokens, func.coalesce(func.sum(llm_calls.c.cost), 0.0)).where(
            llm_calls.c.metered, llm_calls.c.created_ms >= since_ms
        )
        with self._store.read() as connection:
            row = connection.execute(statement).one()
        return int(row[0]), float(row[1])

    def load_calls(self) -> list[LlmCall]:
        """Every call, oldest first."""
        columns = [llm_calls.c[field.name] for field in dataclasses.fields(LlmCall)]
        with self._store.read() as connection:
            return [
                LlmCall(*row) for row in connection.execute(select(*columns).order_by(llm_calls.c.call_no))
            ]

    def totals(self, by: CallKey) -> list[CallTotals]:
        """What the calls add up to: days in order, the others by cost, then tokens, largest first."""
        sums = (
            func.count(),
            _count(llm_calls.c.cached),
            _count(llm_calls.c.outcome.not_in(("ok", "degraded"))),
            func.sum(llm_calls.c.prompt_tokens),
            func.sum(llm_calls.c.output_tokens),
            func.sum(llm_calls.c.seconds),
            func.sum(llm_calls.c.cost),
            _count(llm_calls.c.estimated),
        )
        key = _key(by)
        with self._store.read() as connection:
            rows = connection.execute(select(key, *sums).group_by(key)).all()
        found = [
            CallTotals(
                key=_name(by, row[0]),
                calls=int(row[1]),
                cached=int(row[2]),
                failed=int(row[3]),
                prompt_tokens=int(row[4]),
                output_tokens=int(row[5]),
                seconds=float(row[6]),
                cost=float(row[7]),
                estimated=int(row[8]),
            )
            for row in rows
        ]
        if by == "day":
            return sorted(found, key=lambda entry: entry.key)
        return sorted(
            found, key=lambda entry: (-entry.cost, -entry.prompt_tokens - entry.output_tokens, entry.key)
        )


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _key(by: CallKey) -> ColumnElement[Any]:
    if by == "day":
        return llm_calls.c.created_ms // DAY_MS
    return llm_calls.c["user_id" if by == "user" else by]


def _name(by: CallKey, value: Any) -> str:
    if by == "day":
        return f"{datetime.fromtimestamp(int(value) * DAY_MS / 1000, UTC):%Y-%m-%d}"
    return str(value)
