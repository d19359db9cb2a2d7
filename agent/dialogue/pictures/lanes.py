"""Lanes under the stream: how many sessions a period rests on, and what was rejected when."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.dialogue.pictures.axis import Axis
from agent.dialogue.pictures.style import REJECTED, Role
from agent.dialogue.pictures.svg import Drawing, hover, paint, tag, write
from agent.dialogue.pictures.words import Words, counted, span_text
from agent.schema import DislikeChange, Migration, Timeline

_HEIGHT = 26.0
_STEP = 34.0
_MOST_TITLES = 6


@dataclass(frozen=True, slots=True)
class _Bar:
    """One calendar period of a lane, with what the pointer shows over it."""

    period: tuple[datetime, datetime]
    count: int
    lines: tuple[str, ...]


def draw_sessions(timeline: Timeline, axis: Axis, words: Words) -> Drawing:
    """One bar per calendar period with sessions."""
    bars = [
        _Bar(period, count, (counted(words.n_sessions, count),))
        for period, count in zip(timeline.periods, timeline.sessions, strict=True)
    ]
    return _draw_lane(words.sessions, bars, axis=axis, fill="soft", words=words)


def draw_dislikes(timeline: Timeline, migration: Migration, axis: Axis, words: Words) -> Drawing | None:
    """One bar per calendar period in which something was first rejected; None when nothing ever was.

    What was rejected before the first session or after the last stands at that end.
    """
    if not migration.dislikes:
        return None
    inside: list[list[DislikeChange]] = [[] for _ in timeline.periods]
    starts = [start for start, _ in timeline.periods]
    for entry in migration.dislikes:
        inside[max(bisect_right(starts, entry.since) - 1, 0)].append(entry)
    bars = [
        _Bar(period, len(entries), _titles(entries))
        for period, entries in zip(timeline.periods, inside, strict=True)
    ]
    return _draw_lane(words.dislikes, bars, axis=axis, fill=REJECTED, words=words)


def _titles(entries: Sequence[DislikeChange]) -> tuple[str, ...]:
    more = len(entries) - _MOST_TITLES
    return (*(entry.title for entry in entries[:_MOST_TITLES]), *([f"… (+{more})"] if more > 0 else []))


def _draw_lane(name: str, bars: Sequence[_Bar], *, axis: Axis, fill: Role | str, words: Words) -> Drawing:
    """Bars as high as their counts; the lane's name and its highest count stand beside."""
    most = max(bar.count for bar in bars)
    parts = [write(name, axis.left - 8, _HEIGHT - 1, size=11, anchor="end", fill="soft")]
    for bar in bars:
        if bar.count:
            parts.append(_draw_bar(bar, bar.count / most * _HEIGHT, axis, fill))
    parts.append(write(words.at_most.format(n=most), axis.right + 8, _HEIGHT - 1, size=11, fill="soft"))
    return Drawing(axis.right, _STEP, "".join(parts))


def _draw_bar(bar: _Bar, height: float, axis: Axis, fill: Role | str) -> str:
    start, end = bar.period
    left, right = axis.of(start), axis.of(end)
    inset = 1.0 if right - left > 4 else 0.0
    height = max(height, 1.5)
    return tag(
        "rect",
        hover(span_text(start, end), *bar.lines),
        x=left + inset,
        y=_HEIGHT - height,
        width=max(right - left - 2 * inset, 1.0),
        height=height,
        opacity="0.55",
        **paint(fill),
    )
