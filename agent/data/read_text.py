"""Reading CSV and JSONL: physical lines counted, one bad row never takes others with it."""

from __future__ import annotations

import csv
import io
import json
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

import polars as pl

from agent.data.chunks import ENCODING_REASON, Chunk, Reject, damage_as_error, line_column, open_bytes
from agent.errors import InputFileError

_SAMPLE_ROWS: Final = 50_000


class _TextFile:
    """What CSV and JSONL share: opening, decoding, and the chunk of parsed rows."""

    def __init__(self, path: Path, *, zipped: bool, encoding: str) -> None:
        self._path = path
        self._zipped = zipped
        self._encoding = encoding

    @property
    def total_rows(self) -> int | None:
        """Unknown before the end of a text file."""
        return None

    def _open(self) -> IO[str]:
        raw = open_bytes(self._path, zipped=self._zipped)
        utf8 = self._encoding.lower().replace("_", "-") in ("utf-8", "utf8")
        # Undecodable bytes come through as lone surrogates and are looked for column by column. A strict
        # decoder would end the file at the first of them.
        return io.TextIOWrapper(
            raw,
            encoding="utf-8-sig" if utf8 else self._encoding,
            errors="surrogateescape",
            newline="",
        )

    def _chunk(
        self, columns: Sequence[str], values: list[list[str | None]], lines: list[int], rejects: list[Reject]
    ) -> Chunk:
        """The chunk of `values`, one list per column, after taking out rows with undecodable bytes."""
        bad: dict[int, Reject] = {}
        for name, column in zip(columns, values, strict=True):
            if _is_clean(column):
                continue
            for row, entry in enumerate(column):
                if entry is not None and row not in bad and not _is_clean([entry]):
                    bad[row] = self._undecodable(lines[row], name, entry)
        if bad:
            keep = [row for row in range(len(lines)) if row not in bad]
            values = [[column[row] for row in keep] for column in values]
            lines = [lines[row] for row in keep]
        data = {
            name: pl.Series(name, column, dtype=pl.String)
            for name, column in zip(columns, values, strict=True)
        }
        line = line_column(columns)
        frame = pl.DataFrame({**data, line: pl.Series(line, lines, dtype=pl.Int64)})
        return Chunk(frame, (*rejects, *bad.values()))

    def _undecodable(self, line: int, column: str, entry: str) -> Reject:
        return Reject(
            line=line,
            column=column,
            value=entry.encode("utf-8", "backslashreplace").decode("utf-8"),
            reason=ENCODING_REASON,
            remedy=f"save the file in {self._encoding}, or set encoding to the one it has "
            "(often 'cp1252' or 'gb18030')",
        )

    def _encoding_error(self, error: UnicodeError) -> InputFileError:
        return InputFileError(
            f"{self._path}: expected text in {self._encoding!r}, got bytes that it cannot be ({error}); "
            "set encoding to the one the file has"
        )


def _is_clean(column: Sequence[str | None]) -> bool:
    """Whether every text can be stored, that is, holds no lone surrogate."""
    try:
        "".join([entry for entry in column if entry is not None]).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


class _Records:
    """CSV records with the number of their first line.

    A record that cannot be parsed costs its first line only: a stray quote opens a field that would
    swallow the lines after it, so these are put back and parsed on their own.
    """

    def __init__(self, file: Iterator[str]) -> None:
        self._file = file
        self._pending: deque[str] = deque()
        self._held: list[str] = []
        self._next_line = 1
        self._reader = csv.reader(self._lines(), strict=True)

    def _lines(self) -> Iterator[str]:
        while True:
            text = self._pending.popleft() if self._pending else next(self._file, None)
            if text is None:
                return
            self._held.append(text)
            yield text

    def __iter__(self) -> Iterator[tuple[int, list[str] | Reject]]:
        while True:
            line = self._next_line
            self._held.clear()
            try:
                row = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                first, *rest = self._held
                self._pending.extendleft(reversed(rest))
                self._next_line += 1
                # The file may have ended inside the record; a fresh reader goes on with what was put back.
                self._reader = csv.reader(self._lines(), strict=True)
                yield line, _unparsable(line, first, error)
                continue
            self._next_line += len(self._held)
            if row:
                yield line, row


def _unparsable(line: int, text: str, error: csv.Error) -> Reject:
    return Reject(
        line=line,
        column="",
        value=text.rstrip("\r\n"),
        reason="the line is not valid CSV",
        remedy=f"close the quotes, double the quotes inside a quoted field ({error})",
    )


