"""From the columns of a file to ours, as the settings say."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from agent.data.chunks import line_column
from agent.errors import MappingError

LINE: Final = "line"
INTERACTION_COLUMNS: Final = ("user_id", "item_id", "query", "timestamp", "event", "value", "key")
ITEM_COLUMNS: Final = ("item_id", "title", "description", "categories", "domain", "text", "extra")
CONSTANT: Final = "="


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Where each of our columns comes from.

    Attributes:
        columns: ours → the file's.
        constants: ours → the value of every row.
        packed: columns of the file that together make the `extra` object; empty for one JSON column.
    """

    ours: tuple[str, ...]
    columns: Mapping[str, str]
    constants: Mapping[str, str]
    packed: tuple[str, ...] = ()

    @property
    def wanted(self) -> tuple[str, ...]:
        """Columns of the file to read, each once."""
        return tuple(dict.fromkeys([*self.columns.values(), *self.packed]))

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with `line` and all of our columns; one that comes from nowhere is null."""
        expressions = [pl.col(line_column(self.wanted)).alias(LINE)]
        for name in self.ours:
            if name in self.columns:
                expressions.append(pl.col(self.columns[name]).alias(name))
            elif name in self.constants:
                expressions.append(pl.lit(self.constants[name]).alias(name))
            elif name == "extra" and self.packed:
                expressions.append(self._pack(frame))
            else:
                expressions.append(pl.lit(None, dtype=pl.String).alias(name))
        return frame.select(expressions)

    def _pack(self, frame: pl.DataFrame) -> pl.Expr:
        rows = frame.select(self.packed).to_dicts()
        texts = [
            json.dumps({k: v for k, v in row.items() if v not in (None, "")}, ensure_ascii=False, default=str)
            for row in rows
        ]
        return pl.lit(pl.Series("extra", texts, dtype=pl.String)).alias("extra")


def resolve_interactions(columns: Mapping[str, str], found: Sequence[str], path: Path) -> ColumnMapping:
    """The mapping of an event file that has the columns `found`.

    Raises:
        MappingError: a mapped column is not there, or a needed one comes from nowhere.
    """
    mapping = _resolve(columns, found, path, INTERACTION_COLUMNS, "interactions")
    known = {*mapping.columns, *mapping.constants}
    for name, example in (("user_id", "household_id"), ("timestamp", "time"), ("event", "=purchase")):
        if name not in known:
            raise _nowhere(path, name, found, "interactions", example)
    if not known & {"item_id", "query"}:
        raise _nowhere(path, "item_id", found, "interactions", "product_id")
    return mapping


def resolve_items(columns: Mapping[str, str], found: Sequence[str], path: Path) -> ColumnMapping:
    """The mapping of an item file that has the columns `found`.

    Raises:
        MappingError: a mapped column is not there, or id or title come from nowhere.
    """
    mapping = _resolve(columns, found, path, ITEM_COLUMNS, "items")
    known = {*mapping.columns, *mapping.constants}
    for name, example in (("item_id", "product_id"), ("title", "product_name")):
        if name not in known:
            raise _nowhere(path, name, found, "items", example)
    return mapping


def _resolve(
    columns: Mapping[str, str], found: Sequence[str], path: Path, ours: tuple[str, ...], room: str
) -> ColumnMapping:
    unknown = sorted(set(columns) - set(ours))
    if unknown:
        raise MappingError(
            f"[{room}.columns] expected names among {list(ours)!r}, got {unknown!r}; "
            f"{_nearest(unknown[0], ours)}write ours on the left, the file's on the right"
        )
    sources: dict[str, str] = {}
    constants: dict[str, str] = {}
    packed: tuple[str, ...] = ()
    for name in ours:
        source = columns.get(name)
        if source is None:
            if name in found:
                sources[name] = name
        elif source.startswith(CONSTANT):
            constants[name] = source.removeprefix(CONSTANT)
        elif name == "extra" and "," in source and source not in found:
            packed = tuple(part.strip() for part in source.split(",") if part.strip())
        else:
            sources[name] = source
    for name, source in [*sources.items(), *(("extra", part) for part in packed)]:
        if source not in found:
            raise MappingError(
                f"{path}: [{room}.columns] {name} = {source!r} expects a column that is not there; "
                f"{_nearest(source, found)}the file has {list(found)!r}"
            )
    return ColumnMapping(ours, sources, constants, packed)


def _nearest(name: str, names: Sequence[str]) -> str:
    folded = {entry.casefold(): entry for entry in names}
    close = difflib.get_close_matches(name.casefold(), list(folded), n=1)
    return f"did you mean {folded[close[0]]!r}? " if close else ""


def _nowhere(path: Path, name: str, found: Sequence[str], room: str, example: str) -> MappingError:
    return MappingError(
        f"{path}: expected a column {name!r}, the file has {list(found)!r}; "
        f"say where it comes from: [{room}.columns] {name} = {example!r}"
    )
