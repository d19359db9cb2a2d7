"""Planted changes: how well they are told from unchanged histories, and where they are placed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.interests.affinity import session_affinity
from agent.interests.changepoints import find_splits, most_likely_split
from agent.interests.permutation import shuffled_orders, window_contrast
from agent.interests.population import item_category_matrix
from eval.measures.proportions import rate, show
from eval.migration.alarms import Tick
from eval.migration.histories import Analysed, Histories, Session, analyse
from eval.migration.measures import area, plain_divergence, wins
from eval.rows import Row

# The lines of the issue, measured on grocery by category-share divergence against shuffled days.
LINES = {
    (20, 1.0): 0.977,
    (40, 1.0): 0.998,
    (20, 0.4): 0.667,
    (40, 0.4): 0.782,
    (80, 0.4): 0.901,
    (20, 0.2): 0.549,
    (40, 0.2): 0.602,
    (80, 0.2): 0.679,
}
SIZES, PARTS = (20, 40, 80), (1.0, 0.4, 0.2)
# Users below which a table says nothing; events of a category below which it is nobody's main one.
_FEWEST, _FEWEST_EVENTS = 10, 5
# Few users are taken several times, until there are so many pairs.
_ENOUGH, _ROUNDS = 60, 5
_RETURN_TARGET = 0.9
_KNOWN_ORDERS, _ROUNDING = 999, 1e-5


@dataclass(frozen=True, slots=True)
class Pair:
    """One user's unchanged history, and the same with another user's sessions planted into it.

    Attributes:
        user: position in the histories.
        planted: by probability that a later session is replaced.
    """

    user: int
    unchanged: list[Session]
    planted: dict[float, list[Session]]


def plant(histories: Histories, n: int, count: int, *, seed: int) -> Iterator[Pair]:
    """Pairs of `n` sessions; the later half of the planted one is the other user's, wholly or in part.

    Where there are few users each is taken up to five times, with another stretch and another partner.
    """
    rng = np.random.default_rng([seed, n])
    half = n // 2
    drawn = histories.draw(n, count, rng)
    rounds = min(_ROUNDS, -(-_ENOUGH // max(len(drawn), 1)))
    for user in np.tile(drawn, rounds):
        own = histories.stretch(int(user), n, rng)
        partner = histories.partner(int(user), n - half, rng)
        if partner is None:
            continue
        other = histories.stretch(partner, n - half, rng)
        lot = rng.random(n - half)
        yield Pair(
            int(user),
            own,
            {
                part: own[:half]
                + [
                    theirs if draw < part else mine
                    for draw, theirs, mine in zip(lot, other, own[half:], strict=True)
                ]
                for part in PARTS
            },
        )


def swap_genres(histories: Histories, n: int, count: int, *, seed: int) -> Iterator[Pair]:
    """Of a user's two main categories one is only in the earlier half, the other only in the later.

    Each interaction of the wrong one is replaced by a drawn one of the right one, the user's own.
    """
    rng = np.random.default_rng([seed, n, 1])
    half = n // 2
    for user in histories.draw(n, count, rng):
        own = histories.stretch(int(user), n, rng)
        found = _main_categories(histories, np.concatenate(own))
        if found is None:
            continue
        first, second = found
        swapped = [
            _replaced(one, *((second, first) if spot < half else (first, second)), rng)
            for spot, one in enumerate(own)
        ]
        yield Pair(int(user), own, {1.0: swapped})


def _main_categories(
    histories: Histories, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """The rows of the user's two most frequent telling categories, those with both left out."""
    catalogue = histories.catalogue
    names = [set(catalogue.categories[item]) for item in histories.log.item[rows]]
    telling = {name for name, rarity in catalogue.category_rarity.items() if rarity >= 1.2}
    counts: dict[str, int] = {}
    for entry in names:
        for name in entry & telling:
            counts[name] = counts.get(name, 0) + 1
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    for second in ranked[1:]:
        first = ranked[0]
        only_first = np.array([first in entry and second not in entry for entry in names])
        only_second = np.array([second in entry and first not in entry for entry in names])
        if min(only_first.sum(), only_second.sum()) >= _FEWEST_EVENTS:
            return rows[only_first], rows[only_second]
    return None


