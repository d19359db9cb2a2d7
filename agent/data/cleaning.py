"""Cleaning events: what can be used in its final form, and for the rest the reason why not.

Every check is vectorised; a row is rejected for the first check it fails, so that counts add up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from agent.data.chunks import Reject
from agent.data.mapping import LINE
from agent.data.missing import MissingRules
from agent.data.timestamps import EARLIEST_MS, FUTURE_SLACK_MS, parse_timestamps

SEARCH: Final = "search"
MISSING_NUMBERS: Final = ("", "na", "n/a", "nan", "null", "none", "-")
CONTROL: Final = r"\p{Cc}"
_MAX_ID: Final = 512
_RAW: Final = "#raw_"
_PROBLEM: Final = "#problem"


@dataclass(frozen=True, slots=True)
class EventRules:
    """How the events of one file are cleaned.

    Attributes:
        known: lower-case names of the events that have a weight.
        rename: lower-case names of the file → ours.
        now_ms: when the ingest began; what is more than a day later is impossible.
    """

    known: frozenset[str]
    rename: Mapping[str, str]
    timezone: str
    now_ms: int
    missing: MissingRules


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Usable rows, rejected rows, and the number of rows that a `drop` policy left out."""

    frame: pl.DataFrame
    rejects: tuple[Reject, ...]
    dropped: int


@dataclass(frozen=True, slots=True)
class Check:
    """One way a row can fail, and the column of ours whose value goes into the report."""

    column: str
    failing: pl.Expr
    reason: str
    remedy: str


def normalise_events(frame: pl.DataFrame, rules: EventRules) -> pl.DataFrame:
    """The mapped frame with typed columns; null is missing, whatever cannot be understood is null too.

    The file's own values stay beside them as text, for the report.
    """
    raw = pl.col("timestamp", "value", "event").cast(pl.String, strict=False).name.prefix(_RAW)
    times = parse_timestamps(frame["timestamp"], rules.timezone)
    event = id_text(frame["event"]).str.to_lowercase()
    return frame.with_columns(
        raw,
        id_text(frame["user_id"]),
        id_text(frame["item_id"]),
        query_text(id_text(frame["query"])),
        times.alias("timestamp"),
        event.replace(dict(rules.rename)).alias("event"),
        _numbers(frame["value"]),
        id_text(frame["key"]),
    )


def clean_events(frame: pl.DataFrame, rules: EventRules) -> Cleaned:
    """Usable events of a normalised frame: `line, user_id, item_id, query, timestamp, event, value, key`.

    `timestamp` is Int64 milliseconds UTC; `value` Float64, null where there is none.
    """
    frame, dropped = drop_missing(frame, rules.missing, _is_missing_event)
    fills = [
        pl.when(_is_missing_event(name)).then(pl.lit(fill)).otherwise(pl.col(name)).alias(name)
        for name, fill in rules.missing.fills.items()
    ]
    # The event first: whether an item or a query is missing depends on it.
    frame = frame.with_columns([fill for fill in fills if fill.meta.output_name() == "event"])
    frame = frame.with_columns(fills)
    good, rejects = apply_checks(frame, _checks(rules))
    columns = [LINE, "user_id", "item_id", "query", "timestamp", "event", "value", "key"]
    return Cleaned(good.select(columns), rejects, dropped)


def _is_missing_event(name: str) -> pl.Expr:
    """Whether `name` has no value in a row that should have one; what is there but wrong is not missing."""
    if name == "item_id":
        return pl.col(name).is_null() & (pl.col("event") != SEARCH).fill_null(True)
    if name == "query":
        return pl.col(name).is_null() & (pl.col("event") == SEARCH).fill_null(False)
    if name == "timestamp":
        return pl.col(_RAW + name).str.strip_chars().fill_null("") == ""
    if name == "value":
        return pl.col(_RAW + name).str.strip_chars().str.to_lowercase().fill_null("").is_in(MISSING_NUMBERS)
    return pl.col(name).is_null()


