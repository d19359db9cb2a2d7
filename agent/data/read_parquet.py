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

from agent.data.chunks import ENCODING_REASON, Chunk, Reject, damage_as_error, line_column, open_bytes
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
            rejects = _undecodable(frame, start)
            plain = frame.with_columns(*map(_plain, frame.get_columns()), lines)
            if rejects:
                plain = plain.filter(~pl.col(line).is_in([entry.line for entry in rejects]))
            yield Chunk(plain, rejects)

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
        # Some writers store text as bytes; rows in which it is not UTF-8 are taken out after this.
        texts = [None if entry is None else entry.decode("utf-8", "replace") for entry in column.to_list()]
        return pl.Series(column.name, texts, dtype=pl.String)
    return column


def _undecodable(frame: pl.DataFrame, start: int) -> tuple[Reject, ...]:
    """A reject for each row with bytes that are no UTF-8 text; `start` rows come before `frame`."""
    bad: dict[int, Reject] = {}
    for name in frame.columns if pl.Binary in frame.dtypes else ():
        for row, entry in enumerate(frame[name].to_list() if frame[name].dtype == pl.Binary else ()):
            try:
                (entry or b"").decode("utf-8")
            except UnicodeDecodeError:
                bad.setdefault(row, _no_text(start + row + 1, name, entry))
    return tuple(bad[row] for row in sorted(bad))


def _no_text(line: int, column: str, entry: bytes) -> Reject:
    return Reject(
        line=line,
        column=column,
        value=entry.decode("utf-8", "backslashreplace"),
        reason=ENCODING_REASON,
        remedy="write the column as text in UTF-8",
    )


def _to_json(entry: Any) -> str:
    def known(value: object) -> str:
        return value.isoformat() if isinstance(value, (date, datetime)) else str(value)

    return json.dumps(entry, ensure_ascii=False, default=known)


@contextmanager
def open_parquet(path: Path, *, zipped: bool) -> Iterator[ParquetSource]:
    """A Parquet source; a gzipped file is unpacked meanwhile, since Parquet is read from its end."""
    if not zipped:
        yield ParquetSource(path, shown=path)
        return
    with tempfile.TemporaryDirectory(prefix="driftrec-") as folder:
        plain = Path(folder) / "unpacked.parquet"
        with damage_as_error(path), open_bytes(path, zipped=True) as packed, plain.open("wb") as file:
            shutil.copyfileobj(packed, file, 1 << 20)
        yield ParquetSource(plain, shown=path)
