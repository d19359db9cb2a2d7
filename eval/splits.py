"""Splits by time: what may be learned from, and what is then asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue, InteractionLog
from agent.ranking.training import restrict


@dataclass(frozen=True)
class TemporalSplit:
    """A global temporal split.

    Attributes:
        train: events strictly before `cut_ms`: all that a recommender is given.
        users: user codes that are evaluated, sorted.
        relevant: per user of `users`, the item codes taken at or after the cut that count, sorted.
        cut_ms: T, UTC.
    """

    train: InteractionLog
    users: NDArray[np.int64]
    relevant: tuple[NDArray[np.int32], ...]
    cut_ms: int


def popular_items_only(
    log: InteractionLog, catalogue: Catalogue, *, min_users: int
) -> tuple[InteractionLog, Catalogue]:
    """Log and catalogue of the items that at least `min_users` different users have, codes renumbered."""
    rows = log.item >= 0
    pair = np.unique(log.user[rows].astype(np.int64) * log.n_items + log.item[rows])
    counts = np.bincount(pair % log.n_items, minlength=log.n_items)
    keep = np.flatnonzero(counts >= min_users)
    return restrict(log, catalogue, keep)


def split_by_time(
    log: InteractionLog,
    *,
    quantile: float,
    min_train_items: int = 5,
    new_items: bool = True,
    max_users: int | None = None,
    seed: int = 0,
) -> TemporalSplit:
    """The global temporal split at the `quantile` of event times.

    Args:
        log: events, all of them.
        quantile: of event times, 0–1, linearly interpolated; events at T itself are test.
        min_train_items: different items a user needs before T.
        new_items: only items the user has no event with before T are relevant; else every item after T.
        max_users: so many are drawn, without replacement, from the eligible users sorted by id as text.
        seed: of that draw, by `numpy.random.RandomState`, whose stream NumPy keeps frozen.
    """
    cut_ms = int(np.ceil(np.quantile(log.timestamp_ms, quantile)))
    train = log.before(cut_ms)
    width = max(log.n_items, 1)
    known = _pairs(train, width)
    future = _pairs(log.take(slice(len(train), None)), width)
    if new_items:
        future = np.setdiff1d(future, known)
    n_known = np.bincount(known // width, minlength=log.n_users)
    eligible = np.unique(future // width)
    eligible = eligible[n_known[eligible] >= min_train_items]
    if max_users is not None and len(eligible) > max_users:
        by_id = np.array(sorted(eligible, key=lambda code: log.user_ids[code]))
        drawn = np.random.RandomState(seed).choice(len(by_id), max_users, replace=False)
        eligible = np.sort(by_id[drawn])
    bounds = np.searchsorted(future // width, np.stack([eligible, eligible + 1]))
    relevant = tuple((future[a:b] % width).astype(np.int32) for a, b in bounds.T)
    return TemporalSplit(train, eligible.astype(np.int64), relevant, cut_ms)


def _pairs(log: InteractionLog, width: int) -> NDArray[np.int64]:
    """Different `(user, item)` pairs as `user * width + item`, sorted; searches left out."""
    rows = log.item >= 0
    return np.unique(log.user[rows].astype(np.int64) * width + log.item[rows])
