"""Does the description say something? Held-out items are told apart by it: earlier period or later?

A description that abstains says nothing of any item: as it is told, its area is ½ by construction, and that
tells nobody whether it was right to be silent. So what it withholds is asked as if it had been told. How
much they say is printed by the p-value too: what lies just above the threshold is often a movement that so
few sessions cannot show, and only far above it is "about chance" what a good test has to give.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue
from agent.interests.frame import FacetFrame
from eval.measures.proportions import show
from eval.measures.statistics import Interval, bootstrap_mean
from eval.migration.alarms import Tick, has_shifted
from eval.migration.histories import Analysed, Histories, Session, analyse
from eval.migration.measures import auc_of
from eval.rows import Row

_HELD_OUT = 0.2
_TEMPLATE_CATEGORIES = 5
# How far an item is like a cited one: the cosine to this power. Chosen on even users, as was that the items
# cited speak and not the facets' shares alone.
_SHARPNESS = 4
_PSEUDO_SHARE = 0.005
_FEWEST = 5
# Fewer users are shown and not judged: their interval says little either way.
_JUDGED = 30
# Users below which those with fewer sessions are taken too, and each is asked several times.
_ENOUGH, _ROUNDS = 200, 5
# Of the p-value of those who abstain, the first of all.
_BANDS = ((0.0, 1.01), (0.05, 0.2), (0.2, 0.5), (0.5, 1.01))


@dataclass(frozen=True)
class Told:
    """One user's description, and the held-out items that it is asked about.

    Attributes:
        user: position in the histories.
        weights: `(n_facets,)` log of share after over share before, of every facet that was tested, else 0.
        named: which facets are called a change between the halves.
        codes: int32 item codes held out, of both periods.
        later: of each code, whether it belongs to the later period.
        cited: item codes of the events that the description rests on, of every facet it describes.
        lean: of each of `cited`, its part of the later period's sessions less its part of the earlier's.
        template: `(n_items_held,)` score of each code by the top categories of the periods.
        shifted: whether the halves differ beyond chance. Who is told of an interlude alone has halves that
            are alike: nothing in the description belongs to one of them.
    """

    user: int
    frame: FacetFrame
    weights: NDArray[np.float64]
    named: NDArray[np.bool_]
    codes: NDArray[np.int32]
    later: NDArray[np.bool_]
    cited: NDArray[np.int32]
    lean: NDArray[np.float64]
    template: NDArray[np.float64]
    abstained: bool
    shifted: bool
    p_value: float


def describe(histories: Histories, user: int, rng: np.random.Generator) -> Told | None:
    """The description of 80 % of each half of a user's sessions; None when nothing is left to ask about."""
    own = list(histories.sessions[user])
    half = len(own) // 2
    held = np.zeros(len(own), bool)
    for start, stop in ((0, half), (half, len(own))):
        n_held = max(1, round(_HELD_OUT * (stop - start)))
        held[start + rng.choice(stop - start, size=n_held, replace=False)] = True
    kept = [one for one, out in zip(own, held, strict=True) if not out]
    found = analyse(histories, kept)
    earlier, later = (
        np.unique(histories.log.item[np.concatenate([own[spot] for spot in np.flatnonzero(held & side)])])
        for side in (np.arange(len(own)) < half, np.arange(len(own)) >= half)
    )
    # What is in both periods belongs to neither.
    both = np.intersect1d(earlier, later)
    codes = [np.setdiff1d(side, both) for side in (earlier, later)]
    if not all(len(side) for side in codes):
        return None
    joined = np.concatenate(codes).astype(np.int32)
    n_before = half - int(held[:half].sum())
    weights, named = np.zeros(found.frame.n_facets), np.zeros(found.frame.n_facets, bool)
    for change in found.migration.changes:
        spot = found.frame.keys.index(change.key)
        weights[spot] = np.log((change.share_after + _PSEUDO_SHARE) / (change.share_before + _PSEUDO_SHARE))
        named[spot] = change.kind not in ("stable", "returned", "seasonal")
    cited, lean = _citations(found)
    return Told(
        user=user,
        frame=found.frame,
        weights=weights,
        named=named,
        codes=joined,
        later=np.repeat([False, True], [len(side) for side in codes]),
        cited=cited,
        lean=lean,
        template=_template_scores(histories, kept[:n_before], kept[n_before:], joined),
        abstained=found.migration.abstained,
        shifted=has_shifted(histories, found),
        p_value=found.migration.p_value,
    )


