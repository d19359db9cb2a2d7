from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.interests.permutation import (
    absence_p_value,
    benjamini_hochberg,
    difference_test,
    shuffled_orders,
    window_contrast,
)


def test_p_value_agrees_with_all_arrangements():
    """Six sessions, three before: all twenty arrangements counted by hand."""
    values = np.array([0.9, 0.7, 0.8, 0.2, 0.3, 0.1], np.float32)
    true = values[3:].mean() - values[:3].mean()
    arrangements = list(combinations(range(6), 3))
    as_large = sum(
        abs(np.delete(values, pick).mean() - values[list(pick)].mean()) >= abs(true) - 1e-6
        for pick in arrangements
    )
    assert as_large == 2  # the true one and its mirror
    orders = shuffled_orders(6, permutations=4000, seed=1)
    test = difference_test(values[:, None], window_contrast(orders, 3))
    assert test.difference[0] == pytest.approx(true, abs=1e-6)
    assert test.p_value[0] == pytest.approx(as_large / len(arrangements), abs=0.015)


@pytest.mark.parametrize("n_sessions", [20, 77, 119])
def test_rounding_is_no_difference(n_sessions):
    shares = np.ones((n_sessions, 1), np.float32)
    orders = shuffled_orders(n_sessions, permutations=400, seed=0)
    test = difference_test(shares, window_contrast(orders, n_sessions // 2))
    assert (test.p_value[0], test.effect[0]) == (1.0, 0.0)


def test_a_planted_difference_is_seen():
    rng = np.random.default_rng(4)
    before = rng.dirichlet([5, 1, 1, 1], size=20)
    after = rng.dirichlet([1, 1, 1, 5], size=20)
    shares = np.vstack([before, after]).astype(np.float32)
    test = difference_test(shares, window_contrast(shuffled_orders(40, permutations=999, seed=0), 20))
    assert test.p_value[0] == pytest.approx(0.001)
    assert test.effect[0] < -4 < 4 < test.effect[3]


def test_the_crowds_shift_is_taken_out():
    rng = np.random.default_rng(5)
    trend = np.repeat([0.2, 0.6], 20)
    share = np.clip(trend + rng.normal(0, 0.05, 40), 0, 1).astype(np.float32)
    contrast = window_contrast(shuffled_orders(40, permutations=999, seed=0), 20)
    plain = difference_test(share[:, None], contrast)
    own = difference_test(share[:, None], contrast, centre=np.array([0.4]))
    assert plain.p_value[0] < 0.01
    assert own.p_value[0] > 0.2


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_the_absence_test_agrees_with_all_placements(data):
    n = data.draw(st.integers(1, 10))
    m = data.draw(st.integers(0, n))
    length = data.draw(st.integers(1, n))
    inside = data.draw(st.integers(0, length))
    places = list(combinations(range(n), m))
    as_few = sum(sum(spot < length for spot in place) <= inside for place in places)
    p_value = absence_p_value(n_sessions=n, n_active=m, length=length, inside=inside)
    assert p_value == pytest.approx(as_few / len(places))


def test_a_long_absence_of_a_regular_is_no_chance():
    assert 0 < absence_p_value(n_sessions=300, n_active=220, length=80) < 1e-30


@given(st.lists(st.floats(0.0005, 1.0), min_size=1, max_size=40))
@settings(max_examples=100, deadline=None)
def test_q_values_are_monotone_and_never_smaller(p_values):
    p = np.array(p_values)
    q = benjamini_hochberg(p)
    assert (q >= p - 1e-12).all() and (q <= 1).all()
    assert (np.diff(q[np.argsort(p, kind="stable")]) >= -1e-12).all()


def test_q_values_of_nothing():
    assert len(benjamini_hochberg(np.array([]))) == 0


def test_seeded():
    assert np.array_equal(
        shuffled_orders(12, permutations=50, seed=9), shuffled_orders(12, permutations=50, seed=9)
    )
    assert shuffled_orders(12, permutations=50, seed=9)[0].tolist() == list(range(12))
