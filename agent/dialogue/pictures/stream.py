"""The stream: shares of the facets through time, stacked, with what happened when."""

from __future__ import annotations

from datetime import UTC

import numpy as np
from numpy.typing import NDArray

from agent.dialogue.pictures.axis import Axis, draw_axis, draw_changes, draw_windows
from agent.dialogue.pictures.choose import Choice, Shown
from agent.dialogue.pictures.lanes import draw_dislikes, draw_sessions
from agent.dialogue.pictures.smooth import Course, session_days, smooth_shares
from agent.dialogue.pictures.stream_labels import (
    Band,
    Inside,
    Side,
    course_text,
    draw_inside,
    draw_outside,
    place_labels,
    room_beside,
)
from agent.dialogue.pictures.style import ROLES, Role
from agent.dialogue.pictures.svg import Drawing, hover, paint, rule, shift, tag, write
from agent.dialogue.pictures.words import Words, counted
from agent.interests.words import percent
from agent.schema import Migration, Timeline

WIDTH = 960.0
_TOP = 50.0
_HEIGHT = 340.0
_PAD = 16.0
# Beside the stream, at the least.
_BARE: dict[Side, float] = {"left": 86.0, "right": 84.0}
_MOST_PERIODS = 24


def can_draw(timeline: Timeline) -> bool:
    """Whether there is a course to draw: two sessions, and an interest."""
    return len(timeline.days) > 1 and bool(timeline.facets)


def draw_stream(timeline: Timeline, migration: Migration, choice: Choice, words: Words) -> Drawing:
    """The stream of a user with two sessions or more; otherwise a line that says there are too few."""
    if not can_draw(timeline):
        return Drawing(WIDTH, 60, write(words.too_little, 16, 36, size=14, fill="soft"))
    course = smooth_shares(timeline)
    bands, rest = _stack(course, choice)
    axis, inside, outside = _lay_out(bands, course, timeline, migration)
    x = _pixels(axis, course)
    floor = _TOP + _HEIGHT
    body = [_draw_levels(axis)]
    for band in bands:
        text = hover(*_band_lines(band.entry, timeline, words))
        body.append(_draw_area(x, band.top, band.bottom, course.known, fill=band.entry.colour, inside=text))
    other = hover(counted(words.other, choice.n_other))
    body.append(_draw_area(x, rest, np.full(len(x), floor), course.known, fill="rest", inside=other))
    if migration.before is not None:
        split = axis.of(migration.before[1])
        body.append(rule(split, _TOP, split, floor, role="paper"))
    body.append(draw_changes(migration.change_points, axis, top=_TOP, height=_HEIGHT, words=words))
    body += [draw_inside(label) for label in inside]
    body.append(
        draw_outside(outside, "left", edge=axis.left, room=axis.left, top=_TOP, bottom=floor)
        + draw_outside(outside, "right", edge=axis.right, room=WIDTH - axis.right, top=_TOP, bottom=floor)
    )
    body.append(draw_windows(migration, axis, words))
    body.append(shift(draw_axis(axis, words), 0, floor))
    y = floor + 26
    for lane in (draw_sessions(timeline, axis, words), draw_dislikes(timeline, migration, axis, words)):
        if lane is not None:
            body.append(shift(lane.body, 0, y))
            y += lane.height
    note = words.stream_note.format(days=f"{course.half_width:.0f}", most=f"{2 * course.half_width:.0f}")
    if migration.change_points:
        note = f"{note}{words.points_note}"
    body.append(write(note, _PAD, y + 8, size=11, fill="soft"))
    y += 16
    return Drawing(WIDTH, y, "".join(body))


def _stack(course: Course, choice: Choice) -> tuple[list[Band], NDArray[np.float64]]:
    """The bands from the top, and the upper edge of what is left below them."""
    edge = np.full(len(course.days), _TOP)
    bands = []
    for entry in choice.shown:
        lower = edge + course.shares[entry.spot] * _HEIGHT
        bands.append(Band(entry, edge, lower))
        edge = lower
    return bands, edge


def _pixels(axis: Axis, course: Course) -> NDArray[np.float64]:
    return np.array([axis.at(day) for day in course.days])


def _lay_out(
    bands: list[Band], course: Course, timeline: Timeline, migration: Migration
) -> tuple[Axis, list[Inside], list[Band]]:
    """The axis and the names: a side is widened when a name has to stand there, which narrows the stream."""
    days = session_days(timeline)
    margins = dict(_BARE)
    lined = [point.moment for point in migration.change_points]
    lined += [migration.before[1]] if migration.before is not None else []
    while True:
        right = WIDTH - margins["right"]
        axis = Axis(days[0] - 0.5, days[-1] + 0.5, margins["left"], right, timeline.days[0].tzinfo or UTC)
        lines = [axis.of(moment) for moment in lined]
        inside, outside = place_labels(bands, _pixels(axis, course), lines)
        wider = {side: max(room, room_beside(outside, side)) for side, room in margins.items()}
        if wider == margins:
            return axis, inside, outside
        margins = wider


def _draw_levels(axis: Axis) -> str:
    """The scale of shares at the left end of the stream."""
    parts = []
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _TOP + _HEIGHT * (1 - part)
        parts.append(rule(axis.left - 4, y, axis.left, y, role="soft"))
        # Between the ends names may stand here.
        if part in (0.0, 1.0):
            parts.append(write(f"{part:.0%}", axis.left - 6, y + 4, size=10, anchor="end", fill="soft"))
    return "".join(parts)


def _draw_area(
    x: NDArray[np.float64],
    top: NDArray[np.float64],
    bottom: NDArray[np.float64],
    known: NDArray[np.bool_],
    *,
    fill: Role | str,
    inside: str,
) -> str:
    """The area between two edges, with a hole wherever nothing is known."""
    starts = np.flatnonzero(known & ~np.concatenate([[False], known[:-1]]))
    ends = np.flatnonzero(known & ~np.concatenate([known[1:], [False]])) + 1
    path = []
    for start, end in zip(starts, ends, strict=True):
        there = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x[start:end], top[start:end], strict=True))
        back = " ".join(
            f"{a:.1f},{b:.1f}" for a, b in zip(x[start:end][::-1], bottom[start:end][::-1], strict=True)
        )
        path.append(f"M{there}L{back}Z")
    colours = paint(fill)
    line: dict[str, str | float | None] = {
        "stroke": ROLES["paper"][0],
        "stroke_width": 0.9,
        "stroke_linejoin": "round",
    }
    colours["class_"] = f"{colours.get('class_') or ''} paper-line".strip()
    return tag("path", inside, d="".join(path), **line, **colours)


def _band_lines(entry: Shown, timeline: Timeline, words: Words) -> list[str]:
    """What the pointer shows over a band: name, kind, shares, significance, then the latest periods."""
    lines = [entry.label, f"{words.kinds[entry.kind]}, {course_text(entry)}"]
    if entry.change is not None:
        lines.append(f"p = {entry.change.p_value:.4f}, q = {entry.change.q_value:.3f}")
    periods = list(zip(timeline.periods, entry.facet.shares, timeline.sessions, strict=True))
    lines += [f"{start:%Y-%m}: {percent(share)}" for (start, _), share, n in periods[-_MOST_PERIODS:] if n]
    return lines