def _citations(found: Analysed) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The items that the described facets rest on, and how far each leans to the later period."""
    sessions = found.sessions
    described = [found.frame.keys.index(change.key) for change in found.migration.changes]
    rows = np.flatnonzero(sessions.session >= 0)
    place = sessions.session[rows]
    half = sessions.n_sessions // 2
    # A session speaks with one voice, a period with one too.
    voice = 1.0 / np.bincount(place, minlength=sessions.n_sessions)[place]
    lean = voice * np.where(place >= half, 1.0 / (sessions.n_sessions - half), -1.0 / half)
    kept = np.isin(sessions.facet[rows], described)
    codes, spot = np.unique(found.log.item[rows][kept], return_inverse=True)
    leans = np.bincount(spot, weights=lean[kept], minlength=len(codes)).astype(np.float64)
    return codes.astype(np.int32), leans


def _template_scores(
    histories: Histories, before: list[Session], after: list[Session], codes: NDArray[np.int32]
) -> NDArray[np.float64]:
    """What "before mostly X, now mostly Y" says of each item: the shift of the periods' top categories."""
    catalogue = histories.catalogue
    shares: list[dict[str, float]] = []
    for side in (before, after):
        counts: dict[str, float] = {}
        for item in histories.log.item[np.concatenate(side)]:
            for name in catalogue.categories[item]:
                counts[name] = counts.get(name, 0.0) + 1.0
        total = sum(counts.values()) or 1.0
        shares.append({name: count / total for name, count in counts.items()})
    top = {
        name
        for side in shares
        for name in sorted(side, key=lambda name: (-side[name], name))[:_TEMPLATE_CATEGORIES]
    }
    shift = {name: shares[1].get(name, 0.0) - shares[0].get(name, 0.0) for name in top}
    return np.array([sum(shift.get(name, 0.0) for name in catalogue.categories[item]) for item in codes])


def score_items(catalogue: Catalogue, told: Told, codes: NDArray[np.int32]) -> NDArray[np.float64]:
    """What a description says of each item: how far it is like what is cited of the later period."""
    cited = catalogue.item_vectors(told.cited)
    likeness = np.maximum(catalogue.item_vectors(codes) @ cited.T, 0.0) ** _SHARPNESS
    scores: NDArray[np.float64] = likeness @ told.lean
    return scores


def _area_of_named(told: Told) -> float:
    """The area among the held-out items that lie in a facet called a change; NaN without both periods."""
    facet = told.frame.facet_of(told.codes)
    spoken = (facet >= 0) & told.named[facet]
    return auc_of(told.weights[facet[spoken]], told.later[spoken])


