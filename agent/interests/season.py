"""Seasons: does an interest come at the same time of the year as in earlier years, and then only?

A rhythm is no drift: it needs no windows, and it is told beside an abstention too. Its test has a false-alarm
rate of its own, a fifth of `alpha` for all facets of a user together, so what is told by chance hardly grows.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from agent.data.days import day_start
from agent.interests.permutation import benjamini_hochberg
from agent.schema import Season
from agent.settings import InterestSettings

_YEAR_DAYS = 365.25
# Without an earlier year that reaches back to this season nothing can be told: thirteen months.
MIN_SPAN_DAYS = 396
# Days on either side of the newest episode that still belong to its season: a month, or more where the newest
# has just begun or was short. Both are tried, and the better p-value pays for it.
_SLACK_DAYS = 30
_SLACKS = (_SLACK_DAYS, 75)
# A pause of so many days ends an episode; one that lasts longer than `_MOST_DAYS` is no season.
_PAUSE_DAYS = 75
_MOST_DAYS = 200
_MIN_EARLIER_SESSIONS = 2
# What is in its season no more often than this is busier then, but not of the season.
_MOST_IN_SEASON = 0.75
# Part of `alpha` that the seasons of all facets of a user may use up.
_PART_OF_ALPHA = 0.2


@dataclass(frozen=True, slots=True)
class SeasonTest:
    """Whether a facet's earlier activity lies in the season of its newest episode.

    Attributes:
        p_value: that as much of it would if the sessions were shuffled: an exact hypergeometric tail.
        least_p: the smallest that the same number of sessions could give, wherever they lay.
        episodes: first and last day number of the activity in each year's season, oldest first.
    """

    p_value: float
    least_p: float
    episodes: tuple[tuple[int, int], ...] = ()


_CANNOT_TELL = SeasonTest(1.0, 1.0)


def season_test(
    days: NDArray[np.int64], active: NDArray[np.bool_], *, today: int | None = None
) -> SeasonTest:
    """The test of one facet.

    The season is the days of the year of the newest episode of the facet, with some days on either side.
    Where that episode begins depends on nothing before it: of the sessions before it the facet's are a random
    draw under chance, given how many they are. All that is tried is paid for: the smallest p-value is
    multiplied by the number of tries.

    Args:
        days: `(n_sessions,)` day numbers, ascending, of all sessions of the user before the moment that is
            asked about.
        active: in which of them the facet was active.
        today: day number of that moment; None: the day of the newest session.

    Returns:
        Its p-value is 1 where the history is shorter than thirteen months, shows too little to tell, or where
        a season was due by `today` and did not come.
    """
    own = days[active]
    if not len(own) or days[-1] - days[0] < MIN_SPAN_DAYS:
        return _CANNOT_TELL
    spells = np.split(own, np.flatnonzero(np.diff(own) > _PAUSE_DAYS) + 1)
    # A single day is often an errand between two seasons: then the episode before it is asked about too.
    anchors = spells[-2:] if len(spells[-1]) == 1 else spells[-1:]
    at_day = int(days[-1]) if today is None else today
    anchors = [spell for spell in anchors if _may_be_season(spell, at_day)]
    found = []
    for newest in anchors:
        earlier = days < newest[0] - _PAUSE_DAYS
        found += [_one_width(days[earlier], active[earlier], newest, slack) for slack in _SLACKS]
    if not found:
        return _CANNOT_TELL
    best = min(found, key=lambda test: test.p_value)
    least = min(test.least_p for test in found)
    return SeasonTest(min(len(found) * best.p_value, 1.0), min(len(found) * least, 1.0), best.episodes)


def _may_be_season(spell: NDArray[np.int64], today: int) -> bool:
    """Whether a spell of activity is short enough for a season, and no later season was missed."""
    overdue = today > spell[-1] + _YEAR_DAYS + _SLACK_DAYS
    return bool(spell[-1] - spell[0] <= _MOST_DAYS and not overdue)


def _one_width(
    days: NDArray[np.int64], of_facet: NDArray[np.bool_], newest: NDArray[np.int64], slack: int
) -> SeasonTest:
    """The test with so many days on either side; `days` are those before the newest episode."""
    in_season = _in_season(days, newest, slack)
    n, k, m = len(in_season), int(in_season.sum()), int(of_facet.sum())
    hits = int((in_season & of_facet).sum())
    if m < _MIN_EARLIER_SESSIONS or k == n:
        return _CANNOT_TELL
    least = _tail(n, k, m, hits=min(k, m))
    if hits < max(_MIN_EARLIER_SESSIONS, _MOST_IN_SEASON * m):
        return SeasonTest(1.0, least)
    past = days[in_season & of_facet]
    cuts = np.flatnonzero(np.diff(past) > _YEAR_DAYS / 2) + 1
    years = [*np.split(past, cuts), newest]
    episodes = tuple((int(year[0]), int(year[-1])) for year in years)
    return SeasonTest(_tail(n, k, m, hits=hits), least, episodes)


def _in_season(days: NDArray[np.int64], newest: NDArray[np.int64], slack: int) -> NDArray[np.bool_]:
    """Which `days` are, some years on, within the season of the episode `newest`."""
    since = (days - newest[0] + slack) % _YEAR_DAYS
    within: NDArray[np.bool_] = since <= newest[-1] - newest[0] + 2 * slack
    return within


def _tail(n: int, k: int, m: int, *, hits: int) -> float:
    """Chance of `hits` or more of `k` marked among `m` drawn from `n`."""
    return sum(comb(k, x) * comb(n - k, m - x) for x in range(hits, min(k, m) + 1)) / comb(n, m)


def find_seasons(
    days: NDArray[np.int64],
    active: NDArray[np.bool_],
    settings: InterestSettings,
    *,
    zone: str = "UTC",
    today: int | None = None,
) -> dict[int, Season]:
    """The seasonal columns of `active`, with what is known of their seasons.

    Benjamini–Hochberg over the columns, at a fifth of `settings.alpha`. A column that could not pass, however
    its sessions lay, is no trial (Tarone 1990, "A modified Bonferroni method for discrete data",
    doi 10.2307/2531456).

    Args:
        days: `(n_sessions,)` as for `season_test`.
        active: `(n_sessions, n_columns)`.
        zone: the days are days of this zone.
        today: as for `season_test`.
    """
    if not len(days) or days[-1] - days[0] < MIN_SPAN_DAYS:
        return {}
    at_day = int(days[-1]) if today is None else today
    level = _PART_OF_ALPHA * settings.alpha
    tests = {column: season_test(days, active[:, column], today=at_day) for column in range(active.shape[1])}
    trials = [column for column, test in tests.items() if test.least_p <= level]
    q_values = benjamini_hochberg(np.array([tests[column].p_value for column in trials]))
    return {
        column: _season(tests[column], float(q_value), at_day, zone)
        for column, q_value in zip(trials, q_values, strict=True)
        if q_value <= level
    }


def _season(test: SeasonTest, q_value: float, today: int, zone: str) -> Season:
    first, last = test.episodes[-1]
    current = today <= last + _SLACK_DAYS
    # Two years make a coincidence; from the third on the next one is announced.
    due = round(first + _YEAR_DAYS)
    # A day that has passed announces nothing: it may come yet, or it has not come.
    foretold = not current and len(test.episodes) > 2 and due > today
    return Season(
        episodes=tuple((day_start(a, zone), day_start(b + 1, zone)) for a, b in test.episodes),
        p_value=test.p_value,
        q_value=q_value,
        current=current,
        expected=day_start(due, zone) if foretold else None,
    )
