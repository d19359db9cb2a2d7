"""The columnar snapshot of the interactions: what makes the second load of a large log quick.

An `.npz` file next to the SQLite file. The SQL store stays the truth: a snapshot that does not fit the
store is extended or rebuilt from it, never trusted. Weights are not in it: they follow from settings.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from agent.data.dialect import fetch_tuples
from agent.data.tables import SCHEMA_REVISION, interactions, meta
from agent.errors import StoreError

_FETCH_ROWS: Final = 100_000
_LOGGER: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LogColumns:
    """The interactions as columns of length n, sorted by `(ts_ms, interaction_id)`.

    Attributes:
        item_no: int64, -1 where there is no item.
        value: float32, NaN where there is none.
        query_id: int64 ids of the interactions with a query, ascending; `queries` their texts.
    """

    user_no: NDArray[np.int64]
    item_no: NDArray[np.int64]
    ts_ms: NDArray[np.int64]
    event_no: NDArray[np.int16]
    value: NDArray[np.float32]
    interaction_id: NDArray[np.int64]
    query_id: NDArray[np.int64]
    queries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SnapshotKey:
    """What a snapshot was taken of; two equal keys mean equal interactions, since they are append-only."""

    store_id: str
    revision: str
    newest_id: int
    count: int


def compute_key(connection: Connection) -> SnapshotKey:
    """The key of the interactions as they are now."""
    store_id = connection.execute(select(meta.c.value).where(meta.c.key == "store_id")).scalar_one()
    newest, count = connection.execute(
        select(func.coalesce(func.max(interactions.c.interaction_id), 0), func.count())
    ).one()
    return SnapshotKey(str(store_id), SCHEMA_REVISION, int(newest), int(count))


def load_columns(connection: Connection, path: Path | None) -> LogColumns:
    """The interactions, from the snapshot at `path` as far as it fits and from the store for the rest.

    A missing, broken or foreign snapshot is rebuilt, a shorter one extended; either is then written back.
    None for `path` reads everything from the store.
    """
    key = compute_key(connection)
    held = read_snapshot(path, key, connection) if path is not None else None
    if held is not None and held[0] == key:
        return held[1]
    start = held[0].newest_id if held is not None else 0
    columns = _fetch_after(connection, start)
    if held is not None:
        columns = _merge(held[1], columns)
    if len(columns.ts_ms) != key.count:
        raise StoreError(
            f"expected {key.count} interactions in the store, read {len(columns.ts_ms)}; "
            "the store is damaged: restore a backup, or ingest again into a new one"
        )
    if path is not None:
        try:
            write_snapshot(path, key, columns)
        except OSError as error:
            _LOGGER.warning("%s: the snapshot cannot be written, every load will be slow: %s", path, error)
    return columns


def read_snapshot(
    path: Path, key: SnapshotKey, connection: Connection
) -> tuple[SnapshotKey, LogColumns] | None:
    """Key and columns of the snapshot at `path`; None when it is absent, broken or no part of the store."""
    try:
        # Opened here: NumPy does not close a file that it finds to be no archive.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            held = SnapshotKey(**json.loads(file["key"].tobytes()))
            if not _is_part_of(held, key, connection):
                return None
            arrays: dict[str, Any] = {f.name: file[f.name] for f in fields(LogColumns) if f.name != "queries"}
            columns = LogColumns(**arrays, queries=tuple(json.loads(file["queries"].tobytes())))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        # Whatever is wrong with the file, the store has the same rows: build it anew.
        return None
    return (held, columns) if len(columns.ts_ms) == held.count else None


def _is_part_of(held: SnapshotKey, key: SnapshotKey, connection: Connection) -> bool:
    if held == key:
        return True
    if (held.store_id, held.revision) != (key.store_id, key.revision) or held.newest_id > key.newest_id:
        return False
    older = select(func.count()).where(interactions.c.interaction_id <= held.newest_id)
    return int(connection.execute(older).scalar_one()) == held.count


def write_snapshot(path: Path, key: SnapshotKey, columns: LogColumns) -> None:
    """Writes the snapshot under another name and moves it into place, so that no reader sees half of it."""
    arrays: dict[str, Any] = {
        f.name: getattr(columns, f.name) for f in fields(LogColumns) if f.name != "queries"
    }
    key_json = json.dumps({f.name: getattr(key, f.name) for f in fields(SnapshotKey)}).encode()
    queries_json = json.dumps(columns.queries).encode()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(
                file,
                key=np.frombuffer(key_json, np.uint8),
                queries=np.frombuffer(queries_json, np.uint8),
                **arrays,
            )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _fetch_after(connection: Connection, start: int) -> LogColumns:
    columns = (
        interactions.c.user_no,
        interactions.c.item_no,
        interactions.c.ts_ms,
        interactions.c.event_no,
        interactions.c.value,
        interactions.c.interaction_id,
        interactions.c.query,
    )
    statement = (
        select(*columns).where(interactions.c.interaction_id > start).order_by(interactions.c.interaction_id)
    )
    parts: list[tuple[NDArray[Any], ...]] = []
    queries: dict[int, str] = {}
    for rows in fetch_tuples(connection, statement, size=_FETCH_ROWS):
        user, item, ts, event, value, ids, query = zip(*rows, strict=True)
        parts.append(
            (
                np.array(user, np.int64),
                np.array([-1 if number is None else number for number in item], np.int64),
                np.array(ts, np.int64),
                np.array(event, np.int16),
                np.array(value, np.float32),  # None becomes NaN
                np.array(ids, np.int64),
            )
        )
        queries.update((i, text) for i, text in zip(ids, query, strict=True) if text is not None)
    return _sorted_columns(parts, queries)


def _sorted_columns(parts: list[tuple[NDArray[Any], ...]], queries: Mapping[int, str]) -> LogColumns:
    kinds = (np.int64, np.int64, np.int64, np.int16, np.float32, np.int64)
    if parts:
        user, item, ts, event, value, ids = (np.concatenate(column) for column in zip(*parts, strict=True))
    else:
        user, item, ts, event, value, ids = (np.zeros(0, kind) for kind in kinds)
    order = np.lexsort((ids, ts))
    query_id = np.array(sorted(queries), np.int64)
    return LogColumns(
        user_no=user[order],
        item_no=item[order],
        ts_ms=ts[order],
        event_no=event[order],
        value=value[order],
        interaction_id=ids[order],
        query_id=query_id,
        queries=tuple(queries[number] for number in query_id.tolist()),
    )


def _merge(older: LogColumns, newer: LogColumns) -> LogColumns:
    part_of = [
        (part.user_no, part.item_no, part.ts_ms, part.event_no, part.value, part.interaction_id)
        for part in (older, newer)
    ]
    queries = dict(zip(older.query_id.tolist(), older.queries, strict=True))
    queries.update(zip(newer.query_id.tolist(), newer.queries, strict=True))
    return _sorted_columns(list(part_of), queries)
