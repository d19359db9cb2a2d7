"""How well ratings are predicted, where there are any: RMSE and MAE per predictor, and nothing about lists.

A recommender is judged by its lists; these figures are here because the classic pipeline was built for
them, and because they show how little a good rating prediction says about a good list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.data.splits import Labels, Question
from eval.measures.statistics import Interval, bootstrap_mean
from eval.rankers.classic import ClassicRow, predict_with_means

# Of the biases, in units of ratings: a user or item with few ratings stays near the mean.
_SHRINKAGE = 10.0

Predictor = Callable[[NDArray[np.int64], NDArray[np.int32]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class RatingError:
    """Errors of one predictor on ratings after T of users and items known before it.

    Attributes:
        rmse: root of the mean squared error over ratings.
        mae: mean absolute error over ratings, with its interval over users.
        n: ratings.
    """

    name: str
    rmse: float
    mae: float
    by_user: Interval
    n: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        interval = [self.by_user.mean, self.by_user.low, self.by_user.high]
        return {"name": self.name, "rmse": self.rmse, "mae": self.mae, "user mae": interval, "n": self.n}


def rating_errors(question: Question, labels: Labels) -> list[RatingError]:
    """Global mean, item mean, biases and the classic pipeline; empty without ratings on both sides."""
    row, item, value = labels.ratings
    known = question.known_item[item]
    row, item, value = row[known], item[known], value[known].astype(np.float64)
    train = question.train
    if not len(value) or np.isnan(train.value).all():
        return []
    found = []
    for name, predict in _predictors(question).items():
        error = predict(row, item) - value
        found.append(_errors(name, error, row))
    return found


def _errors(name: str, error: NDArray[np.float64], row: NDArray[np.int64]) -> RatingError:
    _, inverse = np.unique(row, return_inverse=True)
    by_user = np.bincount(inverse, weights=np.abs(error)) / np.bincount(inverse)
    rmse = float(np.sqrt((error**2).mean()))
    return RatingError(name, rmse, float(np.abs(error).mean()), bootstrap_mean(by_user), len(error))


def _predictors(question: Question) -> dict[str, Predictor]:
    train = question.train
    rows = np.flatnonzero(~np.isnan(train.value))
    user, item, value = train.user[rows], train.item[rows], train.value[rows].astype(np.float64)
    mean = float(value.mean())
    per_item = _shrunk(item, value - mean, size=train.n_items)
    per_user = _shrunk(user, value - mean - per_item[item], size=train.n_users)
    classic = ClassicRow().fit(question)

    def by_neighbours(row: NDArray[np.int64], item: NDArray[np.int32]) -> NDArray[np.float64]:
        out = np.empty(len(row))
        for one in np.unique(row):
            similarity = classic.similarity(int(one))[None]
            predicted = predict_with_means(classic.ratings, similarity, classic.means[[one]])[0]
            out[row == one] = predicted[item[row == one]]
        # Who has no rating before T has no mean of their own: the overall one stands in.
        return np.where(classic.means[row] > 0, out, mean)

    return {
        "overall mean": lambda row, item: np.full(len(row), mean),
        "item mean, shrunk": lambda row, item: mean + per_item[item],
        "user and item bias": lambda row, item: mean + per_item[item] + per_user[question.users[row]],
        "encoder → NMF → kNN with means": by_neighbours,
    }


def _shrunk(codes: NDArray[np.int32], values: NDArray[np.float64], *, size: int) -> NDArray[np.float64]:
    """`(size,)` means by code, pulled towards 0 by `_SHRINKAGE` ratings of 0."""
    total = np.bincount(codes, weights=values, minlength=size)
    return np.asarray(total / (np.bincount(codes, minlength=size) + _SHRINKAGE), np.float64)
