"""Exact and near duplicates: the content key of an event, and the greedy rule for nearness."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, insort
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Table, Text, and_, or_, select

from agent.data.dialect import bulk_insert
from agent.data.tables import RowId, interactions

# Identifiers and queries hold no control characters when they come here, so this one cannot be in them.
_SEPARATOR: Final = "\x1f"

_probe: Final = Table(
    "near_probe",
    MetaData(),
    Column("row_no", Integer, primary_key=True, autoincrement=False),
    Column("key", BigInteger),
    Column("user_no", RowId),
    Column("item_no", RowId),
    Column("query", Text),
    Column("event_no", Integer),
    Column("ts_ms", BigInteger),
    prefixes=["TEMPORARY"],
)


def compute_keys(frame: pl.DataFrame) -> pl.Series:
    """Int64 content key of each clean event: equal for events that agree in everything.

    User, item, query, event, time, value and key count. BLAKE2b, 64 bits: among ten million events the
    chance that any two different ones share a key is 3e-6.
    """
    # The bits of the number, since its text could change with the library that writes it.
    bits = frame["value"].to_numpy().view(np.int64)
    value = pl.Series("value", bits).set(frame["value"].is_null(), None)
    parts = frame.select("user_id", "item_id", "query", "event", "timestamp", value, "key").select(
        pl.concat_str(pl.all().cast(pl.String).fill_null(""), separator=_SEPARATOR)
    )
    blake = hashlib.blake2b
    digests = b"".join([blake(text.encode(), digest_size=8).digest() for text in parts.to_series().to_list()])
    return pl.Series("key", np.frombuffer(digests, "<i8"))


def find_near(connection: Connection, rows: pl.DataFrame, within_ms: int) -> NDArray[np.bool_]:
    """Which of `rows` are near duplicates.

    That is: within `within_ms` of a stored event, or of an earlier row that is kept, of the same user, event
    and item (query, where there is no item). Exact duplicates are not near ones: a row whose key is stored
    or stood before is left to the insert.

    Args:
        connection: inside the write transaction.
        rows: `key, user_no, item_no, query, ts_ms, event_no` in the order of the file.
        within_ms: the window, milliseconds.
    """
    exact, near = _near_stored(connection, rows, within_ms)
    first = rows["key"].is_first_distinct().to_numpy()
    near &= ~exact
    near[_near_each_other(rows, first & ~exact & ~near, within_ms)] = True
    # The repeats of a near duplicate are near ones too: nothing is stored that they could be equal to.
    repeats = rows["key"].is_in(rows["key"].filter(pl.Series(near)).to_list()).to_numpy()
    return np.asarray(near | repeats, np.bool_)


def _near_stored(
    connection: Connection, rows: pl.DataFrame, within_ms: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    exact = np.zeros(rows.height, np.bool_)
    near = np.zeros(rows.height, np.bool_)
    columns = [column.name for column in _probe.columns]
    _probe.create(connection)
    try:
        bulk_insert(connection, _probe, columns, rows.with_row_index("row_no").select(columns).rows())
        held = interactions.c
        same_target = or_(
            held.item_no == _probe.c.item_no,
            and_(_probe.c.item_no.is_(None), held.item_no.is_(None), held.query == _probe.c.query),
        )
        statement = select(_probe.c.row_no, held.key == _probe.c.key).join_from(
            _probe,
            interactions,
            and_(
                held.user_no == _probe.c.user_no,
                held.ts_ms.between(_probe.c.ts_ms - within_ms, _probe.c.ts_ms + within_ms),
                held.event_no == _probe.c.event_no,
                same_target,
            ),
        )
        for row_no, same_key in connection.execute(statement):
            (exact if same_key else near)[row_no] = True
    finally:
        _probe.drop(connection)
    return exact, near


def _near_each_other(rows: pl.DataFrame, eligible: NDArray[np.bool_], within_ms: int) -> list[int]:
    """Row numbers of the eligible rows that are near an earlier eligible row which is not itself near one.

    In the order of the file, so that the result does not depend on where chunks begin.
    """
    target = pl.coalesce(pl.col("item_no").cast(pl.String), pl.lit("?") + pl.col("query"))
    frame = rows.with_row_index("row_no").with_columns(target.alias("target")).filter(pl.Series(eligible))
    group = ["user_no", "event_no", "target"]
    frame = frame.sort([*group, "ts_ms"])
    gap = pl.col("ts_ms").diff().over(group)
    close = (gap <= within_ms).fill_null(False)
    suspects = frame.filter(close | close.shift(-1).fill_null(False)).sort("row_no")
    kept: dict[tuple[int, int, str], list[int]] = {}
    near = []
    for row_no, user, event, name, ts in suspects.select("row_no", *group, "ts_ms").iter_rows():
        times = kept.setdefault((user, event, name), [])
        place = bisect_left(times, ts - within_ms)
        if place < len(times) and times[place] <= ts + within_ms:
            near.append(row_no)
        else:
            insort(times, ts)
    return near
