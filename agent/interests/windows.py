"""The two windows a migration lies between: halves of the sessions, or days that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agent.data.days import day_name, day_number, day_start_ms
from agent.errors import SettingsError
from agent.interests.sessions import SessionShares


@dataclass(frozen=True, slots=True)
class Windows:
    """Two adjacent windows: `[start, split)` and `[split, end)`, milliseconds UTC, days kept whole."""

    start_ms: int
    split_ms: int
    end_ms: int

    def masks(self, sessions: SessionShares) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which sessions lie in the earlier window, and which in the later."""
        return sessions.between(self.start_ms, self.split_ms), sessions.between(self.split_ms, self.end_ms)


def halve(sessions: SessionShares, *, newest: int | None = None) -> Windows | None:
    """Windows with the same number of sessions each; None with fewer than two sessions.

    Args:
        newest: how many sessions the windows hold at most, the newest; None: all.
    """
    days = sessions.days if newest is None else sessions.days[-newest:]
    if len(days) < 2:
        return None
    start, split, end = int(days[0]), int(days[len(days) // 2]), int(days[-1]) + 1
    return _windows(sessions, start, split, end)


def _windows(sessions: SessionShares, *days: int) -> Windows:
    return Windows(*(day_start_ms(day, sessions.zone) for day in days))


def choose_windows(
    sessions: SessionShares,
    *,
    start_ms: int | None = None,
    split_ms: int | None = None,
    end_ms: int | None = None,
) -> Windows | None:
    """The windows asked for, each moment put to the beginning of its day.

    Without a split the sessions from `start_ms` to before `end_ms` are halved. None where there is nothing
    to split: fewer than two sessions, and not all three moments given.

    Raises:
        SettingsError: not start < split < end, whatever the user's history.
    """
    start, split, end = (
        None if given is None else day_number(given, sessions.zone) for given in (start_ms, split_ms, end_ms)
    )
    _check_order([day for day in (start, split, end) if day is not None])
    if sessions.n_sessions < 2:
        if not sessions.n_sessions or start is None or split is None or end is None:
            return None
    else:
        start = int(sessions.days[0]) if start is None else start
        end = int(sessions.days[-1]) + 1 if end is None else end
        split = _middle(sessions, start, end) if split is None else split
        _check_order([start, split, end])
    return _windows(sessions, start, split, end)


def _middle(sessions: SessionShares, start: int, end: int) -> int:
    """The day that halves the sessions from day `start` to before `end`; of too few, that of the days."""
    inside = sessions.days[(sessions.days >= start) & (sessions.days < end)]
    return int(inside[len(inside) // 2]) if len(inside) > 1 else (start + end) // 2


def _check_order(days: Sequence[int]) -> None:
    if any(later <= earlier for earlier, later in pairwise(days)):
        told = ", ".join(map(day_name, days))
        raise SettingsError(
            f"expected whole days with start < split < end, got {told!r} (a moment within a day stands for "
            "its beginning; what was not given comes from the user's history); give a split between them"
        )
