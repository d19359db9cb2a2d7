from __future__ import annotations

from datetime import UTC, datetime

from agent.demo import choose, then_and_now
from agent.interests.room import Drift
from agent.schema import Profile, UserId


def test_portraits_are_of_those_who_moved_beyond_chance_and_can_be_told():
    found = [
        Drift("short", 20, 9.0, 0.0005),
        Drift("far", 60, 8.0, 0.0005),
        Drift("chance", 80, 7.0, 0.2),
        Drift("near", 40, 3.0, 0.01),
        Drift("third", 41, 2.0, 0.02),
    ]
    assert [entry.user_id for entry in choose(found, alpha=0.05, most=2)] == ["far", "near"]
    assert [entry.user_id for entry in choose(found, alpha=0.001, most=9)] == ["far"]
    assert choose([], alpha=0.05, most=3) == []


def version(number, month):
    moment = datetime(2017, month, 1, tzinfo=UTC)
    return Profile(UserId("u"), number, None, moment, None, (), 0.0, 0, 0)


def test_then_is_before_the_split_however_many_versions_of_now_there_are():
    then, now, by_another_model = version(1, 6), version(2, 12), version(3, 12)
    split = then.moment
    assert then_and_now([then, now], split) == (then, now)
    assert then_and_now([then, now, by_another_model], split) == (then, by_another_model)
    assert then_and_now([now], split) == (now,)
