"""The one test that decides whether anything is called a change: two sorts of change, one false-alarm rate.

A shift is a difference between the windows; an interlude is a chapter across their border that differs from
what lies around it (an interest left and came back). Both are read off the affinity of the sessions, against
the same shuffled days, and the smaller of the two p-values is judged against shuffled days again: `p_value`
is below alpha as often as alpha says, however many sorts and places were looked at (Westfall and Young,
"Resampling-Based Multiple Testing", 1993).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A facet that is back for fewer sessions than this has not come back.
MIN_RETURN_SESSIONS = 2
# Part of the false-alarm rate that each sort of change may use up. On users of even number the shifts lose
# nothing by it that shows against 0.8, and a chapter in the middle is seen clearly more often.
_SHIFT_PART, _RETURN_PART = 0.65, 0.35
# Interludes are sought in so many leading directions of the affinity, and at so many begins and ends each.
_DIRECTIONS = 8
_CUTS = 9
_MIN_INTERLUDE = 3
# The overall p-value needs no finer steps than a thousandth: interludes are what costs time.
_MAX_ORDERS = 1000
# Each side of an interlude holds at least this part of the sessions.
_MARGIN = 0.1
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class ChangeTest:
    """What the sessions say about change between two windows, against shuffled days.

    Attributes:
        drift_score: of the shift, in standard deviations of the same under chance.
        shift_p: of a difference between the windows, corrected for looking for interludes as well.
        return_p: of an interlude, corrected for looking for shifts and at many places.
        p_value: of any change: the smaller of the two.
        interlude: positions `[begin, end)` of the sessions of the strongest interlude; None when the windows
            are too short to hold one.
    """

    drift_score: float
    shift_p: float
    return_p: float
    p_value: float
    interlude: tuple[int, int] | None


def change_test(
    affinity: NDArray[np.float32], orders: NDArray[np.int16], n_before: int, *, contrast: NDArray[np.float32]
) -> ChangeTest:
    """Tests the sessions for a change between the first `n_before` and the rest.

    Args:
        affinity: `(n_sessions, n_sessions)`, from `session_affinity`, in time order.
        orders: from `shuffled_orders`, first row the true order.
        n_before: sessions of the earlier window.
        contrast: from `window_contrast` of these orders.
    """
    orders, contrast = orders[:_MAX_ORDERS], contrast[:_MAX_ORDERS]
    shift = ((contrast @ affinity) * contrast).sum(axis=1, dtype=np.float64)
    chance = shift[1:]
    score = float((shift[0] - chance.mean()) / max(float(chance.std()), _TINY))
    shift_all = _p_values(shift)
    found = _interludes(affinity, orders, n_before)
    if found is None:
        return ChangeTest(score, float(shift_all[0]), 1.0, float(shift_all[0]), None)
    strength, interlude = found
    return_all = _p_values(strength)
    smaller = np.minimum(shift_all / _SHIFT_PART, return_all / _RETURN_PART)
    shift_p = float((smaller <= shift_all[0] / _SHIFT_PART + _TINY).mean())
    return_p = float((smaller <= return_all[0] / _RETURN_PART + _TINY).mean())
    return ChangeTest(score, shift_p, return_p, min(shift_p, return_p), interlude)


def _p_values(statistic: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """For each arrangement the share of all that are at least as extreme; rounding decides no tie."""
    spread = float(statistic.std())
    if spread < _TINY:
        return np.ones(len(statistic))
    level = np.round(statistic / spread, 5)
    below = np.searchsorted(np.sort(level), level, side="left")
    p_values: NDArray[np.float64] = (len(level) - below) / len(level)
    return p_values


def _interludes(
    affinity: NDArray[np.float32], orders: NDArray[np.int16], n_before: int
) -> tuple[NDArray[np.float32], tuple[int, int]] | None:
    """Evidence of each arrangement for an interlude, and where the strongest is in the true order."""
    n = len(affinity)
    margin = max(MIN_RETURN_SESSIONS, int(np.ceil(_MARGIN * n)))
    if n_before - margin < 1 or n - n_before - margin < 1 or n - 2 * margin < _MIN_INTERLUDE:
        return None
    features = _leading_directions(affinity)
    begins = np.unique(np.linspace(margin, n_before - 1, _CUTS).round().astype(np.int64))
    ends = np.unique(np.linspace(n_before + 1, n - margin, _CUTS).round().astype(np.int64))
    # Sums over the sessions before each cut, for every arrangement at once.
    pieces = np.add.reduceat(features[orders], np.concatenate([[0], begins, ends]), axis=1)
    sums = pieces.cumsum(axis=1)[:, :-1]
    strength = _strength(sums[:, : len(begins)], sums[:, len(begins) :], ends - begins[:, None], n)
    return _evidence(strength), _locate(features, n_before, margin)


def _evidence(strength: NDArray[np.float32]) -> NDArray[np.float32]:
    """`(n_orders,)` how strongly each arrangement speaks for an interlude somewhere.

    Every place is put on the scale of its own chance first, for short stretches vary more; then places are
    averaged by the exponential, as a Bayes factor averages over what is not known: a true chapter is seen at
    all the places around it, an accident at one (Chan and Walther, "Detection with the scan and the average
    likelihood ratio", 2013, https://arxiv.org/abs/1107.4344).

    Args:
        strength: `(n_orders, n_begins, n_ends)`, −∞ where a stretch is too short.
    """
    cells = strength[:, np.isfinite(strength[0])]
    spread = np.maximum(cells.std(axis=0), _TINY)
    level = (cells - cells.mean(axis=0)) / spread
    top = level.max(axis=1, keepdims=True)
    evidence: NDArray[np.float32] = top[:, 0] + np.log(np.exp(level - top).mean(axis=1))
    return evidence


def _strength(
    begins: NDArray[np.float32], ends: NDArray[np.float32], length: NDArray[np.int64], n: int
) -> NDArray[np.float32]:
    """How far the mean of each stretch lies from that of the rest, in squares over its variance factor.

    Args:
        begins: `(…, n_begins, n_directions)` sums of the features of all sessions before each begin.
        ends: the same before each end.
        length: `(n_begins, n_ends)` sessions between them; too short a stretch gets −∞.
        n: all sessions; their features sum to 0.

    Returns:
        `(…, n_begins, n_ends)`.
    """
    crossed = begins @ np.swapaxes(ends, -1, -2)
    energy = (begins**2).sum(axis=-1)[..., :, None] + (ends**2).sum(axis=-1)[..., None, :] - 2 * crossed
    short = length < _MIN_INTERLUDE
    factor = np.where(short, 0.0, n / np.maximum(length * (n - length), 1)).astype(np.float32)
    strength: NDArray[np.float32] = np.where(short, np.float32(-np.inf), energy * factor)
    return strength


def _leading_directions(affinity: NDArray[np.float32]) -> NDArray[np.float32]:
    """`(n_sessions, n_directions)` float32, sums 0: their inner products come closest to `affinity`."""
    from scipy.linalg import LinAlgError, eigh

    n = len(affinity)
    centred = affinity - affinity.mean(axis=0) - affinity.mean(axis=1)[:, None] + affinity.mean()
    first = max(n - _DIRECTIONS, 0)
    try:
        values, vectors = eigh(centred, subset_by_index=(first, n - 1))
    except LinAlgError:
        # LAPACK's solver for a few directions gives up on many equal eigenvalues (sessions of one same
        # item); divide and conquer finds all, more slowly: https://netlib.org/lapack/lug/node30.html
        values, vectors = (found[..., first:] for found in eigh(centred, driver="evd"))
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)), np.float32)


def _locate(features: NDArray[np.float32], n_before: int, margin: int) -> tuple[int, int]:
    """Begin and end of the strongest interlude in the true order, to the session."""
    n = len(features)
    sums = np.concatenate([np.zeros((1, features.shape[1]), np.float32), features.cumsum(axis=0)])
    begins, ends = np.arange(margin, n_before), np.arange(n_before + 1, n - margin + 1)
    strength = _strength(sums[begins], sums[ends], ends - begins[:, None], n)
    begin, end = np.unravel_index(int(strength.argmax()), strength.shape)
    return int(begins[begin]), int(ends[end])
