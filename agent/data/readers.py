"""Reading CSV, JSONL and Parquet files, each also gzipped, in chunks with exact line numbers.

A file that is not what its name says is an `InputFileError`; a single row that cannot be read is a
`Reject` beside the rows that can, never fatal.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol, cast

import polars as pl

from agent.errors import InputFileError, SettingsError

ENCODING_REASON: Final = "bytes are not valid in the encoding"
_GZIP_MAGIC: Final = b"\x1f\x8b"
_PARQUET_MAGIC: Final = b"PAR1"
_ZIP_MAGIC: Final = b"PK\x03\x04"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_SUFFIXES: Final = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


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


@contextmanager
def open_source(path: Path, *, encoding: str = "utf-8") -> Iterator[Source]:
    """The file at `path` as a source; its format follows from the name and is checked against the content.

    Raises:
        InputFileError: missing, empty, of an unknown kind, or not what its name says.
        SettingsError: unknown encoding.
    """
    kind, zipped = check_path(path)
    check_encoding(encoding)
    head = _read_head(path, zipped)
    _check_head(path, kind, head, encoding)
    if kind == "parquet":
        from agent.data.read_parquet import open_parquet

        with open_parquet(path, zipped=zipped) as source:
            yield source
        return
    from agent.data.read_text import CsvSource, JsonlSource

    reader = CsvSource if kind == "csv" else JsonlSource
    yield reader(path, zipped=zipped, encoding=encoding)


def check_encoding(encoding: str) -> None:
    """Raises `SettingsError` when Python knows no such text encoding."""
    try:
        "".encode(encoding)
    except LookupError:
        raise SettingsError(
            f"expected a text encoding such as 'utf-8' or 'gb18030', got {encoding!r}; set encoding"
        ) from None


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


def check_path(path: Path) -> tuple[str, bool]:
    """Format (`csv`, `jsonl`, `parquet`) of the file by its name, and whether it is gzipped.

    Raises:
        InputFileError: there is no such file, or the name tells no format.
    """
    if not path.is_file():
        raise InputFileError(f"{path}: expected a file, found none; check the path")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    zipped = bool(suffixes) and suffixes[-1] == ".gz"
    last = (suffixes[-2:-1] if zipped else suffixes[-1:]) or [""]
    kind = _SUFFIXES.get(last[0])
    if kind is None:
        raise InputFileError(
            f"{path}: expected a name ending in .csv, .jsonl or .parquet (or one of these and .gz), "
            f"got {path.name!r}; rename or convert it"
        )
    return kind, zipped


def _read_head(path: Path, zipped: bool) -> bytes:
    with path.open("rb") as raw:
        magic = raw.read(2)
    if magic and zipped and magic != _GZIP_MAGIC:
        raise InputFileError(
            f"{path}: expected gzip after the name, got {magic!r}; remove '.gz' from the name"
        )
    if not zipped and magic == _GZIP_MAGIC:
        raise InputFileError(
            f"{path}: expected plain content after the name, got gzip; add '.gz' to the name"
        )
    with damage_as_error(path), open_bytes(path, zipped=zipped) as file:
        head = file.read(65536)
    if not head.strip(b"\xef\xbb\xbf\r\n\t "):
        raise InputFileError(f"{path}: expected rows, got an empty file; fetch or export it again")
    return head


def _check_head(path: Path, kind: str, head: bytes, encoding: str) -> None:
    is_parquet = head.startswith(_PARQUET_MAGIC)
    if kind == "parquet":
        if not is_parquet:
            raise InputFileError(
                f"{path}: expected Parquet after the name, got content that begins with {head[:8]!r}; "
                "rename the file after what it is, or convert it"
            )
        return
    if is_parquet:
        raise InputFileError(f"{path}: expected text after the name, got Parquet; rename it to .parquet")
    if head.startswith(_ZIP_MAGIC):
        raise InputFileError(
            f"{path}: expected text after the name, got a ZIP archive (a spreadsheet is one too); "
            "unpack it, or export it as CSV in UTF-8"
        )
    if head.startswith(_UTF16_MARKS) and "16" not in encoding:
        raise InputFileError(f"{path}: expected text in {encoding!r}, got UTF-16; set encoding = 'utf-16'")
    first = head.lstrip(b"\xef\xbb\xbf\r\n\t ")[:1]
    if kind == "csv" and first in (b"{", b"["):
        raise InputFileError(
            f"{path}: expected CSV after the name, got JSON; use one object per line in .jsonl"
        )
    if kind == "jsonl" and first == b"[":
        raise InputFileError(
            f"{path}: expected one JSON object per line, got an array; write each entry on a line"
        )
