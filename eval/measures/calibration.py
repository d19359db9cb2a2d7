"""Is a stated probability what it says? Expected calibration error and the reliability table behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Bin:
    """One step of a reliability plot: mean stated probability, observed share, number of listed items."""

    stated: float
    observed: float
    n: int


def reliability(stated: NDArray[np.float64], taken: NDArray[np.bool_], *, bins: int = 10) -> list[Bin]:
    """Equally filled bins in order of the stated probability; fewer when there are fewer values.

    >>> reliability(np.array([0.1, 0.9]), np.array([False, True]), bins=2)
    [Bin(stated=0.1, observed=0.0, n=1), Bin(stated=0.9, observed=1.0, n=1)]
    """
    order = np.argsort(stated, kind="stable")
    pieces = [piece for piece in np.array_split(order, bins) if len(piece)]
    return [Bin(float(stated[p].mean()), float(taken[p].mean()), len(p)) for p in pieces]


def calibration_error(table: list[Bin]) -> float:
    """Mean distance of stated from observed, weighted by the bins' sizes, 0–1; NaN for an empty table.

    Source: Guo and others 2017, "On calibration of modern neural networks", arXiv 1706.04599.

    >>> round(calibration_error([Bin(0.2, 0.1, 3), Bin(0.5, 0.5, 1)]), 3)
    0.075
    """
    total = sum(entry.n for entry in table)
    if not total:
        return float("nan")
    return sum(abs(entry.stated - entry.observed) * entry.n for entry in table) / total
