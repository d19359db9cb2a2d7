"""Facets through time: activity per session and per calendar period, and when each interest was valid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agent.data.days import day_number, day_start
from agent.interests.frame import FacetFrame
from agent.interests.sessions import SessionShares
from agent.schema import FacetTimeline, PeriodUnit, Timeline, UserId

# A pause ends a spell when chance gives one as long less often than this.
_SPELL_CHANCE = 0.01
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def find_spells(
    active: NDArray[np.bool_], *, interlude: tuple[int, int] | None = None
) -> list[tuple[int, int]]:
    """First and last position of each spell of activity, in order.

    A pause ends a spell when shuffled days would give one as long, anywhere, in less than 1 % of cases: what
    is usual for a facet of that rate is no pause.

    Args:
        active: `(n_sessions,)`, in time order.
        interlude: positions `[begin, end)` of sessions in which the interest is known to have been away: they
            end a spell, and stray activity in them belongs to none.

    >>> find_spells(np.array([True, True, False, False, True]), interlude=(2, 4))
    [(0, 1), (4, 4)]
    """
    spots = np.flatnonzero(active)
    if interlude is not None:
        spots = spots[(spots < interlude[0]) | (spots >= interlude[1])]
    if not len(spots):
        return []
    ends_spell = np.diff(spots) - 1 >= _telling_pause(len(active), len(spots))
    if interlude is not None:
        ends_spell |= (spots[:-1] < interlude[0]) & (spots[1:] >= interlude[0])
    cuts = np.flatnonzero(ends_spell)
    starts = np.concatenate([[0], cuts + 1])
    ends = np.concatenate([cuts, [len(spots) - 1]])
    return [(int(spots[a]), int(spots[b])) for a, b in zip(starts, ends, strict=True)]


def _telling_pause(n_sessions: int, n_active: int) -> int:
    """The shortest pause, in sessions, that is no chance, for a facet active in so many of the sessions.

    Of the `n_active − 1` inner pauses one of g or more has at most the chance
    `(n_active − 1) C(n_sessions − g, n_active) / C(n_sessions, n_active)` (the first term of inclusion and
    exclusion over them).

    >>> _telling_pause(60, 7)
    35
    """
    free = n_sessions - n_active
    chance, pause = float(max(n_active - 1, 0)), 0
    while chance >= _SPELL_CHANCE and pause < free:
        # C(k - 1, m) / C(k, m) = (k - m) / k, with k = n_sessions - pause.
        chance *= (free - pause) / (n_sessions - pause)
        pause += 1
    return pause if chance < _SPELL_CHANCE else n_sessions


def spell_moments(
    sessions: SessionShares, spells: list[tuple[int, int]]
) -> tuple[tuple[datetime, datetime], ...]:
    """Begin of the first day and end of the last of each spell, which are positions in `sessions`."""
    days, zone = sessions.days.tolist(), sessions.zone
    return tuple((day_start(days[first], zone), day_start(days[last] + 1, zone)) for first, last in spells)


def calendar_periods(first: datetime, last: datetime, unit: PeriodUnit) -> list[datetime]:
    """Begin of every calendar period from that of `first` to that of `last`, and the end of the last one.

    Weeks begin on Monday; all moments are midnights in the zone of `first`.

    >>> from datetime import UTC
    >>> [f"{start:%Y-%m}" for start in calendar_periods(
    ...     datetime(2017, 11, 30, tzinfo=UTC), datetime(2018, 1, 1, tzinfo=UTC), "month")]
    ['2017-11', '2017-12', '2018-01', '2018-02']
    """
    zone = first.tzinfo
    day = datetime(first.year, first.month, first.day, tzinfo=zone)
    if unit == "week":
        bounds = [day - timedelta(days=day.weekday())]
        while bounds[-1] <= last:
            bounds.append(bounds[-1] + timedelta(days=7))
        return bounds
    step = _MONTHS[unit]
    number = (first.year * 12 + first.month - 1) // step * step
    bounds = [datetime(number // 12, number % 12 + 1, 1, tzinfo=zone)]
    while bounds[-1] <= last:
        number += step
        bounds.append(datetime(number // 12, number % 12 + 1, 1, tzinfo=zone))
    return bounds


def compute_timeline(
    user_id: UserId,
    sessions: SessionShares,
    frame: FacetFrame,
    *,
    labels: Mapping[str, str],
    unit: PeriodUnit = "month",
) -> Timeline:
    """Every facet of one user through time.

    Args:
        sessions: computed in `frame`.
        labels: facet key → words for it; a missing one leaves the key.
        unit: of the calendar periods.

    Returns:
        The timeline; without sessions it has no periods and no facets.
    """
    if not sessions.n_sessions:
        return Timeline(user_id, unit, (), (), (), ())
    days = tuple(day_start(day, sessions.zone) for day in sessions.days.tolist())
    bounds = calendar_periods(days[0], days[-1], unit)
    starts = np.array([day_number(int(bound.timestamp()) * 1000, sessions.zone) for bound in bounds])
    period = np.searchsorted(starts, sessions.days, side="right") - 1
    n_periods = len(bounds) - 1
    counts = np.bincount(period, minlength=n_periods)
    totals = np.zeros((n_periods, frame.n_facets))
    active = np.zeros((n_periods, frame.n_facets), np.int64)
    np.add.at(totals, period, sessions.shares)
    np.add.at(active, period, sessions.shares > 0)
    means = totals / np.maximum(counts, 1)[:, None]
    order = np.argsort(-sessions.shares.sum(axis=0, dtype=np.float64), kind="stable")
    facets = tuple(
        FacetTimeline(
            key=frame.keys[spot],
            label=labels.get(frame.keys[spot], frame.keys[spot]),
            shares=tuple(means[:, spot].tolist()),
            active=tuple(active[:, spot].tolist()),
            session_shares=tuple(sessions.shares[:, spot].tolist()),
            intervals=spell_moments(sessions, find_spells(sessions.shares[:, spot] > 0)),
        )
        for spot in order
        if active[:, spot].any()
    )
    periods = tuple(pairwise(bounds))
    return Timeline(user_id, unit, periods, tuple(counts.tolist()), days, facets)
