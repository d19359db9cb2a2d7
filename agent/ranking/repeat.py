"""The source of what a user takes again, and when it is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from agent.data.days import DAY_MS, clock_ahead_ms, day_numbers
from agent.data.log import Catalogue, InteractionLog
from agent.ranking.history import Context, decay, wish_rows
from agent.ranking.source import Arrays, fitted, load_arrays, save_arrays


@dataclass(frozen=True)
class RepeatSource:
    """Decayed count of the days on which the user took the item, times how due it is.

    Per item of the user's own history: `Σ_days 0.5 ** (age / half-life)`, each day with its emphasis (see
    `Context`), multiplied by
    `1 − patience · exp(−age_of_last / interval)`: just bought is not due yet, one interval later it
    nearly is (on three grocery windows patience .5 beat 0 and .8). The interval is the user's own mean
    gap between days of that item, shrunk with one pseudo-gap to the item's mean over all users (itself
    shrunk to the log's). Items the user never took get 0.
    """

    half_life_days: float = 90.0
    patience: float = 0.5
    name: str = "repeat"
    arrays: Arrays | None = None

    def fit(self, log: InteractionLog, catalogue: Catalogue, *, now_ms: int) -> Self:
        """See `Source.fit`."""
        past = log.before(now_ms)
        rows = wish_rows(past)
        visits = np.unique(
            np.stack([past.user[rows], past.item[rows], past.day[rows]]).astype(np.int64), axis=1
        )
        user, item, day = visits
        again = (user[1:] == user[:-1]) & (item[1:] == item[:-1])
        gaps, items = (day[1:] - day[:-1])[again], item[1:][again]
        overall = float(gaps.mean()) if len(gaps) else 30.0
        count = np.bincount(items, minlength=log.n_items)
        total = np.bincount(items, weights=gaps, minlength=log.n_items)
        mean = (total + 3.0 * overall) / (count + 3.0)
        return replace(self, arrays={"interval_days": mean.astype(np.float32)})

    def score(self, contexts: Sequence[Context]) -> NDArray[np.float32]:
        """See `Source.score`; never negative."""
        interval_days = fitted(self.name, self.arrays)["interval_days"]
        out = np.zeros((len(contexts), len(interval_days)), np.float32)
        for row, context in enumerate(contexts):
            wishes = context.wishes()
            if len(wishes):
                self._score_one(context, wishes, interval_days, out=out[row])
        return out

    def save(self, folder: Path) -> None:
        """See `Source.save`."""
        save_arrays(folder, self.name, self.arrays)

    def load(self, folder: Path, *, catalogue: Catalogue) -> Self:
        """See `Source.load`."""
        return replace(self, arrays=load_arrays(folder, self.name))

    def _score_one(
        self,
        context: Context,
        wishes: NDArray[np.int64],
        interval_days: NDArray[np.float32],
        *,
        out: NDArray[np.float32],
    ) -> None:
        day = day_numbers(context.timestamp_ms[wishes], context.zone).astype(np.int64)
        base = int(day.min())
        width = int(day.max()) - base + 1
        key = context.item[wishes].astype(np.int64) * width + (day - base)
        key, first_of_day = np.unique(key, return_index=True)
        item, day = key // width, key % width + base
        counts = context.emphasis_of(wishes[first_of_day])
        codes, inverse, visits = np.unique(item, return_inverse=True, return_counts=True)
        # The clock of the zone: its days begin at its midnights.
        now_ms = context.now_ms + clock_ahead_ms(context.now_ms, context.zone)
        age_ms = np.maximum(now_ms - day * DAY_MS, 0)
        frequency = np.bincount(inverse, weights=counts * decay(age_ms, self.half_life_days))
        last, first = np.full(len(codes), np.iinfo(np.int64).min), np.full(len(codes), np.iinfo(np.int64).max)
        np.maximum.at(last, inverse, day)
        np.minimum.at(first, inverse, day)
        interval = np.maximum((last - first + interval_days[codes]) / visits, 0.5)
        age_days = np.maximum(now_ms / DAY_MS - last, 0.0)
        out[codes] = frequency * (1.0 - self.patience * np.exp(-age_days / interval))
