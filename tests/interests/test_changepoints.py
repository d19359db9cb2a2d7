from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import gammaln

from agent.interests import changepoints
from agent.interests.changepoints import find_splits, most_likely_split


def shares(phases, seed=0):
    """Sessions with three of a phase's facets each: `[(n_sessions, (facets, …)), …]` over 12 facets."""
    rng = np.random.default_rng(seed)
    rows = []
    for n, facets in phases:
        for _ in range(n):
            row = np.zeros(12, np.float32)
            row[rng.choice(facets, size=3, replace=False)] = 1 / 3
            rows.append(row)
    return np.array(rows, np.float32)


A, B, C = (0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10, 11)


def test_several_changes_are_found_where_they_are():
    splits = find_splits(shares([(20, A), (12, B), (18, C)]))
    assert [split.session for split in splits] == [20, 32]
    assert all(split.log_odds > 5 for split in splits)


def test_left_and_back_gives_two_splits():
    assert [split.session for split in find_splits(shares([(15, A), (10, B), (15, A)]))] == [15, 25]


def test_no_change_gives_none_and_says_so_in_odds():
    steady = [shares([(40, (0, 1, 2, 3, 4, 5))], seed=seed) for seed in range(40)]
    assert sum(bool(find_splits(table)) for table in steady) <= 2
    odds = [most_likely_split(table).log_odds for table in steady]
    assert np.median(odds) < 0


def test_odds_agree_with_the_formula_by_hand():
    """Two facets, four sessions, one possible split with two sessions on each side."""
    table = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
    split = most_likely_split(table)
    weight = changepoints._COUNT_WEIGHT

    def evidence(first, second):
        return gammaln(2) + gammaln(1 + first) + gammaln(1 + second) - gammaln(2 + first + second)

    gain = 2 * evidence(2 * weight, 0) - evidence(2 * weight, 2 * weight)
    # Of three places for a split only the middle one leaves two sessions on both sides.
    assert split.session == 2
    assert split.log_odds == pytest.approx(gain - math.log(3) + math.log(1 / 3))


def test_dynamic_programming_agrees_with_every_segmentation():
    table = shares([(4, A), (3, B), (3, C)], seed=5)
    evidence, bounds = changepoints._segment_evidence(table)
    n = len(bounds) - 1
    penalty = math.log(n - 1) + math.log(3)
    best, chosen = -np.inf, ()
    for mask in range(2 ** (n - 1)):
        cuts = [spot for spot in range(1, n) if mask >> (spot - 1) & 1]
        ends = [0, *cuts, n]
        total = sum(evidence[a, b] for a, b in pairwise(ends)) - penalty * len(cuts)
        if total > best:
            best, chosen = total, tuple(cuts)
    assert tuple(split.session for split in find_splits(table)) == chosen


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_too_few_sessions_split_nowhere(n):
    assert find_splits(np.ones((n, 2), np.float32)) == ()
    assert most_likely_split(np.ones((n, 2), np.float32)) is None


def test_a_long_history_is_cut_on_a_grid(monkeypatch):
    monkeypatch.setattr(changepoints, "_MAX_CUTS", 30)
    (split,) = find_splits(shares([(60, A), (60, B)]))
    assert abs(split.session - 60) <= 4
