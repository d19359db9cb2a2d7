"""Storing the items of one file: the later row of an id wins, stubs are filled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, select

from agent.data.chunks import Chunk, Source
from agent.data.cleaning import Cleaned
from agent.data.cleaning_items import COLUMNS, CleanedItems, ItemRules, clean_items, normalise_items
from agent.data.dialect import bulk_upsert
from agent.data.mapping import ColumnMapping, resolve_items
from agent.data.missing import ITEM_POLICIES, check_policies, compute_rules
from agent.data.numbering import Numbering
from agent.data.report import Counters
from agent.data.tables import items
from agent.settings import ItemFile

_LOOKUP_BATCH: Final = 10_000


class ItemJob:
    """What is done with each chunk of an item file.

    Raises:
        MappingError: the columns do not fit the file, or a statistic has nothing to rest on.
        SettingsError: a missing-value policy makes no sense.
    """

    def __init__(self, source: Source, path: Path, *, settings: ItemFile, chunk_rows: int) -> None:
        check_policies(settings.missing, ITEM_POLICIES, "items")
        self._mapping: ColumnMapping = resolve_items(settings.columns, source.columns, path)
        self._numbers = Numbering(items.c.item_no, items.c.item_id)

        def frames() -> Iterator[pl.DataFrame]:
            for chunk in source.chunks(self.columns, rows=chunk_rows):
                yield normalise_items(self._mapping.apply(chunk.frame))

        missing = compute_rules(settings.missing, frames)
        self._rules = ItemRules(settings.category_separator, settings.domain, missing)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the file to read."""
        return self._mapping.wanted

    def clean(self, chunk: Chunk) -> CleanedItems:
        """The usable rows of a chunk, and the rest."""
        return clean_items(normalise_items(self._mapping.apply(chunk.frame)), self._rules)

    def store(self, connection: Connection, cleaned: Cleaned, ingest_no: int) -> Counters:
        """Writes what is new or changed, inside the caller's write transaction."""
        self._numbers.refresh(connection)
        frame = cleaned.frame.unique(subset="item_id", keep="last", maintain_order=True)
        rows = frame.select(COLUMNS).rows()
        held = _held(connection, [row[0] for row in rows])
        self._numbers.assign([row[0] for row in rows])
        written: list[tuple[Any, ...]] = []
        stored = filled = 0
        for row in rows:
            fields, was_stub, writer = held.get(row[0], (None, False, None))
            if fields == row[1:] and not was_stub:
                continue
            written.append((self._numbers.number(row[0]), *row, False, ingest_no))
            filled += was_stub
            # An item that this very file brought before is a row that said the same id twice.
            stored += was_stub or writer != ingest_no
        columns = ("item_no", *COLUMNS, "stub", "ingest_no")
        bulk_upsert(connection, items, columns, written, conflict="item_id")
        untitled = cleaned.untitled if isinstance(cleaned, CleanedItems) else 0
        return Counters(
            stored=stored,
            duplicates=cleaned.frame.height - stored,
            stub_items=filled,
            untitled_items=untitled,
        )


_Held = dict[str, tuple[tuple[Any, ...] | None, bool, int | None]]


def _held(connection: Connection, item_ids: Sequence[str]) -> _Held:
    """Fields, stub flag and last writer of those of `item_ids` that are stored."""
    columns = [items.c[name] for name in COLUMNS]
    held: _Held = {}
    for start in range(0, len(item_ids), _LOOKUP_BATCH):
        batch = item_ids[start : start + _LOOKUP_BATCH]
        statement = select(*columns, items.c.stub, items.c.ingest_no).where(items.c.item_id.in_(batch))
        for row in connection.execute(statement):
            held[row[0]] = (tuple(row[1:-2]), bool(row[-2]), int(row[-1]))
    return held
