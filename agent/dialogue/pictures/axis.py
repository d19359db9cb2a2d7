"""The time axis of the stream, and what stands along it: months, windows, change points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from agent.dialogue.pictures.labels import shorten, spread, text_width
from agent.dialogue.pictures.style import ROLES
from agent.dialogue.pictures.svg import hover, paint, rule, tag, write
from agent.dialogue.pictures.words import Words, counted, day_text, last_day, odds_text, span_text
from agent.schema import ChangePoint, Migration

_DAY_S = 86_400
_LEAST_APART = 52.0
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120)
_MOST_DATED = 8


@dataclass(frozen=True, slots=True)
class Axis:
    """Days since 1970 (UTC) on pixels: `first` lies at `left`, `last` at `right`.

    Months and days are told as they are in `zone`.
    """

    first: float
    last: float
    left: float
    right: float
    zone: tzinfo = UTC

    def at(self, day: float) -> float:
        """Where a moment in days lies; beyond the ends at the ends."""
        part = (min(max(day, self.first), self.last) - self.first) / (self.last - self.first)
        return self.left + part * (self.right - self.left)

    def of(self, moment: datetime) -> float:
        """Where a moment lies; beyond the ends at the ends."""
        return self.at(moment.timestamp() / _DAY_S)

    def ends(self) -> tuple[datetime, datetime]:
        """The moments at both ends."""
        return (
            datetime.fromtimestamp(self.first * _DAY_S, self.zone),
            datetime.fromtimestamp(self.last * _DAY_S, self.zone),
        )


def month_ticks(axis: Axis) -> list[datetime]:
    """Begins of months within the axis, few enough for their names to stand side by side."""
    first, last = axis.ends()
    months = (axis.last - axis.first) / 30.44
    room = max((axis.right - axis.left) / _LEAST_APART, 1.0)
    step = next((step for step in _MONTH_STEPS if months / step <= room), _MONTH_STEPS[-1])
    ticks = []
    number = (first.year * 12 + first.month - 1) // step * step
    while (tick := datetime(number // 12, number % 12 + 1, 1, tzinfo=axis.zone)) <= last:
        if tick >= first - timedelta(days=0.5):
            ticks.append(tick)
        number += step
    return ticks


def draw_axis(axis: Axis, words: Words) -> str:
    """Ticks with the names of months, the year at the first and at every January; days in a short course.

    Its upper edge is at y = 0.
    """
    ticks = month_ticks(axis)
    parts = [rule(axis.left, 0, axis.right, 0)]
    if len(ticks) < 3:
        return "".join(parts) + _draw_ends(axis)
    for position, tick in enumerate(ticks):
        x = axis.of(tick)
        text = words.months[tick.month - 1]
        if tick.month == 1:
            text = f"{tick.year}"
        elif not position:
            text = words.month_of_year.format(month=text, year=tick.year)
        half = text_width(text, 11) / 2
        place = min(max(x, axis.left - 8 + half), axis.right + 8 - half)
        parts += [rule(x, 0, x, 4), write(text, place, 16, size=11, anchor="middle", fill="soft")]
    return "".join(parts)


def _draw_ends(axis: Axis) -> str:
    first, last = axis.ends()
    return write(day_text(first), axis.left, 16, size=11, fill="soft") + write(
        last_day(last), axis.right, 16, size=11, anchor="end", fill="soft"
    )


def draw_windows(migration: Migration, axis: Axis, words: Words) -> str:
    """Brackets over the two windows, with their names and sizes; they take 22 pixels from y = 0."""
    if migration.before is None or migration.after is None:
        return ""
    parts = []
    for (start, end), name, n_sessions in (
        (migration.before, words.before, migration.n_sessions_before),
        (migration.after, words.after, migration.n_sessions_after),
    ):
        left, right = axis.of(start) + 1.5, axis.of(end) - 1.5
        if right - left < 12:
            continue
        full = words.window.format(name=name, sessions=counted(words.n_sessions, n_sessions))
        text = full if text_width(full, 12) <= right - left else name
        dates = span_text(start, end)
        parts.append(
            tag(
                "path",
                d=f"M{left:.1f} 24V20H{right:.1f}V24",
                fill="none",
                class_="soft-line",
                stroke=ROLES["soft"][0],
            )
        )
        shown = shorten(text, 12, right - left)
        parts.append(
            write(shown, (left + right) / 2, 14, anchor="middle", fill="soft", inside=hover(full, dates))
        )
    return "".join(parts)


def draw_changes(
    points: Sequence[ChangePoint], axis: Axis, *, top: float, height: float, words: Words
) -> str:
    """A dashed line at each change point, from `top` down; the strongest carry their day above it."""
    dated = sorted(points, key=lambda point: (-point.log_odds, point.moment))[:_MOST_DATED]
    dated.sort(key=lambda point: point.moment)
    parts = []
    for point in points:
        x = axis.of(point.moment)
        text = hover(day_text(point.moment), words.odds.format(odds=odds_text(point.log_odds)))
        diamond = tag("path", text, d=f"M{x:.1f} {top - 8:.1f}l4.5 4.5l-4.5 4.5l-4.5 -4.5z", **paint("ink"))
        parts.append(rule(x, top, x, top + height, role="ink", dash="2 3") + diamond)
    wanted = [axis.of(point.moment) for point in dated]
    half = text_width("0000-00-00", 10) / 2
    places = spread(wanted, 2 * half, axis.left + half, axis.right - half)
    for point, x in zip(dated, places, strict=True):
        parts.append(write(day_text(point.moment), x, top - 12, size=10, anchor="middle"))
    return "".join(parts)
