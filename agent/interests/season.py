"""Seasons: has an interest that is up now been up in the same season of an earlier year, and only then?"""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

_YEAR_DAYS = 365.25
# Without an earlier year that reaches back to this season nothing can be told: thirteen months.
MIN_SPAN_DAYS = 396
# Days on either side of the present episode that still belong to its season.
_SLACK_DAYS = 21
_MIN_EARLIER_SESSIONS = 2


def season_p_value(days: NDArray[np.int64], active: NDArray[np.bool_], now: NDArray[np.bool_]) -> float:
    """Chance that a facet's earlier activity lies in the season of its present one as much as it does.

    The season is the days of the year of the facet's present activity, three weeks on either side. Of the
    sessions before it, the facet's are a random draw under chance: an exact hypergeometric tail.

    Args:
        days: `(n_sessions,)` UTC day numbers, ascending, from the first session of the user on.
        active: in which sessions the facet was active.
        now: which sessions are the present.

    Returns:
        The p-value; 1 when the history is shorter than thirteen months, or shows too little to tell.
    """
    present = days[active & now]
    if not len(present) or present.max() - days[0] < MIN_SPAN_DAYS:
        return 1.0
    earlier = days < present.min() - _SLACK_DAYS
    if not earlier.any():
        return 1.0
    apart = np.abs(days[earlier][:, None] - present[None, :]) % _YEAR_DAYS
    in_season = np.minimum(apart, _YEAR_DAYS - apart).min(axis=1) <= _SLACK_DAYS
    of_facet = active[earlier]
    n, k, m = len(in_season), int(in_season.sum()), int(of_facet.sum())
    hits = int((in_season & of_facet).sum())
    if hits < _MIN_EARLIER_SESSIONS or k == n:
        return 1.0
    return sum(comb(k, x) * comb(n - k, m - x) for x in range(hits, min(k, m) + 1)) / comb(n, m)
