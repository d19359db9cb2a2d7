"""What may be concluded from per-user values: intervals, paired tests, and how much could have been seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Verdict = Literal["better", "worse", "no difference shown", "no difference shown after Holm", "no values"]
_CHUNK = 200
_LEVEL = 0.05
# Standard normal quantiles of a two-sided 5 % test and of 80 % power.
_Z_TEST, _Z_POWER = 1.959964, 0.841621


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % interval and the number of users behind it.

    `better` and `worse` are True only when the interval of a difference excludes 0.
    """

    mean: float
    low: float
    high: float
    n: int

    @property
    def better(self) -> bool:
        """The whole interval lies above 0."""
        return self.low > 0

    @property
    def worse(self) -> bool:
        """The whole interval lies below 0."""
        return self.high < 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two rows compared on the same users.

    Attributes:
        difference: mean of (row − reference) with its interval.
        relative: difference over the reference's mean on the users compared; NaN when that is 0.
        p_value: sign-flip randomisation test, two-sided; `holm` the same after Holm's correction.
        detectable: smallest true difference that a test at 5 % finds with 80 % power at this many users.
        users_needed: users that would be needed to find the difference that was seen; 0 when it is 0.
    """

    row: str
    reference: str
    difference: Interval
    relative: float
    p_value: float
    holm: float
    detectable: float
    users_needed: int

    @property
    def verdict(self) -> Verdict:
        """The only place where a comparison is put into a word.

        "Better" and "worse" need both: an interval without 0, and p below 5 % after Holm's correction.
        """
        if self.difference.n == 0:
            return "no values"
        if (self.difference.better or self.difference.worse) and not self.holm < _LEVEL:
            return "no difference shown after Holm"
        if self.difference.better:
            return "better"
        return "worse" if self.difference.worse else "no difference shown"


def bootstrap_mean(values: NDArray[np.float64], *, n_resamples: int = 2000, seed: int = 0) -> Interval:
    """The mean over users, NaN left out, with a percentile bootstrap interval over users.

    For a paired comparison give the differences. No value at all gives NaN and n = 0.

    >>> bootstrap_mean(np.array([1.0, 1.0, np.nan]))
    Interval(mean=1.0, low=1.0, high=1.0, n=2)
    """
    kept = values[~np.isnan(values)]
    if not len(kept):
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    rng = np.random.default_rng(seed)
    means = np.concatenate(
        [
            kept[rng.integers(0, len(kept), (min(_CHUNK, n_resamples - start), len(kept)))].mean(axis=1)
            for start in range(0, n_resamples, _CHUNK)
        ]
    )
    low, high = np.quantile(means, [0.025, 0.975])
    # One repeated value has one mean; rounding must not put it outside its own interval.
    mean = float(kept.mean())
    return Interval(mean, min(float(low), mean), max(float(high), mean), len(kept))


def bootstrap_ratio(
    values: NDArray[np.float64], reference: NDArray[np.float64], *, n_resamples: int = 2000, seed: int = 0
) -> Interval:
    """Mean of `values` over the mean of `reference`, paired by user, with a percentile bootstrap interval.

    Users who lack either value are left out; a reference of zeros gives NaN.

    >>> bootstrap_ratio(np.array([2.0, 4.0]), np.array([1.0, 2.0]))
    Interval(mean=2.0, low=2.0, high=2.0, n=2)
    """
    both = ~np.isnan(values) & ~np.isnan(reference)
    above, below = values[both], reference[both]
    if not below.sum() > 0:
        return Interval(float("nan"), float("nan"), float("nan"), int(both.sum()))
    rng = np.random.default_rng(seed)
    ratios = []
    for start in range(0, n_resamples, _CHUNK):
        drawn = rng.integers(0, len(below), (min(_CHUNK, n_resamples - start), len(below)))
        sums = below[drawn].sum(axis=1)
        ratios.append(above[drawn].sum(axis=1)[sums > 0] / sums[sums > 0])
    ratio = float(above.sum() / below.sum())
    low, high = np.quantile(np.concatenate(ratios), [0.025, 0.975])
    return Interval(ratio, min(float(low), ratio), max(float(high), ratio), len(below))


def randomisation_p(differences: NDArray[np.float64], *, n_flips: int = 2000, seed: int = 0) -> float:
    """Two-sided p-value of a mean difference when the sign of each user's difference is a coin flip.

    In `[1 / (n_flips + 1), 1]`; 1 without any difference. Source: Smucker, Allan, Carterette 2007,
    "A comparison of statistical significance tests for information retrieval evaluation",
    https://doi.org/10.1145/1321440.1321528.
    """
    kept = differences[~np.isnan(differences) & (differences != 0)]
    if not len(kept):
        return 1.0
    rng = np.random.default_rng(seed)
    observed, extreme = abs(float(kept.sum())), 0
    for start in range(0, n_flips, _CHUNK):
        n = min(_CHUNK, n_flips - start)
        signs = rng.integers(0, 2, (n, len(kept)), dtype=np.int8) * 2 - 1
        extreme += int((np.abs(signs @ kept) >= observed - 1e-12).sum())
    return (1 + extreme) / (n_flips + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction, in the order given.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 65–70.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    adjusted, largest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[int(index)]))
        adjusted[int(index)] = largest
    return adjusted


def detectable_effect(differences: NDArray[np.float64]) -> float:
    """Smallest true mean difference found with 80 % power at 5 %: `(z.975 + z.8) · sd / √n`; NaN below 2."""
    kept = differences[~np.isnan(differences)]
    if len(kept) < 2:
        return float("nan")
    return float((_Z_TEST + _Z_POWER) * kept.std(ddof=1) / np.sqrt(len(kept)))


def users_needed(differences: NDArray[np.float64]) -> int:
    """Users with which the observed mean difference would be found with 80 % power at 5 %; 0 when it is 0.

    >>> users_needed(np.array([0.1, -0.1, 0.3, 0.1]))  # mean .1, sd .1633: (2.8016 · 1.633)² = 20.9
    21
    """
    kept = differences[~np.isnan(differences)]
    mean = float(kept.mean()) if len(kept) else 0.0
    if len(kept) < 2 or mean == 0.0:
        return 0
    return ceil(((_Z_TEST + _Z_POWER) * float(kept.std(ddof=1)) / mean) ** 2)


def compare_rows(
    values: Mapping[str, NDArray[np.float64]], *, reference: str, seed: int = 0
) -> list[Comparison]:
    """Every other row against `reference`, paired by user, Holm over all of them.

    Args:
        values: `(n_users,)` per row, the same users in the same order; NaN where a user has no value.
        reference: a key of `values`.
        seed: of resampling and flipping.

    Raises:
        ValueError: rows of different length.
    """
    base = values[reference]
    found = []
    for name, row in values.items():
        if name == reference:
            continue
        if len(row) != len(base):
            raise ValueError(f"expected {len(base)} users in row {name!r}, got {len(row)}; compare one split")
        found.append((name, row - base))
    p_values = [randomisation_p(difference, seed=seed) for _, difference in found]
    return [
        Comparison(
            row=name,
            reference=reference,
            difference=(interval := bootstrap_mean(difference, seed=seed)),
            relative=interval.mean / level if (level := _level(base, difference)) else float("nan"),
            p_value=p_value,
            holm=corrected,
            detectable=detectable_effect(difference),
            users_needed=users_needed(difference),
        )
        for (name, difference), p_value, corrected in zip(found, p_values, holm(p_values), strict=True)
    ]


def _level(base: NDArray[np.float64], difference: NDArray[np.float64]) -> float:
    """Mean of the reference over the users that are compared: a row may have been asked for some alone."""
    kept = base[~np.isnan(difference)]
    return float(kept.mean()) if len(kept) else float("nan")


def sentence(comparison: Comparison, *, digits: int = 4) -> str:
    """The comparison in words; "better" or "worse" only as `Comparison.verdict` allows."""
    gap = comparison.difference
    figure = f"{gap.mean:+.{digits}f} (95 % {gap.low:+.{digits}f} to {gap.high:+.{digits}f})"
    text = f"{comparison.row} against {comparison.reference}: {figure}, {comparison.relative:+.1%}: "
    if gap.better or gap.worse:
        return f"{text}{comparison.verdict} (p {comparison.p_value:.4f}, Holm {comparison.holm:.4f})"
    if not comparison.users_needed:
        return f"{text}{comparison.verdict} ({gap.n} users)"
    return (
        f"{text}{comparison.verdict}; {gap.n} users can show {comparison.detectable:.{digits}f}, "
        f"this much would need {comparison.users_needed:,}"
    )
