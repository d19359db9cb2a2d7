"""Where labels go: the room they need, and places where they do not touch."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Widths in em of a wide sans-serif (DejaVu Sans): with a narrower font labels get more room than they need.
_NARROW = frozenset("iljI.,:;'|!()[]/ ·")
_MIDDLE = frozenset('tfrJ-–"*')
_WIDE = frozenset("mwMW@%&—…→")
_EM = {"narrow": 0.38, "middle": 0.46, "wide": 0.98, "capital": 0.74, "other": 0.63}


def text_width(text: str, size: float) -> float:
    """Upper estimate of the width of `text` in pixels, whatever sans-serif font the reader has.

    >>> text_width("编程", 10), text_width("", 10)
    (20.0, 0.0)
    """
    return size * sum(map(_em, text), 0.0)


def _em(char: str) -> float:
    if unicodedata.combining(char):
        return 0.0
    if unicodedata.east_asian_width(char) in "WF":
        return 1.0
    if char in _NARROW:
        return _EM["narrow"]
    if char in _MIDDLE:
        return _EM["middle"]
    if char in _WIDE:
        return _EM["wide"]
    return _EM["capital" if char.isupper() else "other"]


def shorten(text: str, size: float, room: float) -> str:
    """`text` cut to `room` pixels, with an ellipsis where it was cut; empty when nothing fits.

    >>> shorten("Frozen pizza and snacks", 10, 80)
    'Frozen pizza…'
    """
    if text_width(text, size) <= room:
        return text
    left = room - text_width("…", size)
    kept = ""
    for char in text:
        left -= _em(char) * size
        if left < 0:
            break
        kept += char
    return f"{kept.rstrip(' ,:;/')}…" if kept else ""


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places as near to `wanted` as can be, at least `gap` apart, within `[low, high]`.

    The order of `wanted` is kept. Least squares under an order constraint: pool adjacent violators. When
    there is no room for all, they lie closer than `gap`, evenly.

    >>> spread([10.0, 11.0, 50.0], 10, 0, 100)
    [5.5, 15.5, 50.0]
    """
    if not wanted:
        return []
    order = sorted(range(len(wanted)), key=lambda spot: wanted[spot])
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    pools: list[tuple[float, int]] = []
    for rank, spot in enumerate(order):
        pools.append((wanted[spot] - gap * rank, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, n), (b, m) = pools[-2:]
            pools[-2:] = [((a * n + b * m) / (n + m), n + m)]
    top = high - gap * (len(wanted) - 1)
    level = [min(max(value, low), top) for value, count in pools for _ in range(count)]
    placed = [0.0] * len(wanted)
    for rank, spot in enumerate(order):
        placed[spot] = level[rank] + gap * rank
    return placed


@dataclass(frozen=True, slots=True)
class Spot:
    """A free place for a label: its centre, and the free height around it, pixels."""

    x: float
    y: float
    height: float


def find_spot(
    x: NDArray[np.float64],
    top: NDArray[np.float64],
    bottom: NDArray[np.float64],
    *,
    width: float,
    avoid: Sequence[float] = (),
) -> Spot | None:
    """The place inside a band where a box of `width` has most height.

    Args:
        x: `(n,)` ascending, evenly spaced; `top` and `bottom` are the band's edges there, y downwards.
        avoid: places in x that the label must not lie across.

    Returns:
        The place; None when the band is shorter than the label, or has no part of its width free.
    """
    if len(x) < 2:
        return None
    n = int(np.ceil(width / (x[1] - x[0]))) + 1
    if n > len(x):
        return None
    windows = np.lib.stride_tricks.sliding_window_view
    upper, lower = windows(top, n).max(axis=1), windows(bottom, n).min(axis=1)
    height = lower - upper
    left, right = x[: len(height)], x[n - 1 :]
    free = np.ones(len(height), np.bool_)
    for line in avoid:
        free &= (right < line) | (left > line)
    if not free.any():
        return None
    best = int(np.where(free, height, -np.inf).argmax())
    return Spot(
        float(left[best] + right[best]) / 2, float(upper[best] + lower[best]) / 2, float(height[best])
    )
