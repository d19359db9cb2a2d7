"""The classic pipeline this product grew from: encoder embeddings → NMF interest factors → kNN with means.

Item texts are encoded; a user is the mean of their items' vectors. Both, shifted to be non-negative, are
factored by NMF into interest factors. Users are alike by the cosine of their factors, and a rating is
predicted as scikit-surprise's `KNNWithMeans` does: the user's mean plus the neighbours' deviations from
theirs, weighted by similarity. Without ratings the "rating" is how much of the user's activity the item is.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agent.data.log import InteractionLog
from agent.ranking.windows import allowed_items
from eval.data.splits import Question
from eval.rankers.recommenders import Lists, Record

N_FACTORS = 24
N_NEIGHBOURS = 40
_MAX_NEIGHBOUR_USERS = 1000


@dataclass(frozen=True)
class Ratings:
    """A dense part of the user–item matrix: `(n_users, n_items)` values, NaN where there is none."""

    users: NDArray[np.int64]
    values: NDArray[np.float32]

    @property
    def means(self) -> NDArray[np.float32]:
        """`(n_users,)` mean rating of each user."""
        there = ~np.isnan(self.values)
        total = np.where(there, self.values, 0.0).sum(axis=1)
        return np.asarray(total / np.maximum(there.sum(axis=1), 1), np.float32)


def predict_with_means(
    ratings: Ratings,
    similarity: NDArray[np.float32],
    means: NDArray[np.float32],
    *,
    k: int = N_NEIGHBOURS,
) -> NDArray[np.float32]:
    """`(n_asked, n_items)` predictions: `μ_u + Σ s (r_v − μ_v) / Σ s` over the k most alike raters.

    Only positive similarities count; an item that no neighbour rated is predicted with `μ_u`, as
    `surprise.KNNWithMeans(min_k=1)` does. Ties of similarity go to the earlier neighbour.

    Args:
        ratings: of the neighbours.
        similarity: `(n_asked, n_neighbours)`; a user among their own neighbours must have 0.
        means: `(n_asked,)` mean rating of those asked for.
        k: neighbours per item.
    """
    there = ~np.isnan(ratings.values)
    centred = np.where(there, ratings.values - ratings.means[:, None], 0.0).astype(np.float32)
    out = np.repeat(means[:, None], there.shape[1], axis=1)
    for row, weights in enumerate(similarity):
        order = np.argsort(-weights, kind="stable")
        order = order[weights[order] > 0]
        rated = there[order]
        among = rated & (np.cumsum(rated, axis=0, dtype=np.int16) <= k)
        weight = among * weights[order, None]
        total = weight.sum(axis=0)
        change = (weight * centred[order]).sum(axis=0)
        out[row] += np.divide(change, total, out=np.zeros_like(total), where=total > 0)
    return out


@dataclass
class ClassicFitted:
    """Predictions in place of scores; ties are broken by how many neighbours took the item."""

    question: Question
    ratings: Ratings
    factors: NDArray[np.float32]
    asked: NDArray[np.float32]
    means: NDArray[np.float32]
    note: str
    record: Record = field(default_factory=Record)

    def rank(self, rows: Sequence[int], *, depth: int, allowed: NDArray[np.bool_]) -> Lists:
        """See `Fitted.rank`."""
        lists: Lists = []
        counts = (~np.isnan(self.ratings.values)).sum(axis=0)
        for row in rows:
            similarity = self.similarity(row)
            predicted = predict_with_means(self.ratings, similarity[None], self.means[[row]])[0]
            context = self.question.context(row)
            mask = allowed & allowed_items(context, len(predicted), task=self.question.task)
            codes = np.flatnonzero(mask & (counts > 0))
            best = codes[np.lexsort((codes, -counts[codes], -predicted[codes]))][:depth]
            lists.append(best.astype(np.int64))
        return lists

    def similarity(self, row: int) -> NDArray[np.float32]:
        """`(n_neighbours,)` cosine of factors with every neighbour; 0 with oneself."""
        found = self.factors @ self.asked[row]
        found[self.ratings.users == self.question.users[row]] = 0.0
        return np.asarray(found, np.float32)


@dataclass(frozen=True)
class ClassicRow:
    """The classic pipeline as a row of the table."""

    name: str = "encoder → NMF → kNN with means"
    group: str = "baseline"
    n_factors: int = N_FACTORS

    def fit(self, question: Question) -> ClassicFitted:
        """See `Recommender.fit`."""
        train = question.train
        neighbours = _neighbours(train)
        ratings = ratings_of(train, neighbours, len(question.catalogue))
        asked = ratings_of(train, question.users, len(question.catalogue))
        item_vectors = question.catalogue.item_vectors(np.arange(len(question.catalogue)))
        factors = InterestFactors(_profiles(ratings, item_vectors), self.n_factors)
        note = f"{self.n_factors} factors ({factors.n_iterations} iterations), "
        note += f"{N_NEIGHBOURS} of {len(neighbours)} users as neighbours"
        return ClassicFitted(
            question=question,
            ratings=ratings,
            factors=factors.of(_profiles(ratings, item_vectors)),
            asked=factors.of(_profiles(asked, item_vectors)),
            means=asked.means,
            note=note,
        )


def ratings_of(log: InteractionLog, users: NDArray[np.int64], n_items: int) -> Ratings:
    """Mean value of each user and item; where no event has one, `log2(1 + number of events)`."""
    place = np.full(log.n_users, -1, np.int64)
    place[users] = np.arange(len(users))
    rows = np.flatnonzero((place[log.user] >= 0) & (log.item >= 0))
    key = place[log.user[rows]] * n_items + log.item[rows]
    pairs, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
    value = log.value[rows].astype(np.float64)
    rated = "rate" in log.events and bool((~np.isnan(value)).any())
    if rated:
        there = ~np.isnan(value)
        total = np.bincount(inverse[there], weights=value[there], minlength=len(pairs))
        number = np.bincount(inverse[there], minlength=len(pairs))
        means = np.divide(total, number, out=np.full(len(pairs), np.nan), where=number > 0)
    else:
        means = np.log2(1.0 + counts)
    dense = np.full((len(users), n_items), np.nan, np.float32)
    dense[pairs // n_items, pairs % n_items] = means
    return Ratings(np.asarray(users, np.int64), dense)


class InterestFactors:
    """NMF of non-negative profiles, fitted when made.

    Source: Lee and Seung 1999, "Learning the parts of objects by non-negative matrix factorization",
    https://doi.org/10.1038/44565.
    """

    def __init__(self, profiles: NDArray[np.float32], n_factors: int) -> None:
        from sklearn.decomposition import NMF
        from sklearn.exceptions import ConvergenceWarning

        n = max(1, min(n_factors, *profiles.shape))
        self._model = NMF(n_components=n, init="nndsvda", random_state=0, max_iter=200, tol=1e-3)
        with warnings.catch_warnings():
            # Where it stops is in the row's note.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._model.fit(profiles)
        self.n_iterations = int(self._model.n_iter_)

    def of(self, profiles: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(n, n_factors)` float32, rows of length 1; zero rows stay zero."""
        found = np.asarray(self._model.transform(profiles), np.float32)
        norm = np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(found / np.where(norm > 0, norm, 1.0), np.float32)


def _profiles(ratings: Ratings, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """`(n_users, 2 · dim)` non-negative: positive and negative part of the mean item vector."""
    weight = np.nan_to_num(ratings.values)
    mean = weight @ vectors / np.maximum(np.abs(weight).sum(axis=1, keepdims=True), 1e-9)
    return np.concatenate([np.maximum(mean, 0), np.maximum(-mean, 0)], axis=1).astype(np.float32)


def _neighbours(log: InteractionLog) -> NDArray[np.int64]:
    """The most active users, so many that the matrix stays small; at least two events each."""
    counts = np.bincount(log.user, minlength=log.n_users)
    order = np.argsort(-counts, kind="stable")[:_MAX_NEIGHBOUR_USERS]
    return np.sort(order[counts[order] >= 2])
