from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from agent.interests.frame import form_frame
from agent.interests.sessions import compute_session_shares
from agent.interests.timeline import calendar_periods, compute_timeline, find_spells
from agent.settings import InterestSettings


def timeline_of(log, catalogue, unit="month"):
    frame = form_frame(log, catalogue, InterestSettings())
    sessions = compute_session_shares(log, frame)
    return compute_timeline("ann", sessions, frame, labels={"f0": "Cheese"}, unit=unit)


def test_activity_by_session_and_month(catalogue, make_log):
    """January 2017: cheese alone, then half cheese, half bread; nothing in February; bread in March."""
    plan: list[list[int]] = [[] for _ in range(70)]
    plan[0], plan[10], plan[65] = [0], [1, 5], [6]
    timeline = timeline_of(make_log(plan), catalogue)
    assert [f"{start:%m-%d}" for start, _ in timeline.periods] == ["01-01", "02-01", "03-01"]
    assert timeline.sessions == (2, 0, 1)
    cheese, bread = timeline.facets
    assert (cheese.label, cheese.shares, cheese.active) == ("Cheese", (0.75, 0.0, 0.0), (2, 0, 0))
    assert (bread.shares, bread.active) == ((0.25, 0.0, 1.0), (1, 0, 1))
    assert cheese.session_shares == (1.0, 0.5, 0.0)
    assert [day.date().isoformat() for day in timeline.days] == ["2017-01-01", "2017-01-11", "2017-03-07"]
    assert json.loads(json.dumps(timeline.to_dict()))["facets"][0]["key"] == "f0"


def test_an_interest_that_came_back_has_disjoint_intervals(catalogue, make_log, random_plan):
    plan = random_plan(
        [
            (20, {"Cheese": 2, "Wine": 2}),
            (60, {"Cheese": 2, "Bread": 1}),
            (20, {"Cheese": 2, "Wine": 2}),
        ]
    )
    by_count = {len(facet.intervals) for facet in timeline_of(make_log(plan), catalogue).facets}
    wine = [facet for facet in timeline_of(make_log(plan), catalogue).facets if len(facet.intervals) == 2]
    assert by_count == {1, 2} and len(wine) == 1
    (first, left), (back, last) = wine[0].intervals
    assert first < left < back < last and (back - left).days >= 55


def test_shares_of_a_period_sum_to_one_where_there_are_sessions(catalogue, make_log, random_plan):
    timeline = timeline_of(
        make_log(random_plan([(50, {"Cheese": 1, "Tea": 1}), (50, {"Fish": 1})])), catalogue, unit="week"
    )
    totals = np.array([facet.shares for facet in timeline.facets]).sum(axis=0)
    assert totals == pytest.approx((np.array(timeline.sessions) > 0).astype(float))


def test_nothing_has_an_empty_timeline(catalogue, make_log):
    timeline = timeline_of(make_log([]), catalogue)
    assert (timeline.periods, timeline.facets, timeline.days) == ((), (), ())


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("week", ["2017-12-25", "2018-01-01", "2018-01-08"]),
        ("quarter", ["2017-10-01", "2018-01-01", "2018-04-01"]),
        ("year", ["2017-01-01", "2018-01-01", "2019-01-01"]),
    ],
)
def test_calendar_periods_begin_where_the_calendar_does(unit, expected):
    bounds = calendar_periods(datetime(2017, 12, 31, tzinfo=UTC), datetime(2018, 1, 1, tzinfo=UTC), unit)
    assert [f"{bound:%Y-%m-%d}" for bound in bounds] == expected


def test_spells_by_hand():
    active = np.zeros(60, bool)
    active[[0, 2, 3, 5, 50, 52, 53]] = True
    assert find_spells(active) == [(0, 5), (50, 53)]
    assert find_spells(np.ones(5, bool)) == [(0, 4)]
    assert find_spells(np.zeros(5, bool)) == []
    # A stray session within a known interlude belongs to neither spell.
    assert find_spells(np.array([1, 1, 0, 1, 0, 1], bool), interlude=(2, 5)) == [(0, 1), (5, 5)]
