"""Every source with the parameters it may have, and how these are chosen on what was taken later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue, InteractionLog
from agent.errors import MissingExtraError
from agent.ranking.als import AlsSource
from agent.ranking.ease import EaseParams, EaseSource
from agent.ranking.evidence import Fold, asked_in, pools_of
from agent.ranking.facet_vectors import FacetVectorSource
from agent.ranking.history import active_items
from agent.ranking.neighbours import ItemKnnSource, TransitionSource
from agent.ranking.network import FriendsOfFriendsSource
from agent.ranking.popular import PopularitySource, recent_popularity
from agent.ranking.repeat import RepeatSource
from agent.ranking.source import Source
from agent.ranking.windows import Window, build_pools, ndcg
from agent.schema import StageReport
from agent.settings import RankingSettings

# λ, α, half-life of the histories behind the Gram matrix, half-life of the user's own.
EASE_CHOICES: Mapping[str, tuple[float, float, float | None, float | None]] = {
    "slow": (1000.0, 0.03, 180.0, 150.0),
    "fast": (1000.0, 0.03, 30.0, 30.0),
    "slow, few users": (100.0, 0.03, 180.0, 150.0),
    "fast, few users": (100.0, 0.03, 30.0, 30.0),
    "timeless": (1000.0, 0.03, None, None),
    "timeless, few users": (100.0, 0.03, None, None),
}
# Regularisation and half-life of ALS.
ALS_CHOICES: Mapping[str, tuple[float, float | None]] = {
    "fading": (100.0, 90.0),
    "timeless": (100.0, None),
    "timeless, few users": (1.0, None),
}
# Half-life of what followed what.
TRANSITION_CHOICES: Mapping[str, float | None] = {"fading": 90.0, "timeless": None}
# How many fits choose the parameters, per held-out part.
N_FOLD_CHOICES = len(EASE_CHOICES) + len(ALS_CHOICES) + len(TRANSITION_CHOICES)
# Windows choose among these: the last was added for histories that windows say nothing of.
WINDOW_EASE = tuple(EASE_CHOICES)[:5]
_WINDOW_EXACT = 1500


@dataclass(frozen=True, slots=True)
class Choices:
    """Keys of the parameters of those sources that have several: EASE, ALS, transitions."""

    ease: str = "slow"
    als: str = "fading"
    transitions: str = "fading"


def default_sources(
    settings: RankingSettings, choices: Choices, *, people: bool = False
) -> tuple[Source, ...]:
    """Every source, unfitted, in the order that breaks ties between equally good ones.

    Args:
        settings: of the ranking.
        choices: of parameters.
        people: whether items of the catalogue are people: these have a source of their own.
    """
    limit = settings.max_exact_items
    network: tuple[Source, ...] = (FriendsOfFriendsSource(),) if people else ()
    return (
        ease_source(settings, choices.ease),
        ItemKnnSource(max_items=limit),
        als_source(settings, choices.als),
        transition_source(settings, choices.transitions),
        PopularitySource(),
        recent_popularity(30),
        recent_popularity(7),
        RepeatSource(),
        FacetVectorSource(depth=settings.n_candidates),
        *network,
    )


def ease_source(settings: RankingSettings, choice: str) -> EaseSource:
    """The unfitted EASE of a choice."""
    regularisation, text, train_days, user_days = EASE_CHOICES[choice]
    limit = settings.max_exact_items
    return EaseSource(EaseParams(regularisation, text, train_days, user_days, max_exact_items=limit))


def als_source(settings: RankingSettings, choice: str) -> AlsSource:
    """The unfitted ALS of a choice."""
    regularisation, half_life_days = ALS_CHOICES[choice]
    return AlsSource(regularisation=regularisation, half_life_days=half_life_days, seed=settings.seed)


def transition_source(settings: RankingSettings, choice: str) -> TransitionSource:
    """The unfitted transitions of a choice."""
    return TransitionSource(half_life_days=TRANSITION_CHOICES[choice], max_items=settings.max_exact_items)


def available(sources: Sequence[Source]) -> tuple[tuple[Source, ...], tuple[StageReport, ...]]:
    """Sources whose packages are here, and a report of the others."""
    from importlib.util import find_spec

    if find_spec("implicit") is not None:
        return tuple(sources), ()
    error = MissingExtraError("implicit", "als")
    kept = tuple(source for source in sources if not isinstance(source, AlsSource))
    return kept, (StageReport("source:als", "skipped", 0.0, str(error)),)


def choose_on_windows(
    log: InteractionLog,
    catalogue: Catalogue,
    windows: Sequence[Window],
    *,
    settings: RankingSettings,
    done: Callable[[], None],
) -> Choices:
    """The EASE with the best mean NDCG@10 on new items, the usual others; the usual of all without windows.

    `done` is called after each fit.
    """
    if not windows:
        return Choices()
    value = dict.fromkeys(WINDOW_EASE, 0.0)
    limit = min(_WINDOW_EXACT, settings.max_exact_items)
    small = settings.model_copy(update={"max_exact_items": limit})
    for window in windows:
        active = active_items(log, now_ms=window.cut_ms, limit=limit)
        few, items = restrict(log, catalogue, active)
        users, _ = asked_in(few, window, settings=settings)
        for choice in WINDOW_EASE:
            ease = ease_source(small, choice).fit(few, items, now_ms=window.cut_ms)
            pool = build_pools(few, [ease], window=window, tasks=("new",), users=users, depth=50)["new"]
            value[choice] += float(ndcg(pool, pool.scores[0]).mean()) if users else 0.0
            done()
    return Choices(ease=max(WINDOW_EASE, key=lambda choice: value[choice]))


def choose_on_folds(
    folds: Sequence[Fold],
    catalogue: Catalogue,
    *,
    now_ms: int,
    settings: RankingSettings,
    done: Callable[[], None],
) -> Choices:
    """The parameters with the best mean NDCG@10 on the new items of held-out parts."""
    ease: dict[str, Source] = {choice: ease_source(settings, choice) for choice in EASE_CHOICES}
    als: dict[str, Source] = {choice: als_source(settings, choice) for choice in ALS_CHOICES}
    transitions: dict[str, Source] = {c: transition_source(settings, c) for c in TRANSITION_CHOICES}
    chosen = []
    for grid in (ease, als, transitions):
        here, _ = available(tuple(grid.values()))
        value = dict.fromkeys(grid, 0.0)
        for fold in folds:
            for choice, source in grid.items():
                value[choice] += _fold_value(fold, source, catalogue, now_ms=now_ms) if here else 0.0
                done()
        chosen.append(max(value, key=lambda choice: value[choice]))
    return Choices(*chosen)


def _fold_value(fold: Fold, source: Source, catalogue: Catalogue, *, now_ms: int) -> float:
    fitted = source.fit(fold.log, catalogue, now_ms=now_ms)
    n_items = fold.log.n_items
    pool = pools_of(fold.asked, [fitted], tasks=("new",), n_items=n_items, depth=50)["new"]
    return float(ndcg(pool, pool.scores[0]).mean())


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