def telling_rows(
    histories: Histories, *, n_users: int, min_sessions: int, seed: int, tick: Tick
) -> Iterator[Row]:
    """Areas of the description against its swap, another user's and the template, and of those abstained.

    Where there are few users with so many sessions, those with half as many are taken too, and each is asked
    about several held-out parts, whose mean is the user's.
    """
    rng = np.random.default_rng([seed, 3])
    if (histories.lengths() >= min_sessions).sum() < _ENOUGH:
        min_sessions //= 2
    users = histories.draw(min_sessions, n_users, rng)
    rounds = min(_ROUNDS, max(1, _ENOUGH // max(len(users), 1)))
    told: list[Told] = []
    for done, user in enumerate(np.tile(users, rounds), start=1):
        tick(f"{histories.name}: descriptions", done, rounds * len(users))
        if (entry := describe(histories, int(user), rng)) is not None:
            told.append(entry)
    moved = [entry for entry in told if entry.shifted]
    between = [entry for entry in told if not entry.abstained and not entry.shifted]
    still = [entry for entry in told if entry.abstained]
    where = f"{histories.name}, {min_sessions} sessions or more: held-out items told by the description"
    if (n_moved := _count(moved)) < _FEWEST:
        yield Row(f"{where}, users with a change", f"not measured: {n_moved} users")
    else:
        yield from _moved_rows(histories, moved, where)
    if (n_between := _count(between)) >= _FEWEST:
        found = _interval(_areas(histories, between, between), between)
        what = f"{where}, {n_between} users told of an interlude alone, whose halves are alike"
        yield Row(what, f"AUC {show(found, digits=3)}")
    if (n_still := _count(still)) < _FEWEST:
        yield Row(f"{where}, abstained", f"not measured: {n_still} users")
        return
    yield from _still_rows(histories, still, where)


def _count(told: list[Told]) -> int:
    return len({entry.user for entry in told})


def _still_rows(histories: Histories, still: list[Told], where: str) -> Iterator[Row]:
    """What the withheld shares would have said, of all who abstain and by how far from significance."""
    areas = _areas(histories, still, still)
    for low, high in _BANDS:
        inside = np.array([low <= entry.p_value < high for entry in still])
        chosen = [entry for entry, kept in zip(still, inside, strict=True) if kept]
        if _count(chosen) < _FEWEST:
            continue
        found = _interval(areas[inside], chosen)
        figure = (
            f"AUC {show(found, digits=3)} if what it withholds were told; as it is told .500 by construction"
        )
        if (low, high) == _BANDS[0]:
            what = f"{where}, {found.n} users where it abstains"
            yield Row(what, figure, "0.45 to 0.55", bool(0.45 <= found.mean <= 0.55))
        else:
            band = f"p from {low:g}" + (f" to {high:g}" if high < 1 else "")
            yield Row(f"{where}, {found.n} users where it abstains with {band}", figure)


def _interval(values: NDArray[np.float64], told: list[Told]) -> Interval:
    """The mean over users, of each user's mean over what was held out."""
    kept = ~np.isnan(values)
    users = np.array([entry.user for entry in told])[kept]
    if not len(users):
        return bootstrap_mean(values[kept])
    _, member = np.unique(users, return_inverse=True)
    return bootstrap_mean(np.bincount(member, weights=values[kept]) / np.bincount(member))


def _areas(histories: Histories, asked: list[Told], described: list[Told]) -> NDArray[np.float64]:
    """The area of each user's held-out items by the description of the user at the same place."""
    return np.array(
        [
            auc_of(score_items(histories.catalogue, by, of.codes), of.later)
            for of, by in zip(asked, described, strict=True)
        ]
    )


def _moved_rows(histories: Histories, moved: list[Told], where: str) -> Iterator[Row]:
    own = _areas(histories, moved, moved)
    others = _areas(histories, moved, [_somebody_else(moved, spot) for spot in range(len(moved))])
    template = np.array([auc_of(entry.template, entry.later) for entry in moved])
    found = _interval(own, moved)
    yield Row(f"{where}, {found.n} users told that they moved", f"AUC {show(found, digits=3)}")
    rivals = {"swapped": 1.0 - own, "another user's": others, "a template of top categories": template}
    for name, values in rivals.items():
        gap = _interval(own - values, moved)
        figure = f"{_interval(values, moved).mean:.3f}; ours {show(gap, digits=3, signed=True)}"
        target = "above 0" if found.n >= _JUDGED else f"above 0, from {_JUDGED} users on"
        yield Row(f"{where}: against {name}", figure, target, gap.better if found.n >= _JUDGED else None)
    spoken = _interval(np.array([_area_of_named(entry) for entry in moved]), moved)
    yield Row(
        f"{where}: of items in facets it calls a change, {spoken.n} users with some of both periods",
        f"AUC {show(spoken, digits=3)}",
    )


def _somebody_else(told: list[Told], spot: int) -> Told:
    """The next entry, in a circle, that is another user's."""
    turns = (told[(spot + step) % len(told)] for step in range(1, len(told)))
    return next(entry for entry in turns if entry.user != told[spot].user)
