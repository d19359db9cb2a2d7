"""What is really taken next: the lists with faster forgetting where a migration is found, against without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue, InteractionLog
from agent.interests.forgetting import compute_emphasis, fade
from agent.interests.frame import form_frame
from agent.interests.migration import compute_migration, halve
from agent.interests.sessions import compute_session_shares
from agent.ranking.history import Context
from agent.ranking.source import Source
from agent.ranking.training import default_sources
from agent.ranking.windows import (
    Task,
    allowed_items,
    candidates,
    labels_of,
    rolling_windows,
)
from agent.schema import UserId
from agent.session import Session
from agent.settings import InterestSettings
from eval.measures.proportions import show
from eval.measures.statistics import bootstrap_mean
from eval.migration.alarms import Tick
from eval.migration.histories import Histories
from eval.rows import Row

_LENGTH, _DEPTH, _BATCH = 10, 200, 64
_WINDOW_EXACT = 1500
_FEWEST = 10
_DISCOUNT = 1.0 / np.log2(np.arange(2, _LENGTH + 2))


@dataclass(frozen=True)
class Asked:
    """One user at the beginning of one window.

    Attributes:
        plain: every event counts by its age alone.
        ours: as the product asks, with what lies before a change counting less; None where that is nothing.
        anyway: with everything fading faster, whether the user moved or not.
    """

    user: int
    plain: Context
    ours: Context | None
    anyway: Context


def ahead_rows(histories: Histories, session: Session, *, quantile: float, tick: Tick) -> Iterator[Row]:
    """NDCG@10 on three rolling windows before the test period, with the migration minus without.

    The fusion weights and the choice of EASE are those of a ranker as of the first window's begin: learned on
    earlier windows, never on what is to be foretold here.

    Args:
        histories: whose users are asked about; those that the constants were chosen on are not among them.
        quantile: of event times, where the test period begins; nothing from then on is looked at.
    """
    log, settings = session.log, session.settings
    end_ms = int(np.quantile(log.timestamp_ms, quantile))
    past = log.before(end_ms)
    windows = rolling_windows(past, now_ms=end_ms, length_days=settings.ranking.horizon_days)
    if not windows:
        yield Row(f"{histories.name}: next purchases", "not measured: too short a time for a window")
        return
    trained = session.ranker(windows[0].cut_ms).trained
    few = settings.ranking.model_copy(update={"max_exact_items": _WINDOW_EXACT})
    known = {s.name: s for s in default_sources(few, trained.choices)}
    weights = {
        task: {name: weight for name, weight in decision.weights.items() if name in known}
        for task, decision in trained.decisions.items()
    }
    found: dict[Task, list[NDArray[np.float64]]] = {task: [] for task in weights}
    for number, window in enumerate(windows, start=1):
        tick(f"{histories.name}: next purchases", number, len(windows))
        used = sorted({name for named in weights.values() for name in named})
        fitted = {name: known[name].fit(past, session.catalogue, now_ms=window.cut_ms) for name in used}
        labels = {task: labels_of(past, window, task=task) for task in weights}
        users = [user for user in histories.users if any(user in taken for taken in labels.values())]
        asked = ask(past, session.catalogue, settings.interests, users=users, cut_ms=window.cut_ms)
        for task, named in weights.items():
            able = [one for one in asked if one.user in labels[task]]
            sources = [fitted[name] for name in named]
            found[task].append(_gains(able, sources, list(named.values()), labels[task], task=task))
    for task, parts in found.items():
        joined = np.concatenate(parts) if parts else np.empty((0, 5))
        what = "items never taken before" if task == "new" else "any items"
        yield from _rows(joined, f"{histories.name}, {len(windows)} windows before the test period, {what}")


def ask(
    log: InteractionLog,
    catalogue: Catalogue,
    settings: InterestSettings,
    *,
    users: Sequence[int],
    cut_ms: int,
) -> list[Asked]:
    """What is known at a moment of those of `users` who have a history by then."""
    before = log.before(cut_ms)
    asked = []
    for user in users:
        own = before.take(before.rows_of(user))
        if not len(own):
            continue
        frame = form_frame(own, catalogue, settings)
        sessions = compute_session_shares(own, frame)
        migration = compute_migration(
            UserId("asked"),
            own,
            catalogue,
            frame=frame,
            sessions=sessions,
            windows=halve(sessions),
            settings=settings,
            labels={},
            with_evidence=False,
            moment_ms=cut_ms,
        )
        plain = Context.of(before, user, now_ms=cut_ms)
        emphasis = compute_emphasis(own, sessions, migration, frame=frame)
        ours = None if emphasis is None else replace(plain, emphasis=emphasis.weights[own.item >= 0])
        anyway = replace(plain, emphasis=fade(plain.timestamp_ms))
        asked.append(Asked(user, plain, ours, anyway))
    return asked


def _gains(
    asked: Sequence[Asked],
    sources: Sequence[Source],
    weights: Sequence[float],
    labels: dict[int, NDArray[np.int32]],
    *,
    task: Task,
) -> NDArray[np.float64]:
    """`(n, 5)`: user, whether the migration changes anything, NDCG@10 without, with, and faded anyway."""
    rows = []
    for start in range(0, len(asked), _BATCH):
        batch = asked[start : start + _BATCH]
        ways = [[a.plain for a in batch], [a.ours or a.plain for a in batch], [a.anyway for a in batch]]
        scores = [
            _ndcg(contexts, sources, weights, [labels[a.user] for a in batch], task=task) for contexts in ways
        ]
        rows += [(a.user, a.ours is not None, *values) for a, *values in zip(batch, *scores, strict=True)]
    return np.array(rows, np.float64).reshape(-1, 5)


def _ndcg(
    contexts: Sequence[Context],
    sources: Sequence[Source],
    weights: Sequence[float],
    taken: Sequence[NDArray[np.int32]],
    *,
    task: Task,
) -> list[float]:
    """Textbook NDCG@10 of the fused list of each context."""
    dense = [source.score(contexts) for source in sources]
    values = []
    for row, (context, relevant) in enumerate(zip(contexts, taken, strict=True)):
        allowed = allowed_items(context, dense[0].shape[1], task=task)
        codes, scores = candidates([matrix[row] for matrix in dense], allowed, depth=_DEPTH)
        fused = np.asarray(weights) @ scores
        top = codes[np.lexsort((codes, -fused))][:_LENGTH]
        gain = float(_DISCOUNT[: len(top)][np.isin(top, relevant)].sum())
        values.append(gain / float(_DISCOUNT[: len(relevant)].sum()))
    return values


def _rows(found: NDArray[np.float64], where: str) -> Iterator[Row]:
    """Those whom the migration changes something for, then the others, had they been treated the same."""
    changed = found[found[:, 1] == 1]
    others = found[found[:, 1] == 0]
    n_users = len(np.unique(changed[:, 0]))
    if n_users < _FEWEST:
        yield Row(f"{where}: NDCG@10 with the migration", f"not measured: {n_users} users have moved")
        return
    gap = bootstrap_mean(_by_user(changed, 3))
    figure = (
        f"{changed[:, 3].mean():.4f} with, {changed[:, 2].mean():.4f} without; "
        f"difference {show(gap, digits=4, signed=True)}"
    )
    yield Row(f"{where}: NDCG@10, {n_users} users with a change", figure, "no loss", not gap.worse)
    if len(others):
        gap = bootstrap_mean(_by_user(others, 4))
        n_others = len(np.unique(others[:, 0]))
        what = f"{n_others} users without one, for whom nothing differs: were they to forget as fast"
        yield Row(f"{where}: NDCG@10, {what}", f"difference {show(gap, digits=4, signed=True)}")


def _by_user(found: NDArray[np.float64], column: int) -> NDArray[np.float64]:
    """The mean difference of each user against `plain`: one of several windows counts once."""
    _, member = np.unique(found[:, 0], return_inverse=True)
    gain = found[:, column] - found[:, 2]
    return np.bincount(member, weights=gain) / np.bincount(member)