class CsvSource(_TextFile):
    """A comma-separated file with a header; see `readers.Source`. Blank lines are not rows."""

    def __init__(self, path: Path, *, zipped: bool, encoding: str) -> None:
        super().__init__(path, zipped=zipped, encoding=encoding)
        try:
            with damage_as_error(path), self._open() as file:
                first = next(iter(_Records(file)), None)
        except UnicodeError as error:
            raise self._encoding_error(error) from error
        if first is None or isinstance(first[1], Reject):
            raise InputFileError(f"{path}: expected a header line with column names, got {first!r}; add one")
        self._columns = tuple(name.strip() for name in first[1])
        self._check_header()

    def _check_header(self) -> None:
        only = self._columns[0]
        if len(self._columns) == 1 and (";" in only or "\t" in only):
            raise InputFileError(
                f"{self._path}: expected commas between columns, got the header {only!r}; "
                "export it again with commas"
            )
        twice = sorted({name for name in self._columns if self._columns.count(name) > 1})
        if twice:
            raise InputFileError(f"{self._path}: expected each column once, got {twice!r} twice; rename one")
        if any(0xD800 <= ord(mark) < 0xE000 or mark == "\0" for name in self._columns for mark in name):
            raise InputFileError(
                f"{self._path}: expected a header in {self._encoding!r}, got {self._columns!a}; "
                "set encoding to the one the file has"
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the header."""
        return self._columns

    def chunks(self, columns: Sequence[str], *, rows: int) -> Iterator[Chunk]:
        """See `readers.Source.chunks`."""
        places = [self._columns.index(name) for name in columns]
        try:
            with damage_as_error(self._path), self._open() as file:
                records = islice(_Records(file), 1, None)
                while batch := list(islice(records, rows)):
                    yield self._parse(batch, columns, places)
        except UnicodeError as error:
            raise self._encoding_error(error) from error

    def _parse(
        self, batch: list[tuple[int, list[str] | Reject]], columns: Sequence[str], places: Sequence[int]
    ) -> Chunk:
        width = len(self._columns)
        rejects: list[Reject] = []
        good: list[list[str]] = []
        lines: list[int] = []
        for line, record in batch:
            if isinstance(record, Reject):
                rejects.append(record)
            elif len(record) != width:
                rejects.append(_ragged(line, record, width))
            else:
                good.append(record)
                lines.append(line)
        values: list[list[str | None]] = [[record[place] for record in good] for place in places]
        return self._chunk(columns, values, lines, [_storable(reject) for reject in rejects])


def _ragged(line: int, record: Sequence[str], width: int) -> Reject:
    few = len(record) < width
    return Reject(
        line=line,
        column="",
        value=",".join(record),
        reason=f"the row has too {'few' if few else 'many'} fields",
        remedy=f"the header names {width} columns, the row has {len(record)}: "
        + ("add what is missing" if few else "put quotes around fields that hold commas"),
    )


def _storable(reject: Reject) -> Reject:
    if _is_clean([reject.value]):
        return reject
    value = reject.value.encode("utf-8", "backslashreplace").decode("utf-8")
    return Reject(reject.line, reject.column, value, reject.reason, reject.remedy)


class JsonlSource(_TextFile):
    """One JSON object per line; see `readers.Source`. Blank lines are not rows."""

    def __init__(self, path: Path, *, zipped: bool, encoding: str) -> None:
        super().__init__(path, zipped=zipped, encoding=encoding)
        keys: dict[str, None] = {}
        n_objects = 0
        first: Reject | None = None
        for _, record in islice(self._records(), _SAMPLE_ROWS):
            if isinstance(record, Reject):
                first = first or record
                continue
            n_objects += 1
            keys.update(dict.fromkeys(record))
        if n_objects == 0:
            got = first.value[:80] if first else "nothing"
            raise InputFileError(
                f"{path}: expected one JSON object per line, got {got!r} and no object in "
                f"the first {_SAMPLE_ROWS} lines; rename the file after what it is, or convert it"
            )
        self._columns = tuple(keys)

    @property
    def columns(self) -> tuple[str, ...]:
        """The keys among the first 50,000 rows, in order of appearance."""
        return self._columns

    def _records(self) -> Iterator[tuple[int, dict[str, Any] | Reject]]:
        try:
            with damage_as_error(self._path), self._open() as file:
                for line, text in enumerate(file, start=1):
                    if text.strip():
                        yield line, _parse_object(line, text)
        except UnicodeError as error:
            raise self._encoding_error(error) from error

    def chunks(self, columns: Sequence[str], *, rows: int) -> Iterator[Chunk]:
        """See `readers.Source.chunks`. A key that a row lacks is a missing value."""
        records = self._records()
        while batch := list(islice(records, rows)):
            rejects = [_storable(record) for _, record in batch if isinstance(record, Reject)]
            good = [(line, record) for line, record in batch if not isinstance(record, Reject)]
            values = [[_to_text(record.get(name)) for _, record in good] for name in columns]
            yield self._chunk(columns, values, [line for line, _ in good], rejects)


def _parse_object(line: int, text: str) -> dict[str, Any] | Reject:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        return _no_object(line, text, "the line is not valid JSON", str(error))
    if not isinstance(record, dict):
        return _no_object(line, text, "the line is no JSON object", f"got {type(record).__name__}")
    return record


def _no_object(line: int, text: str, reason: str, detail: str) -> Reject:
    remedy = f'write one object per line, such as {{"user_id": "u1"}} ({detail})'
    return Reject(line=line, column="", value=text.strip(), reason=reason, remedy=remedy)


def _to_text(value: Any) -> str | None:
    """A JSON value as the text it would have in a CSV file; lists and objects as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value:  # NaN is how some writers spell a missing number
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, int):
        return str(value)
    return json.dumps(value, ensure_ascii=False)
