from __future__ import annotations

import numpy as np
import pytest

from agent.interests.affinity import session_affinity
from agent.interests.change_test import _leading_directions, change_test
from agent.interests.frame import form_frame
from agent.interests.permutation import shuffled_orders, window_contrast
from agent.interests.sessions import compute_session_shares
from agent.settings import InterestSettings

SETTINGS = InterestSettings()
A, B = {"Cheese": 3, "Bread": 2, "Fish": 1}, {"Wine": 3, "Tea": 2, "Soap": 1}


def outcome(log, catalogue, *, n_before=None, permutations=499, seed=0):
    sessions = compute_session_shares(log, form_frame(log, catalogue, SETTINGS))
    n = sessions.n_sessions
    n_before = n // 2 if n_before is None else n_before
    orders = shuffled_orders(n, permutations=permutations, seed=seed)
    affinity = session_affinity(log, catalogue, sessions)
    return change_test(affinity, orders, n_before, contrast=window_contrast(orders, n_before))


def test_any_change_is_reported_as_often_as_promised(catalogue, make_log, random_plan):
    """False alarms of both sorts together at p < .05 over 400 users: 5 % ± 3 %, the binomial 99.5 % band."""
    alarms = sum(
        outcome(make_log(random_plan([(24, {**A, **B})], seed=user)), catalogue, permutations=399).p_value
        < 0.05
        for user in range(400)
    )
    assert 0.02 <= alarms / 400 <= 0.08


def test_a_shift_is_a_shift(catalogue, make_log, random_plan):
    found = outcome(make_log(random_plan([(20, A), (20, B)])), catalogue)
    assert found.p_value == found.shift_p == pytest.approx(0.002)
    assert found.drift_score > 10


def test_an_interlude_is_found_and_located(catalogue, make_log, random_plan):
    found = outcome(make_log(random_plan([(14, A), (16, B), (14, A)])), catalogue)
    assert found.return_p < 0.05 < found.shift_p
    assert found.interlude == (14, 30)


@pytest.mark.parametrize("n_sessions", [20, 77, 119])
def test_rounding_is_no_change(catalogue, make_log, n_sessions):
    found = outcome(make_log([[0, 5, 10]] * n_sessions), catalogue)
    assert (found.p_value, found.drift_score) == (1.0, 0.0)


def test_short_windows_hold_no_interlude(catalogue, make_log, random_plan):
    found = outcome(make_log(random_plan([(6, A)])), catalogue, n_before=2)
    assert found.interlude is None and found.return_p == 1.0
    assert found.p_value == found.shift_p


def test_affinity_is_symmetric_and_blind_to_order_of_events_and_bursts(catalogue, make_log):
    plan = [[0, 5, 10], [0, 1], [15, 20], [15, 25, 0], [5]]

    def affinity(days):
        log = make_log(days)
        return session_affinity(
            log, catalogue, compute_session_shares(log, form_frame(log, catalogue, SETTINGS))
        )

    plain = affinity(plan)
    assert np.allclose(plain, plain.T, atol=1e-6)
    assert plain[2, 3] > 0 > plain[0, 2]
    assert np.allclose(plain, affinity([day[::-1] for day in plan]), atol=1e-5)
    assert np.allclose(plain, affinity([[*day, day[0], day[0]] for day in plan]), atol=1e-5)


def test_partial_change_is_seen_better_with_more_sessions(catalogue, make_log):
    """Every second later session another taste: seen by most at 40 sessions, by all at 80."""

    def seen(n):
        hits = 0
        for user in range(20):
            rng = np.random.default_rng(user)
            days = []
            for day in range(n):
                low = 15 if day >= n // 2 and rng.random() < 0.5 else 0
                days.append(rng.integers(low, low + 15, size=3).tolist())
            hits += outcome(make_log(days), catalogue, permutations=399).shift_p < 0.05
        return hits

    assert seen(12) < seen(40) <= seen(80) == 20


@pytest.mark.parametrize("seed", range(30))
def test_sessions_of_one_and_the_same_item_have_directions_too(seed):
    """Many equal eigenvalues, on which LAPACK's solver for a few of them gives up (seed 9, among others)."""
    rng = np.random.default_rng(seed)
    kind = np.zeros(17, int)
    kind[rng.permutation(17)[:2]] = [1, 2]
    alike = np.where(kind[:, None] == kind[None], rng.choice([0.9, 0.95, 0.98]), 0.0)
    np.fill_diagonal(alike, 1.0)
    found = _leading_directions(alike.astype(np.float32))
    centred = alike - alike.mean(axis=0) - alike.mean(axis=1)[:, None] + alike.mean()
    values = np.linalg.eigvalsh(centred)
    assert np.square(found).sum() == pytest.approx(np.maximum(values[-found.shape[1] :], 0).sum(), abs=1e-4)
