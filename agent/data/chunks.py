"""What every reader of a file gives: chunks of rows, and the rows that cannot be used."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol, cast

import polars as pl

from agent.errors import InputFileError

ENCODING_REASON: Final = "bytes are not valid in the encoding"


@dataclass(frozen=True, slots=True)
class Reject:
    """One row that cannot be used: where, which column, what stood there, why not, what to do.

    `line` counts from 1 and includes the header of a CSV file; in Parquet it is the row number.
    `column` is ours where a value is at fault, the file's where reading failed, empty for a whole line.
    """

    line: int
    column: str
    value: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next rows of a file: `frame` has the columns asked for and `#line`, `rejects` the rest."""

    frame: pl.DataFrame
    rejects: tuple[Reject, ...] = ()

    @property
    def n_rows(self) -> int:
        """Rows of the file that this chunk covers."""
        return self.frame.height + len(self.rejects)


class Source(Protocol):
    """One open file. Chunks of one size have the same borders at every reading: resuming rests on it."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the file, in its order (JSONL: the keys among its first rows)."""
        ...

    @property
    def total_rows(self) -> int | None:
        """Number of rows where the format tells, else None."""
        ...

    def chunks(self, columns: Sequence[str], *, rows: int) -> Iterator[Chunk]:
        """The file from its beginning, `rows` rows at a time, only those columns.

        Raises:
            InputFileError: the file ends in the middle, or is damaged.
        """
        ...


def line_column(columns: Sequence[str]) -> str:
    """A name for the line number that none of `columns` has."""
    name = "#line"
    while name in columns:
        name += "#"
    return name


def open_bytes(path: Path, *, zipped: bool) -> IO[bytes]:
    """The bytes of a file, unpacked when it is gzipped."""
    return cast("IO[bytes]", gzip.open(path, "rb")) if zipped else path.open("rb")


@contextmanager
def damage_as_error(path: Path) -> Iterator[None]:
    """Turns what a damaged gzip stream raises into an `InputFileError`."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputFileError(
            f"{path}: expected a whole gzip file, got a damaged or truncated one ({error}); "
            "fetch or compress it again; what was read so far is kept and will not be doubled"
        ) from error
