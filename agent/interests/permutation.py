"""Whole-day permutation tests: is a difference between two windows more than shuffled days give?

The unit is the session (one user's day): what is done in one sitting is alike, and shuffling single
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
    """

    difference: NDArray[np.float64]
    effect: NDArray[np.float64]
    p_value: NDArray[np.float64]


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
    """Tests each column of `shares` for a difference between the windows.

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
    return DifferenceTest(differences[0], effect, p_value)


def absence_p_value(*, n_sessions: int, n_active: int, length: int, inside: int = 0) -> float:
    """Chance that a stretch of sessions holds so few of a facet's active ones, when days are shuffled.

    Exact, the lower tail of the hypergeometric distribution:
    `Σ_(i ≤ inside) C(length, i) C(n_sessions − length, n_active − i) / C(n_sessions, n_active)`.

    Args:
        n_sessions: of both windows.
        n_active: sessions in which the facet was active.
        length: of the stretch, in sessions.
        inside: active sessions within the stretch.

    >>> absence_p_value(n_sessions=4, n_active=2, length=2)  # 1 of the 6 placements of two in four
    0.16666666666666666
    """
    most = min(inside, n_active)
    as_few = sum(comb(length, i) * comb(n_sessions - length, n_active - i) for i in range(most + 1))
    return as_few / comb(n_sessions, n_active)


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
