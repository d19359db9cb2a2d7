"""The rows that are always run beside ours, the tuned ones chosen on windows before T."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue, InteractionLog
from agent.errors import MissingExtraError
from agent.ranking.als import AlsSource
from agent.ranking.ease import EaseParams, EaseSource
from agent.ranking.history import Context, context_matrix
from agent.ranking.neighbours import ItemKnnSource, TransitionSource
from agent.ranking.popular import PopularitySource, recent_popularity
from agent.ranking.repeat import RepeatSource
from agent.ranking.source import Arrays, Source, fitted, load_arrays, save_arrays
from eval.data.canary import CANARY_ID
from eval.data.splits import Question
from eval.rankers.recommenders import Recommender, SourceRow, fixed
from eval.rankers.tuning import choose

# Half-lives in days: of the histories behind the model, of the history that is scored.
HALF_LIVES: tuple[tuple[float | None, float | None], ...] = (
    (None, 90.0),
    (None, 30.0),
    (30.0, 30.0),
    (60.0, 60.0),
    (90.0, 90.0),
    (180.0, 90.0),
    (180.0, 150.0),
)
_LIVES: tuple[float | None, ...] = (None, 150.0, 90.0, 60.0, 30.0)
_LAMBDAS = (300.0, 1000.0, 3000.0)


@dataclass(frozen=True)
class RandomSource:
    """A random order per user, over every item, new ones too. Deterministic by seed and history."""

    seed: int = 0
    name: str = "random"
    arrays: Arrays | None = None

    def fit(self, log: InteractionLog, catalogue: Catalogue, *, now_ms: int) -> Self:
        """See `Source.fit`."""
        # Chance would list the planted item as well, which says nothing about a leak.
        real = np.array([item_id != CANARY_ID for item_id in catalogue.item_ids])
        return replace(self, arrays={"real": real.astype(np.float32)})

    def score(self, contexts: Sequence[Context]) -> NDArray[np.float32]:
        """See `Source.score`."""
        real = fitted(self.name, self.arrays)["real"]
        rows = []
        for context in contexts:
            rng = np.random.default_rng([self.seed, len(context.item), int(context.item.sum())])
            rows.append((rng.random(len(real), np.float32) + np.float32(1e-6)) * real)
        return np.stack(rows) if rows else np.zeros((0, len(real)), np.float32)

    def save(self, folder: Path) -> None:
        """See `Source.save`."""
        save_arrays(folder, self.name, self.arrays)

    def load(self, folder: Path, *, catalogue: Catalogue) -> Self:
        """See `Source.load`."""
        return replace(self, arrays=load_arrays(folder, self.name))


@dataclass(frozen=True)
class TextCentroidSource:
    """Cosine of each item's text vector with the decayed mean of the user's; items without text get 0."""

    half_life_days: float | None = None
    name: str = "text-centroid"
    catalogue: Catalogue | None = None

    def fit(self, log: InteractionLog, catalogue: Catalogue, *, now_ms: int) -> Self:
        """See `Source.fit`; nothing is learned from the log."""
        return replace(self, catalogue=catalogue)

    def score(self, contexts: Sequence[Context]) -> NDArray[np.float32]:
        """See `Source.score`."""
        catalogue = self.catalogue
        assert catalogue is not None, "fitted before"
        out = np.zeros((len(contexts), len(catalogue)), np.float32)
        if catalogue.vectors is None:
            return out
        history = context_matrix(contexts, n_items=len(catalogue), half_life_days=self.half_life_days)
        items = catalogue.item_vectors(np.arange(len(catalogue)))
        centroid = np.asarray(history @ items, np.float32)
        norm = np.linalg.norm(centroid, axis=1, keepdims=True)
        return np.asarray((centroid / np.where(norm > 0, norm, 1.0)) @ items.T, np.float32)

    def save(self, folder: Path) -> None:
        """Nothing is fitted, so nothing is kept."""

    def load(self, folder: Path, *, catalogue: Catalogue) -> Self:
        """See `Source.load`."""
        return replace(self, catalogue=catalogue)


def baseline_rows(question_task: str) -> list[Recommender]:
    """Every baseline, cheap ones first; those of repeats only where the task has them."""
    rows: list[Recommender] = [
        SourceRow("random", fixed(RandomSource())),
        SourceRow("popularity", fixed(PopularitySource())),
        SourceRow("popularity, 30 d", fixed(recent_popularity(30))),
        SourceRow("popularity, 7 d", fixed(recent_popularity(7))),
        SourceRow("text centroid", tuned(lambda _: _centroids())),
        SourceRow("transitions", tuned(lambda _: _transitions())),
        SourceRow("ItemKNN", tuned(lambda _: _plain_knn())),
        SourceRow("ItemKNN, half-life", _decayed_knn),
        SourceRow("ALS", _needs("implicit", "als", tuned(lambda _: _als()))),
        SourceRow("ALS, half-life", _needs("implicit", "als", _decayed_als)),
        SourceRow("EASE", tuned(lambda _: _plain_ease())),
        SourceRow("EASE, half-life", _decayed_ease),
    ]
    if question_task == "any":
        rows.append(SourceRow("own repeats", tuned(lambda _: _repeats())))
    return rows


def tuned(
    grid_of: Callable[[Question], Mapping[str, Source]],
) -> Callable[[Question], tuple[Source, str]]:
    """A choice from a grid by the trials of the question."""

    def chosen(question: Question) -> tuple[Source, str]:
        grid = grid_of(question)
        key, note = choose(question, grid)
        return grid[key], note

    return chosen


def _needs(
    module: str, extra: str, chosen: Callable[[Question], tuple[Source, str]]
) -> Callable[[Question], tuple[Source, str]]:
    def checked(question: Question) -> tuple[Source, str]:
        if find_spec(module) is None:
            raise MissingExtraError(module, extra)
        return chosen(question)

    return checked


def _days(value: float | None) -> str:
    return "∞" if value is None else f"{value:g}"


def _centroids() -> dict[str, Source]:
    return {f"half-life {_days(h)} d": TextCentroidSource(h) for h in _LIVES}


def _transitions() -> dict[str, Source]:
    return {f"half-life {_days(h)} d": TransitionSource(half_life_days=h) for h in _LIVES}


def _plain_knn() -> dict[str, Source]:
    return {f"cosine, {n} neighbours": ItemKnnSource(n_neighbours=n) for n in (10_000, 1000, 200, 50)}


def _decayed_knn(question: Question) -> tuple[Source, str]:
    """The half-lives with all neighbours, then how many at those: cheaper than a full grid."""

    def grid(
        lives: tuple[tuple[float | None, float | None], ...], sizes: tuple[int, ...]
    ) -> dict[str, Source]:
        return {
            f"half-lives {_days(t)}/{_days(u)} d, {n} neighbours": ItemKnnSource(
                n_neighbours=n, train_half_life_days=t, user_half_life_days=u
            )
            for t, u in lives
            for n in sizes
        }

    lives = grid(HALF_LIVES, (10_000,))
    first, _ = choose(question, lives)
    best = dict(zip(lives, HALF_LIVES, strict=True))[first]
    last = grid((best,), (10_000, 200))
    key, note = choose(question, last)
    return last[key], note


def _repeats() -> dict[str, Source]:
    return {
        f"half-life {_days(h)} d": RepeatSource(half_life_days=h) for h in (90.0, 30.0, 60.0, 150.0, 365.0)
    }


def _als(
    lives: tuple[float | None, ...] = (None,),
    factors: tuple[int, ...] = (32, 64),
    penalties: tuple[float, ...] = (1.0, 100.0),
) -> dict[str, Source]:
    return {
        f"{f} factors, λ {r:g}, half-life {_days(h)} d": AlsSource(
            factors=f, regularisation=r, half_life_days=h
        )
        for f in factors
        for r in penalties
        for h in lives
    }


def _decayed_als(question: Question) -> tuple[Source, str]:
    """Factors and λ without decay, then the half-life at those: cheaper than a full grid."""
    plain = _als()
    best = plain[choose(question, plain)[0]]
    assert isinstance(best, AlsSource), "the grid holds nothing else"
    last = _als((150.0, 90.0, 60.0, 30.0), (best.factors,), (best.regularisation,))
    key, note = choose(question, last)
    return last[key], note


def _ease(regularisation: float, train: float | None, user: float | None) -> EaseSource:
    return EaseSource(EaseParams(regularisation, 0.0, train, user, user_norm=0.0, trend=0.0))


def _plain_ease() -> dict[str, Source]:
    return {f"λ {value:g}": _ease(value, None, None) for value in _LAMBDAS}


def _decayed_ease(question: Question) -> tuple[Source, str]:
    """λ first, then the half-lives at it, then λ again at those: cheaper than a full grid."""
    first, _ = choose(question, _plain_ease())
    at = float(first.split()[1])
    lives = {f"half-lives {_days(t)}/{_days(u)} d": _ease(at, t, u) for t, u in HALF_LIVES}
    second, _ = choose(question, lives)
    train, user = dict(zip(lives, HALF_LIVES, strict=True))[second]
    last: dict[str, Source] = {f"{second}, λ {value:g}": _ease(value, train, user) for value in _LAMBDAS}
    key, note = choose(question, last)
    return last[key], note