def _checks(rules: EventRules) -> list[Check]:
    late = rules.now_ms + FUTURE_SLACK_MS
    time = pl.col("timestamp")
    value = pl.col("value")
    empty = "fill it in the file, or declare what to do under [interactions.missing]"
    is_search = pl.col("event") == SEARCH
    return [
        *id_checks("user_id", required=pl.lit(True), empty=empty),
        Check("event", pl.col("event").is_null(), "event is empty", empty),
        Check(
            "event",
            ~pl.col("event").is_in(list(rules.known)),
            "event has no weight",
            "declare it under [interactions.weights], or rename it under [interactions.rename]",
        ),
        *id_checks("item_id", required=~is_search, empty=empty),
        Check("query", is_search & pl.col("query").is_null(), "query is empty", empty),
        Check("timestamp", _is_missing_event("timestamp"), "timestamp is empty", empty),
        Check(
            "timestamp",
            time.is_null(),
            "timestamp cannot be understood",
            "write seconds or milliseconds since 1970, or ISO 8601 such as 2024-05-01T12:00:00Z",
        ),
        Check(
            "timestamp",
            time < EARLIEST_MS,
            "timestamp is before 1971",
            "correct it in the file; 0 is how some exports spell a missing time",
        ),
        Check(
            "timestamp",
            time > late,
            "timestamp is in the future",
            "correct it in the file; divide microseconds by 1000, and check the clock of what wrote them",
        ),
        Check(
            "value",
            (value.is_null() & ~_is_missing_event("value")) | ~value.is_finite(),
            "value is not a number",
            "write a plain number with a point, such as 4.5, or leave it empty",
        ),
        Check("key", has_control("key"), "key holds control characters", "remove them from the file"),
    ]


def id_checks(name: str, *, required: pl.Expr, empty: str) -> list[Check]:
    """What an identifier has to pass: there, not absurdly long, printable."""
    column = pl.col(name)
    return [
        Check(name, required & column.is_null(), f"{name} is empty", empty),
        Check(name, has_control(name), f"{name} holds control characters", "remove them from the file"),
        Check(
            name,
            column.str.len_chars() > _MAX_ID,
            f"{name} is longer than {_MAX_ID} characters",
            "check the quotes around the fields before it, or the column mapping",
        ),
    ]


def has_control(name: str) -> pl.Expr:
    """Whether a text column holds control characters."""
    return pl.col(name).str.contains(CONTROL)


def drop_missing(
    frame: pl.DataFrame, rules: MissingRules, is_missing: Callable[[str], pl.Expr]
) -> tuple[pl.DataFrame, int]:
    """The rows in which no column under a `drop` policy is missing, and the number of the others."""
    if not rules.drops:
        return frame, 0
    kept = frame.filter(~pl.any_horizontal([is_missing(name) for name in rules.drops]))
    return kept, frame.height - kept.height


def apply_checks(frame: pl.DataFrame, checks: Sequence[Check]) -> tuple[pl.DataFrame, tuple[Reject, ...]]:
    """The rows that pass all checks, and for each of the others the first one it failed."""
    problem = pl.coalesce(
        [pl.when(check.failing.fill_null(False)).then(pl.lit(n, pl.Int16)) for n, check in enumerate(checks)]
    )
    marked = frame.with_columns(problem.alias(_PROBLEM))
    bad = marked.filter(pl.col(_PROBLEM).is_not_null())
    rejects = []
    for row in bad.iter_rows(named=True):
        check = checks[row[_PROBLEM]]
        value = row.get(_RAW + check.column, row[check.column])
        rejects.append(
            Reject(row[LINE], check.column, "" if value is None else str(value), check.reason, check.remedy)
        )
    return marked.filter(pl.col(_PROBLEM).is_null()).drop(_PROBLEM), tuple(rejects)


def id_text(column: pl.Series) -> pl.Series:
    """A column of identifiers as text, outer white space removed, null where empty.

    Whole floats lose their point: a column of integers with gaps comes as floats from many writers.
    """
    if column.dtype.is_float():
        whole = column.is_finite() & (column == column.round()) & (column.abs() < 2**53)
        as_int = column.set(~whole.fill_null(False), None).cast(pl.Int64).cast(pl.String)
        column = as_int.fill_null(column.set(column.is_nan(), None).cast(pl.String))
    texts = column.cast(pl.String, strict=False).str.strip_chars()
    return texts.set(texts == "", None)


def query_text(column: pl.Series) -> pl.Series:
    """Text on one line: NFC, control characters removed, white space collapsed, null where empty."""
    if column.null_count() == len(column):
        return column
    texts = (
        column.str.replace_all(r"\s+", " ")
        .str.replace_all(CONTROL, "")
        .str.strip_chars()
        .str.normalize("NFC")
    )
    return texts.set(texts == "", None)


def _numbers(column: pl.Series) -> pl.Series:
    """Float64, null for what is missing or no number; NaN counts as missing, and −0 becomes 0."""
    if not column.dtype.is_numeric():
        column = column.cast(pl.String, strict=False).str.strip_chars()
    numbers = column.cast(pl.Float64, strict=False)
    return numbers.set(numbers.is_nan(), None).set(numbers == 0, 0.0)
