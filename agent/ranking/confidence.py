"""Confidence: the probability that the user takes the item within the horizon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.ranking.windows import Pool, first_places
from agent.settings import RankingSettings

_MIN_HITS = 30
_DEPTH = 50
# Without calibration: 12 % at rank 1 and falling, a modest figure that claims little.
_FALLBACK = (-2.0, -0.5, 0.0)


@dataclass(frozen=True, slots=True)
class Confidence:
    """`sigmoid(a + b · log rank + c · log(1 + activity))`, `b ≤ 0`: never rises with rank.

    Attributes:
        coefficients: a, b, c.
        horizon_days: what the probability speaks of.
        calibrated: False: a rank-based figure, not a measured probability.
        error: expected calibration error on the newest window, fitted on the earlier ones; NaN uncalibrated.
        n_pairs: recommended items behind the fit.
        note: what it rests on, for the response.
    """

    coefficients: tuple[float, float, float]
    horizon_days: float
    calibrated: bool
    error: float
    n_pairs: int
    note: str

    def probability(self, rank: NDArray[np.int64], *, activity: int) -> NDArray[np.float64]:
        """0–1 for each `rank` (from 1) of a user with `activity` events in the last horizon."""
        design = _design(np.asarray(rank), np.full(len(rank), activity))
        return _sigmoid(design @ np.array(self.coefficients))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data; an undefined error is None."""
        return {**asdict(self), "error": None if np.isnan(self.error) else self.error}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Confidence:
        """The confidence that `to_dict` wrote."""
        error = float("nan") if plain["error"] is None else float(plain["error"])
        a, b, c = plain["coefficients"]
        return cls(**{**plain, "coefficients": (a, b, c), "error": error})


def modest_confidence(n: int, settings: RankingSettings) -> NDArray[np.float64]:
    """`(n,)` figures that fall with rank and claim little, for lists that nothing was calibrated on."""
    figure = Confidence(_FALLBACK, settings.horizon_days, False, float("nan"), 0, "not calibrated")
    return figure.probability(np.arange(1, n + 1), activity=0)


def calibrate(
    pools: Sequence[Pool], fused: Sequence[NDArray[np.float32]], *, horizon_days: float
) -> Confidence:
    """Confidence from what was taken in the windows; an honest fallback when too little was.

    The reported error comes from a fit on all windows but the newest; the coefficients that are kept use all.

    Args:
        pools: one per window, oldest first, of users drawn without a look at what they took.
        fused: fused scores, one `(n_users, width)` array per pool.
        horizon_days: length of the windows.
    """
    parts = [_pairs(pool, scores) for pool, scores in zip(pools, fused, strict=True)]
    hits = sum(float(hit.sum()) for _, hit in parts)
    if len(parts) < 2 or hits < _MIN_HITS or sum(float(h.sum()) for _, h in parts[:-1]) == 0:
        note = (
            f"not calibrated ({hits:.0f} items taken in {len(parts)} windows, needs {_MIN_HITS} in 2): "
            "a figure that falls with rank"
        )
        return Confidence(_FALLBACK, horizon_days, False, float("nan"), 0, note)
    earlier = _fit(np.concatenate([x for x, _ in parts[:-1]]), np.concatenate([y for _, y in parts[:-1]]))
    error = expected_calibration_error(_sigmoid(parts[-1][0] @ earlier), parts[-1][1])
    design, taken = np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])
    a, b, c = (float(value) for value in _fit(design, taken))
    note = (
        f"calibrated on {len(taken)} past recommendations over {horizon_days:g} days, "
        f"error {error:.3f} on held-out time"
    )
    return Confidence((a, b, c), horizon_days, True, error, len(taken), note)


def expected_calibration_error(
    probability: NDArray[np.float64], taken: NDArray[np.float64], *, bins: int = 10
) -> float:
    """Mean distance of predicted from observed over equally filled bins, 0–1; NaN for no pairs.

    >>> expected_calibration_error(np.array([0.5, 0.5]), np.array([1.0, 0.0]), bins=1)
    0.0
    """
    if not len(taken):
        return float("nan")
    order = np.argsort(probability, kind="stable")
    pieces = [piece for piece in np.array_split(order, bins) if len(piece)]
    gaps = [abs(probability[piece].mean() - taken[piece].mean()) * len(piece) for piece in pieces]
    return float(sum(gaps) / len(taken))


def _pairs(pool: Pool, fused: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Design rows and outcomes of the first places of every user's list."""
    depth = min(_DEPTH, pool.items.shape[1])
    if depth == 0:
        return np.empty((0, 3)), np.empty(0)
    order = first_places(pool, fused, k=depth)
    real = np.take_along_axis(pool.items, order, axis=1) >= 0
    hit = np.take_along_axis(pool.hit, order, axis=1)
    rank = np.broadcast_to(np.arange(1, depth + 1), order.shape)
    activity = np.broadcast_to(pool.activity[:, None], order.shape)
    return _design(rank[real], activity[real]), hit[real].astype(np.float64)


def _design(rank: NDArray[np.int64], activity: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.stack([np.ones(len(rank)), np.log(rank), np.log1p(activity)], axis=1)


def _sigmoid(value: NDArray[np.float64]) -> NDArray[np.float64]:
    out: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(value, -30.0, 30.0)))
    return out


def _fit(design: NDArray[np.float64], taken: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logistic coefficients by Newton steps with a small ridge; a slope in rank above 0 is put to 0."""
    coefficients = _newton(design, taken)
    if coefficients[1] > 0:
        flat = _newton(design[:, [0, 2]], taken)
        coefficients = np.array([flat[0], 0.0, flat[1]])
    return coefficients


def _newton(design: NDArray[np.float64], taken: NDArray[np.float64]) -> NDArray[np.float64]:
    coefficients = np.zeros(design.shape[1])
    ridge = 1e-3 * np.eye(design.shape[1])
    for _ in range(50):
        p = _sigmoid(design @ coefficients)
        hessian = design.T @ (design * (p * (1.0 - p))[:, None]) + ridge
        step = np.linalg.solve(hessian, design.T @ (taken - p) - ridge @ coefficients)
        coefficients = coefficients + step
        if float(np.abs(step).max()) < 1e-9:
            break
    return coefficients
