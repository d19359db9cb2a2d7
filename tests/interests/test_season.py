from __future__ import annotations

import numpy as np
import pytest

from agent.interests.season import season_p_value


def weekly(n_weeks, months_active):
    """Days of weekly sessions from 1 January, and whether the facet was active: in those months."""
    days = np.arange(n_weeks, dtype=np.int64) * 7
    month = (days % 365.25) // 30.44 + 1
    return days, np.isin(month, months_active)


def test_june_last_year_and_now():
    days, active = weekly(77, [6])
    now = days >= 515
    assert season_p_value(days, active, now) < 1e-4


def test_all_year_is_no_season():
    days, active = weekly(77, range(1, 13))
    assert season_p_value(days, active, days >= 515) == pytest.approx(1.0)


def test_another_season_last_year_is_none():
    days, active = weekly(77, [6])
    active = np.where(days < 400, np.roll(active, 20), active)
    assert season_p_value(days, active, days >= 515) == 1.0


def test_less_than_thirteen_months_cannot_tell():
    days, active = weekly(50, [12])
    assert season_p_value(days, active, days >= 340) == 1.0


def test_absent_now_or_no_earlier_session():
    days, active = weekly(77, [3])
    assert season_p_value(days, active, days >= 515) == 1.0
    one = np.array([0, 500], np.int64)
    assert season_p_value(one, np.array([False, True]), np.array([False, True])) == 1.0


def test_the_turn_of_the_year_is_one_season():
    days = np.arange(0, 800, 5, dtype=np.int64)
    phase = days % 365.25
    active = (phase > 350) | (phase < 12)
    assert season_p_value(days, active, days >= 715) < 1e-4
