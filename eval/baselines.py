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
from agent.ranking.history import Context, context_matrix, user_counts
from agent.ranking.neighbours import ItemKnnSource, TransitionSource
from agent.ranking.popular import PopularitySource, recent_popularity
from agent.ranking.repeat import RepeatSource
from agent.ranking.source import Arrays, Source, fitted, load_arrays, save_arrays
from eval.recommenders import Recommender, SourceRow, fixed
from eval.splits import Question
from eval.tuning import choose, trials

# Half-lives in days: of the histories behind the model, of the history that is scored.
HALF_LIVES: tuple[tuple[float | None, float | None], ...] = (
    (None, 90.0),
    (None, 30.0),
    (90.0, 90.0),
    (180.0, 90.0),
    (30.0, 30.0),
)
_LAMBDAS = (300.0, 1000.0, 3000.0)


@dataclass(frozen=True)
class RandomSource:
    """A random order per user, over items that somebody has taken. Deterministic by seed and history."""

    seed: int = 0
    name: str = "random"
    arrays: Arrays | None = None

    def fit(self, log: InteractionLog, catalogue: Catalogue, *, now_ms: int) -> Self:
        """See `Source.fit`."""
        taken = user_counts(log, now_ms=now_ms, since_ms=None) > 0
        return replace(self, arrays={"taken": taken.astype(np.float32)})

    def score(self, contexts: Sequence[Context]) -> NDArray[np.float32]:
        """See `Source.score`."""
        taken = fitted(self.name, self.arrays)["taken"]
        rows = []
        for context in contexts:
            rng = np.random.default_rng([self.seed, len(context.item), int(context.item.sum())])
            rows.append((rng.random(len(taken), np.float32) + np.float32(1e-6)) * taken)
        return np.stack(rows) if rows else np.zeros((0, len(taken)), np.float32)

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
        SourceRow("ItemKNN", fixed(ItemKnnSource(n_neighbours=10_000), "cosine, all neighbours")),
        SourceRow("ItemKNN, half-life", tuned(lambda _: _knn())),
        SourceRow("ALS", _needs("implicit", "als", tuned(lambda _: _als(decayed=False)))),
        SourceRow("ALS, half-life", _needs("implicit", "als", tuned(lambda _: _als(decayed=True)))),
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
    return {f"half-life {_days(h)} d": TextCentroidSource(h) for h in (None, 90.0, 30.0)}


def _transitions() -> dict[str, Source]:
    return {f"half-life {_days(h)} d": TransitionSource(half_life_days=h) for h in (None, 90.0, 30.0)}


def _knn() -> dict[str, Source]:
    return {
        f"half-lives {_days(t)}/{_days(u)} d, {n} neighbours": ItemKnnSource(
            n_neighbours=n, train_half_life_days=t, user_half_life_days=u
        )
        for t, u in HALF_LIVES
        for n in (200, 10_000)
    }


def _repeats() -> dict[str, Source]:
    return {f"half-life {_days(h)} d": RepeatSource(half_life_days=h) for h in (90.0, 30.0, 365.0)}


def _als(*, decayed: bool) -> dict[str, Source]:
    lives = (90.0, 30.0) if decayed else (None,)
    return {
        f"{f} factors, λ {r:g}, half-life {_days(h)} d": AlsSource(
            factors=f, regularisation=r, half_life_days=h
        )
        for f in (32, 64)
        for r in (1.0, 100.0)
        for h in lives
    }


def _ease(regularisation: float, train: float | None, user: float | None) -> EaseSource:
    return EaseSource(EaseParams(regularisation, 0.0, train, user, user_norm=0.0, trend=0.0))


def _plain_ease() -> dict[str, Source]:
    return {f"λ {value:g}": _ease(value, None, None) for value in _LAMBDAS}


def _decayed_ease(question: Question) -> tuple[Source, str]:
    """λ first, then the half-lives at it, then λ again at those: cheaper than a full grid."""
    tried = trials(question)
    first, _ = choose(question, _plain_ease(), tried=tried)
    at = float(first.split()[1])
    lives = {f"half-lives {_days(t)}/{_days(u)} d": _ease(at, t, u) for t, u in HALF_LIVES}
    second, _ = choose(question, lives, tried=tried)
    train, user = dict(zip(lives, HALF_LIVES, strict=True))[second]
    last: dict[str, Source] = {f"{second}, λ {value:g}": _ease(value, train, user) for value in _LAMBDAS}
    key, note = choose(question, last, tried=tried)
    return last[key], note
