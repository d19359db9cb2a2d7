"""Intervals of rates, where the bootstrap fails: none of 30 is not surely none."""

from __future__ import annotations

from math import sqrt

from eval.measures.statistics import Interval

_Z = 1.959964


def rate(hits: int, n: int) -> Interval:
    """The rate with its 95 % score interval; NaN and n = 0 without trials.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference", J. Am. Stat.
    Assoc. 22, https://doi.org/10.1080/01621459.1927.10502953. None of 10, by hand: 0 to z² / (10 + z²), and
    z² is 3.8415.

    >>> found = rate(0, 10)
    >>> found.mean, found.low, round(found.high, 4)
    (0.0, 0.0, 0.2775)

    Raises:
        ValueError: more hits than trials, or fewer than none.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"expected 0 to {n} hits, got {hits!r}")
    if n == 0:
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    share, z2 = hits / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # Rounding must not put a rate of 0 or 1 outside its own interval.
    return Interval(share, min(max(0.0, middle - half), share), max(min(1.0, middle + half), share), n)


def rate_difference(first: Interval, second: Interval) -> Interval:
    """First rate minus second, of two independent samples, with its 95 % interval; `n` is of both.

    Source: Newcombe 1998, "Interval estimation for the difference between independent proportions", Stat.
    Med. 17, method 10, https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I. Its
    example (a), 56 of 70 against 48 of 80: 0.2000, 0.0524 to 0.3339.

    >>> found = rate_difference(rate(56, 70), rate(48, 80))
    >>> round(found.mean, 4), round(found.low, 4), round(found.high, 4), found.n
    (0.2, 0.0524, 0.3339, 150)
    """
    gap = first.mean - second.mean
    below = sqrt((first.mean - first.low) ** 2 + (second.high - second.mean) ** 2)
    above = sqrt((first.high - first.mean) ** 2 + (second.mean - second.low) ** 2)
    return Interval(gap, gap - below, gap + above, first.n + second.n)


def show(interval: Interval, *, digits: int = 2, signed: bool = False) -> str:
    """The interval for a table; a dash without values.

    >>> show(Interval(0.25, 0.1, 0.4, 20)), show(Interval(float("nan"), 0.0, 0.0, 0))
    ('0.25 (0.10 to 0.40)', '–')
    """
    if interval.n == 0:
        return "–"
    form = f"{'+' if signed else ''}.{digits}f"
    return f"{interval.mean:{form}} ({interval.low:{form}} to {interval.high:{form}})"
