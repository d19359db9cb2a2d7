"""Metrics against fractions worked by hand, and splits against small logs."""

from __future__ import annotations

import doctest
import importlib
import math

import numpy as np
import pytest

from agent.data.log import DAY_MS, Catalogue, InteractionLog
from eval.metrics import bootstrap_mean, hit_rate, hits_of, mrr, ndcg, precision, recall
from eval.splits import popular_items_only, split_by_time

HITS = np.array([[1, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]], bool)
RELEVANT = np.array([3, 1, 2])


def test_ndcg_by_hand():
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    expected = [(1 + 1 / 2) / ideal, 1 / math.log2(5), 0.0]
    np.testing.assert_allclose(ndcg(HITS, RELEVANT, k=4), expected)
    # Cut at 2 the ideal has two places: 1 / (1 + 1 / log2 3).
    np.testing.assert_allclose(ndcg(HITS, RELEVANT, k=2), [1 / (1 + 1 / math.log2(3)), 0, 0])


def test_the_other_metrics_by_hand():
    np.testing.assert_allclose(recall(HITS, RELEVANT, k=4), [2 / 3, 1, 0])
    np.testing.assert_allclose(precision(HITS, RELEVANT, k=4), [2 / 4, 1 / 4, 0])
    np.testing.assert_allclose(precision(HITS, RELEVANT, k=10), [2 / 10, 1 / 10, 0])
    np.testing.assert_allclose(hit_rate(HITS, RELEVANT, k=3), [1, 0, 0])
    np.testing.assert_allclose(mrr(HITS, RELEVANT, k=4), [1, 1 / 4, 0])


@pytest.mark.parametrize("metric", [ndcg, recall, precision, hit_rate, mrr])
def test_no_relevant_items_is_no_value(metric):
    values = metric(np.zeros((2, 3), bool), np.array([0, 1]), k=3)
    assert np.isnan(values[0])
    assert values[1] == 0


@pytest.mark.parametrize("metric", [ndcg, recall, precision, hit_rate, mrr])
def test_empty_lists_count_as_zero(metric):
    assert metric(np.zeros((1, 0), bool), np.array([2]), k=3).tolist() == [0.0]


def test_perfect_list_has_ndcg_one():
    assert ndcg(np.ones((1, 10), bool), np.array([25]), k=10).tolist() == [pytest.approx(1.0)]


def test_hits_refuse_a_list_with_an_item_twice():
    with pytest.raises(ValueError, match="different items"):
        hits_of([[1, 1]], [[1]], k=2)


def test_bootstrap_interval_covers_the_mean():
    rng = np.random.default_rng(0)
    covered = sum(
        found.low <= 0.3 <= found.high
        for found in (
            bootstrap_mean(rng.binomial(1, 0.3, 200).astype(float), n_resamples=400) for _ in range(100)
        )
    )
    assert 88 <= covered <= 100


def test_words_need_an_interval():
    assert bootstrap_mean(np.full(50, 0.1) + np.linspace(-0.01, 0.01, 50)).better
    nothing = bootstrap_mean(np.linspace(-1, 1, 50))
    assert not nothing.better
    assert not nothing.worse
    assert bootstrap_mean(np.full(9, -1.0)).worse
    assert bootstrap_mean(np.array([np.nan])).n == 0


@pytest.mark.parametrize("name", ["eval.metrics", "agent.ranking.confidence", "agent.ranking.rerank"])
def test_doctests(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0


def tiny_log():
    """User 10 has items 0–4 before day 90, 5 and 0 after; user 9 four items before; user 2 none after."""
    rows = [(0, item, 10 + item) for item in range(5)] + [(0, 5, 95), (0, 0, 96)]
    rows += [(1, item, 20 + item) for item in range(4)] + [(1, 5, 97)]
    rows += [(2, item, 30 + item) for item in range(6)]
    rows.sort(key=lambda row: row[2])
    n = len(rows)
    return InteractionLog(
        user=np.array([r[0] for r in rows], np.int32),
        item=np.array([r[1] for r in rows], np.int32),
        timestamp_ms=np.array([r[2] for r in rows], np.int64) * DAY_MS,
        event=np.zeros(n, np.int16),
        value=np.full(n, np.nan, np.float32),
        weight=np.ones(n, np.float32),
        interaction_id=np.arange(n, dtype=np.int64),
        user_ids=("10", "9", "2"),
        events=("purchase",),
        n_items=6,
    )


def test_temporal_split():
    split = split_by_time(tiny_log(), quantile=0.85)
    assert (split.train.timestamp_ms < split.cut_ms).all()
    assert split.users.tolist() == [0]
    assert [items.tolist() for items in split.relevant] == [[5]]
    again = split_by_time(tiny_log(), quantile=0.85, new_items=False, min_train_items=4)
    assert again.users.tolist() == [0, 1]
    assert [items.tolist() for items in again.relevant] == [[0, 5], [5]]


def test_users_are_drawn_by_seed():
    log = tiny_log()
    draws = [
        split_by_time(log, quantile=0.85, min_train_items=4, max_users=1, seed=seed).users.tolist()
        for seed in range(8)
    ]
    assert draws == [
        split_by_time(log, quantile=0.85, min_train_items=4, max_users=1, seed=seed).users.tolist()
        for seed in range(8)
    ]
    assert {tuple(users) for users in draws} == {(0,), (1,)}


def test_popular_items_only_renumbers():
    catalogue = Catalogue(
        item_ids=tuple("abcdef"),
        titles=tuple("ABCDEF"),
        descriptions=("",) * 6,
        categories=((),) * 6,
        domains=("",) * 6,
        texts=tuple("ABCDEF"),
        text_row=np.arange(6, dtype=np.int32),
    )
    log, kept = popular_items_only(tiny_log(), catalogue, min_users=3)
    assert kept.item_ids == tuple("abcdf")
    assert log.n_items == 5
    assert set(log.item.tolist()) == {0, 1, 2, 3, 4}
    assert len(log) == len(tiny_log()) - 2
