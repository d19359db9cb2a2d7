"""Sources that go from item to item by counting: who took both, and what followed what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue, InteractionLog
from agent.ranking.history import (
    Context,
    active_items,
    context_matrix,
    decay,
    log_matrix,
    pair_matrix,
    wish_rows,
)
from agent.ranking.source import Arrays, csr_arrays, csr_from, fitted, load_arrays, save_arrays

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class ItemKnnSource:
    """Cosine of decayed item columns, the `n_neighbours` nearest of each of the most active items.

    A user's score is the sum of cosines from its decayed history. Items outside the `max_items` most active
    ones get 0. Source: Deshpande and Karypis 2004, "Item-based top-N recommendation algorithms",
    https://doi.org/10.1145/963770.963776.
    """

    n_neighbours: int = 200
    train_half_life_days: float | None = None
    user_half_life_days: float | None = None
    max_items: int = 4000
    name: str = "item-knn"
    arrays: Arrays | None = None

    def fit(self, log: InteractionLog, catalogue: Catalogue, *, now_ms: int) -> Self:
        """See `Source.fit`."""
        active = active_items(log, now_ms=now_ms, limit=self.max_items)
        matrix = log_matrix(log, now_ms=now_ms, half_life_days=self.train_half_life_days)[:, active]
        gram = (matrix.T @ matrix).toarray().astype(np.float32)
        norm = np.sqrt(np.maximum(np.diagonal(gram), np.finfo(np.float32).tiny))
        gram /= norm[:, None]
        gram /= norm[None, :]
        np.fill_diagonal(gram, 0.0)
        kept = keep_largest(gram, n=self.n_neighbours, codes=active, n_items=log.n_items)
        return replace(self, arrays=csr_arrays("weights", kept))

    def score(self, contexts: Sequence[Context]) -> NDArray[np.float32]:
        """See `Source.score`; never negative."""
        weights = csr_from(fitted(self.name, self.arrays), "weights")
        history = context_matrix(contexts, n_items=weights.shape[0], half_life_days=self.user_half_life_days)
        return np.asarray((history @ weights).toarray(), np.float32)

    def save(self, folder: Path) -> None:
        """See `Source.save`."""
        save_arrays(folder, self.name, self.arrays)

    def load(self, folder: Path, *, catalogue: Catalogue) -> Self:
        """See `Source.load`."""
        return replace(self, arrays=load_arrays(folder, self.name))


@dataclass(frozen=True)
class TransitionSource:
    """What is taken soon after what: steps between moments (events of one user at one instant).

    A pair of items whose moments lie `lag ≤ max_lag` apart counts `0.5 ** (age / half-life) / lag`; counts
    are divided by the square roots of how often the first leads and the second follows, so that what
    everybody takes does not follow everything. A user's score comes from its last `max_lag` moments, weighted
    `1 / lag`. Only the `max_items` most active items take part. A basket is one moment, so this works for
    clicks and baskets.
    """

    max_lag: int = 5
    half_life_days: float | None = 90.0
    n_neighbours: int = 200
    max_items: int = 4000
    name: str = "transitions"
    arrays: Arrays | None = None

    def fit(self, log: InteractionLog, catalogue: Catalogue, *, now_ms: int) -> Self:
        """See `Source.fit`."""
        past = log.before(now_ms)
        active = active_items(log, now_ms=now_ms, limit=self.max_items)
        place = np.full(log.n_items, -1, np.int64)
        place[active] = np.arange(len(active))
        rows = wish_rows(past)
        rows = rows[np.lexsort((past.timestamp_ms[rows], past.user[rows]))]
        counts = np.zeros((len(active), len(active)), np.float32)
        if len(rows):
            moments, owner, when = _moments(past.user[rows], past.timestamp_ms[rows])
            inside = place[past.item[rows]] >= 0
            basket = pair_matrix(
                moments[inside],
                place[past.item[rows]][inside],
                past.weight[rows][inside],
                shape=(len(owner), max(len(active), 1)),
            )
            for lag in range(1, min(self.max_lag, len(owner) - 1) + 1):
                same = (owner[lag:] == owner[:-lag]).astype(np.float32)
                strength = same * decay(now_ms - when[lag:], self.half_life_days) / np.float32(lag)
                later = basket[lag:].multiply(strength[:, None]).tocsr()
                counts += (basket[:-lag].T @ later).toarray()
        leads, follows = counts.sum(axis=1), counts.sum(axis=0)
        counts /= np.sqrt(np.maximum(leads, 1e-12))[:, None]
        counts /= np.sqrt(np.maximum(follows, 1e-12))[None, :]
        np.fill_diagonal(counts, 0.0)  # taking the same again is the repeat source's to say
        kept = keep_largest(counts, n=self.n_neighbours, codes=active, n_items=log.n_items)
        return replace(self, arrays=csr_arrays("weights", kept))

    def score(self, contexts: Sequence[Context]) -> NDArray[np.float32]:
        """See `Source.score`; never negative."""
        weights = csr_from(fitted(self.name, self.arrays), "weights")
        user, item, value = [], [], []
        for row, context in enumerate(contexts):
            wishes = context.wishes()
            instants = np.unique(context.timestamp_ms[wishes])[::-1][: self.max_lag]
            for lag, instant in enumerate(instants, start=1):
                codes = context.item[wishes[context.timestamp_ms[wishes] == instant]]
                user.append(np.full(len(codes), row))
                item.append(codes)
                value.append(np.full(len(codes), 1.0 / lag, np.float32))
        if not user:
            return np.zeros((len(contexts), weights.shape[0]), np.float32)
        history = pair_matrix(
            np.concatenate(user),
            np.concatenate(item),
            np.concatenate(value),
            shape=(len(contexts), weights.shape[0]),
        )
        return np.asarray((history @ weights).toarray(), np.float32)

    def save(self, folder: Path) -> None:
        """See `Source.save`."""
        save_arrays(folder, self.name, self.arrays)

    def load(self, folder: Path, *, catalogue: Catalogue) -> Self:
        """See `Source.load`."""
        return replace(self, arrays=load_arrays(folder, self.name))


def keep_largest(dense: NDArray[np.float32], *, n: int, codes: NDArray[np.int64], n_items: int) -> csr_matrix:
    """`(n_items, n_items)` sparse: the `n` largest positive entries of each row; ties to the lower code."""
    from scipy.sparse import csr_matrix

    rows: list[NDArray[Any]] = []
    cols: list[NDArray[Any]] = []
    values: list[NDArray[Any]] = []
    for row in range(len(dense)):
        line = dense[row]
        best = np.argsort(-line, kind="stable")[:n]
        best = best[line[best] > 0]
        rows.append(np.full(len(best), codes[row]))
        cols.append(codes[best])
        values.append(line[best])
    if not rows:
        return csr_matrix((n_items, n_items), dtype=np.float32)
    parts = (np.concatenate(values), (np.concatenate(rows), np.concatenate(cols)))
    return csr_matrix(parts, shape=(n_items, n_items), dtype=np.float32)


def _moments(
    user: NDArray[np.int32], timestamp_ms: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Moment number of each row (rows sorted by user and time), and user and time of each moment."""
    new = np.r_[True, (user[1:] != user[:-1]) | (timestamp_ms[1:] != timestamp_ms[:-1])]
    return np.cumsum(new).astype(np.int64) - 1, user[new], timestamp_ms[new]
