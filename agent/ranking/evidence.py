"""On whom a ranker decides: users of time windows, held-out parts of histories, and segments of users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue, InteractionLog
from agent.interests.forgetting import fade
from agent.interests.frame import form_frame
from agent.interests.migration import compute_drift, halve
from agent.interests.sessions import compute_session_shares
from agent.ranking.fusion import Segment
from agent.ranking.history import Context, user_counts, wish_rows
from agent.ranking.segments import COLD_EVENTS
from agent.ranking.source import Source
from agent.ranking.windows import (
    Pool,
    Task,
    Window,
    allowed_items,
    candidates,
    eligible_users,
    labels_of,
    padded_pool,
    sample_users,
)
from agent.settings import InterestSettings, RankingSettings

# Users per window behind the weights: more of them find smaller gains, where scoring them is cheap.
_WINDOW_USERS = 400
_WINDOW_USERS_SMALL = 1000
_SMALL_CATALOGUE = 10_000
_CALIBRATION_USERS = 200
SEGMENTS: tuple[Segment, ...] = ("cold item", "cold user", "drifted user")
N_FOLDS = 3
# Of a history this part is held out, in different items, within these bounds.
_HELD_SHARE, _HELD_LEAST, _HELD_MOST = 0.2, 1, 5
# Users per window who are tested for change, at some milliseconds each, with fewer shuffles than a story has.
_TESTED_USERS = 250
_TEST = InterestSettings(permutations=499)
_BATCH = 64


@dataclass(frozen=True)
class Asked:
    """Users, each at their moment, and what they then took.

    Attributes:
        contexts: what may be known of each.
        labels: by task and user code, the items taken; who took nothing is absent.
        among: `(n_items,)` bool, the only items that are proposed and wanted; None for all.
    """

    contexts: tuple[Context, ...]
    labels: Mapping[Task, Mapping[int, NDArray[np.int32]]]
    among: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Fold:
    """A part of the users, their last items held out; everybody else's events are known whole.

    Attributes:
        log: without the held-out events; what sources learn from.
        asked: each user just before the first of theirs.
    """

    log: InteractionLog
    asked: Asked


def asked_in(
    log: InteractionLog, window: Window, *, settings: RankingSettings
) -> tuple[list[int], list[int]]:
    """Users who decide the weights, all of whom took something new, and users to calibrate on.

    Different people, drawn at random, where there are enough; where not, the same serve for both.
    """
    able = eligible_users(log, cut_ms=window.cut_ms, min_events=COLD_EVENTS)
    active = np.array(sorted(labels_of(log, window, task="new")), np.int64)
    first, second = able, able
    if len(able) >= 2 * _WINDOW_USERS:
        mixed = np.random.default_rng(settings.seed).permutation(able)
        first, second = mixed[_CALIBRATION_USERS:], mixed[:_CALIBRATION_USERS]
    return (
        sample_users(np.intersect1d(first, active), limit=_limit(log), seed=settings.seed),
        sample_users(second, limit=_CALIBRATION_USERS, seed=settings.seed),
    )


def _limit(log: InteractionLog) -> int:
    return _WINDOW_USERS_SMALL if log.n_items <= _SMALL_CATALOGUE else _WINDOW_USERS


def held_out_folds(log: InteractionLog, *, settings: RankingSettings) -> tuple[Fold, ...]:
    """Three folds of users drawn blind, a fifth of each one's different items (1 to 5, the last) held out.

    Where nobody comes back later, windows hold nobody to decide on, but histories still say what goes with
    what. They say nothing of recency: a fold's sources have seen others' later events. None without users
    of twice `COLD_EVENTS` items.
    """
    able = eligible_users(log, cut_ms=_end(log), min_events=2 * COLD_EVENTS)
    mixed = np.random.default_rng(settings.seed).permutation(able)[: N_FOLDS * _limit(log)]
    folds = []
    for part in np.array_split(mixed, N_FOLDS):
        since = {int(user): _first_held(log, int(user)) for user in np.sort(part)}
        moments = {user: moment for user, moment in since.items() if moment is not None}
        if moments:
            folds.append(_fold(log, moments))
    return tuple(folds)


def _end(log: InteractionLog) -> int:
    return int(log.timestamp_ms[-1]) + 1 if len(log) else 0


def _first_held(log: InteractionLog, user: int) -> int | None:
    """The moment from which on a user's events are held out; None when too few items lie before it."""
    mine = log.take(log.rows_of(user))
    rows = wish_rows(mine)
    _, first = np.unique(mine.item[rows], return_index=True)
    taken_ms = np.sort(mine.timestamp_ms[rows][first])
    n_held = int(np.clip(_HELD_SHARE * len(taken_ms), _HELD_LEAST, _HELD_MOST))
    if len(taken_ms) <= n_held:
        return None
    moment = int(taken_ms[-n_held])
    return moment if int((taken_ms < moment).sum()) >= COLD_EVENTS else None


