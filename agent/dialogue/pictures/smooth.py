"""Shares as a smooth course through time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.schema import Timeline

_DAY_S = 86_400
_N_POINTS = 181
# Half-width of the smoothing window: long enough for this many usual pauses between sessions, …
_PAUSES = 4
# … and for this part of the whole course: about a month's width in a year.
_PART_OF_SPAN = 24
# Where sessions are rare it widens until it holds this many, to twice its width at most: on the edge between
# two lone sessions the picture would otherwise jump from one to the other.
_NEAREST = 3
_WIDEST = 2.0


@dataclass(frozen=True, slots=True)
class Course:
    """Shares at evenly spaced moments.

    Attributes:
        days: `(n,)` moments in days since 1970, UTC, from the begin of the first session's day to the end of
            the last one's.
        shares: `(n_facets, n)` 0–1, in the order of the timeline's facets; 0 where nothing is near.
        known: `(n,)` whether any session lies within the smoothing window, before it is widened.
        half_width: of the smoothing window, days; up to twice that where sessions are rare.
    """

    days: NDArray[np.float64]
    shares: NDArray[np.float64]
    known: NDArray[np.bool_]
    half_width: float


def session_days(timeline: Timeline) -> NDArray[np.float64]:
    """`(n_sessions,)` middles of the sessions' days, in days since 1970, UTC."""
    return np.array([day.timestamp() / _DAY_S + 0.5 for day in timeline.days], np.float64)


def smooth_shares(timeline: Timeline) -> Course:
    """The course of a timeline with two sessions or more: locally weighted means of whole sessions.

    Weights are tricube (W. S. Cleveland, 1979, DOI 10.1080/01621459.1979.10481038), so every session counts
    alike wherever it lies, months with few sessions do not jump, and the shares of a moment sum to those of
    its sessions.
    """
    days = session_days(timeline)
    span = float(days[-1] - days[0]) + 1
    pause = float(np.median(np.diff(days)))
    half_width = max(_PAUSES * pause, span / _PART_OF_SPAN, 1.0)
    grid = np.linspace(days[0] - 0.5, days[-1] + 0.5, _N_POINTS)
    apart = np.abs(grid[:, None] - days[None, :])
    nearest = np.sort(apart, axis=1)[:, min(_NEAREST, len(days)) - 1]
    scaled = apart / np.clip(nearest, half_width, _WIDEST * half_width)[:, None]
    weights = (1 - np.minimum(scaled, 1) ** 3) ** 3
    total = weights.sum(axis=1)
    sessions = np.array([facet.session_shares for facet in timeline.facets], np.float64)
    shares = sessions @ (weights / np.maximum(total, 1e-12)[:, None]).T
    known = apart.min(axis=1) < half_width
    return Course(grid, np.where(known, shares, 0.0), known, half_width)
