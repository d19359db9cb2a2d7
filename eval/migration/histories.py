"""Histories to test on: real sessions, put together anew so that what changed, and when, is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.data.log import DAY_MS, Catalogue, InteractionLog
from agent.interests.frame import FacetFrame, form_frame
from agent.interests.migration import compute_migration, halve
from agent.interests.population import PopulationModel, item_category_matrix
from agent.interests.sessions import SessionShares, compute_session_shares
from agent.schema import Migration, UserId
from agent.settings import InterestSettings

# Row numbers of one session's interactions in the data set's log.
Session = NDArray[np.int64]
_NOON_MS = DAY_MS // 2
_PARTNERS = 10


@dataclass(frozen=True)
class Histories:
    """The users of one data set that the protocol may use, with their sessions in time order.

    Attributes:
        users: user codes, ascending.
        sessions: of each of `users`; only interactions that count (an item with text, a positive weight).
        tastes: `(n_users, n_categories)` float32, square roots of category shares, unit rows.
        sizes: `(n_users,)` natural logarithm of the mean number of interactions per session.
    """

    name: str
    log: InteractionLog
    catalogue: Catalogue
    settings: InterestSettings
    users: tuple[int, ...]
    sessions: tuple[tuple[Session, ...], ...]
    tastes: NDArray[np.float32]
    sizes: NDArray[np.float64]

    def lengths(self) -> NDArray[np.int64]:
        """`(n_users,)` number of sessions of each user."""
        return np.array([len(own) for own in self.sessions], np.int64)

    def draw(self, n_sessions: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Positions of at most `count` users with that many sessions or more, drawn without replacement."""
        eligible = np.flatnonzero(self.lengths() >= n_sessions)
        return rng.choice(eligible, size=min(count, len(eligible)), replace=False)

    def stretch(self, user: int, n_sessions: int, rng: np.random.Generator) -> list[Session]:
        """So many consecutive sessions of a user, from a drawn place, in shuffled order.

        Shuffled, so that nothing the user did by themselves can be found beside what is planted.
        """
        own = self.sessions[user]
        start = int(rng.integers(0, len(own) - n_sessions + 1))
        return [own[start + int(spot)] for spot in rng.permutation(n_sessions)]

    def partner(self, user: int, n_sessions: int, rng: np.random.Generator) -> int | None:
        """Another user as active, of another taste: less alike than half of all; None when there is none."""
        likeness = self.tastes @ self.tastes[user]
        able = self.lengths() >= n_sessions
        able[user] = False
        if not able.any():
            return None
        able &= likeness <= np.median(likeness[able])
        found = np.flatnonzero(able)
        lengths = np.log(self.lengths())
        apart = np.abs(self.sizes[found] - self.sizes[user]) + np.abs(lengths[found] - lengths[user])
        return int(rng.choice(found[np.argsort(apart, kind="stable")[:_PARTNERS]]))


def collect_histories(
    name: str,
    log: InteractionLog,
    catalogue: Catalogue,
    settings: InterestSettings,
    *,
    min_sessions: int = 6,
    parity: int | None = None,
) -> Histories:
    """The histories of `log`.

    Args:
        min_sessions: users with fewer are left out.
        parity: 0 or 1 takes only users of even or odd code; None takes all.
    """
    counts = (log.item >= 0) & (log.weight > 0)
    counts &= catalogue.text_row[np.maximum(log.item, 0)] >= 0
    users, sessions = [], []
    for user in range(log.n_users):
        if parity is not None and user % 2 != parity:
            continue
        rows = log.rows_of(user)
        rows = rows[counts[rows]]
        bounds = np.flatnonzero(np.diff(log.day[rows])) + 1
        if len(rows) and len(bounds) + 1 >= min_sessions:
            users.append(user)
            sessions.append(tuple(np.split(rows, bounds)))
    membership, _ = item_category_matrix(catalogue)
    tastes = np.zeros((len(users), membership.shape[1]), np.float32)
    for spot, own in enumerate(sessions):
        tastes[spot] = np.sqrt(np.asarray(membership[log.item[np.concatenate(own)]].sum(axis=0)).ravel())
    norm = np.linalg.norm(tastes, axis=1, keepdims=True)
    np.divide(tastes, norm, out=tastes, where=norm > 0)
    sizes = np.array([np.log(np.mean([len(one) for one in own])) for own in sessions])
    return Histories(name, log, catalogue, settings, tuple(users), tuple(sessions), tastes, sizes)


def compose(
    log: InteractionLog, contents: Sequence[Session], days: NDArray[np.int64] | None = None
) -> InteractionLog:
    """The log of one made-up user: on each day, in order, what one of `contents` holds.

    Args:
        log: what the rows of `contents` are of; only items and weights are taken from it.
        days: `(len(contents),)` UTC day numbers, ascending; None puts a session on every third day of 2017.
    """
    rows = np.concatenate(contents)
    if days is None:
        days = 17_167 + 3 * np.arange(len(contents), dtype=np.int64)
    n = len(rows)
    day = np.repeat(days, [len(one) for one in contents])
    return InteractionLog(
        user=np.zeros(n, np.int32),
        item=log.item[rows],
        timestamp_ms=day * DAY_MS + _NOON_MS,
        event=np.zeros(n, np.int16),
        value=np.full(n, np.nan, np.float32),
        weight=log.weight[rows],
        interaction_id=np.arange(1, n + 1, dtype=np.int64),
        user_ids=("made up",),
        events=("event",),
        n_items=log.n_items,
    )


@dataclass(frozen=True)
class Analysed:
    """A history and what the product computes of it between its halves."""

    log: InteractionLog
    frame: FacetFrame
    sessions: SessionShares
    migration: Migration


def analyse(
    histories: Histories,
    contents: Sequence[Session],
    *,
    days: NDArray[np.int64] | None = None,
    with_evidence: bool = False,
    population: PopulationModel | None = None,
) -> Analysed:
    """The migration between the halves of a made-up history, as the product computes it.

    `population`: the crowd that changes are held against; None tells nothing of a crowd.
    """
    log = compose(histories.log, contents, days)
    frame = form_frame(log, histories.catalogue, histories.settings)
    sessions = compute_session_shares(log, frame)
    migration = compute_migration(
        UserId("made up"),
        log,
        histories.catalogue,
        frame=frame,
        sessions=sessions,
        windows=halve(sessions),
        settings=histories.settings,
        labels={},
        population=population,
        with_evidence=with_evidence,
    )
    return Analysed(log, frame, sessions, migration)
