"""Reading CSV, JSONL and Parquet files, each also gzipped, in chunks with exact line numbers.

A file that is not what its name says is an `InputFileError`; a single row that cannot be read is a
`Reject` beside the rows that can, never fatal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agent.data.chunks import Source, damage_as_error, open_bytes
from agent.data.read_parquet import open_parquet
from agent.data.read_text import CsvSource, JsonlSource
from agent.errors import InputFileError, SettingsError

_GZIP_MAGIC: Final = b"\x1f\x8b"
_PARQUET_MAGIC: Final = b"PAR1"
_ZIP_MAGIC: Final = b"PK\x03\x04"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_SUFFIXES: Final = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


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
        with open_parquet(path, zipped=zipped) as source:
            yield source
        return
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
