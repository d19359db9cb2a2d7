"""Those who moved forget faster, the others do not, and nothing is ever forgotten altogether."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.data.days import day_name
from agent.data.log import DAY_MS
from agent.interests.forgetting import compute_emphasis, describe_emphasis, fade
from agent.interests.frame import form_frame
from agent.interests.migration import compute_migration, halve
from agent.interests.sessions import compute_recency_shares, compute_session_shares
from agent.schema import UserId
from agent.settings import InterestSettings
from tests.interests.test_season import christmas, yearly

SETTINGS = InterestSettings(permutations=399)


@pytest.fixture
def emphasis_of(catalogue, make_log):
    """The emphasis of a plan, and its log."""

    def build(plan, *, abstained=False):
        log = make_log(plan)
        frame = form_frame(log, catalogue, SETTINGS)
        sessions = compute_session_shares(log, frame)
        migration = compute_migration(
            UserId("ann"),
            log,
            catalogue,
            frame=frame,
            sessions=sessions,
            windows=halve(sessions),
            settings=SETTINGS,
            labels={},
            with_evidence=False,
        )
        if abstained:
            migration = replace(migration, abstained=True)
        return compute_emphasis(log, sessions, migration, frame=frame), log

    return build


def test_a_chapter_that_ended_is_told_apart_from_a_move(emphasis_of, random_plan):
    """The overall test can miss what a change point is sure of: nothing fades then, and nothing has moved."""
    plan = random_plan([(30, {"Cheese": 1.0, "Bread": 1.0}), (30, {"Wine": 1.0, "Tea": 1.0})])
    emphasis, log = emphasis_of(plan, abstained=True)
    assert emphasis is not None
    day = log.day - log.day[0]
    assert set(emphasis.weights[day < 30]) == {np.float32(0.1)}
    assert set(emphasis.weights[day >= 30]) == {np.float32(1.0)}
    told = describe_emphasis(emphasis)
    assert told == "those before 2017-01-31 count a tenth, for a chapter ended there"
    emphasis, _ = emphasis_of(plan)
    assert "the interests have moved" in describe_emphasis(emphasis)


def test_the_day_a_chapter_ended_is_told_right_beside_a_season_in_the_old_one(emphasis_of):
    """Soap at the end of the old chapter counts fully and ends nothing."""
    rng = np.random.default_rng(3)
    plan = yearly(rng, until=3 * 365 - 35, in_season=christmas)
    plan += [[25] if day % 5 == 0 else [] for day in range(30)]
    for _ in range(60):
        plan += [[int(rng.integers(15, 20)), int(rng.integers(20, 25))], []]
    emphasis, log = emphasis_of(plan, abstained=True)
    began = int(log.day[log.item < 25][np.flatnonzero(log.item[log.item < 25] >= 15)[0]])
    assert emphasis is not None and emphasis.chapter_day == began
    old_soap = (log.item >= 25) & (log.day < began)
    assert (emphasis.weights[old_soap] == 1.0).all() and log.day[old_soap].max() > log.day[
        log.item < 15
    ].max()
    assert describe_emphasis(emphasis) == (
        f"those before {day_name(began)} count a tenth, for a chapter ended there"
    )


def test_who_stays_the_same_keeps_everything(emphasis_of, random_plan):
    emphasis, _ = emphasis_of(random_plan([(40, {"Cheese": 2.0, "Bread": 1.0})]))
    assert emphasis is None


def test_an_old_chapter_counts_a_tenth_soon_after_it_ended(emphasis_of, random_plan):
    plan = random_plan([(30, {"Cheese": 1.0, "Bread": 1.0}), (8, {"Wine": 1.0, "Tea": 1.0})])
    emphasis, log = emphasis_of(plan)
    assert emphasis is not None and emphasis.weights.dtype == np.float32
    day = log.day - log.day[0]
    assert emphasis.weights[day < 30].max() <= 0.1 < 0.9 < emphasis.weights[day >= 30].min()
    assert emphasis.weights.min() > 0


def test_a_gradual_move_fades_by_age_alone(emphasis_of, random_plan):
    steps = [
        (5, {"Cheese": float(8 - n), "Bread": 4.0, "Wine": float(n), "Tea": 4.0})
        for n in (0, 2, 3, 4, 5, 6, 8)
    ]
    emphasis, log = emphasis_of(random_plan(steps))
    assert emphasis is not None
    assert (np.diff(emphasis.weights) >= 0).all()
    assert np.array_equal(emphasis.weights, fade(log.timestamp_ms))


def test_half_is_left_after_the_half_life_and_something_after_centuries():
    days = np.array([0, 80_000, 80_120], np.int64) * DAY_MS
    left = fade(days)
    assert left[1:].tolist() == [0.5, 1.0]
    assert 0 < left[0] < 1e-3
    assert len(fade(days[:0])) == 0


def test_recent_shares_follow_the_emphasis(catalogue, make_log):
    log = make_log([[0]] * 5 + [[5]] * 5)
    sessions = compute_session_shares(log, form_frame(log, catalogue, SETTINGS))
    now_ms = int(log.timestamp_ms[-1]) + DAY_MS
    emphasis = np.repeat([0.1, 1.0], 5)
    plain = compute_recency_shares(sessions, now_ms, 60.0)
    tilted = compute_recency_shares(sessions, now_ms, 60.0, emphasis=emphasis)
    assert tilted.sum() == pytest.approx(1.0)
    assert tilted[0] < 0.15 < 0.4 < plain[0]
    assert np.array_equal(plain, compute_recency_shares(sessions, now_ms, 60.0, emphasis=np.full(10, 1.0)))
