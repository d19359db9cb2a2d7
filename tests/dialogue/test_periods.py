from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.dialogue.sentences.periods import find_periods, moment_of, windows_of

NOW = datetime(2017, 12, 31, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Show me as I was in spring", "2017-03-01 – 2017-05-31"),
        ("2017年5月我的兴趣", "2017-05-01 – 2017-05-31"),
        ("without my March purchases", "2017-03-01 – 2017-03-31"),
        ("去年三月", "2016-03-01 – 2016-03-31"),
        ("一年前", "2016-12-30"),
        ("a year ago", "2016-12-30"),
        ("what did I do on 2017-02-28?", "2017-02-28"),
        ("last month", "2017-11-01 – 2017-11-30"),
        ("上个月", "2017-11-01 – 2017-11-30"),
        ("the week before christmas", "2017-12-18 – 2017-12-24"),
        ("in the fall", "2017-09-01 – 2017-11-30"),
        ("in 2016", "2016-01-01 – 2016-12-31"),
        ("May 3, 2017", "2017-05-03"),
        ("冬天", "2017-12-01 – 2018-02-28"),
    ],
)
def test_one_span(text, expected):
    assert [period.shown for period in find_periods(text, NOW)] == [expected]


@pytest.mark.parametrize(
    "text", ["May I ask?", "I like march music", "under 2000 dollars", "prices fall", "2017-13-45"]
)
def test_what_is_no_time_is_left_alone(text):
    assert find_periods(text, NOW) == []


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("before June", "before"),
        ("六月之前", "before"),
        ("since May 2017", "since"),
        ("五月以来", "since"),
        ("in May", "in"),
    ],
)
def test_relations(text, relation):
    (period,) = find_periods(text, NOW)
    assert period.relation == relation


def test_moments_and_windows():
    assert moment_of(find_periods("as I was in spring", NOW), NOW) == datetime(2017, 6, 1, tzinfo=UTC)
    assert moment_of(find_periods("before June", NOW), NOW) == datetime(2017, 6, 1, tzinfo=UTC)
    assert moment_of(find_periods("in winter", NOW), NOW) == NOW  # not beyond the newest event
    since = windows_of(find_periods("since May 2017", NOW))
    assert since[0] is None and since[2] is None
    assert datetime.fromtimestamp(since[1] / 1000, UTC) == datetime(2017, 5, 1, tzinfo=UTC)
    start, split, end = windows_of(find_periods("between January and June", NOW))
    assert start < split < end and datetime.fromtimestamp(end / 1000, UTC) == datetime(2017, 7, 1, tzinfo=UTC)
    assert windows_of([]) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("what did I buy on christmas eve", "2016-12-24"),
        ("did i get milk christmas eve?", "2016-12-24"),
        ("平安夜我买了什么", "2016-12-24"),
        ("what did I buy on my birthday, june 14", "2017-06-14"),
        ("what did I buy on our wedding day, may 3?", "2017-05-03"),
        ("what did I buy at christmas", "2016-12-24 – 2016-12-26"),
    ],
)
def test_a_day_named_by_its_feast_or_after_a_comma_is_that_day(text, shown):
    now = datetime(2017, 12, 10, tzinfo=UTC)
    assert [period.shown for period in find_periods(text, now)] == [shown]
