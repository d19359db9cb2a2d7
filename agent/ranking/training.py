"""How a ranker learns: parameters, weights and confidence from rolling windows, then the final fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue, InteractionLog
from agent.errors import MissingExtraError, SettingsError
from agent.ranking.als import AlsSource
from agent.ranking.confidence import Confidence, calibrate
from agent.ranking.ease import EaseParams, EaseSource
from agent.ranking.facet_vectors import FacetVectorSource
from agent.ranking.fusion import FusionDecision, decide, fuse
from agent.ranking.history import active_items, wish_rows
from agent.ranking.neighbours import ItemKnnSource, TransitionSource
from agent.ranking.popular import PopularitySource, recent_popularity
from agent.ranking.repeat import RepeatSource
from agent.ranking.source import Source
from agent.ranking.windows import (
    Pool,
    Task,
    Window,
    build_pools,
    eligible_users,
    labels_of,
    ndcg,
    rolling_windows,
    sample_users,
)
from agent.schema import StageReport
from agent.settings import RankingSettings

Progress = Callable[[int, int | None], None]

# Chosen on three earlier grocery windows; the repeat domain leans on the user's own rhythm.
DEFAULT_WEIGHTS: Mapping[Task, Mapping[str, float]] = {
    "new": {"ease": 1.0},
    "any": {"repeat": 1.0, "popularity-30d": 0.2, "ease": 0.2},
}

# λ, α, half-life of the histories behind the Gram matrix, half-life of the user's own.
EASE_CHOICES: Mapping[str, tuple[float, float, float | None, float | None]] = {
    "slow": (1000.0, 0.03, 180.0, 150.0),
    "fast": (1000.0, 0.03, 30.0, 30.0),
    "slow, few users": (100.0, 0.03, 180.0, 150.0),
    "fast, few users": (100.0, 0.03, 30.0, 30.0),
    "timeless": (1000.0, 0.03, None, None),
}
# Users per window behind the weights: more of them find smaller gains, where scoring them is cheap.
_WINDOW_USERS = 400
_WINDOW_USERS_SMALL = 1000
_SMALL_CATALOGUE = 10_000
_CALIBRATION_USERS = 200
_WINDOW_EXACT = 1500
_MIN_EVENTS = 5
_REPEAT_SHARE = 0.1


@dataclass(frozen=True)
class Trained:
    """What was learned.

    Attributes:
        sources: fitted; all propose, those with a weight decide.
        decisions: by task; `any` only where people repeat.
        confidences: by task.
        ease_choice: key of `EASE_CHOICES`.
        skipped: sources that could not be fitted, and why.
    """

    sources: tuple[Source, ...]
    decisions: Mapping[Task, FusionDecision]
    confidences: Mapping[Task, Confidence]
    repeats: bool
    now_ms: int
    n_items: int
    ease_choice: str
    skipped: tuple[StageReport, ...]


def default_sources(settings: RankingSettings, *, ease_choice: str) -> tuple[Source, ...]:
    """Every source, unfitted, in the order that breaks ties between equally good ones."""
    regularisation, text, train_days, user_days = EASE_CHOICES[ease_choice]
    limit = settings.max_exact_items
    ease = EaseParams(regularisation, text, train_days, user_days, max_exact_items=limit)
    return (
        EaseSource(ease),
        ItemKnnSource(max_items=limit),
        AlsSource(seed=settings.seed),
        TransitionSource(max_items=limit),
        PopularitySource(),
        recent_popularity(30),
        recent_popularity(7),
        RepeatSource(),
        FacetVectorSource(depth=settings.n_candidates),
    )


def data_repeats(log: InteractionLog) -> bool:
    """True when at least a tenth of the user–item–days are not the first of that user and item."""
    rows = wish_rows(log)
    if not len(rows):
        return False
    visits = np.unique(np.stack([log.user[rows], log.item[rows], log.day[rows]]).astype(np.int64), axis=1)
    again = (visits[0, 1:] == visits[0, :-1]) & (visits[1, 1:] == visits[1, :-1])
    return bool(again.mean() >= _REPEAT_SHARE) if len(again) else False


def train(
    log: InteractionLog,
    catalogue: Catalogue,
    settings: RankingSettings,
    *,
    now_ms: int,
    repeats: bool | None,
    progress: Progress | None,
) -> Trained:
    """Everything a ranker needs; see `Ranker.fit`."""
    past = log.before(now_ms)
    again = data_repeats(past) if repeats is None else repeats
    tasks: tuple[Task, ...] = ("new", "any") if again else ("new",)
    _check_weights(settings)
    windows = rolling_windows(past, now_ms=now_ms, length_days=settings.horizon_days)
    steps = _Steps(progress, len(windows) * (len(EASE_CHOICES) + 2) + 1)
    choice = choose_ease(past, catalogue, windows, settings=settings, steps=steps)
    sources, skipped = _available(default_sources(settings, ease_choice=choice))
    names = [source.name for source in sources]
    pools, strangers = _pools(past, catalogue, sources, windows, tasks=tasks, settings=settings, steps=steps)
    decisions = {task: _decision(pools[task], names, task=task, settings=settings) for task in tasks}
    confidences = {
        task: calibrate(
            strangers[task],
            [fuse(pool.scores, names, decisions[task].weights) for pool in strangers[task]],
            horizon_days=_length_days(windows, settings),
        )
        for task in tasks
    }
    final = tuple(source.fit(past, catalogue, now_ms=now_ms) for source in sources)
    steps.done()
    return Trained(final, decisions, confidences, again, now_ms, log.n_items, choice, skipped)


_Pools = dict[Task, list[Pool]]


def _pools(
    log: InteractionLog,
    catalogue: Catalogue,
    sources: Sequence[Source],
    windows: Sequence[Window],
    *,
    tasks: Sequence[Task],
    settings: RankingSettings,
    steps: _Steps,
) -> tuple[_Pools, _Pools]:
    """By task one pool per window: of the users who decide the weights, and of those who calibrate.

    Weights are compared on users who took something: the others say nothing about order. A probability has
    to hold for everyone, so confidence is calibrated on users drawn without a look at what they took.
    """
    deciding: _Pools = {task: [] for task in tasks}
    calibrating: _Pools = {task: [] for task in tasks}
    for window in windows:
        fitted = [source.fit(log, catalogue, now_ms=window.cut_ms) for source in sources]
        steps.done()
        both = _asked(log, window, settings=settings)
        for pools, users in zip((deciding, calibrating), both, strict=True):
            found = build_pools(
                log, fitted, window=window, tasks=tasks, users=users, depth=settings.n_candidates
            )
            for task in tasks:
                pools[task].append(found[task])
        steps.done()
    return deciding, calibrating


def choose_ease(
    log: InteractionLog,
    catalogue: Catalogue,
    windows: Sequence[Window],
    *,
    settings: RankingSettings,
    steps: _Steps,
) -> str:
    """Key of the EASE parameters with the best mean NDCG@10 on new items; the first without windows."""
    first = next(iter(EASE_CHOICES))
    if not windows:
        return first
    value = dict.fromkeys(EASE_CHOICES, 0.0)
    limit = min(_WINDOW_EXACT, settings.max_exact_items)
    small = settings.model_copy(update={"max_exact_items": limit})
    for window in windows:
        active = active_items(log, now_ms=window.cut_ms, limit=limit)
        few, items = restrict(log, catalogue, active)
        users, _ = _asked(few, window, settings=settings)
        for choice in EASE_CHOICES:
            ease = default_sources(small, ease_choice=choice)[0].fit(few, items, now_ms=window.cut_ms)
            pool = build_pools(few, [ease], window=window, tasks=("new",), users=users, depth=50)["new"]
            value[choice] += float(ndcg(pool, pool.scores[0]).mean()) if users else 0.0
            steps.done()
    return max(EASE_CHOICES, key=lambda choice: value[choice])


def restrict(
    log: InteractionLog, catalogue: Catalogue, codes: NDArray[np.int64]
) -> tuple[InteractionLog, Catalogue]:
    """Log and catalogue of those items only, renumbered in that order; vectors stay as they are."""
    place = np.full(log.n_items, -1, np.int32)
    place[codes] = np.arange(len(codes))
    kept = log.take((log.item >= 0) & (place[log.item] >= 0))
    items = replace(
        catalogue,
        item_ids=tuple(catalogue.item_ids[code] for code in codes),
        titles=tuple(catalogue.titles[code] for code in codes),
        descriptions=tuple(catalogue.descriptions[code] for code in codes),
        categories=tuple(catalogue.categories[code] for code in codes),
        domains=tuple(catalogue.domains[code] for code in codes),
        texts=tuple(catalogue.texts[code] for code in codes),
        text_row=catalogue.text_row[codes],
    )
    return replace(kept, item=place[kept.item], n_items=len(codes)), items


class _Steps:
    """Counts steps for a progress callback."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._count = progress, total, 0

    def done(self) -> None:
        self._count += 1
        if self._progress is not None:
            self._progress(self._count, self._total)


