"""Splits: what may be learned from, who is asked for, and, kept apart from both, what was then taken.

A split gives pairs of a `Question` and an `Exam`. Recommenders get the question alone: events before T in
a sealed log, the catalogue with one planted canary, users and their moments. The exam holds the labels
in a vault that is shut while a recommender runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agent.data.log import DAY_MS, Catalogue, InteractionLog
from agent.ranking.history import Context
from agent.ranking.windows import Task
from eval.data.canary import MOMENTS, start_of_test, without_canary
from eval.data.datasets import Dataset, Scheme
from eval.data.sealed import SealedLog, Vault
from eval.errors import EvalError

MIN_TRAIN_ITEMS = 5


@dataclass(frozen=True)
class Question:
    """All that a recommender is given.

    Attributes:
        name: of the window.
        train: every event that may be known, sealed at `cut_ms`.
        catalogue: the items, the canary last; items without an event in `train` are candidates too.
        users: `(n,)` user codes asked for.
        moments_ms: `(n,)` when each is asked for, UTC; all T in a temporal split.
        known_item: `(n_items,)` bool, has an event in `train`.
        horizon_days: how long the labels are collected for.
    """

    name: str
    train: SealedLog
    catalogue: Catalogue
    users: NDArray[np.int64]
    moments_ms: NDArray[np.int64]
    known_item: NDArray[np.bool_]
    task: Task
    cut_ms: int
    horizon_days: float

    def context(self, row: int) -> Context:
        """History and moment of the `row`-th user."""
        return Context.of(self.train, int(self.users[row]), now_ms=int(self.moments_ms[row]))

    @property
    def cold_item(self) -> NDArray[np.bool_]:
        """`(n_items,)`, never seen before T; the canary, which is nobody's, is not among them."""
        cold = ~self.known_item
        cold[-1] = False
        return cold


@dataclass(frozen=True)
class Labels:
    """What was taken after T, per user of the question.

    Attributes:
        known: item codes with an event before T, sorted; what the main tables score.
        cold: item codes first seen after T, sorted; scored apart.
        ratings: `(user row, item code, value)` of rated events after T; empty arrays without ratings.
        canary: code of the planted item, in everybody's future and in nobody's labels.
    """

    known: tuple[NDArray[np.int32], ...]
    cold: tuple[NDArray[np.int32], ...]
    ratings: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]
    canary: int


class Exam:
    """The labels of one question, out of reach while something ranks."""

    def __init__(self, labels: Labels) -> None:
        self.vault = Vault(labels)

    @property
    def labels(self) -> Labels:
        """What was taken.

        Raises:
            LeakError: a recommender is running.
        """
        found = self.vault.open()
        assert isinstance(found, Labels), "only labels are put there"
        return found