def _fold(log: InteractionLog, moments: Mapping[int, int]) -> Fold:
    since = np.full(log.n_users, np.iinfo(np.int64).max)
    since[list(moments)] = list(moments.values())
    held = log.timestamp_ms >= since[log.user]
    contexts = tuple(Context.of(log, user, now_ms=moment) for user, moment in moments.items())
    later = log.take(held)
    rows = wish_rows(later)
    pairs = np.unique(later.user[rows].astype(np.int64) * log.n_items + later.item[rows])
    new: dict[int, NDArray[np.int32]] = {}
    whole: dict[int, NDArray[np.int32]] = {}
    for context in contexts:
        user = int(context.user or 0)
        low, high = np.searchsorted(pairs, (user * log.n_items, (user + 1) * log.n_items))
        whole[user] = (pairs[low:high] % log.n_items).astype(np.int32)
        new[user] = np.setdiff1d(whole[user], context.seen()).astype(np.int32)
    return Fold(log.take(~held), Asked(contexts, {"new": new, "any": whole}))


def cold_users(log: InteractionLog, window: Window, *, settings: RankingSettings) -> Asked:
    """Users with at least one wish before the window, but too few to decide everybody's weights."""
    some = eligible_users(log, cut_ms=window.cut_ms, min_events=1)
    cold = np.setdiff1d(some, eligible_users(log, cut_ms=window.cut_ms, min_events=COLD_EVENTS))
    return _takers(log, window, cold, settings=settings)


def cold_items(log: InteractionLog, window: Window, *, settings: RankingSettings) -> Asked:
    """Users who took something in the window that nobody had before, asked for such items alone."""
    cold = user_counts(log, now_ms=window.cut_ms, since_ms=None) == 0
    able = eligible_users(log, cut_ms=window.cut_ms, min_events=COLD_EVENTS)
    return _takers(log, window, able, settings=settings, among=cold)


def drifted_users(
    log: InteractionLog,
    catalogue: Catalogue,
    window: Window,
    users: Sequence[int],
    *,
    settings: RankingSettings,
) -> Asked:
    """Those of `users` whose interests moved beyond chance before the window, with their past faded."""
    contexts = []
    for user in sample_users(np.asarray(users, np.int64), limit=_TESTED_USERS, seed=settings.seed):
        past = log.take(log.rows_of(user)).before(window.cut_ms)
        if _moved(past, catalogue, moment_ms=window.cut_ms):
            context = Context.of(log, user, now_ms=window.cut_ms)
            contexts.append(replace(context, emphasis=fade(context.timestamp_ms)))
    return Asked(tuple(contexts), _labels(log, window, None))


def _moved(past: InteractionLog, catalogue: Catalogue, *, moment_ms: int) -> bool:
    """Whether the halves of one user's days differ beyond chance: the test that a list makes, coarser."""
    if catalogue.vectors is None or not len(past):
        return False
    frame = form_frame(past, catalogue, _TEST)
    if not frame.n_facets:
        return False
    sessions = compute_session_shares(past, frame)
    windows = halve(sessions)
    if windows is None:
        return False
    drift = compute_drift(sessions, windows, _TEST, log=past, catalogue=catalogue, moment_ms=moment_ms)
    return drift is not None and drift[1] < _TEST.alpha


def _takers(
    log: InteractionLog,
    window: Window,
    users: NDArray[np.int64],
    *,
    settings: RankingSettings,
    among: NDArray[np.bool_] | None = None,
) -> Asked:
    """Those of `users` who took something new in the window, at its start; `among` as in `Asked`."""
    labels = _labels(log, window, among)
    takers = np.intersect1d(users, np.array(sorted(labels["new"]), np.int64))
    chosen = sample_users(takers, limit=_WINDOW_USERS, seed=settings.seed)
    contexts = tuple(Context.of(log, user, now_ms=window.cut_ms) for user in chosen)
    return Asked(contexts, labels, among)


def _labels(
    log: InteractionLog, window: Window, among: NDArray[np.bool_] | None
) -> dict[Task, dict[int, NDArray[np.int32]]]:
    tasks: tuple[Task, ...] = ("new", "any")
    found = {task: labels_of(log, window, task=task) for task in tasks}
    if among is None:
        return found
    for task, taken in found.items():
        kept = {user: items[among[items]] for user, items in taken.items()}
        found[task] = {user: items for user, items in kept.items() if len(items)}
    return found


def pools_of(
    asked: Asked, sources: Sequence[Source], *, tasks: Sequence[Task], n_items: int, depth: int
) -> dict[Task, Pool]:
    """What fitted `sources` propose to those asked, against what they took, by task; see `build_pools`."""
    rows: dict[Task, list[tuple[NDArray[np.int32], NDArray[np.float32]]]] = {task: [] for task in tasks}
    for start in range(0, len(asked.contexts), _BATCH):
        batch = asked.contexts[start : start + _BATCH]
        dense = [source.score(batch) for source in sources]
        for place, context in enumerate(batch):
            for task in tasks:
                allowed = allowed_items(context, n_items, task=task)
                if asked.among is not None:
                    allowed &= asked.among
                rows[task].append(candidates([matrix[place] for matrix in dense], allowed, depth=depth))
    users = [int(context.user or 0) for context in asked.contexts]
    # Nothing is calibrated on these: how active they were is not asked.
    unasked = np.zeros(len(users), np.int64)
    return {
        task: padded_pool(rows[task], users, asked.labels[task], activity=unasked, n_sources=len(sources))
        for task in tasks
    }
