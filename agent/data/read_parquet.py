"""Reading Parquet, in slices of the file, with nested columns turned into JSON text."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from agent.data.readers import Chunk, damage_as_error, line_column, open_bytes
from agent.errors import InputFileError


class ParquetSource:
    """A Parquet file; see `readers.Source`. Row numbers stand for lines."""

    def __init__(self, path: Path, *, shown: Path) -> None:
        self._shown = shown
        self._scan = pl.scan_parquet(path, glob=False)
        with self._damage_as_error():
            self._schema = self._scan.collect_schema()
            self._n_rows = int(self._scan.select(pl.len()).collect().item())

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the file, in its order."""
        return tuple(self._schema.names())

    @property
    def total_rows(self) -> int | None:
        """Number of rows, from the file's footer."""
        return self._n_rows

    def chunks(self, columns: Sequence[str], *, rows: int) -> Iterator[Chunk]:
        """See `readers.Source.chunks`."""
        wanted = self._scan.select(list(dict.fromkeys(columns)))
        line = line_column(self.columns)
        for start in range(0, self._n_rows, rows):
            size = min(rows, self._n_rows - start)
            with self._damage_as_error():
                frame = wanted.slice(start, size).collect()
            lines = pl.int_range(start + 1, start + size + 1, dtype=pl.Int64, eager=True).alias(line)
            yield Chunk(frame.with_columns(*map(_plain, frame.get_columns()), lines))

    @contextmanager
    def _damage_as_error(self) -> Iterator[None]:
        try:
            yield
        except (PolarsError, OSError) as error:
            raise InputFileError(
                f"{self._shown}: expected a whole Parquet file, got one that cannot be read "
                f"({str(error).splitlines()[0]}); fetch or export it again"
            ) from error


def _plain(column: pl.Series) -> pl.Series:
    """Nested and enumerated values as text; everything else as it is."""
    kind = column.dtype
    if isinstance(kind, (pl.List, pl.Array, pl.Struct)):
        texts = [None if entry is None else _to_json(entry) for entry in column.to_list()]
        return pl.Series(column.name, texts, dtype=pl.String)
    if isinstance(kind, (pl.Categorical, pl.Enum)):
        return column.cast(pl.String)
    if isinstance(kind, pl.Decimal):
        return column.cast(pl.Float64)
    if kind == pl.Binary:
        # Writers without text annotation store text as bytes; what is not UTF-8 becomes a missing value.
        return column.cast(pl.String, strict=False)
    return column


def _to_json(entry: Any) -> str:
    def known(value: object) -> str:
        return value.isoformat() if isinstance(value, (date, datetime)) else str(value)

    return json.dumps(entry, ensure_ascii=False, default=known)


@contextmanager
def open_parquet(path: Path, *, zipped: bool) -> Iterator[ParquetSource]:
    """A Parquet source; a gzipped file is unpacked for as long as it is read, since Parquet is read from its end."""
    if not zipped:
        yield ParquetSource(path, shown=path)
        return
    with tempfile.TemporaryDirectory(prefix="driftrec-") as folder:
        plain = Path(folder) / "unpacked.parquet"
        with damage_as_error(path), open_bytes(path, zipped=True) as packed, plain.open("wb") as file:
            shutil.copyfileobj(packed, file, 1 << 20)
        yield ParquetSource(plain, shown=path)
