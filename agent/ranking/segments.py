"""Weights of a segment's own, where the segment has shown on windows that it needs others than everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from agent.ranking.blend import FILL
from agent.ranking.fusion import (
    MIN_WINDOWS,
    Addition,
    FusionDecision,
    Segment,
    SegmentDecision,
    add_greedily,
    compare,
    count_users,
    fuse,
)
from agent.ranking.history import Context
from agent.ranking.windows import Pool, ndcg

# Fewer wished events than this, and a user is cold; they decide no weights but those of their segment.
COLD_EVENTS = 5
MIN_SEGMENT_USERS = 100
# How far a segment may go from everybody's weights towards its own, the nearest first.
BLENDS = (0.25, 0.5, 0.75, 1.0)


def segment_of(context: Context, *, cold_items: bool) -> Segment | None:
    """The segment that a list belongs to; of several the one that says most about it.

    Args:
        context: whose list it is; one whose past counts less (`emphasis`) has been found to have moved.
        cold_items: only items that nobody has taken may appear.
    """
    if cold_items:
        return "cold item"
    if 0 < len(context.wishes()) < COLD_EVENTS:
        return "cold user"
    return "drifted user" if context.emphasis is not None else None


def decide_segment(
    segment: Segment, pools: Sequence[Pool], names: Sequence[str], *, overall: FusionDecision
) -> SegmentDecision:
    """Weights of a segment, shrunk to everybody's, when they gain where they were not chosen.

    For each window the segment's own weights are decided on the other windows, by the rule of the fusion,
    and blended with everybody's. A blend is admissible when it gains in every window and the 95 % interval
    of the paired difference excludes 0; of those the nearest to everybody's weights within one standard
    error of the best is taken, with weights decided on all windows. Everybody's weights were decided on
    these windows too, so the comparison favours them.

    Args:
        segment: its name.
        pools: of its users, one per window, with the scores of `names`.
        names: of the sources.
        overall: everybody's decision.
    """
    usable = [pool for pool in pools if len(pool.users)]
    n_users = count_users(usable)
    same = dict(overall.weights)
    if len(usable) < MIN_WINDOWS or n_users < MIN_SEGMENT_USERS:
        why = f"{n_users} users in {len(usable)} windows, needs {MIN_SEGMENT_USERS} in {MIN_WINDOWS}"
        return SegmentDecision(segment, same, 0.0, 0.0, 0.0, 0.0, (), n_users, why)
    before = [ndcg(pool, _listed(pool, names, same)) for pool in usable]
    own = [
        _own_weights([other for j, other in enumerate(usable) if j != i], names) for i in range(len(usable))
    ]
    tried = [
        compare(usable, before, _after(usable, names, same, own, blend), source=segment, weight=blend)
        for blend in BLENDS
    ]
    admissible = [entry for entry in tried if entry.low > 0 and min(entry.by_window) > 0]
    if not admissible:
        best = max(tried, key=lambda entry: entry.gain)
        by_window = ", ".join(f"{value:+.4f}" for value in best.by_window)
        why = f"{n_users} users, at best {_interval(best)}, by window {by_window}"
        return _told(segment, same, 0.0, best, n_users, why)
    best = max(admissible, key=lambda entry: entry.gain)
    error = (best.high - best.gain) / 1.96
    taken = next(entry for entry in admissible if entry.gain >= best.gain - error)
    weights = blended(same, _own_weights(usable, names), taken.weight)
    mix = " + ".join(f"{weight:.2g} {name}" for name, weight in weights.items())
    reason = f"{segment}s get {mix} ({n_users} users, {_interval(taken)})"
    return _told(segment, weights, taken.weight, taken, n_users, reason)


def blended(overall: Mapping[str, float], own: Mapping[str, float], blend: float) -> dict[str, float]:
    """Weights on the way from `overall` (0) to `own` (1).

    >>> blended({"a": 1.0}, {"b": 1.0, "a": 0.2}, 0.5)
    {'a': 0.6, 'b': 0.5}
    """
    names = dict.fromkeys([*overall, *own])
    mixed = {name: (1 - blend) * overall.get(name, 0.0) + blend * own.get(name, 0.0) for name in names}
    return {name: weight for name, weight in mixed.items() if weight > 0}


def _own_weights(pools: Sequence[Pool], names: Sequence[str]) -> dict[str, float]:
    alone = {
        name: float(np.mean([ndcg(pool, pool.scores[i]).mean() for pool in pools]))
        for i, name in enumerate(names)
    }
    return add_greedily(pools, names, first=max(names, key=lambda name: alone[name]))[0]


def _after(
    pools: Sequence[Pool],
    names: Sequence[str],
    overall: Mapping[str, float],
    own: Sequence[Mapping[str, float]],
    blend: float,
) -> list[NDArray[np.float64]]:
    return [
        ndcg(pool, _listed(pool, names, blended(overall, weights, blend)))
        for pool, weights in zip(pools, own, strict=True)
    ]


def _listed(pool: Pool, names: Sequence[str], weights: Mapping[str, float]) -> NDArray[np.float32]:
    """Fused scores; where no weighted source says anything, those of what a list is filled up with."""
    fused = fuse(pool.scores, names, weights)
    silent = ~(pool.scores[[place for place, name in enumerate(names) if name in weights]] != 0).any((0, 2))
    for name in FILL:
        if name in names and silent.any():
            scores = pool.scores[names.index(name)]
            fused[silent] = scores[silent]
            silent = silent & ~(scores != 0).any(axis=1)
    return fused


def _told(
    segment: Segment, weights: Mapping[str, float], blend: float, found: Addition, n_users: int, reason: str
) -> SegmentDecision:
    return SegmentDecision(
        segment, weights, blend, found.gain, found.low, found.high, found.by_window, n_users, reason
    )


def _interval(found: Addition) -> str:
    return f"{found.gain:+.4f}, 95 % {found.low:+.4f} to {found.high:+.4f}"
