"""Rolling time windows inside the training data: what sources would have said, and what was then taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agent.data.log import DAY_MS, InteractionLog
from agent.ranking.history import Context, wish_rows
from agent.ranking.source import Source

Task = Literal["new", "any"]

_BATCH = 64

_Row = tuple[NDArray[np.int32], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Window:
    """Sources see what is before `cut_ms`; what is taken in `[cut_ms, end_ms)` is to be foretold."""

    cut_ms: int
    end_ms: int


@dataclass(frozen=True)
class Pool:
    """The candidates of one window and task, padded to the widest user.

    Attributes:
        users: `(n_users,)` user codes.
        items: `(n_users, width)` int32 item codes, ascending; −1 pads.
        scores: `(n_sources, n_users, width)` float32, standardised per source and user (see `standardise`).
        hit: `(n_users, width)` bool, taken in the window.
        n_relevant: `(n_users,)` items taken in the window, in the pool or not; 0 for who took nothing.
        activity: `(n_users,)` events of the user in as long a time before the cut.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int32]
    scores: NDArray[np.float32]
    hit: NDArray[np.bool_]
    n_relevant: NDArray[np.int64]
    activity: NDArray[np.int64]


def rolling_windows(
    log: InteractionLog, *, now_ms: int, length_days: float, n: int = 3
) -> tuple[Window, ...]:
    """`n` adjacent windows that end at the last event before `now_ms`, oldest first.

    Each is `length_days` long, shorter when the first would start before 40 % of the events have happened;
    none when that leaves less than a day.
    """
    past = log.before(now_ms)
    if len(past) < 2:
        return ()
    end = int(past.timestamp_ms[-1]) + 1
    room = end - int(past.timestamp_ms[int(0.4 * len(past))])
    length = min(int(length_days * DAY_MS), room // n)
    if length < DAY_MS:
        return ()
    return tuple(Window(end - (n - i) * length, end - (n - i - 1) * length) for i in range(n))


def labels_of(log: InteractionLog, window: Window, *, task: Task) -> dict[int, NDArray[np.int32]]:
    """Items each user takes in the window: for `new` those without any event before, for `any` all."""
    start, stop = np.searchsorted(log.timestamp_ms, (window.cut_ms, window.end_ms))
    inside = log.take(slice(int(start), int(stop)))
    rows = wish_rows(inside)
    pair = np.unique(inside.user[rows].astype(np.int64) * log.n_items + inside.item[rows])
    if task == "new":
        past = log.before(window.cut_ms)
        # A search has no item (−1): its pair would be that of another user's last item.
        known = past.item >= 0
        pair = np.setdiff1d(pair, past.user[known].astype(np.int64) * log.n_items + past.item[known])
    if not len(pair):  # a window may hold nothing but searches and dislikes
        return {}
    user, item = pair // max(log.n_items, 1), (pair % max(log.n_items, 1)).astype(np.int32)
    starts = np.flatnonzero(np.r_[True, user[1:] != user[:-1]])
    return {int(user[s]): part for s, part in zip(starts, np.split(item, starts[1:]), strict=True)}


def eligible_users(log: InteractionLog, *, cut_ms: int, min_events: int) -> NDArray[np.int64]:
    """Codes of the users with at least `min_events` wished events before the cut, sorted."""
    past = log.before(cut_ms)
    counts = np.bincount(past.user[wish_rows(past)], minlength=log.n_users)
    return np.flatnonzero(counts >= min_events)


def sample_users(users: NDArray[np.int64], *, limit: int, seed: int) -> list[int]:
    """At most `limit` of `users`, drawn without replacement, sorted."""
    if len(users) > limit:
        users = np.random.default_rng(seed).choice(users, limit, replace=False)
    return [int(user) for user in np.sort(users)]


def build_pools(
    log: InteractionLog,
    sources: Sequence[Source],
    *,
    window: Window,
    tasks: Sequence[Task],
    users: Sequence[int],
    depth: int,
) -> dict[Task, Pool]:
    """What fitted `sources` propose for `users` at the cut, against what they took, by task.

    Each source proposes its `depth` best allowed items; the pool is their union.
    """
    contexts = [Context.of(log, user, now_ms=window.cut_ms) for user in users]
    rows: dict[Task, list[_Row]] = {task: [] for task in tasks}
    for start in range(0, len(contexts), _BATCH):
        batch = contexts[start : start + _BATCH]
        dense = [source.score(batch) for source in sources]
        for place, context in enumerate(batch):
            scores = [matrix[place] for matrix in dense]
            for task in tasks:
                allowed = allowed_items(context, log.n_items, task=task)
                rows[task].append(candidates(scores, allowed, depth=depth))
    since = window.cut_ms - (window.end_ms - window.cut_ms)
    activity = np.array([int((c.timestamp_ms >= since).sum()) for c in contexts], np.int64)
    return {
        task: padded_pool(
            rows[task],
            users,
            labels_of(log, window, task=task),
            activity=activity,
            n_sources=len(sources),
        )
        for task in tasks
    }


def padded_pool(
    rows: Sequence[_Row],
    users: Sequence[int],
    labels: Mapping[int, NDArray[np.int32]],
    *,
    activity: NDArray[np.int64],
    n_sources: int,
) -> Pool:
    """The candidates of many users as one rectangle, −1 where one has fewer than another.

    Args:
        rows: of each user the candidates' codes, and `(n_sources, n_candidates)` their scores.
        users: code of each.
        labels: what each took, by user code.
        activity: `(n_users,)`; zeros where nothing is calibrated on the pool.
    """
    width = max((len(codes) for codes, _ in rows), default=0)
    items = np.full((len(users), width), -1, np.int32)
    scores = np.zeros((n_sources, len(users), width), np.float32)
    hit = np.zeros((len(users), width), bool)
    nothing = np.empty(0, np.int32)
    for row, (user, (codes, values)) in enumerate(zip(users, rows, strict=True)):
        items[row, : len(codes)] = codes
        scores[:, row, : len(codes)] = values
        hit[row, : len(codes)] = np.isin(codes, labels.get(user, nothing))
    n_relevant = np.array([len(labels.get(user, nothing)) for user in users], np.int64)
    return Pool(np.asarray(users, np.int64), items, scores, hit, n_relevant, activity)


def allowed_items(context: Context, n_items: int, *, task: Task) -> NDArray[np.bool_]:
    """`(n_items,)` False for disliked items and, in the `new` task, for seen ones."""
    allowed = np.ones(n_items, bool)
    allowed[context.seen() if task == "new" else context.disliked()] = False
    return allowed


def best_allowed(scores: NDArray[np.float32], allowed: NDArray[np.bool_], *, depth: int) -> NDArray[np.int64]:
    """Codes of the `depth` best allowed items that the source says something about, best first.

    Ties go to the lower code, at the edge too.
    """
    codes = np.flatnonzero(allowed & (scores != 0))
    if len(codes) > depth:
        values = scores[codes]
        edge = np.partition(values, len(values) - depth)[len(values) - depth]
        above, level = codes[values > edge], codes[values == edge]
        codes = np.concatenate([above, level[: depth - len(above)]])
    return codes[np.lexsort((codes, -scores[codes]))]


def candidates(
    scores: Sequence[NDArray[np.float32]], allowed: NDArray[np.bool_], *, depth: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The union of each source's best items, ascending, and their standardised scores.

    Scores are `(n_sources, n)`: every source scores every item of the union.
    """
    tops = [best_allowed(values, allowed, depth=depth) for values in scores]
    codes = np.unique(np.concatenate(tops)) if tops else np.empty(0, np.int64)
    values = np.stack([standardise(s, top, codes) for s, top in zip(scores, tops, strict=True)])
    return codes.astype(np.int32), values


def standardise(
    scores: NDArray[np.float32], top: NDArray[np.int64], codes: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Scores of `codes` in standard deviations from the mean of the source's own `top`.

    Zeros when the source proposes nothing or cannot tell its proposals apart. Unlike a z-score over the
    union, it does not depend on what other sources propose; on three grocery windows the two led to
    fusions of equal worth (new items .1191 both; with repeats .488 and .490), ranks to slightly worse ones.
    """
    if not len(top):
        return np.zeros(len(codes), np.float32)
    spread = float(scores[top].std())
    if spread <= 1e-9 * (1.0 + float(np.abs(scores[top]).max())):
        return np.zeros(len(codes), np.float32)
    out: NDArray[np.float32] = ((scores[codes] - scores[top].mean()) / spread).astype(np.float32)
    return out


def ndcg(pool: Pool, fused: NDArray[np.float32], *, k: int = 10) -> NDArray[np.float64]:
    """`(n_users,)` textbook NDCG@k of the pool sorted by `fused`; ties to the lower code.

    0 for a user who took nothing. `fused` is `(n_users, width)`; pads never appear in a list.
    """
    if pool.items.shape[1] == 0:
        return np.zeros(len(pool.users))
    order = first_places(pool, fused, k=k)
    hits = np.take_along_axis(pool.hit, order, axis=1)
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discount)[np.minimum(pool.n_relevant, k) - 1]
    gain: NDArray[np.float64] = (hits * discount[: hits.shape[1]]).sum(axis=1) / ideal
    return gain


def first_places(pool: Pool, fused: NDArray[np.float32], *, k: int) -> NDArray[np.int64]:
    """`(n_users, min(k, width))` positions of the best of each row, best first; pads come last.

    A fraction of a float32 step per position breaks exact ties in favour of the lower code, which lets a
    partition replace the sort (a tenth of the time).
    """
    width = pool.items.shape[1]
    keyed = np.where(pool.items >= 0, -fused.astype(np.float64), np.inf) + 1e-11 * np.arange(width)
    if width > k:
        top = np.argpartition(keyed, k - 1, axis=1)[:, :k]
    else:
        top = np.broadcast_to(np.arange(width), keyed.shape)
    inner = np.argsort(np.take_along_axis(keyed, top, axis=1), axis=1, kind="stable")
    return np.take_along_axis(top, inner, axis=1)
