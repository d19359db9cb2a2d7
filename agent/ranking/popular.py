"""Sources that need no history of the user: what many take, and what many take now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from agent.data.log import DAY_MS, Catalogue, InteractionLog
from agent.ranking.history import Context, user_counts
from agent.ranking.source import Arrays, fitted, load_arrays, save_arrays


@dataclass(frozen=True)
class PopularitySource:
    """`log(1 + number of different users)` per item, over the whole log or its last `days`.

    The same for everybody. Users are counted, not events, so that one heavy user makes nothing popular.
    """

    days: float | None = None
    name: str = "popularity"
    arrays: Arrays | None = None

    def fit(self, log: InteractionLog, catalogue: Catalogue, *, now_ms: int) -> Self:
        """See `Source.fit`."""
        since = None if self.days is None else now_ms - int(self.days * DAY_MS)
        counts = user_counts(log, now_ms=now_ms, since_ms=since)
        return replace(self, arrays={"popularity": np.log1p(counts).astype(np.float32)})

    def score(self, contexts: Sequence[Context]) -> NDArray[np.float32]:
        """See `Source.score`; never negative."""
        popularity = fitted(self.name, self.arrays)["popularity"]
        return np.repeat(popularity[None, :], len(contexts), axis=0)

    def save(self, folder: Path) -> None:
        """See `Source.save`."""
        save_arrays(folder, self.name, self.arrays)

    def load(self, folder: Path, *, catalogue: Catalogue) -> Self:
        """See `Source.load`."""
        return replace(self, arrays=load_arrays(folder, self.name))


def recent_popularity(days: int) -> PopularitySource:
    """Popularity of the last `days`, named `popularity-<days>d`."""
    return PopularitySource(days=float(days), name=f"popularity-{days}d")
