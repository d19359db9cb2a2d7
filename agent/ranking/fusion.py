"""Which sources count, and how much: few additive weights, each of which had to win in every window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agent.ranking.windows import Pool, Task, ndcg

Segment = Literal["cold item", "cold user", "drifted user"]
# Where the evidence comes from: time windows, held-out parts of histories, none (a stated default), settings.
Grounds = Literal["windows", "held-out", "default", "settings"]

WEIGHTS = (0.05, 0.1, 0.2, 0.4, 0.8)
MIN_WINDOWS = 3
MAX_ADDITIONS = 4
# Fewer users than this behind the intervals, and the default is taken: the normal approximation needs some.
MIN_USERS = 30


@dataclass(frozen=True, slots=True)
class Addition:
    """One source that was added to the list before it, and what that brought.

    Attributes:
        source: its name.
        weight: on its standardised scores, the first source has 1.
        gain: mean paired difference of NDCG@10 over the windows.
        low: lower end of its 95 % interval over users; above 0, else it would not be here.
        high: upper end.
        by_window: mean difference in each window, all above 0.
    """

    source: str
    weight: float
    gain: float
    low: float
    high: float
    by_window: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SegmentDecision:
    """Whether a segment of users or items gets weights of its own, and what that brought.

    Attributes:
        weights: by source name; those of everybody when the segment does not differ.
        blend: how far they lie from everybody's weights (0) towards the segment's own decision (1).
        gain: mean paired difference of NDCG@10 to everybody's weights, each window by weights that the other
            windows decided; of the blend that was taken, else of the best that was tried.
        low: lower end of its 95 % interval over users.
        high: upper end.
        by_window: mean difference in each window.
        n_users: different users behind it.
        reason: in words.
    """

    segment: Segment
    weights: Mapping[str, float]
    blend: float
    gain: float
    low: float
    high: float
    by_window: tuple[float, ...]
    n_users: int
    reason: str

    @property
    def differs(self) -> bool:
        """Whether the weights are its own."""
        return self.blend > 0


@dataclass(frozen=True, slots=True)
class FusionDecision:
    """The weights of one task, and why.

    Attributes:
        weights: weight by source name; only sources that count; the best single one has 1.
        singles: mean NDCG@10 of each source alone over the windows.
        additions: in the order they were made.
        n_users: different users behind the decision.
        reason: in words, also why a default was taken.
        grounds: what kind of evidence that is.
        segments: those that were looked at, whether they differ or not.
    """

    task: Task
    weights: Mapping[str, float]
    singles: Mapping[str, float]
    additions: tuple[Addition, ...]
    n_users: int
    n_windows: int
    reason: str
    grounds: Grounds = "windows"
    segments: tuple[SegmentDecision, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> FusionDecision:
        """The decision that `to_dict` wrote."""
        additions = tuple(Addition(**{**a, "by_window": tuple(a["by_window"])}) for a in plain["additions"])
        segments = tuple(
            SegmentDecision(**{**entry, "by_window": tuple(entry["by_window"])})
            for entry in plain["segments"]
        )
        return cls(**{**plain, "additions": additions, "segments": segments})

    def of(self, segment: Segment | None) -> FusionDecision:
        """The decision that holds for a segment: itself, unless the segment differs."""
        for entry in self.segments:
            if entry.segment == segment and entry.differs:
                reason = f"{self.reason}; {entry.reason}"
                return replace(self, weights=entry.weights, reason=reason)
        return self

    def describe(self) -> str:
        """The reason, and what was found of segments."""
        parts = [self.reason, *(entry.reason for entry in self.segments if entry.differs)]
        same = [f"{entry.segment}: {entry.reason}" for entry in self.segments if not entry.differs]
        if same and len(parts) == 1:
            parts.append(f"no segment differs ({'; '.join(same)})")
        elif same:
            parts.append(f"others do not differ ({'; '.join(same)})")
        return "; ".join(parts)


def enough(pools: Sequence[Pool]) -> bool:
    """Whether pools hold users enough to decide on."""
    return sum(len(pool.users) > 0 for pool in pools) >= MIN_WINDOWS and count_users(pools) >= MIN_USERS


def count_users(pools: Sequence[Pool]) -> int:
    """Number of different users in the pools."""
    return len(np.unique(np.concatenate([pool.users for pool in pools]))) if pools else 0


def decide(
    pools: Sequence[Pool],
    names: Sequence[str],
    *,
    task: Task,
    default: Mapping[str, float],
    grounds: Grounds = "windows",
) -> FusionDecision:
    """Weights by greedy addition to the best single source.

    A weight is admissible when it gains in every window and the 95 % interval of the paired difference (per
    user over windows, then over users) excludes 0. Of a source's admissible weights the one that gains most
    is shrunk to the smallest within one standard error of it (the one-standard-error rule); the source with
    the highest lower bound is added. When none is admissible the best single source stands.

    Args:
        pools: one per window, or per fold of held-out parts, all with the scores of `names` in that order.
        names: of the sources.
        task: `new` or `any`.
        default: taken as it stands when there are fewer than 3 windows or 30 users.
        grounds: what the pools are.
    """
    n_users = count_users(pools)
    usable = [pool for pool in pools if len(pool.users)]
    if not enough(pools):
        reason = (
            f"default: {len(usable)} windows with {n_users} users; "
            f"a decision needs {MIN_WINDOWS} and {MIN_USERS}"
        )
        return FusionDecision(task, dict(default), {}, (), n_users, len(usable), reason, "default")
    alone = {
        name: float(np.mean([ndcg(pool, pool.scores[i]).mean() for pool in usable]))
        for i, name in enumerate(names)
    }
    weights, additions = add_greedily(usable, names, first=max(names, key=lambda name: alone[name]))
    reason = f"best single source {next(iter(weights))}" + "".join(
        f"; + {a.weight:g} {a.source} ({a.gain:+.4f}, 95 % {a.low:+.4f} to {a.high:+.4f})" for a in additions
    )
    if grounds == "held-out":
        reason += f", on held-out parts of {n_users} histories (nobody comes back in the time windows)"
    return FusionDecision(task, weights, alone, additions, n_users, len(usable), reason, grounds)


def add_greedily(
    pools: Sequence[Pool], names: Sequence[str], *, first: str
) -> tuple[dict[str, float], tuple[Addition, ...]]:
    """Weights, starting from `first` alone, and the admissible additions in the order they were made."""
    weights, additions = {first: 1.0}, list[Addition]()
    while len(additions) < MAX_ADDITIONS:
        best = _best_addition(pools, names, weights)
        if best is None:
            break
        additions.append(best)
        weights[best.source] = best.weight
    return weights, tuple(additions)


def fuse(
    scores: NDArray[np.float32], names: Sequence[str], weights: Mapping[str, float]
) -> NDArray[np.float32]:
    """Weighted sum over the first axis of standardised `scores`; sources without a weight count nothing."""
    factor = np.array([weights.get(name, 0.0) for name in names], np.float32)
    return np.tensordot(factor, scores, axes=1).astype(np.float32)


def _best_addition(
    pools: Sequence[Pool], names: Sequence[str], weights: Mapping[str, float]
) -> Addition | None:
    """The admissible addition with the highest lower bound, or None."""
    bases = [fuse(pool.scores, names, weights) for pool in pools]
    before = [ndcg(pool, base) for pool, base in zip(pools, bases, strict=True)]
    found: list[Addition] = []
    for place, name in enumerate(names):
        if name in weights:
            continue
        tried = []
        for weight in WEIGHTS:
            after = [
                ndcg(p, b + np.float32(weight) * p.scores[place]) for p, b in zip(pools, bases, strict=True)
            ]
            tried.append(compare(pools, before, after, source=name, weight=weight))
        admissible = [a for a in tried if a.low > 0 and min(a.by_window) > 0]
        if admissible:
            top = max(admissible, key=lambda a: a.gain)
            error = (top.high - top.gain) / 1.96
            found.append(next(a for a in admissible if a.gain >= top.gain - error))
    return max(found, key=lambda a: a.low, default=None)


def compare(
    pools: Sequence[Pool],
    before: Sequence[NDArray[np.float64]],
    after: Sequence[NDArray[np.float64]],
    *,
    source: str,
    weight: float,
) -> Addition:
    """Paired differences; a user of several windows counts once, or the interval would be too narrow."""
    differences = [a - b for a, b in zip(after, before, strict=True)]
    users, inverse = np.unique(np.concatenate([pool.users for pool in pools]), return_inverse=True)
    values = np.concatenate(differences)
    mean = np.bincount(inverse, weights=values) / np.bincount(inverse)
    error = float(mean.std(ddof=1) / np.sqrt(len(users)))
    gain = float(mean.mean())
    by_window = tuple(float(d.mean()) for d in differences)
    return Addition(source, weight, gain, gain - 1.96 * error, gain + 1.96 * error, by_window)