def _check_weights(settings: RankingSettings) -> None:
    known = [source.name for source in default_sources(settings, ease_choice=next(iter(EASE_CHOICES)))]
    unknown = sorted(set(settings.weights) - set(known))
    if unknown:
        raise SettingsError(f"ranking.weights: expected names among {known!r}, got {unknown!r}")


def _available(sources: Sequence[Source]) -> tuple[tuple[Source, ...], tuple[StageReport, ...]]:
    """Sources whose packages are here, and a report of the others."""
    from importlib.util import find_spec

    if find_spec("implicit") is not None:
        return tuple(sources), ()
    error = MissingExtraError("implicit", "als")
    kept = tuple(source for source in sources if not isinstance(source, AlsSource))
    return kept, (StageReport("source:als", "skipped", 0.0, str(error)),)


def _asked(log: InteractionLog, window: Window, *, settings: RankingSettings) -> tuple[list[int], list[int]]:
    """Users who decide the weights, all of whom took something new, and users to calibrate on.

    Different people, drawn at random, where there are enough; where not, the same serve for both.
    """
    able = eligible_users(log, cut_ms=window.cut_ms, min_events=_MIN_EVENTS)
    active = np.array(sorted(labels_of(log, window, task="new")), np.int64)
    limit = _WINDOW_USERS_SMALL if log.n_items <= _SMALL_CATALOGUE else _WINDOW_USERS
    first, second = able, able
    if len(able) >= 2 * _WINDOW_USERS:
        mixed = np.random.default_rng(settings.seed).permutation(able)
        first, second = mixed[_CALIBRATION_USERS:], mixed[:_CALIBRATION_USERS]
    return (
        sample_users(np.intersect1d(first, active), limit=limit, seed=settings.seed),
        sample_users(second, limit=_CALIBRATION_USERS, seed=settings.seed),
    )


def _decision(
    pools: Sequence[Pool], names: Sequence[str], *, task: Task, settings: RankingSettings
) -> FusionDecision:
    if settings.weights:
        return FusionDecision(task, dict(settings.weights), {}, (), 0, 0, "fixed by ranking.weights")
    default = {name: weight for name, weight in DEFAULT_WEIGHTS[task].items() if name in names}
    return decide(pools, names, task=task, default=default)


def _length_days(windows: Sequence[Window], settings: RankingSettings) -> float:
    if not windows:
        return settings.horizon_days
    return (windows[0].end_ms - windows[0].cut_ms) / 86_400_000
