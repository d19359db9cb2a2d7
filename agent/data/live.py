"""Events that come one by one: into the store at once, and into memory beside the log that is loaded.

The loaded log stays as it is; what came since is kept per user and laid over their rows. So a new event
counts in milliseconds for the one whose it is; models of everybody learn of it when they are fitted again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Column, Connection, Table, func, select

from agent.data.cleaning import EventRules, clean_events, normalise_events
from agent.data.dialect import bulk_insert
from agent.data.duplicates import compute_keys, find_near
from agent.data.ingest_events import EVENT_COLUMNS, ITEM_COLUMNS
from agent.data.log import Catalogue, InteractionLog
from agent.data.mapping import LINE
from agent.data.missing import MissingRules
from agent.data.store import Store
from agent.data.tables import events, interactions, items, users
from agent.data.views import RATE, SEARCH, RatingScale, event_weights
from agent.errors import DataError
from agent.settings import InteractionFile

_LOOKUP_BATCH: Final = 5_000


class LiveEvent(BaseModel):
    """One event as a caller gives it; names as in event files. Without a timestamp it happened now."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event: str
    item_id: str | None = None
    query: str | None = None
    timestamp: datetime | int | float | str | None = None
    value: float | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of events: what is new, as columns of equal length in order of interaction id.

    Attributes:
        item: item ids, None for a search.
        rejected: for each event that cannot be used, which it is (from 1) and why.
    """

    interaction_id: tuple[int, ...]
    item: tuple[str | None, ...]
    event: tuple[str, ...]
    ts_ms: tuple[int, ...]
    value: tuple[float | None, ...]
    query: tuple[str | None, ...]
    duplicates: int
    rejected: tuple[str, ...]


def append_events(
    store: Store,
    user_id: str,
    given: Iterable[LiveEvent | Mapping[str, Any]],
    settings: InteractionFile,
) -> Appended:
    """Cleans the events of one user as those of a file, and stores what is new in one transaction.

    The same event again changes nothing. A missing value is never filled: statistics belong to a file.

    Raises:
        DataError: an event has an unknown field or a wrong type.
        WorkspaceBusyError: another process keeps writing.
    """
    frame = _frame(user_id, given)
    rules = EventRules(
        known=frozenset(event_weights(settings)),
        rename={name.strip().lower(): ours.strip().lower() for name, ours in settings.rename.items()},
        timezone=settings.timezone,
        now_ms=time.time_ns() // 1_000_000,
        missing=MissingRules(),
    )
    cleaned = clean_events(normalise_events(frame, rules), rules)
    rejected = tuple(
        f"event {reject.line}: {reject.reason}, got {reject.column} {reject.value!r}; {reject.remedy}"
        for reject in cleaned.rejects
    )
    rows = cleaned.frame.with_columns(compute_keys(cleaned.frame).alias("hash"))
    if rows.is_empty():
        return Appended((), (), (), (), (), (), 0, rejected)
    with store.write() as connection:
        new = _insert(connection, rows, near_ms=round(settings.near_duplicate_s * 1000))
    return Appended(
        interaction_id=tuple(new["interaction_id"].to_list()),
        item=tuple(new["item_id"].to_list()),
        event=tuple(new["event"].to_list()),
        ts_ms=tuple(new["timestamp"].to_list()),
        value=tuple(new["value"].to_list()),
        query=tuple(new["query"].to_list()),
        duplicates=rows.height - new.height,
        rejected=rejected,
    )


def _frame(user_id: str, given: Iterable[LiveEvent | Mapping[str, Any]]) -> pl.DataFrame:
    now_ms = time.time_ns() // 1_000_000
    rows = []
    for number, entry in enumerate(given, start=1):
        event = entry if isinstance(entry, LiveEvent) else _checked(number, entry)
        when = now_ms if event.timestamp is None else event.timestamp
        text = when.isoformat() if isinstance(when, datetime) else str(when)
        rows.append(
            (number, user_id, event.item_id, event.query, text, event.event, event.value, event.key or None)
        )
    schema: dict[str, Any] = {LINE: pl.Int64, **dict.fromkeys(_TEXTS, pl.String)}
    return pl.DataFrame(rows, schema={**schema, "value": pl.Float64, "key": pl.String}, orient="row")


_TEXTS: Final = ("user_id", "item_id", "query", "timestamp", "event")


def _checked(number: int, entry: Mapping[str, Any]) -> LiveEvent:
    try:
        return LiveEvent.model_validate(dict(entry))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}, got {problem['input']!r}"
            for problem in error.errors(include_url=False)
        )
        fields = ", ".join(LiveEvent.model_fields)
        raise DataError(f"event {number}: expected fields among {fields}; {problems}") from None


def _insert(connection: Connection, rows: pl.DataFrame, *, near_ms: int) -> pl.DataFrame:
    """The rows that were new, with their interaction ids."""
    user_no = _numbers(connection, users, rows["user_id"].unique().to_list(), ("user_no", "user_id"))
    event_no = _numbers(
        connection, events, rows["event"].unique(maintain_order=True).to_list(), ("event_no", "event")
    )
    names = rows["item_id"].drop_nulls().unique(maintain_order=True).to_list()
    item_no = _numbers(connection, items, names, ("item_no", "item_id"))
    numbered = rows.select(
        pl.col("hash").alias("key"),
        pl.col("user_id").replace_strict(user_no, return_dtype=pl.Int64).alias("user_no"),
        pl.col("item_id").replace_strict(item_no, default=None, return_dtype=pl.Int64).alias("item_no"),
        "query",
        pl.col("timestamp").alias("ts_ms"),
        pl.col("event").replace_strict(event_no, return_dtype=pl.Int64).alias("event_no"),
        "value",
    )
    fresh = numbered["key"].is_first_distinct()
    keys = numbered["key"].to_list()
    fresh &= ~numbered["key"].is_in(list(_stored(connection, keys)))
    if near_ms > 0:
        fresh &= ~pl.Series(find_near(connection, numbered, near_ms))
    kept = numbered.filter(fresh)
    bulk_insert(connection, interactions, EVENT_COLUMNS, kept.select(EVENT_COLUMNS).rows())
    ids = _stored(connection, kept["key"].to_list())
    found = rows.filter(fresh)
    return found.with_columns(
        pl.Series("interaction_id", [ids[key] for key in kept["key"].to_list()], dtype=pl.Int64)
    ).sort("interaction_id")


def _stored(connection: Connection, keys: Sequence[int]) -> dict[int, int]:
    """Interaction id by key, of those keys that are stored."""
    found: dict[int, int] = {}
    for start in range(0, len(keys), _LOOKUP_BATCH):
        statement = select(interactions.c.key, interactions.c.interaction_id).where(
            interactions.c.key.in_(keys[start : start + _LOOKUP_BATCH])
        )
        found.update((int(key), int(number)) for key, number in connection.execute(statement))
    return found


def _numbers(
    connection: Connection, table: Table, names: Sequence[str], columns: tuple[str, str]
) -> dict[str, int]:
    """Number by name; a name without one gets the next, and its row.

    Unlike `Numbering` it reads those asked for only: a call has few names, the table may hold millions.
    """
    number, name = (table.c[column] for column in columns)
    known: dict[str, int] = {}
    for start in range(0, len(names), _LOOKUP_BATCH):
        statement = select(name, number).where(name.in_(names[start : start + _LOOKUP_BATCH]))
        known.update((str(text), int(value)) for text, value in connection.execute(statement))
    missing = [text for text in names if text not in known]
    if missing:
        last = _last(connection, number)
        fresh = [(last + place, text) for place, text in enumerate(missing, start=1)]
        known.update((text, value) for value, text in fresh)
        if table is items:
            stubs = [(value, text, text, "", "[]", "", "", "{}", True, 0) for value, text in fresh]
            bulk_insert(connection, table, ITEM_COLUMNS, stubs)
        else:
            bulk_insert(connection, table, columns, fresh)
    return known


def _last(connection: Connection, number: Column[Any]) -> int:
    return int(connection.execute(select(func.coalesce(func.max(number), 0))).scalar_one())


class LiveEvents:
    """Events observed since the log was loaded, by user. Threads may share it.

    Args:
        base: the loaded log.
        catalogue: gives the item codes; an event on an item it lacks waits for the next load.
        settings: weights of events.
    """

    def __init__(self, base: InteractionLog, catalogue: Catalogue, settings: InteractionFile) -> None:
        self._base = base
        self._catalogue = catalogue
        self._settings = settings
        self._events = base.events
        self._by_user: dict[str, InteractionLog] = {}
        self._rates: list[tuple[int, float]] = []
        self._lock = threading.Lock()
        self.newest_ms = -1
        self.n_events = 0

    def users(self) -> list[str]:
        """Ids of the users observed since the load, sorted."""
        return sorted(self._by_user)

    def of(self, user_id: str) -> InteractionLog | None:
        """What one user did since the load, sorted by time; None for nothing."""
        return self._by_user.get(user_id)

    def over(self, user_id: str, own: InteractionLog) -> InteractionLog:
        """`own`, the loaded rows of that user, with what they did since."""
        extra = self._by_user.get(user_id)
        return own if extra is None else _merge(own, extra, _Over(extra.queries, own.queries))

    def add(self, user_id: str, new: Appended) -> int:
        """Takes in stored events; how many wait because their item is not in the loaded catalogue."""
        codes = self._catalogue.item_codes
        keep = [place for place, name in enumerate(new.item) if name is None or name in codes]
        with self._lock:
            if keep:
                fresh = self._log(user_id, new, keep)
                own = self._by_user.get(user_id)
                queries = {**own.queries, **fresh.queries} if own is not None else fresh.queries
                self._by_user[user_id] = fresh if own is None else _merge(own, fresh, queries)
                self.newest_ms = max(self.newest_ms, int(fresh.timestamp_ms.max()))
                self.n_events += len(keep)
        return len(new.item) - len(keep)

    def _log(self, user_id: str, new: Appended, keep: Sequence[int]) -> InteractionLog:
        for name in new.event:
            if name not in self._events:
                self._events = (*self._events, name)
        codes = self._catalogue.item_codes
        event = np.array([self._events.index(new.event[place]) for place in keep], np.int16)
        item = [-1 if (item_id := new.item[place]) is None else codes[item_id] for place in keep]
        ts_ms = np.array([new.ts_ms[place] for place in keep], np.int64)
        value = np.array([np.nan if (v := new.value[place]) is None else v for place in keep], np.float32)
        ids = np.array([new.interaction_id[place] for place in keep], np.int64)
        searched = np.array([self._events[code] == SEARCH for code in event], np.bool_)
        order = np.lexsort((ids, ts_ms))
        queries = {
            new.interaction_id[place]: text for place in keep if (text := new.query[place]) is not None
        }
        user = self._base.user_codes.get(user_id, self._base.n_users)
        log = InteractionLog(
            user=np.full(len(keep), user, np.int32),
            item=np.where(searched, -1, np.array(item, np.int32)).astype(np.int32),
            timestamp_ms=ts_ms,
            event=event,
            value=value,
            weight=self._weights(event, ts_ms, value),
            interaction_id=ids,
            user_ids=self._base.user_ids,
            events=self._events,
            n_items=self._base.n_items,
            zone=self._base.zone,
        )
        return replace(log.take(order), queries=queries)

    def _weights(
        self, event: NDArray[np.int16], ts_ms: NDArray[np.int64], value: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """As `compute_weights` gives them, the border of low ratings from all that was rated before."""
        table = event_weights(self._settings)
        weight = np.array([table[self._events[code]] for code in event], np.float32)
        rated = np.array([self._events[code] == RATE for code in event], np.bool_)
        if not rated.any():
            return weight
        if self._settings.low_rating is not None:
            weight[rated & (value <= np.float32(self._settings.low_rating))] = -1.0
            return weight
        self._rates += list(zip(ts_ms[rated].tolist(), value[rated].tolist(), strict=True))
        base = (
            self._base.event == self._base.events.index(RATE)
            if RATE in self._base.events
            else np.zeros(len(self._base), np.bool_)
        )
        times = np.concatenate([self._base.timestamp_ms[base], [when for when, _ in self._rates]])
        rates = np.concatenate([self._base.value[base], [rate for _, rate in self._rates]])
        order = np.argsort(times, kind="stable")
        borders = RatingScale.of(rates[order].astype(np.float32)).borders
        # The last rating of that moment: what it knows is what the one asked for knows.
        spots = np.searchsorted(times[order], ts_ms[rated], side="right") - 1
        weight[np.flatnonzero(rated)[value[rated] <= borders[spots]]] = -1.0
        return weight


@dataclass(frozen=True, slots=True)
class _Over(Mapping[int, str]):
    """One mapping laid over another, neither copied: the loaded queries are those of everybody."""

    upper: Mapping[int, str]
    lower: Mapping[int, str]

    def __getitem__(self, key: int) -> str:
        return self.upper[key] if key in self.upper else self.lower[key]

    def __iter__(self) -> Iterator[int]:
        yield from self.lower
        yield from (key for key in self.upper if key not in self.lower)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _merge(own: InteractionLog, extra: InteractionLog, queries: Mapping[int, str]) -> InteractionLog:
    columns = ("user", "item", "timestamp_ms", "event", "value", "weight", "interaction_id")
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(own, name), getattr(extra, name)]) for name in columns
    }
    order = np.lexsort((joined["interaction_id"], joined["timestamp_ms"]))
    return replace(extra, **{name: column[order] for name, column in joined.items()}, queries=queries)
