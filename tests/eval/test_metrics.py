"""Metrics against fractions worked by hand, and the beyond-accuracy measures."""

from __future__ import annotations

import doctest
import importlib
import math

import numpy as np
import pytest

from eval.measures.metrics import (
    ACCURACY,
    accuracy,
    average_precision,
    f1,
    hit_rate,
    hits_of,
    mrr,
    ndcg,
    precision,
    recall,
)

DOCTESTED = (
    "agent.ranking.confidence",
    "agent.ranking.rerank",
    "eval.measures.beyond",
    "eval.measures.calibration",
    "eval.measures.metrics",
    "eval.rankers.ours",
    "eval.report.plots",
    "eval.data.sealed",
    "eval.measures.statistics",
)
HITS = np.array([[1, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]], bool)
RELEVANT = np.array([3, 1, 2])
ALL = [ndcg, recall, precision, f1, hit_rate, mrr, average_precision]


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
    np.testing.assert_allclose(f1(HITS, RELEVANT, k=4), [4 / 7, 2 / 5, 0])
    np.testing.assert_allclose(average_precision(HITS, RELEVANT, k=4), [(1 + 2 / 3) / 3, 1 / 4, 0])


@pytest.mark.parametrize("metric", ALL)
def test_no_relevant_items_is_no_value(metric):
    values = metric(np.zeros((2, 3), bool), np.array([0, 1]), k=3)
    assert np.isnan(values[0])
    assert values[1] == 0


@pytest.mark.parametrize("metric", ALL)
def test_empty_lists_count_as_zero(metric):
    assert metric(np.zeros((1, 0), bool), np.array([2]), k=3).tolist() == [0.0]


def test_every_metric_comes_from_lists_and_what_was_taken():
    found = accuracy([[3, 1, 2], []], [[1, 2], [7]], depth=3)
    assert set(found) == set(ACCURACY)
    np.testing.assert_allclose(found["recall@10"], [1, 0])
    np.testing.assert_allclose(found["MRR@10"], [1 / 2, 0])
    np.testing.assert_allclose(found["NDCG@10"][0], (1 / math.log2(3) + 1 / 2) / (1 + 1 / math.log2(3)))


def test_perfect_list_has_ndcg_one():
    assert ndcg(np.ones((1, 10), bool), np.array([25]), k=10).tolist() == [pytest.approx(1.0)]


def test_hits_refuse_a_list_with_an_item_twice():
    with pytest.raises(ValueError, match="different items"):
        hits_of([[1, 1]], [[1]], k=2)


@pytest.mark.parametrize("name", DOCTESTED)
def test_doctests(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
