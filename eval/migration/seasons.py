"""Seasons: a planted yearly interest must be told as one, never as a move, and chance must plant none.

Histories of three to four years from real sessions: a user's own, drawn again and again in random order, so
that nothing moves in them; and things of a category that the user never took, each year in the same weeks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.interests.changes import run_whole_test
from eval.migration.alarms import Tick, percent_of
from eval.migration.histories import Analysed, Histories, Session, analyse
from eval.rows import Row

_SESSIONS = 150
_POOL = 12
_YEAR_DAYS = 365.25
# 2017-01-01; as in every composed history.
_FIRST_DAY = 17_167
# A facet is the planted one when the most of its things in the history are.
_MOST = 0.5
_LEAST_ROWS = 20
_AIM = 0.07


@dataclass(frozen=True)
class Yearly:
    """One made-up history.

    Attributes:
        even: sessions without the yearly interest.
        planted: the same with it.
        days: `(n,)` day numbers of both.
        items: codes of the planted things.
    """

    even: list[Session]
    planted: list[Session]
    days: NDArray[np.int64]
    items: NDArray[np.int32]


def rows_of_categories(histories: Histories) -> dict[str, NDArray[np.int64]]:
    """The rows of the histories' interactions by leaf category, of those with enough."""
    rows = np.concatenate([one for own in histories.sessions for one in own])
    found: dict[str, list[int]] = {}
    for row in rows:
        for name in histories.catalogue.leaf_categories[histories.log.item[row]]:
            found.setdefault(name, []).append(int(row))
    return {name: np.array(own) for name, own in sorted(found.items()) if len(own) >= _LEAST_ROWS}


def foreign_rows(
    histories: Histories,
    user: int,
    by_category: dict[str, NDArray[np.int64]],
    rng: np.random.Generator,
) -> NDArray[np.int64] | None:
    """Rows of a drawn category of which the user took nothing; None when they took of all."""
    own = histories.log.item[np.concatenate(histories.sessions[user])]
    known = {name for item in own for name in histories.catalogue.leaf_categories[item]}
    names = [name for name in by_category if name not in known]
    return by_category[names[int(rng.integers(len(names)))]] if names else None


def plant_season(
    histories: Histories,
    user: int,
    by_category: dict[str, NDArray[np.int64]],
    rng: np.random.Generator,
) -> Yearly | None:
    """A history of three to four years whose days hold twice as much in six to twelve weeks a year."""
    rows = foreign_rows(histories, user, by_category, rng)
    if rows is None:
        return None
    own = histories.sessions[user]
    even = [own[int(spot)] for spot in rng.integers(len(own), size=_SESSIONS)]
    span = int(rng.integers(3 * 365, 4 * 365))
    days = _FIRST_DAY + np.sort(rng.choice(span, _SESSIONS, replace=False)).astype(np.int64)
    begin, length = rng.integers(365), rng.integers(42, 85)
    inside = (days - _FIRST_DAY - begin) % _YEAR_DAYS < length
    planted = [
        np.concatenate([one, rng.choice(rows, max(2, len(one)))]) if within else one
        for one, within in zip(even, inside, strict=True)
    ]
    return Yearly(even, planted, days, np.unique(histories.log.item[rows]))


def _is_found(found: Analysed, items: NDArray[np.int32]) -> bool:
    """Whether a facet mostly of the planted things is told as seasonal."""
    for change in found.migration.changes:
        if change.season is not None:
            members = found.log.item[found.sessions.facet == found.frame.keys.index(change.key)]
            if np.isin(members, items).mean() > _MOST:
                return True
    return False


def _counted_in(histories: Histories, found: Analysed) -> bool:
    """Whether the user would be told to have moved, did the season count as the rest does."""
    n = found.sessions.n_sessions
    whole = run_whole_test(
        found.log, histories.catalogue, found.sessions, n // 2, settings=histories.settings
    )
    return whole is not None and whole.p_value < histories.settings.alpha


def season_rows(histories: Histories, *, n_users: int, seed: int, tick: Tick) -> Iterator[Row]:
    """Found, falsely told on even and on shuffled days, and moved by a season alone: four rows."""
    rng = np.random.default_rng([seed, 11])
    by_category = rows_of_categories(histories)
    users = histories.draw(_POOL, n_users, rng)
    n = found = alarms = counted = even_told = mixed_told = 0
    for done, user in enumerate(users, start=1):
        tick(f"{histories.name}: seasons", done, len(users))
        plan = plant_season(histories, int(user), by_category, rng)
        if plan is None:
            continue
        n += 1
        told = analyse(histories, plan.planted, days=plan.days)
        found += _is_found(told, plan.items)
        alarms += not told.migration.abstained
        counted += _counted_in(histories, told)
        even_told += _any_season(analyse(histories, plan.even, days=plan.days))
        order = rng.permutation(len(plan.planted))
        mixed = [plan.planted[int(spot)] for spot in order]
        mixed_told += _any_season(analyse(histories, mixed, days=plan.days))
    where = f"{histories.name}: {n} made-up histories of 3–4 years"
    if not n:
        yield Row(where, f"not measured: no user with {_POOL} sessions and a category never taken")
        return
    yield Row(f"{where}, a planted yearly interest told as seasonal", percent_of(found, n))
    yield Row(f"{where}, without one: any season told", percent_of(even_told, n))
    yield Row(f"{where}, with one, whole days shuffled: any season told", percent_of(mixed_told, n))
    figure = f"{percent_of(alarms, n)}; were seasons counted: {percent_of(counted, n)}"
    yield Row(f"{where}, yearly interest alone: a move at p < .05", figure, "≤ 7 %", alarms / n <= _AIM)


def _any_season(found: Analysed) -> bool:
    return any(change.season is not None for change in found.migration.changes)