def make_split(
    dataset: Dataset,
    *,
    scheme: Scheme | None = None,
    task: Task = "new",
    n_windows: int = 1,
    max_users: int = 2000,
    seed: int = 0,
) -> list[tuple[Question, Exam]]:
    """The questions of one data set, with their exams.

    Args:
        dataset: whole.
        scheme: `temporal` cuts everybody at the same T; `leave-last-out` takes each user's last event, so
            that others' later events are known; None takes the data set's own.
        task: `new` items only, or `any` item.
        n_windows: the time after T in so many parts; each is a question of its own, all before it known.
        max_users: warm users drawn per question from ids sorted as text; 0 takes all. A quarter as many
            cold users (fewer than five items before T) come on top.
        seed: of that draw, by `numpy.random.RandomState`, whose stream NumPy keeps frozen.

    Raises:
        EvalError: nobody can be asked.
    """
    log, catalogue = without_canary(dataset.log), dataset.catalogue
    if len(log) < 2:
        raise EvalError(f"{dataset.name}: expected at least two events with an item, got {len(log)}")
    if n_windows >= MOMENTS:
        raise EvalError(f"expected at most {MOMENTS - 1} windows, got {n_windows!r}")
    if (scheme or dataset.preset.scheme) == "leave-last-out":
        return [_leave_last_out(log, catalogue, task=task, max_users=max_users, seed=seed)]
    start = start_of_test(log, dataset.preset.quantile)
    end = int(log.timestamp_ms[-1]) + 1
    cuts = [start + (end - start) * number // n_windows for number in range(n_windows)] + [end]
    return [
        _temporal(log, catalogue, cut, stop, task=task, max_users=max_users, seed=seed)
        for cut, stop in pairwise(cuts)
    ]


def _temporal(
    log: InteractionLog,
    catalogue: Catalogue,
    cut_ms: int,
    end_ms: int,
    *,
    task: Task,
    max_users: int,
    seed: int,
) -> tuple[Question, Exam]:
    past = log.before(cut_ms)
    later = log.take(slice(len(past), int(np.searchsorted(log.timestamp_ms, end_ms))))
    width = log.n_items
    taken = _pairs(past, width)
    known_item = np.bincount(past.item, minlength=width) > 0
    future = _pairs(later, width)
    if task == "new":
        future = np.setdiff1d(future, taken)
    n_taken = np.bincount(taken // width, minlength=log.n_users)
    askable = np.unique(future[known_item[future % width]] // width)
    warm = draw(log, askable[n_taken[askable] >= MIN_TRAIN_ITEMS], max_users=max_users, seed=seed)
    # One at least: none drawn would mean all.
    n_cold = max(max_users // 4, min(max_users, 1))
    cold = draw(log, askable[n_taken[askable] < MIN_TRAIN_ITEMS], max_users=n_cold, seed=seed)
    users = np.sort(np.concatenate([warm, cold])).astype(np.int64)
    if not len(users):
        raise EvalError("expected users with a known item after T, found none; choose another quantile")
    question = Question(
        name=f"T{cut_ms}",
        train=SealedLog.of(log, cut_ms),
        catalogue=catalogue,
        users=users,
        moments_ms=np.full(len(users), cut_ms, np.int64),
        known_item=known_item,
        task=task,
        cut_ms=cut_ms,
        horizon_days=(end_ms - cut_ms) / DAY_MS,
    )
    return question, Exam(_labels(question, future, later))


def _leave_last_out(
    log: InteractionLog, catalogue: Catalogue, *, task: Task, max_users: int, seed: int
) -> tuple[Question, Exam]:
    """Each user's last taken item is asked for, at its moment; everything else is known."""
    order = np.lexsort((np.arange(len(log)), log.user))
    last = order[np.r_[log.user[order][1:] != log.user[order][:-1], True]]
    held = np.zeros(len(log), bool)
    held[last] = True
    if task == "new":
        # All events of that item by that user go, or the item would be no new one.
        pair = log.user.astype(np.int64) * log.n_items + log.item
        held = np.isin(pair, pair[last])
    past, later = log.take(~held), log.take(np.sort(last))
    end_ms = int(log.timestamp_ms[-1]) + 1
    known_item = np.bincount(past.item, minlength=log.n_items) > 0
    future = _pairs(later, log.n_items)
    n_taken = np.bincount(_pairs(past, log.n_items) // log.n_items, minlength=log.n_users)
    askable = np.unique(future[known_item[future % log.n_items]] // log.n_items)
    users = draw(log, askable[n_taken[askable] >= MIN_TRAIN_ITEMS], max_users=max_users, seed=seed)
    if not len(users):
        raise EvalError("expected users with five items and one more after them, found none")
    moment = np.zeros(log.n_users, np.int64)
    moment[log.user[last]] = log.timestamp_ms[last]
    question = Question(
        name="last",
        train=SealedLog.of(past, end_ms),
        catalogue=catalogue,
        users=users,
        moments_ms=moment[users],
        known_item=known_item,
        task=task,
        cut_ms=end_ms,
        horizon_days=30.0,
    )
    return question, Exam(_labels(question, future, later))


def draw(log: InteractionLog, eligible: NDArray[np.int64], *, max_users: int, seed: int) -> NDArray[np.int64]:
    """At most `max_users` of `eligible` (0: all), drawn without replacement, sorted."""
    if not max_users or len(eligible) <= max_users:
        return eligible.astype(np.int64)
    by_id = np.array(sorted(eligible, key=lambda code: log.user_ids[code]))
    chosen = np.random.RandomState(seed).choice(len(by_id), max_users, replace=False)
    return np.sort(by_id[chosen]).astype(np.int64)


def _labels(question: Question, future: NDArray[np.int64], later: InteractionLog) -> Labels:
    width = len(question.catalogue)
    bounds = np.searchsorted(future // width, np.stack([question.users, question.users + 1])).T
    parts = [(future[a:b] % width).astype(np.int32) for a, b in bounds]
    place = np.full(int(later.user.max(initial=0)) + 1, -1, np.int64)
    inside = question.users[question.users < len(place)]
    place[inside] = np.flatnonzero(question.users < len(place))
    rows = np.flatnonzero((place[later.user] >= 0) & ~np.isnan(later.value))
    return Labels(
        known=tuple(part[question.known_item[part]] for part in parts),
        cold=tuple(part[~question.known_item[part]] for part in parts),
        ratings=(place[later.user[rows]], later.item[rows], later.value[rows]),
        canary=width - 1,
    )


def _pairs(log: InteractionLog, width: int) -> NDArray[np.int64]:
    """Different `(user, item)` pairs as `user * width + item`, sorted; searches left out."""
    rows = log.item >= 0
    return np.unique(log.user[rows].astype(np.int64) * width + log.item[rows])


def segments(question: Question) -> dict[str, NDArray[np.bool_]]:
    """Groups of the question's users by their past alone: `(n_users,)` bool by name.

    `warm` (five items or more, the main tables) and `cold`; among the warm `light` and `heavy`, below and
    from the median number of events; `often repeats` and `seldom repeats`, from and below the median
    share of events with an item they had before, both empty where hardly anybody takes anything again.
    """
    train, width = question.train, len(question.catalogue)
    n_items = np.bincount(_pairs(train, width) // width, minlength=train.n_users)[question.users]
    n_events = np.bincount(train.user, minlength=train.n_users)[question.users]
    warm = n_items >= MIN_TRAIN_ITEMS
    middle = float(np.median(n_events[warm])) if warm.any() else 0.0
    light = warm & (n_events < middle)
    parts = {"warm": warm, "cold": ~warm, "light": light, "heavy": warm & ~light}
    again = 1.0 - n_items / np.maximum(n_events, 1)
    typical = float(np.median(again[warm])) if warm.any() else 0.0
    often = warm & (again >= typical) & (typical > 0)
    return {**parts, "often repeats": often, "seldom repeats": warm & ~often & (typical > 0)}


def relevant(labels: Sequence[NDArray[np.int32]], chosen: NDArray[np.bool_]) -> list[NDArray[np.int32]]:
    """The labels of the chosen users, in their order."""
    return [part for part, keep in zip(labels, chosen, strict=True) if keep]
