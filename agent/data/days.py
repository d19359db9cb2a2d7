"""Days in a zone: the one place that says on which day a moment lies, and when a day begins.

A session is a day as the people of a workspace live it (`interests.day_zone`). Day numbers count from
1970-01-01 in that zone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1)


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo:
    """The zone of an IANA name; `UTC` is `datetime.UTC`, so that what is stored in it reads as ever.

    Raises:
        ValueError, ZoneInfoNotFoundError: there is no such zone.
    """
    return UTC if name == "UTC" else ZoneInfo(name)


def moment(milliseconds: int, zone: str = "UTC") -> datetime:
    """The aware datetime, in `zone`, of `milliseconds` since 1970 UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, zone_of(zone))


def day_number(milliseconds: int, zone: str = "UTC") -> int:
    """Number of the day in `zone` that holds a moment.

    >>> day_number(1_483_228_800_000), day_number(1_483_228_800_000, "America/New_York")  # 2017-01-01T00:00Z
    (17167, 17166)
    """
    if zone == "UTC":
        return milliseconds // DAY_MS
    return moment(milliseconds, zone).toordinal() - _EPOCH.toordinal()


def day_numbers(milliseconds: NDArray[np.int64], zone: str = "UTC") -> NDArray[np.int32]:
    """`(n,)` int32, the same for many moments."""
    if zone == "UTC":
        return (milliseconds // DAY_MS).astype(np.int32)
    import polars as pl  # not at the top: the log's columns need it for no other reason

    utc = pl.Series(milliseconds).cast(pl.Datetime("ms")).dt.replace_time_zone("UTC")
    local = utc.dt.convert_time_zone(zone).dt.date()
    return local.cast(pl.Int32).to_numpy()


@lru_cache(maxsize=65_536)
def day_start(day: int, zone: str = "UTC") -> datetime:
    """When a day begins in `zone`, aware; where clocks skip midnight, at the first moment after it."""
    midnight = datetime.min.replace(tzinfo=zone_of(zone)) + timedelta(
        days=day + _EPOCH.toordinal() - date.min.toordinal()
    )
    # Through UTC and back: 00:00 that does not exist becomes the moment that the clocks show for it.
    return midnight if zone == "UTC" else midnight.astimezone(UTC).astimezone(zone_of(zone))


def day_start_ms(day: int, zone: str = "UTC") -> int:
    """The same in milliseconds since 1970 UTC.

    >>> day_start_ms(17_167, "Asia/Shanghai") - day_start_ms(17_167)
    -28800000
    """
    return day * DAY_MS if zone == "UTC" else round(day_start(day, zone).timestamp() * 1000)


def clock_ahead_ms(milliseconds: int, zone: str = "UTC") -> int:
    """How far the clocks of `zone` are ahead of UTC at a moment, in milliseconds; negative in the west.

    >>> clock_ahead_ms(1_483_228_800_000, "America/New_York") // 3_600_000
    -5
    """
    ahead = moment(milliseconds, zone).utcoffset() or timedelta()
    return round(ahead.total_seconds() * 1000)


def day_name(day: int) -> str:
    """ISO date of a day number, in whatever zone it was counted.

    >>> day_name(17_167)
    '2017-01-01'
    """
    return (_EPOCH + timedelta(days=day)).isoformat()


def as_moment(given: datetime, zone: str = "UTC") -> datetime:
    """`given` as an aware datetime; a naive one is meant in `zone`."""
    return given.replace(tzinfo=zone_of(zone)) if given.tzinfo is None else given
