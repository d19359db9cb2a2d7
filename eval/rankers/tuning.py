"""Choosing a baseline's parameters on windows before T: the test part is never looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.data.log import DAY_MS, InteractionLog
from agent.ranking.evidence import held_out_folds
from agent.ranking.fusion import MIN_USERS, MIN_WINDOWS
from agent.ranking.history import Context
from agent.ranking.source import Source
from agent.ranking.windows import allowed_items, best_allowed, labels_of, rolling_windows
from agent.settings import RankingSettings
from eval.data.splits import MIN_TRAIN_ITEMS, Question
from eval.measures.metrics import hits_of, ndcg

# As many windows and users as the fusion decides on: no baseline is tuned on less than ours.
N_WINDOWS = 3
TUNING_USERS = 1000
_K = 10


@dataclass(frozen=True)
class Trial:
    """Users, each at their moment, and what they then took, inside the train part.

    Attributes:
        log: what sources learn from, up to `now_ms`.
        name: for the note.
    """

    log: InteractionLog
    now_ms: int
    contexts: tuple[Context, ...]
    taken: tuple[NDArray[np.int32], ...]
    name: str


def trials(question: Question, *, n_windows: int = N_WINDOWS, max_users: int = TUNING_USERS) -> list[Trial]:
    """On what this question's baselines are tuned: windows before T, oldest first.

    Where too few users come back in them, held-out parts of histories instead, the same ones on which the
    fusion then decides. None on a short history.
    """
    train, found, users_met = question.train, [], set[int]()
    length = question.horizon_days
    for window in rolling_windows(train, now_ms=question.cut_ms, length_days=length, n=n_windows):
        labels = labels_of(train, window, task=question.task)
        past = train.before(window.cut_ms)
        active = np.bincount(past.user, minlength=train.n_users)
        able = np.array([user for user in sorted(labels) if active[user] >= MIN_TRAIN_ITEMS], np.int64)
        users = np.sort(np.random.default_rng(0).permutation(able)[:max_users]).tolist()
        if users:
            days = (window.end_ms - window.cut_ms) / DAY_MS
            contexts = tuple(Context.of(train, user, now_ms=window.cut_ms) for user in users)
            taken = tuple(labels[user] for user in users)
            found.append(Trial(train, window.cut_ms, contexts, taken, f"windows of {days:.0f} d before T"))
            users_met |= set(users)
    if len(found) >= MIN_WINDOWS and len(users_met) >= MIN_USERS:
        return found
    return _held_out(question) or found


def _held_out(question: Question) -> list[Trial]:
    found = []
    for fold in held_out_folds(question.train, settings=RankingSettings()):
        labels = fold.asked.labels[question.task]
        pairs = [(c, labels[int(c.user or 0)]) for c in fold.asked.contexts if len(labels[int(c.user or 0)])]
        if pairs:
            contexts, taken = zip(*pairs, strict=True)
            name = "parts of the users, their last items before T held out"
            found.append(Trial(fold.log, question.cut_ms, contexts, taken, name))
    return found


def value_of(question: Question, source: Source, tried: list[Trial]) -> float:
    """Mean NDCG@10 of a source over the trials, each fitted on what was before it."""
    means = []
    for trial in tried:
        fitted = source.fit(trial.log, question.catalogue, now_ms=trial.now_ms)
        lists = []
        for start in range(0, len(trial.contexts), 128):
            batch = trial.contexts[start : start + 128]
            for context, scores in zip(batch, fitted.score(batch), strict=True):
                mask = allowed_items(context, len(question.catalogue), task=question.task)
                lists.append(best_allowed(scores, mask, depth=_K))
        hits, n_relevant = hits_of(lists, trial.taken, k=_K)
        means.append(float(ndcg(hits, n_relevant, k=_K).mean()))
    return float(np.mean(means)) if means else float("nan")


# Rows of one question are tuned on the same trials: what was tried for one is known to the next.
_last: list[tuple[Question, list[Trial], dict[str, float]]] = []


def _shared(question: Question) -> tuple[list[Trial], dict[str, float]]:
    if not _last or _last[0][0] is not question:
        _last[:] = [(question, trials(question), {})]
    return _last[0][1], _last[0][2]


def choose(
    question: Question, grid: Mapping[str, Source], *, tried: list[Trial] | None = None
) -> tuple[str, str]:
    """The key of the grid that does best on the trials (the first without any), and a note on the choice."""
    if tried is None:
        tried, values_of = _shared(question)
    else:
        values_of = {}
    first = next(iter(grid))
    if not tried or len(grid) == 1:
        return first, f"{first} (nothing to choose on)" if len(grid) > 1 else first
    for source in grid.values():
        if repr(source) not in values_of:
            values_of[repr(source)] = value_of(question, source, tried)
    values = {key: values_of[repr(source)] for key, source in grid.items()}
    best = max(values, key=lambda key: values[key])
    n_users = sum(len(trial.contexts) for trial in tried)
    return best, f"{best}, chosen of {len(grid)} on {len(tried)} {tried[0].name} ({n_users} users)"
