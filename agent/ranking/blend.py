"""One list from scored items: pooled, standardised, weighted, and filled up where that says too little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.ranking.fusion import FusionDecision
from agent.ranking.windows import best_allowed, standardise
from agent.schema import StageReport

_REACH_PLACE = 10
# What stands in, in turn, when the weighted sources have no more to say.
FILL = ("popularity-30d", "popularity", "ease", "facet-vectors")


@dataclass(frozen=True, slots=True)
class Ranked:
    """One list, best first.

    Attributes:
        items: int32 item codes, all different.
        scores: float32 fused scores, descending, comparable within this list only.
        confidence: probability 0–1 that the user takes the item within `horizon_days` of the ranker.
        sources: per item, share of the fused score by source name; the shares sum to 1.
        stages: sources, fusion, fill and confidence: what ran, and what not.
        note: what the list rests on, when that is little.
    """

    items: NDArray[np.int32]
    scores: NDArray[np.float32]
    confidence: NDArray[np.float64]
    sources: tuple[Mapping[str, float], ...]
    stages: tuple[StageReport, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Steer:
    """What a caller adds to the learned fusion, for one list.

    Attributes:
        sources: further scores, `(n_items,)` float32 each, higher is better, 0 says nothing; they propose
            items as the fitted sources do.
        weights: of those, on their standardised scores.
        tilt: `(n_items,)` float32, added to the fused scores in reaches of the pool; None: none. A reach is
            the distance from its median to its tenth place: 1 lifts what is middling to the edge of a list,
            however the scores are spread.
    """

    sources: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    tilt: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one item stands among all that could be listed.

    Attributes:
        score: fused score; None when no weighted source proposes the item.
        rank: place from 1 in the whole fused order; None with it.
        source_ranks: by source, rank from 1 among the items that may appear; absent where it says nothing.
        depth: how many items each source proposes.
    """

    score: float | None
    rank: int | None
    source_ranks: Mapping[str, int]
    depth: int


def fuse_pool(
    dense: Mapping[str, NDArray[np.float32]],
    mask: NDArray[np.bool_],
    decision: FusionDecision,
    *,
    depth: int,
    length: int,
    tilt: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32], list[dict[str, float]]]:
    """Codes, fused scores and shares of the best of the pool; empty when no weighted source speaks.

    Args:
        dense: `(n_items,)` scores by source.
        mask: `(n_items,)` bool, what may appear.
        decision: whose weights count.
        depth: proposals per source.
        length: of the list at most.
        tilt: as in `Steer`.
    """
    weights = {name: w for name, w in decision.weights.items() if name in dense and w > 0}
    tops = {name: best_allowed(values, mask, depth=depth) for name, values in dense.items()}
    if not any(len(tops[name]) for name in weights):
        return np.empty(0, np.int64), np.empty(0, np.float32), []
    pool = np.unique(np.concatenate(list(tops.values())))
    parts = np.stack([w * standardise(dense[name], tops[name], pool) for name, w in weights.items()])
    fused = parts.sum(axis=0)
    if tilt is not None:
        fused = fused + tilt[pool] * _reach(fused)
    # Those that no weighted source proposed have no score of their own to stand on: the fill's business.
    proposed = np.isin(pool, np.concatenate([tops[name] for name in weights]))
    best = np.flatnonzero(proposed)
    best = best[np.lexsort((pool[best], -fused[best]))][:length]
    shares = [_shares(list(weights), parts[:, place]) for place in best]
    return pool[best], fused[best].astype(np.float32), shares


def open_places(
    dense: Mapping[str, NDArray[np.float32]],
    mask: NDArray[np.bool_],
    decision: FusionDecision,
    order: NDArray[np.int64],
    *,
    depth: int,
) -> NDArray[np.int64]:
    """Rank, from 1, that each item of `order` would have had without the caller's filter.

    Confidence was calibrated on lists without filters: the best of a narrow category may be the
    thousandth of all, and is taken as often as that.
    """
    weights = {name: w for name, w in decision.weights.items() if name in dense and w > 0}
    tops = {name: best_allowed(values, mask, depth=depth) for name, values in dense.items()}
    pool = np.unique(np.concatenate([tops[name] for name in weights]))

    def fused(codes: NDArray[np.int64]) -> NDArray[np.float32]:
        parts = [w * standardise(dense[name], tops[name], codes) for name, w in weights.items()]
        total: NDArray[np.float32] = np.sum(parts, axis=0)
        return total

    above = np.sort(fused(pool))
    return np.maximum.accumulate(1 + len(pool) - np.searchsorted(above, fused(order), side="right"))


def fill_up(
    dense: Mapping[str, NDArray[np.float32]],
    mask: NDArray[np.bool_],
    order: NDArray[np.int64],
    *,
    length: int,
) -> tuple[NDArray[np.int64], list[str]]:
    """What is missing to `length`: popular lately, popular ever, near the user's own by text, the rest.

    Nobody has taken a new item, so where only such are allowed the weighted sources may all be silent:
    the sources that read texts still know which of them suit.
    """
    left = mask.copy()
    left[order] = False
    codes: list[int] = []
    names: list[str] = []
    for name in FILL:
        missing = length - len(order) - len(codes)
        if missing <= 0 or name not in dense:
            continue
        best = best_allowed(dense[name], left, depth=missing)
        left[best] = False
        codes.extend(int(code) for code in best)
        names.extend([name] * len(best))
    rest = np.flatnonzero(left)[: max(length - len(order) - len(codes), 0)]
    codes.extend(int(code) for code in rest)
    names.extend(["catalogue"] * len(rest))
    return np.array(codes, np.int64), names


def _reach(fused: NDArray[np.float32]) -> np.float32:
    """From the median of the pool to its tenth place, its standard deviation at least."""
    tenth = np.partition(fused, -min(_REACH_PLACE, len(fused)))[-min(_REACH_PLACE, len(fused))]
    return np.float32(max(float(tenth - np.median(fused)), float(fused.std())))


def _shares(names: Sequence[str], parts: NDArray[np.floating[Any]]) -> dict[str, float]:
    """Share of each source in the positive part of the score; the largest alone when none is positive."""
    positive = np.maximum(parts, 0.0)
    total = float(positive.sum())
    if total <= 0:
        return {names[int(np.argmax(parts))]: 1.0}
    return {name: float(value / total) for name, value in zip(names, positive, strict=True) if value > 0}
