"""Whole-day permutation tests: is a difference between two windows more than shuffled days give?

The unit is the session (one user's UTC day): what is done in one sitting is alike, and shuffling single
events would call noise a change (Good, "Permutation, Parametric and Bootstrap Tests of Hypotheses", 2005,
on exchangeable units). All functions are vectorised over permutations and seeded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray

# Shares are float32: what varies by less than this under shuffling is rounding, not a difference.
_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class DifferenceTest:
    """Differences of column means between two windows, against shuffled days.

    Attributes:
        difference: `(n_columns,)` float64, mean after minus mean before.
        effect: `difference` in standard deviations of the same under shuffled days; 0 where that is 0.
        p_value: `(n_columns,)` two-sided, in `[1 / (permutations + 1), 1]`.
        drift_score: overall movement, standardised against shuffled days (0 mean, 1 sd under chance).
        drift_p: of the overall movement.
    """

    difference: NDArray[np.float64]
    effect: NDArray[np.float64]
    p_value: NDArray[np.float64]
    drift_score: float
    drift_p: float


# The shuffles depend on nothing but their size and seed: users with as many sessions share them.
@lru_cache(maxsize=128)
def shuffled_orders(n_sessions: int, *, permutations: int, seed: int) -> NDArray[np.int16]:
    """`(permutations + 1, n_sessions)` int16 orders of sessions, read-only; the first is the true order."""
    rng = np.random.default_rng(seed)
    orders = np.tile(np.arange(n_sessions, dtype=np.int16), (permutations + 1, 1))
    orders[1:] = rng.permuted(orders[1:], axis=1)
    orders.flags.writeable = False
    return orders


def window_contrast(orders: NDArray[np.int16], n_before: int) -> NDArray[np.float32]:
    """`(permutations + 1, n_sessions)` float32: row · column values = mean after − mean before."""
    n_after = orders.shape[1] - n_before
    contrast = np.full(orders.shape, 1.0 / n_after, np.float32)
    np.put_along_axis(contrast, orders[:, :n_before].astype(np.int64), np.float32(-1.0 / n_before), axis=1)
    return contrast


def difference_test(
    shares: NDArray[np.float32], contrast: NDArray[np.float32], *, centre: NDArray[np.float64] | None = None
) -> DifferenceTest:
    """Tests each column of `shares`, and all together, for a difference between the windows.

    The overall statistic is the sum over columns of squared differences of square-rooted shares, each
    divided by its standard deviation under shuffled days: between the plain sum, which large facets own,
    and the sum of squared z, which small noisy ones own.

    Args:
        shares: `(n_sessions, n_columns)`, rows sum to at most one.
        contrast: from `window_contrast`, first row the true order.
        centre: differences expected without a change, subtracted first (the crowd's own shift).
    """
    differences = (contrast @ shares).astype(np.float64)
    if centre is not None:
        differences[0] -= centre
    spread = differences[1:].std(axis=0)
    # Rounding in the float32 product must not decide a tie between the true order and a shuffle.
    p_value = (1 + (np.abs(differences[1:]) >= np.abs(differences[0]) - 1e-6).sum(axis=0)) / len(differences)
    effect = np.divide(differences[0], spread, out=np.zeros_like(spread), where=spread > _TINY)
    rooted = (contrast @ np.sqrt(shares)).astype(np.float64)
    rooted[np.abs(rooted) < _TINY] = 0.0
    rooted_spread = rooted[1:].std(axis=0)
    weight = np.divide(1.0, rooted_spread, out=np.zeros_like(spread), where=rooted_spread > _TINY)
    total = (rooted**2) @ weight
    chance = total[1:]
    drift_p = float((1 + (chance >= total[0] - 1e-9).sum()) / len(total))
    drift_score = float((total[0] - chance.mean()) / max(float(chance.std()), _TINY))
    return DifferenceTest(differences[0], effect, p_value, drift_score if len(shares) else 0.0, drift_p)


def longest_gap_test(active: NDArray[np.bool_]) -> tuple[int, float]:
    """The longest run of sessions without activity between two active ones, and its p-value.

    Shuffling days puts the m active sessions at a uniformly random set of places among n, so the p-value
    needs no sampling: by inclusion and exclusion over the m - 1 inner pauses, the share of placements with
    a pause of g or more is `Σ_j (-1)^(j+1) C(m-1, j) C(n - j g, m) / C(n, m)`, in exact integers.

    Args:
        active: `(n_sessions,)`, in time order.

    Returns:
        Length in sessions (0 with fewer than two active sessions) and the p-value, in `(0, 1]`.

    >>> longest_gap_test(np.array([True, False, False, True]))  # 1 of the 6 placements of two in four
    (2, 0.16666666666666666)
    """
    n, m = len(active), int(active.sum())
    if m < 2:
        return 0, 1.0
    gap = int(np.diff(np.flatnonzero(active)).max()) - 1
    if gap == 0:
        return 0, 1.0
    as_long = sum(
        (-1) ** (j + 1) * comb(m - 1, j) * comb(n - j * gap, m)
        for j in range(1, min((n - m) // gap, m - 1) + 1)
    )
    return gap, as_long / comb(n, m)


def benjamini_hochberg(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """False-discovery-rate q-values, same order.

    Benjamini & Hochberg 1995, "Controlling the false discovery rate", doi 10.1111/j.2517-6161.1995.tb02031.x.

    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.5])).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    n = len(p_values)
    if n == 0:
        return p_values
    order = np.argsort(p_values, kind="stable")
    ranked = p_values[order] * n / np.arange(1, n + 1)
    q_values = np.empty(n)
    q_values[order] = np.minimum(np.minimum.accumulate(ranked[::-1])[::-1], 1.0)
    return q_values
