"""Figures of the migration protocol: areas under the curve with paired intervals, and the plain line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from agent.data.log import InteractionLog
from agent.interests.permutation import shuffled_orders, window_contrast
from eval.measures.statistics import Interval
from eval.migration.histories import Session

_RESAMPLES = 1000
_PLAIN_SHUFFLES = 199


def wins(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(n_positive, n_negative)`: 1 where a positive scores above a negative, ½ in a tie, else 0."""
    difference = positive[:, None] - negative[None, :]
    table: NDArray[np.float64] = (difference > 0) + 0.5 * (difference == 0)
    return table


def area(table: NDArray[np.float64], users: Sequence[int] = (), *, seed: int = 0) -> Interval:
    """Area under the ROC curve of a square table of `wins`, bootstrapped over users.

    Row i and column i are the planted and the unchanged history of one pair, so they are drawn together. The
    difference of two tables gives the paired difference of areas.

    Args:
        table: `(n_pairs, n_pairs)`.
        users: of each pair; pairs of one user are drawn together. Empty: each pair is another user's.

    >>> area(wins(np.array([2.0, 3.0]), np.array([0.0, 1.0])))
    Interval(mean=1.0, low=1.0, high=1.0, n=2)
    """
    n = len(table)
    if n == 0:
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    _, member = np.unique(users if len(users) else np.arange(n), return_inverse=True)
    n_users = int(member.max()) + 1
    rng = np.random.default_rng(seed)
    weight = rng.multinomial(n_users, np.full(n_users, 1 / n_users), size=_RESAMPLES)[:, member].astype(float)
    weight /= weight.sum(axis=1, keepdims=True)
    low, high = np.quantile(((weight @ table) * weight).sum(axis=1), [0.025, 0.975])
    mean = float(table.mean())
    return Interval(mean, min(float(low), mean), max(float(high), mean), n_users)


def auc_of(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve, ties counting half; NaN without both kinds.

    >>> auc_of(np.array([1.0, 0.0, 0.0]), np.array([True, False, True]))
    0.75
    """
    if positive.all() or not positive.any():
        return float("nan")
    return float(wins(scores[positive], scores[~positive]).mean())


def plain_divergence(
    log: InteractionLog, contents: Sequence[Session], membership: sparse.csr_matrix, *, seed: int = 0
) -> float:
    """The line to beat: divergence of category shares between the halves, against shuffled days.

    Jensen-Shannon divergence of mean category shares per session (Lin 1991, doi 10.1109/18.61115), in
    standard deviations of the same over shuffled days.

    Args:
        membership: `(n_items, n_categories)`, from `item_category_matrix`.
    """
    shares = np.zeros((len(contents), membership.shape[1]))
    for row, rows in enumerate(contents):
        shares[row] = np.asarray(membership[log.item[rows]].sum(axis=0)).ravel()
    shares = shares[:, shares.any(axis=0)]
    if not shares.shape[1]:
        return 0.0
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
    n = len(contents)
    contrast = window_contrast(shuffled_orders(n, permutations=_PLAIN_SHUFFLES, seed=seed), n // 2).astype(
        np.float64
    )
    after, before = np.maximum(contrast, 0) @ shares, np.maximum(-contrast, 0) @ shares
    middle = (after + before) / 2
    divergence = (_relative_entropy(after, middle) + _relative_entropy(before, middle)) / 2
    spread = float(divergence[1:].std())
    return float((divergence[0] - divergence[1:].mean()) / spread) if spread > 1e-12 else 0.0


def _relative_entropy(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    safe = np.maximum(first, 1e-300) / np.maximum(second, 1e-300)
    total: NDArray[np.float64] = np.where(first > 0, first * np.log(safe), 0.0).sum(axis=1)
    return total
