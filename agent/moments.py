"""Moments as people and programs write them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from agent.errors import SettingsError


def parse_moment(text: str) -> datetime:
    """The datetime of an ISO 8601 date or time; without a zone it is naive: `to_ms` says whose day it is.

    Raises:
        SettingsError: not a date.
    """
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"expected a date such as 2017-05-01 or 2017-05-01T18:00, got {text!r}") from None


def to_ms(moment: datetime | None, zone: str = "UTC") -> int | None:
    """Milliseconds since 1970 UTC of `moment`; a naive one is meant in `zone`."""
    if moment is None:
        return None
    aware = moment.replace(tzinfo=ZoneInfo(zone)) if moment.tzinfo is None else moment
    return int(aware.timestamp() * 1000)
