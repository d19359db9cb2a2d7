from __future__ import annotations

from agent.demo import choose
from agent.interests.room import Drift


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
