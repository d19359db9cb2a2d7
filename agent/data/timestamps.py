"""Timestamps of any usual form to milliseconds since 1970 in UTC, value by value, vectorised."""

from __future__ import annotations

from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from agent.errors import SettingsError

MS_FROM: Final = 1e11  # seconds reach this in the year 5138, milliseconds did in March 1973
EARLIEST_MS: Final = 31_536_000_000  # 1971-01-01: anything before is a zero or a broken clock
FUTURE_SLACK_MS: Final = 86_400_000

# [0-9], not \d: that takes the digits of every script, which the conversions after it refuse.
_NUMBER: Final = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?$"
_ISO: Final = (
    r"^(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])"
    r"(?::(?P<second>[0-5][0-9]|60)(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r" ?(?P<zone>[Zz]|(?P<sign>[+-])(?P<zone_hour>[01][0-9]|2[0-3])(?::?(?P<zone_minute>[0-5][0-9]))?)?)?$"
)


def parse_timestamps(column: pl.Series, timezone: str) -> pl.Series:
    """Int64 milliseconds since 1970 in UTC, null for what is missing or cannot be understood.

    Text and numbers: a number of at least 1e11 is milliseconds, a smaller one seconds; anything else is
    read as ISO 8601, with a space for `T` if need be. Decided for each value on its own. Fractions beyond
    the millisecond are cut off. Dates and times without a zone are in `timezone`: of a wall-clock time that
    happened twice the earlier one, and null for one that a clock change left out.

    Args:
        column: text, numbers, dates or datetimes.
        timezone: an IANA name such as `Europe/Berlin`.

    Raises:
        SettingsError: the timezone is unknown.
    """
    check_timezone(timezone)
    kind = column.dtype
    if kind == pl.Date:
        return _localise(column.cast(pl.Datetime("ms")), timezone)
    if isinstance(kind, pl.Datetime):
        if kind.time_zone is not None:
            return column.dt.epoch("ms")
        return _localise(column.cast(pl.Datetime("ms")), timezone)
    if kind.is_numeric():
        return _from_numbers(column)
    texts = column.cast(pl.String, strict=False).str.strip_chars()
    numeric = texts.str.contains(_NUMBER).fill_null(False)
    out = pl.Series(column.name, [None], dtype=pl.Int64).new_from_index(0, len(column))
    if numeric.any():
        out = _from_numbers(texts.set(~numeric, None).cast(pl.Float64, strict=False))
    if not numeric.all():
        out = out.fill_null(_from_iso(texts.set(numeric, None), timezone))
    return out


def check_timezone(timezone: str) -> None:
    """Raises `SettingsError` when no such zone is known."""
    try:
        pl.Series([0], dtype=pl.Datetime("ms")).dt.replace_time_zone(timezone)
    except (PolarsError, ValueError):
        raise SettingsError(
            f"[interactions] timezone: expected an IANA name such as 'Europe/Berlin', got {timezone!r}"
        ) from None


def _from_numbers(column: pl.Series) -> pl.Series:
    numbers = column.cast(pl.Float64)
    frame = pl.DataFrame({"n": numbers})
    in_ms = pl.when(pl.col("n").abs() >= MS_FROM).then(pl.col("n")).otherwise(pl.col("n") * 1000)
    usable = pl.col("n").is_finite() & (pl.col("n").abs() < 9e18)
    return frame.select(
        pl.when(usable).then(in_ms.round().cast(pl.Int64, strict=False)).alias(column.name)
    ).to_series()


def _localise(naive: pl.Series, timezone: str) -> pl.Series:
    zoned = naive.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    return zoned.dt.epoch("ms")


def _from_iso(texts: pl.Series, timezone: str) -> pl.Series:
    parts = texts.str.extract_groups(_ISO).struct.unnest()
    clock = pl.format(
        "{}T{}:{}:{}",
        "date",
        pl.col("hour").fill_null("00"),
        pl.col("minute").fill_null("00"),
        pl.col("second").fill_null("00"),
    )
    fraction = pl.col("fraction").fill_null("0").str.pad_end(3, "0").str.slice(0, 3).cast(pl.Int64)
    offset_min = pl.col("zone_hour").cast(pl.Int64) * 60 + pl.col("zone_minute").fill_null("0").cast(pl.Int64)
    signed = pl.when(pl.col("sign") == "-").then(-offset_min).otherwise(offset_min)
    frame = parts.select(
        clock.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="ms").alias("naive"),
        fraction.alias("fraction"),
        pl.when(pl.col("zone").is_null()).then(None).otherwise(signed.fill_null(0)).alias("offset_min"),
    )
    local = _localise(frame["naive"], timezone)
    zoned_ms = pl.col("naive").dt.epoch("ms") - pl.col("offset_min") * 60_000
    return frame.select(
        (pl.when(pl.col("offset_min").is_null()).then(local).otherwise(zoned_ms) + pl.col("fraction")).alias(
            texts.name
        )
    ).to_series()
