"""Fusion, windows and confidence on planted data where the right answer is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ranking_logs import make_catalogue, make_log, planted_log

from agent.data.log import DAY_MS
from agent.ranking.confidence import Confidence, calibrate, expected_calibration_error
from agent.ranking.fusion import MAX_ADDITIONS, FusionDecision, decide, fuse
from agent.ranking.history import Context
from agent.ranking.neighbours import ItemKnnSource
from agent.ranking.popular import PopularitySource
from agent.ranking.windows import (
    Pool,
    best_allowed,
    build_pools,
    candidates,
    eligible_users,
    labels_of,
    ndcg,
    rolling_windows,
    sample_users,
    standardise,
)
from eval.measures import metrics

NAMES = ["good", "other"]


def planted_pool(signals, *, seed, n_users=200, width=60, first_user=0):
    """Sources that see the truth with the given strengths, each with its own noise."""
    rng = np.random.default_rng(seed)
    truth = rng.random((n_users, width)) < 0.08
    truth[:, 0] |= ~truth.any(axis=1)
    scores = np.stack([s * truth + rng.normal(size=truth.shape) for s in signals]).astype(np.float32)
    return Pool(
        users=np.arange(first_user, first_user + n_users),
        items=np.broadcast_to(np.arange(width, dtype=np.int32), truth.shape).copy(),
        scores=scores,
        hit=truth,
        n_relevant=truth.sum(axis=1),
        activity=rng.integers(1, 50, n_users),
    )


def pools_of(*by_window, **kwargs):
    return [planted_pool(signals, seed=seed, **kwargs) for seed, signals in enumerate(by_window)]


def test_finds_a_planted_winner():
    decision = decide(pools_of((2, 1.5), (2, 1.5), (2, 1.5)), NAMES, task="new", default={"good": 1.0})
    assert decision.weights["good"] == 1.0
    assert decision.weights["other"] > 0
    (addition,) = decision.additions
    assert addition.low > 0
    assert min(addition.by_window) > 0


def test_held_out_ends_are_named_as_such():
    pools = pools_of((2, 0), (2, 0), (2, 0))
    decision = decide(pools, NAMES, task="new", default={}, grounds="held-out")
    assert decision.grounds == "held-out" and "held-out parts of 200 histories" in decision.reason


def test_adds_no_noise():
    for seed in range(10):
        pools = [planted_pool((2, 0), seed=100 * seed + window) for window in range(3)]
        decision = decide(pools, NAMES, task="new", default={})
        assert decision.weights == {"good": 1.0}


def test_additions_stay_few_however_many_would_gain():
    names = [f"s{number}" for number in range(7)]
    decision = decide(pools_of(*[(1,) * 7] * 3), names, task="new", default={"s0": 1.0})
    assert len(decision.additions) == MAX_ADDITIONS == len(decision.weights) - 1


def test_one_losing_window_is_enough_to_refuse():
    pools = pools_of((2, 2), (2, 2), (2, -2))
    assert decide(pools, NAMES, task="new", default={}).weights == {"good": 1.0}


def test_is_never_below_the_best_single_source_on_its_windows():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        signals = rng.uniform(0, 2, 3)
        pools = [planted_pool(signals, seed=10 * seed + w, n_users=60) for w in range(3)]
        decision = decide(pools, ["a", "b", "c"], task="new", default={})
        fused = np.mean([ndcg(p, fuse(p.scores, ["a", "b", "c"], decision.weights)).mean() for p in pools])
        assert fused >= max(decision.singles.values()) - 1e-12


@pytest.mark.parametrize(
    ("pools", "why"),
    [
        ([], "0 windows"),
        (pools_of((2, 1.5), (2, 1.5)), "2 windows"),
        (pools_of((2, 1.5), (2, 1.5), (2, 1.5), n_users=10), "10 users"),
    ],
)
def test_too_little_data_takes_the_stated_default(pools, why):
    decision = decide(pools, NAMES, task="new", default={"good": 1.0})
    assert decision.weights == {"good": 1.0}
    assert decision.additions == ()
    assert decision.reason.startswith("default")
    assert why in decision.reason


def test_users_of_several_windows_count_once():
    same = pools_of((2, 1.5), (2, 1.5), (2, 1.5))
    apart = [dataclasses.replace(pool, users=pool.users + 1000 * i) for i, pool in enumerate(same)]
    assert decide(same, NAMES, task="new", default={}).n_users == 200
    assert decide(apart, NAMES, task="new", default={}).n_users == 600


def test_decision_survives_as_plain_data():
    decision = decide(pools_of((2, 1.5), (2, 1.5), (2, 1.5)), NAMES, task="any", default={})
    assert FusionDecision.from_dict(decision.to_dict()) == decision


def test_pool_ndcg_is_the_metric_of_eval():
    pool = planted_pool((1, 0), seed=4, n_users=50)
    order = np.argsort(-pool.scores[0], axis=1, kind="stable")[:, :10]
    expected = metrics.ndcg(np.take_along_axis(pool.hit, order, axis=1), pool.n_relevant, k=10)
    np.testing.assert_allclose(ndcg(pool, pool.scores[0]), expected)


def test_ties_go_to_the_lower_code_and_pads_come_last():
    pool = Pool(
        users=np.array([0]),
        items=np.array([[3, 5, 8, -1]], np.int32),
        scores=np.zeros((1, 1, 4), np.float32),
        hit=np.array([[True, False, False, True]]),
        n_relevant=np.array([1]),
        activity=np.array([1]),
    )
    assert ndcg(pool, pool.scores[0], k=1).tolist() == [1.0]
    assert ndcg(pool, pool.scores[0] - 5.0, k=3).tolist() == [1.0]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, -1.5, 0.5, 1.0, 2.0]), min_size=1, max_size=30),
    st.integers(1, 12),
    st.integers(0, 2**31),
)
def test_best_allowed_is_a_stable_sort(values, depth, mask_seed):
    scores = np.array(values, np.float32)
    allowed = np.random.default_rng(mask_seed).random(len(scores)) < 0.7
    expected = sorted(
        (c for c in range(len(scores)) if allowed[c] and scores[c] != 0), key=lambda c: -scores[c]
    )
    assert best_allowed(scores, allowed, depth=depth).tolist() == expected[:depth]


def test_standardise_by_hand():
    scores = np.array([0, 1, 3, 9], np.float32)
    # Mean 2 and standard deviation 1 of the top {1, 3}.
    np.testing.assert_allclose(standardise(scores, np.array([2, 1]), np.array([0, 1, 2, 3])), [-2, -1, 1, 7])
    assert not standardise(np.full(3, 5, np.float32), np.array([0, 1]), np.array([0, 1, 2])).any()
    assert not standardise(scores, np.array([], np.int64), np.array([0, 1])).any()


def test_candidates_are_the_union():
    first, second = np.array([5, 4, 0, 0], np.float32), np.array([0, 0, 2, 1], np.float32)
    codes, values = candidates([first, second], np.ones(4, bool), depth=1)
    assert codes.tolist() == [0, 2]
    assert values.shape == (2, 2)


def test_windows_end_at_the_last_event_and_do_not_overlap():
    log = planted_log()
    windows = rolling_windows(log, now_ms=390 * DAY_MS, length_days=30)
    assert len(windows) == 3
    assert windows[-1].end_ms <= 390 * DAY_MS
    assert [w.end_ms for w in windows[:-1]] == [w.cut_ms for w in windows[1:]]
    assert {w.end_ms - w.cut_ms for w in windows} == {30 * DAY_MS}


def test_no_windows_without_time():
    assert rolling_windows(make_log([], n_users=1, n_items=1), now_ms=DAY_MS, length_days=30) == ()
    burst = make_log([(0, 0, 1.0 + i / 1000) for i in range(50)], n_users=1, n_items=1)
    assert rolling_windows(burst, now_ms=400 * DAY_MS, length_days=30) == ()


def test_labels_of_both_tasks():
    log = make_log(
        [(0, 0, 1), (0, 1, 11), (0, 0, 12), (1, 2, 13), (1, 1, 30), (1, 0, 14, -1.0)], n_users=2, n_items=3
    )
    window = _window(10, 20)
    assert {u: v.tolist() for u, v in labels_of(log, window, task="new").items()} == {0: [1], 1: [2]}
    assert {u: v.tolist() for u, v in labels_of(log, window, task="any").items()} == {0: [0, 1], 1: [2]}


def test_searches_are_no_labels():
    log = make_log([(0, -1, 1), (1, 2, 2), (0, 2, 11), (1, -1, 12)], n_users=2, n_items=3)
    assert {u: v.tolist() for u, v in labels_of(log, _window(10, 20), task="new").items()} == {0: [2]}


def test_a_window_without_a_wish_has_no_labels():
    log = make_log([(0, 0, 1), (0, 0, 12, -1.0), (0, -1, 13)], n_users=1, n_items=1)
    assert labels_of(log, _window(10, 20), task="new") == labels_of(log, _window(10, 20), task="any") == {}


def _window(start, stop):
    from agent.ranking.windows import Window

    return Window(start * DAY_MS, stop * DAY_MS)


def test_pools_know_nothing_after_the_cut():
    log, catalogue = planted_log(), make_catalogue(40)
    window = rolling_windows(log, now_ms=390 * DAY_MS, length_days=30)[0]
    users = sample_users(eligible_users(log, cut_ms=window.cut_ms, min_events=5), limit=20, seed=0)
    assert len(users) == 20
    sources = [s.fit(log, catalogue, now_ms=window.cut_ms) for s in (ItemKnnSource(), PopularitySource())]
    whole = build_pools(log, sources, window=window, tasks=("any",), users=users, depth=10)["any"]
    cut = log.before(window.end_ms)
    sources = [s.fit(cut, catalogue, now_ms=window.cut_ms) for s in (ItemKnnSource(), PopularitySource())]
    short = build_pools(cut, sources, window=window, tasks=("any",), users=users, depth=10)["any"]
    np.testing.assert_array_equal(whole.items, short.items)
    np.testing.assert_array_equal(whole.scores, short.scores)
    np.testing.assert_array_equal(whole.hit, short.hit)


def test_new_task_leaves_seen_items_out():
    log, catalogue = planted_log(), make_catalogue(40)
    window = rolling_windows(log, now_ms=390 * DAY_MS, length_days=30)[0]
    users = sample_users(eligible_users(log, cut_ms=window.cut_ms, min_events=5), limit=20, seed=0)
    sources = [PopularitySource().fit(log, catalogue, now_ms=window.cut_ms)]
    pool = build_pools(log, sources, window=window, tasks=("new",), users=users, depth=40)["new"]
    for user, items in zip(users, pool.items, strict=True):
        assert not set(items.tolist()) & set(Context.of(log, user, now_ms=window.cut_ms).seen().tolist())


def test_users_to_calibrate_on_are_drawn_without_a_look_at_what_they_took():
    active = [(user, item, day) for user in range(60) for item in range(3) for day in (1, 2)]
    log = make_log([*active, *((user, 3, 15) for user in range(30))], n_users=60, n_items=4)
    window = _window(10, 20)
    able = eligible_users(log, cut_ms=window.cut_ms, min_events=5)
    assert able.tolist() == list(range(60))
    fitted = PopularitySource().fit(log, make_catalogue(4), now_ms=window.cut_ms)
    pool = build_pools(log, [fitted], window=window, tasks=("new",), users=able.tolist(), depth=4)["new"]
    assert pool.n_relevant.tolist() == [1] * 30 + [0] * 30
    assert (ndcg(pool, pool.scores[0])[30:] == 0).all()


def synthetic_pools(*, slope, n_users=600, seed=0, n_windows=3):
    """Lists of 50 in which the item at rank r is taken with probability sigmoid(−1 + slope · log r)."""
    pools, fused = [], []
    for window in range(n_windows):
        rng = np.random.default_rng(seed + window)
        rank = np.arange(1, 51)
        probability = 1 / (1 + np.exp(1 - slope * np.log(rank)))
        hit = rng.random((n_users, 50)) < probability
        pools.append(
            Pool(
                users=np.arange(n_users),
                items=np.broadcast_to(rank.astype(np.int32), hit.shape).copy(),
                scores=np.zeros((1, n_users, 50), np.float32),
                hit=hit,
                n_relevant=np.maximum(hit.sum(axis=1), 1),
                activity=np.full(n_users, 10),
            )
        )
        fused.append(np.broadcast_to(-rank.astype(np.float32), hit.shape))
    return pools, fused


def test_confidence_is_calibrated_and_falls_with_rank():
    pools, fused = synthetic_pools(slope=-0.8)
    confidence = calibrate(pools, fused, horizon_days=30)
    assert confidence.calibrated
    assert confidence.error < 0.02
    got = confidence.probability(np.arange(1, 51), activity=10)
    truth = 1 / (1 + np.exp(1 + 0.8 * np.log(np.arange(1, 51))))
    assert np.abs(got - truth).max() < 0.03
    assert (np.diff(got) < 0).all()


def test_confidence_never_rises_with_rank_even_when_the_data_do():
    pools, fused = synthetic_pools(slope=0.5)
    confidence = calibrate(pools, fused, horizon_days=30)
    got = confidence.probability(np.arange(1, 51), activity=10)
    assert np.ptp(got) == 0
    overall = np.mean([pool.hit.mean() for pool in pools])
    assert abs(got[0] - overall) < 0.01


def test_confidence_without_evidence_says_so():
    confidence = calibrate([], [], horizon_days=30)
    assert not confidence.calibrated
    assert "not calibrated" in confidence.note
    got = confidence.probability(np.arange(1, 11), activity=0)
    assert ((got > 0) & (got < 1)).all()
    assert (np.diff(got) < 0).all()
    assert Confidence.from_dict(confidence.to_dict()).note == confidence.note


def test_confidence_survives_as_plain_data():
    confidence = calibrate(*synthetic_pools(slope=-0.8), horizon_days=30)
    assert Confidence.from_dict(confidence.to_dict()) == confidence


def test_calibration_error_by_hand():
    # One bin predicts 0.2 and sees 0, the other predicts 0.8 and sees 0.5: (0.2 + 0.3) / 2.
    error = expected_calibration_error(np.array([0.2, 0.2, 0.8, 0.8]), np.array([0.0, 0, 1, 0]), bins=2)
    assert error == pytest.approx(0.25)
    assert np.isnan(expected_calibration_error(np.array([]), np.array([])))
