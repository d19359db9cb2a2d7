"""The crowd: how many changes are told as everyone's, and whether a planted fashion is told as one.

A sample of users with days in random order, so that nothing moves by itself; from the middle on they take
things of one category that none of them took before, all of them (a fashion) or each one alone (a move).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from agent.data.log import InteractionLog
from agent.interests.migration import halve
from agent.interests.population import PopulationModel, fit_population, leave_out
from agent.schema import FacetChange
from agent.session import Session
from eval.migration.alarms import Tick, percent_of
from eval.migration.histories import Histories, analyse, compose
from eval.migration.histories import Session as Rows
from eval.migration.seasons import rows_of_categories
from eval.rows import Row

_MOVED = frozenset({"new", "rising", "fading", "dropped"})
_SESSIONS = 20
_SAMPLE = 100
# A crowd needs so many to be one.
_FEWEST = 12
_ADOPTED = 0.8
_MOST = 0.5


def natural_crowd_row(histories: Histories, session: Session, *, n_users: int, seed: int, tick: Tick) -> Row:
    """How many of the facet changes of a data set are told as everyone's, as the product computes them."""
    room = session.interests
    users = histories.draw(_SESSIONS, n_users, np.random.default_rng([seed, 12]))
    changes = crowd = 0
    for done, user in enumerate(users, start=1):
        tick(f"{histories.name}: everyone", done, len(users))
        state = room.open_user(session.log.user_ids[histories.users[int(user)]])
        migration = room.migration_of(state, halve(state.sessions), with_evidence=False)
        moved = [change for change in migration.changes if change.kind in _MOVED]
        changes += len(moved)
        crowd += sum(change.crowd for change in moved)
    what = f"{histories.name}: facet changes told as everyone's, {len(users)} users as they were"
    return Row(what, f"{percent_of(crowd, changes)} of {changes}" if changes else "no change to tell")


def crowd_rows(histories: Histories, *, seed: int, tick: Tick) -> Iterator[Row]:
    """Two rows: a planted fashion told as everyone's, and the same taken up by one user alone."""
    rng = np.random.default_rng([seed, 13])
    users = histories.draw(_SESSIONS, _SAMPLE, rng)
    rows = _rare_rows(histories, users, rng)
    where = f"{histories.name}: {len(users)} users"
    if rows is None or len(users) < _FEWEST:
        yield Row(f"{where}, a planted fashion", "not measured: too few users, or none who never took of it")
        return
    items = np.unique(histories.log.item[rows])
    still = [histories.stretch(int(user), _SESSIONS, rng) for user in users]
    moved = [_adopt(contents, rows, rng) for contents in still]
    for what, aim in (("a planted fashion: told as everyone's", "≥ 80 %"), ("one alone moves so", "≤ 20 %")):
        together = aim.startswith("≥")
        log = _together(moved if together else still, histories)
        everyone = fit_population(log, histories.catalogue, histories.settings)
        told = crowd = 0
        for spot, contents in enumerate(moved):
            tick(f"{histories.name}: {what}", spot + 1, len(users))
            others = leave_out(everyone, log, histories.catalogue, log.user_ids[spot])
            changes = _changes_of(histories, contents, others, items=items)
            told += bool(changes)
            crowd += any(change.crowd for change in changes)
        figure = f"{percent_of(crowd, told)} of {told} who are told that it moved" if told else "none told"
        rate = crowd / max(told, 1)
        yield Row(f"{where}, {what}", figure, aim, rate >= 0.8 if together else rate <= 0.2)


def _rare_rows(
    histories: Histories, users: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64] | None:
    """Rows of the category that the fewest of the users took of, drawn among the five with the fewest."""
    takers: dict[str, int] = {}
    for user in users:
        own = histories.log.item[np.concatenate(histories.sessions[int(user)])]
        for name in {name for item in own for name in histories.catalogue.leaf_categories[item]}:
            takers[name] = takers.get(name, 0) + 1
    by_category = rows_of_categories(histories)
    rare = sorted(by_category, key=lambda name: (takers.get(name, 0), name))[:5]
    return by_category[rare[int(rng.integers(len(rare)))]] if rare else None


def _adopt(contents: Sequence[Rows], rows: NDArray[np.int64], rng: np.random.Generator) -> list[Rows]:
    """The sessions with half as many things more, two at least, in most of the later half."""
    half = len(contents) // 2
    return [
        np.concatenate([one, rng.choice(rows, max(2, len(one) // 2))])
        if spot >= half and rng.random() < _ADOPTED
        else one
        for spot, one in enumerate(contents)
    ]


def _changes_of(
    histories: Histories,
    contents: Sequence[Rows],
    others: PopulationModel | None,
    *,
    items: NDArray[np.int32],
) -> list[FacetChange]:
    """The changes of a made-up user's facets that are mostly of `items`, against the crowd of `others`."""
    one = analyse(histories, contents, population=others)
    found = []
    for change in one.migration.changes:
        members = one.log.item[one.sessions.facet == one.frame.keys.index(change.key)]
        if change.kind in _MOVED and np.isin(members, items).mean() > _MOST:
            found.append(change)
    return found


def _together(contents: Sequence[Sequence[Rows]], histories: Histories) -> InteractionLog:
    """One log of many made-up users, each with a session on the same days."""
    logs = [compose(histories.log, own) for own in contents]
    user = np.repeat(np.arange(len(logs), dtype=np.int32), [len(log) for log in logs])
    moment = np.concatenate([log.timestamp_ms for log in logs])
    order = np.lexsort((user, moment))
    return InteractionLog(
        user=user[order],
        item=np.concatenate([log.item for log in logs])[order],
        timestamp_ms=moment[order],
        event=np.zeros(len(order), np.int16),
        value=np.full(len(order), np.nan, np.float32),
        weight=np.concatenate([log.weight for log in logs])[order],
        interaction_id=np.arange(1, len(order) + 1, dtype=np.int64),
        user_ids=tuple(f"made up {number}" for number in range(len(logs))),
        events=("event",),
        n_items=histories.log.n_items,
    )
