"""Ranking metrics, one value per user.

Every metric takes `hits`, `(n_users, length)` bool: whether the item at that place of the user's list is
relevant, and `n_relevant`, `(n_users,)`: how many relevant items the user has, in the list or not. A user
without relevant items has no value: NaN, so that whoever takes the mean has to decide. A user without a list
is a row of False and counts as zero. Lists shorter than k are padded with False by `hits_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def hits_of(
    lists: Sequence[ArrayLike], relevant: Sequence[ArrayLike], *, k: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """`(n_users, k)` hits and `(n_users,)` numbers of different relevant items.

    >>> hits, n_relevant = hits_of([[7, 3], []], [[3, 5, 3], [1]], k=3)
    >>> hits.tolist(), n_relevant.tolist()
    ([[False, True, False], [False, False, False]], [2, 1])

    Raises:
        ValueError: a list holds an item twice, which would count a hit twice.
    """
    hits = np.zeros((len(lists), k), bool)
    n_relevant = np.zeros(len(lists), np.int64)
    for row, (items, wanted) in enumerate(zip(lists, relevant, strict=True)):
        codes, targets = np.asarray(items, np.int64)[:k], np.unique(np.asarray(wanted, np.int64))
        if len(np.unique(codes)) < len(codes):
            raise ValueError(f"list {row}: expected different items, got {codes.tolist()!r}; deduplicate it")
        hits[row, : len(codes)] = np.isin(codes, targets)
        n_relevant[row] = len(targets)
    return hits, n_relevant


def ndcg(hits: NDArray[np.bool_], n_relevant: NDArray[np.int64], *, k: int) -> NDArray[np.float64]:
    """Textbook NDCG@k per user, 0–1: `Σ hit_r / log2(r + 1)` over what `min(k, n_relevant)` hits can reach.

    Source: Järvelin and Kekäläinen 2002, https://doi.org/10.1145/582415.582418. A hit at rank 2 alone, of two
    relevant: (1 / log2 3) / (1 + 1 / log2 3) = 0.6309 / 1.6309.

    >>> ndcg(np.array([[False, True, False]]), np.array([2]), k=3).round(4).tolist()
    [0.3869]
    """
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    top = hits[:, :k]
    ideal = np.cumsum(discount)[np.clip(n_relevant, 1, k) - 1]
    gain = (top * discount[: top.shape[1]]).sum(axis=1)
    return _valued(np.asarray(gain / ideal, np.float64), n_relevant)


def recall(hits: NDArray[np.bool_], n_relevant: NDArray[np.int64], *, k: int) -> NDArray[np.float64]:
    """Relevant items found in the first k, over all relevant ones, 0–1.

    >>> recall(np.array([[True, False, True]]), np.array([4]), k=3).tolist()
    [0.5]
    """
    return _valued(hits[:, :k].sum(axis=1) / np.maximum(n_relevant, 1), n_relevant)


def precision(hits: NDArray[np.bool_], n_relevant: NDArray[np.int64], *, k: int) -> NDArray[np.float64]:
    """Relevant items found in the first k, over k (however short the list), 0–1.

    >>> precision(np.array([[True, False, True]]), np.array([4]), k=4).tolist()
    [0.5]
    """
    return _valued(np.asarray(hits[:, :k].sum(axis=1) / k, np.float64), n_relevant)


def hit_rate(hits: NDArray[np.bool_], n_relevant: NDArray[np.int64], *, k: int) -> NDArray[np.float64]:
    """1 when any of the first k is relevant, else 0.

    >>> hit_rate(np.array([[False, True], [False, False]]), np.array([1, 1]), k=2).tolist()
    [1.0, 0.0]
    """
    return _valued(np.asarray(hits[:, :k].any(axis=1), np.float64), n_relevant)


def f1(hits: NDArray[np.bool_], n_relevant: NDArray[np.int64], *, k: int) -> NDArray[np.float64]:
    """Harmonic mean of precision@k and recall@k, 0 where both are 0.

    >>> f1(np.array([[True, False, True, False]]), np.array([4]), k=4).tolist()
    [0.5]
    """
    found = hits[:, :k].sum(axis=1)
    return _valued(np.asarray(2.0 * found / (k + np.maximum(n_relevant, 1)), np.float64), n_relevant)


def average_precision(
    hits: NDArray[np.bool_], n_relevant: NDArray[np.int64], *, k: int
) -> NDArray[np.float64]:
    """MAP@k before the mean: precision at each hit's rank, summed, over `min(k, n_relevant)`.

    Hits at ranks 1 and 3 of two relevant items: (1/1 + 2/3) / 2.

    >>> average_precision(np.array([[True, False, True]]), np.array([2]), k=3).round(4).tolist()
    [0.8333]
    """
    top = hits[:, :k]
    precision_at = np.cumsum(top, axis=1) / np.arange(1, top.shape[1] + 1)
    summed = np.asarray((precision_at * top).sum(axis=1) / np.clip(n_relevant, 1, k), np.float64)
    return _valued(summed, n_relevant)


def mrr(hits: NDArray[np.bool_], n_relevant: NDArray[np.int64], *, k: int) -> NDArray[np.float64]:
    """One over the rank of the first hit within k, 0 without one.

    >>> mrr(np.array([[False, True, True], [False, False, False]]), np.array([2, 1]), k=3).tolist()
    [0.5, 0.0]
    """
    top = hits[:, :k]
    if top.shape[1] == 0:
        return _valued(np.zeros(len(hits)), n_relevant)
    first: NDArray[np.float64] = 1.0 / (1.0 + top.argmax(axis=1))
    return _valued(np.where(top.any(axis=1), first, 0.0), n_relevant)


def _valued(values: NDArray[np.float64], n_relevant: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(n_relevant > 0, values, np.nan)


Metric = Callable[..., NDArray[np.float64]]

# Name, function, cut-off; the formula beside each is part of the name that is printed.
ACCURACY: dict[str, tuple[Metric, int]] = {
    "NDCG@10": (ndcg, 10),
    "recall@10": (recall, 10),
    "recall@50": (recall, 50),
    "precision@10": (precision, 10),
    "F1@10": (f1, 10),
    "hit rate@10": (hit_rate, 10),
    "MRR@10": (mrr, 10),
    "MAP@10": (average_precision, 10),
}


def accuracy(
    lists: Sequence[ArrayLike], relevant: Sequence[ArrayLike], *, depth: int = 50
) -> dict[str, NDArray[np.float64]]:
    """Every metric of `ACCURACY`, `(n_users,)` each."""
    hits, n_relevant = hits_of(lists, relevant, k=depth)
    return {name: metric(hits, n_relevant, k=k) for name, (metric, k) in ACCURACY.items()}
