"""Names in the stream: inside a band where it is thick enough, else beside it with a line to it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agent.dialogue.pictures.choose import Shown
from agent.dialogue.pictures.labels import Spot, find_spot, shorten, spread, text_width
from agent.dialogue.pictures.style import text_on
from agent.dialogue.pictures.svg import hover, mark, tag, write
from agent.interests.words import percent

Side = Literal["left", "right"]

_LINE = 15.0
_MARK = 13.0
_SHORT = 130.0
_SHORTEST = 84.0
# Between the stream's end and a name beside it.
_REACH = {"left": 30.0, "right": 22.0}
_MOST_ROOM = 290.0
# Heights, in font sizes, in which a name sits well, and in which it still fits.
_EASE, _LEAST = 2.2, 1.3
# A line to a thinner end than this, in pixels, would lead to nothing.
_THIN_END = 2.0
# The part of the course at either end that decides on which side a thin band is named.
_END = 0.08


@dataclass(frozen=True, slots=True)
class Band:
    """One facet's edges in the stream, `(n,)` pixels, y downwards."""

    entry: Shown
    top: NDArray[np.float64]
    bottom: NDArray[np.float64]

    def ends(self) -> tuple[float, float]:
        """Its thickness at the left and at the right end, pixels."""
        thickness = self.bottom - self.top
        return float(thickness[0]), float(thickness[-1])

    def side(self) -> Side:
        """The end at which the band is thicker, of it and what lies near."""
        thickness = self.bottom - self.top
        n = max(int(len(thickness) * _END), 1)
        return "left" if thickness[:n].mean() > thickness[-n:].mean() else "right"


@dataclass(frozen=True, slots=True)
class Inside:
    """A name inside its band."""

    band: Band
    spot: Spot
    text: str
    size: float


def course_text(entry: Shown) -> str:
    """`3% → 11%` for what moved, the share for what stayed."""
    if not entry.moved:
        return percent((entry.before + entry.after) / 2)
    return f"{percent(entry.before)} → {percent(entry.after)}"


def _with_shares(label: str, shares: str) -> str:
    """A name and its shares on one line; after a name from right to left a mark keeps them in order."""
    mark_after = "\N{LEFT-TO-RIGHT MARK}" if any(map(_from_right, label)) else ""
    return f"{label}{mark_after}  {shares}"


def _from_right(char: str) -> bool:
    return unicodedata.bidirectional(char) in ("R", "AL")


def place_labels(
    bands: Sequence[Band], x: NDArray[np.float64], avoid: Sequence[float]
) -> tuple[list[Inside], list[Band]]:
    """The names that find room inside their bands, and the bands whose names do not."""
    inside, outside = [], []
    for band in bands:
        found = _try_inside(band, x, avoid)
        if found is None:
            outside.append(band)
        else:
            inside.append(found)
    return inside, outside


def _try_inside(band: Band, x: NDArray[np.float64], avoid: Sequence[float]) -> Inside | None:
    """With its shares if they fit; without them, or cut, only where no line from outside would reach it."""
    label, shares = band.entry.label, course_text(band.entry)
    found = _fit(band, x, avoid, [(size, _with_shares(label, shares)) for size in (14.0, 12.0, 11.0)])
    if found is not None or max(band.ends()) >= _THIN_END:
        return found
    bare = [
        (12.0, label),
        (11.0, label),
        (11.0, shorten(label, 11, _SHORT)),
        (10.0, shorten(label, 10, _SHORTEST)),
    ]
    return _fit(band, x, avoid, bare)


def _fit(
    band: Band, x: NDArray[np.float64], avoid: Sequence[float], forms: Sequence[tuple[float, str]]
) -> Inside | None:
    """The first form that has room, off the lines to `avoid` if it can be, and at ease if it can be."""
    for lines in (avoid, ()):
        for height in (_EASE, _LEAST):
            for size, text in forms:
                width = text_width(text, size) + _MARK + 10
                spot = find_spot(x, band.top, band.bottom, width=width, avoid=lines)
                if spot is not None and spot.height >= height * size:
                    return Inside(band, spot, text, size)
    return None


def draw_inside(label: Inside) -> str:
    """A name with its mark, in black or white after the band's colour."""
    entry = label.band.entry
    ink = text_on(entry.colour)
    left = label.spot.x - (text_width(label.text, label.size) + _MARK) / 2
    baseline = label.spot.y + label.size * 0.36
    return tag(
        "g",
        mark(entry.kind, left, label.spot.y - 4.5, fill=ink)
        + write(label.text, left + _MARK, baseline, size=label.size, fill=ink, halo=entry.colour),
        pointer_events="none",
    )


def room_beside(bands: Sequence[Band], side: Side) -> float:
    """Pixels that the names of `bands` need on a side; 0 without any, and no more than can be spared."""
    widths = [
        text_width(_with_shares(band.entry.label, course_text(band.entry)), 11)
        for band in bands
        if band.side() == side
    ]
    return min(max(widths) + _REACH[side] + _MARK + 16, _MOST_ROOM) if widths else 0.0


def draw_outside(
    bands: Sequence[Band], side: Side, *, edge: float, room: float, top: float, bottom: float
) -> str:
    """The names of bands beside the stream, kept apart, each with a line to the end of its band.

    Args:
        edge: x of the stream's end on that side.
        room: from there to the border of the drawing, pixels.
    """
    here = [band for band in bands if band.side() == side]
    spot = 0 if side == "left" else -1
    wanted = [float(band.top[spot] + band.bottom[spot]) / 2 for band in here]
    places = spread(wanted, _LINE, top + 6, bottom - 6)
    away = -1 if side == "left" else 1
    parts = []
    for band, target, y in zip(here, wanted, places, strict=True):
        entry = band.entry
        reach = _REACH[side]
        shares = course_text(entry)
        space = room - reach - 8 - _MARK - text_width(f"  {shares}", 11)
        text = _with_shares(shorten(entry.label, 11, space), shares)
        end = edge + away * reach
        parts.append(
            tag(
                "path",
                d=f"M{edge:.1f} {target:.1f}L{edge + away * 4:.1f} {target:.1f}"
                f"L{end - away * 4:.1f} {y:.1f}H{end:.1f}",
                fill="none",
                stroke=entry.colour,
                stroke_width=1.3,
            )
        )
        anchor = "end" if side == "left" else "start"
        mark_x = end - 13 if side == "left" else end + 4
        name_x = end - 4 - _MARK if side == "left" else end + 4 + _MARK
        parts.append(mark(entry.kind, mark_x, y - 4.5, fill=entry.colour))
        parts.append(write(text, name_x, y + 4, size=11, anchor=anchor, inside=hover(entry.label, shares)))
    return "".join(parts)
