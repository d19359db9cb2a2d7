"""Moments as people and programs write them."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.errors import SettingsError


def parse_moment(text: str) -> datetime:
    """The aware UTC datetime of an ISO 8601 date or time; without a zone it is UTC.

    Raises:
        SettingsError: not a date.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"expected a date such as 2017-05-01 or 2017-05-01T18:00, got {text!r}") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def to_ms(moment: datetime | None) -> int | None:
    """Milliseconds since 1970 of `moment`; a naive one counts as UTC."""
    if moment is None:
        return None
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return int(aware.timestamp() * 1000)
