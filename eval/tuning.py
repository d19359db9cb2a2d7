"""Choosing a baseline's parameters on windows before T: the test part is never looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.data.log import DAY_MS
from agent.ranking.history import Context
from agent.ranking.source import Source
from agent.ranking.windows import Window, allowed_items, best_allowed, labels_of, rolling_windows
from eval.metrics import hits_of, ndcg
from eval.splits import MIN_TRAIN_ITEMS, Question

N_WINDOWS = 2
TUNING_USERS = 400
_K = 10


@dataclass(frozen=True)
class Trial:
    """Users, their moment and what they then took, inside the train part."""

    window: Window
    users: tuple[int, ...]
    taken: tuple[NDArray[np.int32], ...]


def trials(question: Question, *, n_windows: int = N_WINDOWS, max_users: int = TUNING_USERS) -> list[Trial]:
    """The windows on which this question's baselines are tuned, oldest first; none on a short history."""
    train = question.train
    length = question.horizon_days
    found = []
    for window in rolling_windows(train, now_ms=question.cut_ms, length_days=length, n=n_windows):
        labels = labels_of(train, window, task=question.task)
        past = train.before(window.cut_ms)
        active = np.bincount(past.user, minlength=train.n_users)
        able = np.array([user for user in sorted(labels) if active[user] >= MIN_TRAIN_ITEMS], np.int64)
        users = np.sort(np.random.default_rng(0).permutation(able)[:max_users])
        if len(users):
            asked = tuple(int(user) for user in users)
            found.append(Trial(window, asked, tuple(labels[user] for user in asked)))
    return found


def value_of(question: Question, source: Source, tried: list[Trial]) -> float:
    """Mean NDCG@10 of a source over the trials, each fitted on what was before it."""
    means = []
    for trial in tried:
        cut_ms = trial.window.cut_ms
        fitted = source.fit(question.train, question.catalogue, now_ms=cut_ms)
        contexts = [Context.of(question.train, user, now_ms=cut_ms) for user in trial.users]
        lists = []
        for start in range(0, len(contexts), 128):
            batch = contexts[start : start + 128]
            for context, scores in zip(batch, fitted.score(batch), strict=True):
                mask = allowed_items(context, len(question.catalogue), task=question.task)
                lists.append(best_allowed(scores, mask, depth=_K))
        hits, n_relevant = hits_of(lists, trial.taken, k=_K)
        means.append(float(ndcg(hits, n_relevant, k=_K).mean()))
    return float(np.mean(means)) if means else float("nan")


def choose(
    question: Question, grid: Mapping[str, Source], *, tried: list[Trial] | None = None
) -> tuple[str, str]:
    """The key of the grid that does best on the trials (the first without any), and a note on the choice."""
    tried = trials(question) if tried is None else tried
    first = next(iter(grid))
    if not tried or len(grid) == 1:
        return first, f"{first} (nothing to choose on)" if len(grid) > 1 else first
    values = {key: value_of(question, source, tried) for key, source in grid.items()}
    best = max(values, key=lambda key: values[key])
    days = (tried[0].window.end_ms - tried[0].window.cut_ms) / DAY_MS
    return best, f"{best}, chosen of {len(grid)} on {len(tried)} windows of {days:.0f} d before T"
