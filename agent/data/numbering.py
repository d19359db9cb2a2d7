"""Numbers for ids: users, items and events get consecutive ones from 1, in order of first appearance."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from sqlalchemy import Column, Connection, select


class Numbering:
    """The numbers of one table, kept in memory while a file is ingested.

    `refresh` reads what other processes added; call it at the start of each write transaction. After a
    rollback the object must not be used again.
    """

    def __init__(self, number: Column[int], name: Column[str]) -> None:
        self._number = number
        self._name = name
        self._known: dict[str, int] = {}
        self._last = 0

    def refresh(self, connection: Connection) -> None:
        """Takes in rows added since the last call."""
        statement = select(self._name, self._number).where(self._number > self._last).order_by(self._number)
        for name, number in connection.execute(statement):
            self._known[name] = self._last = number

    def assign(self, names: Sequence[str]) -> list[tuple[int, str]]:
        """Numbers the names that have none; `(number, name)` of these, in the order given."""
        new = []
        for name in names:
            if name not in self._known:
                self._last += 1
                self._known[name] = self._last
                new.append((self._last, name))
        return new

    def number(self, name: str) -> int:
        """The number of a name that has one."""
        return self._known[name]

    def column(self, names: pl.Series) -> pl.Series:
        """Int64 numbers of a column of names; null stays null."""
        distinct = names.unique().drop_nulls()
        numbers = pl.Series([self._known[name] for name in distinct.to_list()], dtype=pl.Int64)
        return names.replace_strict(distinct, numbers, default=None, return_dtype=pl.Int64)
