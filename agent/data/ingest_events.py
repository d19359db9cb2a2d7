"""Storing the events of one file: cleaning a chunk, numbering its ids, inserting what is new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl
from sqlalchemy import Connection

from agent.data.chunks import Chunk, Source
from agent.data.cleaning import Cleaned, EventRules, clean_events, normalise_events
from agent.data.dialect import bulk_insert
from agent.data.duplicates import compute_keys, find_near
from agent.data.mapping import ColumnMapping, resolve_interactions
from agent.data.missing import INTERACTION_POLICIES, MissingRules, check_policies, compute_rules
from agent.data.numbering import Numbering
from agent.data.report import Counters
from agent.data.tables import events, interactions, items, users
from agent.data.timestamps import check_timezone
from agent.data.views import event_weights
from agent.settings import InteractionFile

EVENT_COLUMNS: Final = ("key", "user_no", "item_no", "query", "ts_ms", "event_no", "value")
ITEM_COLUMNS: Final = (
    "item_no",
    "item_id",
    "title",
    "description",
    "categories",
    "domain",
    "text",
    "extra",
    "stub",
    "ingest_no",
)


class EventJob:
    """What is done with each chunk of an event file.

    Raises:
        MappingError: the columns do not fit the file, or a statistic has nothing to rest on.
        SettingsError: a missing-value policy or the timezone makes no sense.
    """

    def __init__(
        self, source: Source, path: Path, *, settings: InteractionFile, now_ms: int, chunk_rows: int
    ) -> None:
        check_timezone(settings.timezone)
        check_policies(settings.missing, INTERACTION_POLICIES, "interactions")
        self._mapping: ColumnMapping = resolve_interactions(settings.columns, source.columns, path)
        self._near_ms = round(settings.near_duplicate_s * 1000)
        self._users = Numbering(users.c.user_no, users.c.user_id)
        self._items = Numbering(items.c.item_no, items.c.item_id)
        self._events = Numbering(events.c.event_no, events.c.event)
        self._rules = EventRules(
            known=frozenset(event_weights(settings)),
            rename={name.strip().lower(): ours.strip().lower() for name, ours in settings.rename.items()},
            timezone=settings.timezone,
            now_ms=now_ms,
            missing=MissingRules(),
        )

        def frames() -> Iterator[pl.DataFrame]:
            for chunk in source.chunks(self.columns, rows=chunk_rows):
                yield normalise_events(self._mapping.apply(chunk.frame), self._rules)

        missing = compute_rules(settings.missing, frames)
        self._rules = EventRules(
            self._rules.known, self._rules.rename, self._rules.timezone, self._rules.now_ms, missing
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the file to read."""
        return self._mapping.wanted

    def clean(self, chunk: Chunk) -> Cleaned:
        """The usable rows of a chunk with their content key, and the rest."""
        cleaned = clean_events(normalise_events(self._mapping.apply(chunk.frame), self._rules), self._rules)
        frame = cleaned.frame.with_columns(compute_keys(cleaned.frame).alias("hash"))
        return Cleaned(frame, cleaned.rejects, cleaned.dropped)

    def store(self, connection: Connection, cleaned: Cleaned, ingest_no: int) -> Counters:
        """Inserts what is new, inside the caller's write transaction."""
        frame = cleaned.frame
        if frame.is_empty():
            return Counters()
        for numbering in (self._users, self._items, self._events):
            numbering.refresh(connection)
        new_users = self._users.assign(_distinct(frame["user_id"]))
        bulk_insert(connection, users, ("user_no", "user_id"), new_users)
        new_events = self._events.assign(_distinct(frame["event"]))
        bulk_insert(connection, events, ("event_no", "event"), new_events)
        stubs = self._items.assign(_distinct(frame["item_id"]))
        rows = [(number, name, name, "", "[]", "", "", "{}", True, ingest_no) for number, name in stubs]
        bulk_insert(connection, items, ITEM_COLUMNS, rows)
        numbered = frame.select(
            pl.col("hash").alias("key"),
            self._users.column(frame["user_id"]).alias("user_no"),
            self._items.column(frame["item_id"]).alias("item_no"),
            "query",
            pl.col("timestamp").alias("ts_ms"),
            self._events.column(frame["event"]).alias("event_no"),
            "value",
        )
        n_near = 0
        if self._near_ms > 0:
            near = find_near(connection, numbered, self._near_ms)
            n_near = int(near.sum())
            numbered = numbered.filter(pl.Series(~near))
        stored = bulk_insert(connection, interactions, EVENT_COLUMNS, numbered.rows())
        return Counters(
            stored=stored,
            duplicates=numbered.height - stored,
            near_duplicates=n_near,
            stub_items=len(stubs),
            new_users=len(new_users),
        )


def _distinct(names: pl.Series) -> list[str]:
    # In order of appearance: numbers must not depend on how a hash table happens to be laid out.
    return names.drop_nulls().unique(maintain_order=True).to_list()
