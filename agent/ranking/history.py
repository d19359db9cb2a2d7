"""What counts as a wish of a user, and histories as sparse matrices: what every source starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agent.data.log import DAY_MS, InteractionLog

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, slots=True)
class FacetQuery:
    """One interest as a question to the item vectors.

    Attributes:
        key: of the facet, as in the profile.
        vector: `(dim,)` float32; any length, it is normalised where it is used.
        quota: weight of the facet among the candidates, ≥ 0 (forward-looking share; 0 asks nothing).
        share: share of the user's activity at the moment, 0–1.
    """

    key: str
    vector: NDArray[np.float32]
    quota: float
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Context:
    """Who is asked for, and when: all that a fitted source may look at.

    Histories are folded in, so an unknown user is simply an empty history, and events later than the
    fit count at once.

    Attributes:
        user: user code, or None for an unknown user; no source reads it but the one for people, to leave out
            who asks.
        item: int32 item codes of the user's events before `now_ms`, oldest first; searches are left out.
        timestamp_ms: int64, one per event.
        weight: float32, one per event; negative for a dislike.
        now_ms: the moment, UTC; nothing at or after it is in the history.
        facets: questions with their quotas, from the interests room.
        zone: whose days count as days.
        emphasis: float32, one per event, above 0 and at most 1: how much the event still counts for a user
            who has moved, beside its weight and its age; None counts all fully.
    """

    user: int | None
    item: NDArray[np.int32]
    timestamp_ms: NDArray[np.int64]
    weight: NDArray[np.float32]
    now_ms: int
    facets: tuple[FacetQuery, ...] = field(default=())
    emphasis: NDArray[np.float32] | None = None
    zone: str = "UTC"

    @classmethod
    def of(
        cls,
        log: InteractionLog,
        user: int | None,
        *,
        now_ms: int,
        facets: tuple[FacetQuery, ...] = (),
    ) -> Context:
        """The context of one user of `log` at `now_ms`; `user=None` gives an empty history."""
        rows = np.empty(0, np.int64) if user is None else log.rows_of(user)
        rows = rows[(log.timestamp_ms[rows] < now_ms) & (log.item[rows] >= 0)]
        return cls(
            user,
            log.item[rows],
            log.timestamp_ms[rows],
            log.weight[rows],
            now_ms=now_ms,
            facets=facets,
            zone=log.zone,
        )

    def emphasis_of(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """`(len(rows),)` float32: how much those events still count, see `emphasis`."""
        return np.ones(len(rows), np.float32) if self.emphasis is None else self.emphasis[rows]

    def disliked(self) -> NDArray[np.int32]:
        """Item codes, sorted, whose last weighted event is a dislike."""
        if not (self.weight < 0).any():
            return np.empty(0, np.int32)
        rows = np.flatnonzero(self.weight != 0)
        item, weight = self.item[rows][::-1], self.weight[rows][::-1]
        codes, last = np.unique(item, return_index=True)
        disliked: NDArray[np.int32] = codes[weight[last] < 0]
        return disliked

    def seen(self) -> NDArray[np.int32]:
        """Item codes, sorted, of every event."""
        return np.unique(self.item)

    def wishes(self) -> NDArray[np.int64]:
        """Positions, oldest first, of the events that count as a wish (see `wish_rows`)."""
        keep = self.weight > 0
        disliked = self.disliked()
        if len(disliked):
            keep &= ~np.isin(self.item, disliked)
        return np.flatnonzero(keep)


def wish_rows(log: InteractionLog) -> NDArray[np.int64]:
    """Rows that count as a wish: an item, a positive weight, and no later dislike of it by that user."""
    keep = (log.item >= 0) & (log.weight > 0)
    if not (log.weight < 0).any():
        return np.flatnonzero(keep)
    pair = log.user.astype(np.int64) * max(log.n_items, 1) + log.item
    weighted = np.flatnonzero((log.item >= 0) & (log.weight != 0))[::-1]
    codes, last = np.unique(pair[weighted], return_index=True)
    disliked = codes[log.weight[weighted][last] < 0]
    if len(disliked):
        keep &= ~np.isin(pair, disliked)
    return np.flatnonzero(keep)


def decay(age_ms: NDArray[np.int64], half_life_days: float | None) -> NDArray[np.float32]:
    """`0.5 ** (age / half-life)`, float32, 0–1; ones when `half_life_days` is None."""
    if half_life_days is None:
        return np.ones(len(age_ms), np.float32)
    return np.exp2(-(age_ms / (half_life_days * DAY_MS))).astype(np.float32)


def pair_matrix(
    rows: NDArray[Any], cols: NDArray[Any], values: NDArray[np.float32], *, shape: tuple[int, int]
) -> csr_matrix:
    """Sparse float32 matrix with the largest value of each `(row, col)`; order of input is irrelevant."""
    from scipy.sparse import csr_matrix

    if not len(rows):
        return csr_matrix(shape, dtype=np.float32)
    key = rows.astype(np.int64) * shape[1] + cols
    order = np.argsort(key, kind="stable")
    key, values = key[order], values[order]
    start = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    best = np.maximum.reduceat(values, start).astype(np.float32)
    unique = key[start]
    return csr_matrix((best, (unique // shape[1], unique % shape[1])), shape=shape)


def log_matrix(log: InteractionLog, *, now_ms: int, half_life_days: float | None) -> csr_matrix:
    """`(n_users, n_items)` sparse float32: weight × decay of each user's strongest wish per item.

    Args:
        log: events; those at or after `now_ms` are ignored.
        now_ms: the moment that ages are counted from, UTC.
        half_life_days: of the decay; None does not decay.
    """
    past = log.before(now_ms)
    rows = wish_rows(past)
    values = past.weight[rows] * decay(now_ms - past.timestamp_ms[rows], half_life_days)
    return pair_matrix(past.user[rows], past.item[rows], values, shape=(log.n_users, log.n_items))


def context_matrix(contexts: Sequence[Context], *, n_items: int, half_life_days: float | None) -> csr_matrix:
    """`(len(contexts), n_items)` sparse float32: as `log_matrix`, of the users asked for, with `emphasis`."""
    picks = [context.wishes() for context in contexts]
    user = np.repeat(np.arange(len(contexts)), [len(pick) for pick in picks])
    if not len(user):
        return pair_matrix(user, user, np.empty(0, np.float32), shape=(len(contexts), n_items))
    item = np.concatenate([c.item[p] for c, p in zip(contexts, picks, strict=True)])
    age = np.concatenate([c.now_ms - c.timestamp_ms[p] for c, p in zip(contexts, picks, strict=True)])
    weight = np.concatenate([c.weight[p] * c.emphasis_of(p) for c, p in zip(contexts, picks, strict=True)])
    return pair_matrix(user, item, weight * decay(age, half_life_days), shape=(len(contexts), n_items))


def active_items(log: InteractionLog, *, now_ms: int, limit: int) -> NDArray[np.int64]:
    """At most `limit` item codes wished by the most users before `now_ms`, sorted by code.

    Ties go to the lower code; items that nobody wished are never among them.
    """
    counts = user_counts(log, now_ms=now_ms, since_ms=None)
    order = np.argsort(-counts, kind="stable")[:limit]
    return np.sort(order[counts[order] > 0])


def user_counts(log: InteractionLog, *, now_ms: int, since_ms: int | None) -> NDArray[np.int64]:
    """`(n_items,)` number of different users who wished each item in `[since_ms, now_ms)`."""
    past = log.before(now_ms)
    rows = wish_rows(past)
    if since_ms is not None:
        rows = rows[past.timestamp_ms[rows] >= since_ms]
    pair = np.unique(past.user[rows].astype(np.int64) * max(log.n_items, 1) + past.item[rows])
    return np.bincount(pair % max(log.n_items, 1), minlength=log.n_items).astype(np.int64)