def _replaced(
    one: Session, wrong: NDArray[np.int64], right: NDArray[np.int64], rng: np.random.Generator
) -> Session:
    out = one.copy()
    spots = np.flatnonzero(np.isin(one, wrong))
    out[spots] = rng.choice(right, size=len(spots))
    return out


def planted_rows(histories: Histories, *, n_users: int, seed: int, tick: Tick) -> Iterator[Row]:
    """For each length and kind of change the area under the curve, and the plain line's on the same pairs."""
    for n in SIZES:
        pairs = list(plant(histories, n, n_users * (2 if n < SIZES[-1] else 1), seed=seed))
        yield from _area_rows(histories, pairs, n, label="", seed=seed, tick=tick)
    for n in SIZES[:2]:
        pairs = list(swap_genres(histories, n, n_users // 2, seed=seed))
        yield from _area_rows(
            histories, pairs, n, label="categories swapped within a user", seed=seed, tick=tick
        )


def _area_rows(
    histories: Histories, pairs: list[Pair], n: int, *, label: str, seed: int, tick: Tick
) -> Iterator[Row]:
    where = f"{histories.name}, {n} sessions"
    users = [pair.user for pair in pairs]
    if len(set(users)) < _FEWEST:
        yield Row(f"{where}: {label or 'planted change'}", f"not measured: {len(set(users))} such users")
        return
    membership, _ = item_category_matrix(histories.catalogue)

    def scores(contents: list[Session]) -> tuple[Analysed, float]:
        return analyse(histories, contents), plain_divergence(histories.log, contents, membership, seed=seed)

    base = []
    for done, pair in enumerate(pairs, start=1):
        tick(f"{where}: unchanged", done, len(pairs))
        base.append(scores(pair.unchanged))
    for part in pairs[0].planted:
        found = []
        for done, pair in enumerate(pairs, start=1):
            tick(f"{where}: planted {part:g}", done, len(pairs))
            found.append(scores(pair.planted[part]))
        what = label or ("whole change" if part == 1.0 else f"each later session with probability {part:g}")
        target = LINES.get((n, part)) if histories.name == "grocery" and not label else None
        yield _area_row(f"{where}: {what}", base, found, users, target=target, whole=part == 1.0)
        if part == 1.0 and not label:
            yield _location_row(where, found, n)


def _area_row(
    what: str,
    base: list[tuple[Analysed, float]],
    found: list[tuple[Analysed, float]],
    users: list[int],
    *,
    target: float | None,
    whole: bool,
) -> Row:
    """One row: our area, the plain line's on the same pairs, their paired difference, and the power."""
    ours = wins(*(np.array([entry.migration.drift_score for entry, _ in side]) for side in (found, base)))
    plain = wins(*(np.array([score for _, score in side]) for side in (found, base)))
    area_ours, area_plain, gap = area(ours, users), area(plain, users), area(ours - plain, users)
    note = f"{len(found)} pairs of {len(set(users))} users"
    seen = rate(sum(not entry.migration.abstained for entry, _ in found), len(found))
    figure = (
        f"{show(area_ours, digits=3)}; plain line here {area_plain.mean:.3f}, "
        f"difference {gap.mean:+.3f} ({gap.low:+.3f} to {gap.high:+.3f}); reported for {seen.mean:.0%}"
    )
    if target is None:
        return Row(f"{what}, {note}", figure)
    # Equal on a whole change is enough: nothing can be above a line of nearly 1.
    met = area_ours.mean >= target and (gap.high >= 0 if whole else gap.low > 0)
    wanted = (
        f"≥ {target:.3f} and no worse than the plain line" if whole else f"> {target:.3f} and the plain line"
    )
    return Row(f"{what}, {note}", figure, wanted, bool(met))


def _nearest_reported(found: Analysed, middle: int) -> int | None:
    """Sessions between `middle` and the nearest change point that the product reports; None without any."""
    if found.migration.abstained:
        return None
    return min((abs(split.session - middle) for split in find_splits(found.sessions.shares)), default=None)


def _location_row(where: str, found: list[tuple[Analysed, float]], n: int) -> Row:
    errors = np.array(
        [
            abs(split.session - n // 2)
            for entry, _ in found
            if (split := most_likely_split(entry.sessions.shares)) is not None
        ]
    )
    close = rate(int((errors <= 1).sum()), len(errors))
    near = [_nearest_reported(entry, n // 2) for entry, _ in found]
    told = rate(sum(error is not None for error in near), len(near))
    right = rate(sum(error is not None and error <= 1 for error in near), len(near))
    figure = (
        f"median {np.median(errors):g} sessions off; within one session {show(close)}; the product itself "
        f"reports a change point for {show(told)}, one within one session for {show(right)}"
    )
    return Row(f"{where}: whole change, located", figure, "median 0", bool(np.median(errors) == 0))


def _sees_known(histories: Histories, analysed: Analysed, chapter: tuple[int, int]) -> float:
    """P-value of a chapter whose begin and end are known, against what lies around it, by shuffled days."""
    affinity = session_affinity(analysed.log, histories.catalogue, analysed.sessions)
    n = len(affinity)
    inside = np.zeros(n, np.bool_)
    inside[slice(*chapter)] = True
    orders = shuffled_orders(n, permutations=_KNOWN_ORDERS, seed=histories.settings.seed)
    # The chapter first, as if it were one of two windows.
    arranged = np.concatenate([np.flatnonzero(inside), np.flatnonzero(~inside)])
    contrast = window_contrast(orders, int(inside.sum()))
    ordered = affinity[np.ix_(arranged, arranged)]
    shift = ((contrast @ ordered) * contrast).sum(axis=1)
    return float((shift >= shift[0] - _ROUNDING * shift.std()).mean())


def return_rows(histories: Histories, *, n_users: int, seed: int, tick: Tick) -> Iterator[Row]:
    """A, then B, then A again: how often the history is called a return, and facets of A by name."""
    for n in SIZES:
        rng = np.random.default_rng([seed, n, 2])
        whole, named, known, counts = 0, 0, 0, []
        users = histories.draw(n, n_users, rng)
        where = f"{histories.name}, {n} sessions: A, B, A again"
        for done, user in enumerate(users, start=1):
            tick(where, done, len(users))
            own = histories.stretch(int(user), n, rng)
            # The chapter begins and ends where it happens to, across the middle.
            begin, end = (
                int(rng.integers(n // 4, int(0.45 * n))),
                int(rng.integers(int(0.6 * n), int(0.8 * n))),
            )
            partner = histories.partner(int(user), end - begin, rng)
            if partner is None:
                continue
            contents = own[:begin] + histories.stretch(partner, end - begin, rng) + own[end:]
            analysed = analyse(histories, contents, with_evidence=True)
            migration = analysed.migration
            known += _sees_known(histories, analysed, (begin, end)) <= histories.settings.alpha
            back = [change for change in migration.changes if change.kind == "returned"]
            whole += migration.interlude is not None
            named += any(len(change.intervals) >= 2 for change in back)
            counts.append(len(back))
        if len(counts) < _FEWEST:
            yield Row(where, f"not measured: {len(counts)} such users")
            continue
        history, facets = rate(whole, len(counts)), rate(named, len(counts))
        met = bool(history.mean >= _RETURN_TARGET)
        yield Row(
            f"{where}, {len(counts)} users: a return, with the two intervals around it",
            show(history),
            "≥ 0.90",
            met,
        )
        yield Row(
            f"{where}: were begin and end known, and nothing else tested",
            f"{show(rate(known, len(counts)))} at p ≤ {histories.settings.alpha:g}; "
            "a search that must find them sees less",
        )
        figure = f"{show(facets)}; {np.mean(counts):.1f} facets each"
        met = bool(facets.mean >= _RETURN_TARGET)
        yield Row(f"{where}: a facet named as returned, with two intervals", figure, "≥ 0.90", met)
