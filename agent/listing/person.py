"""The user of a call as known at its moment: profile, how each facet is moving, what each asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.data.days import day_number
from agent.interests.forgetting import Emphasis, compute_emphasis, describe_emphasis
from agent.interests.migration import halve
from agent.interests.sessions import compute_recency_shares
from agent.interests.state import UserState
from agent.listing.request import Request
from agent.ranking.history import FacetQuery
from agent.ranking.steering import adjust_quota
from agent.schema import FacetChange, Profile
from agent.session import Movement, Session

# How far a facet's share is expected to go on moving: its quota among the candidates is share × this.
_OUTLOOK = {
    "new": 1.5,
    "rising": 1.5,
    "returned": 1.25,
    "seasonal": 1.25,
    "stable": 1.0,
    "fading": 0.6,
    "dropped": 0.2,
}


_MAX_FACET_QUERIES = 10


# Sessions, the newest, in which a list looks for change: more would take seconds, not milliseconds.
MOST_SESSIONS: Final = 600


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of the user at the moment.

    Attributes:
        emphasis: how much each interaction of the state's log still counts; None: all fully.
        forgets: why some count less, in words; empty where all count fully.
    """

    state: UserState
    profile: Profile
    changes: Mapping[str, FacetChange]
    queries: tuple[FacetQuery, ...]
    emphasis: NDArray[np.float32] | None = None
    forgets: str = ""


def know(session: Session, request: Request, moment_ms: int) -> Person:
    """The user of `request` at a moment: state, profile, how each facet is moving, what each asks."""
    room = session.interests
    state = room.open_user(
        request.user_id, moment_ms=moment_ms, without=request.without, use_feedback=request.use_feedback
    )
    profile = room.profile_of(state, with_evidence=False)
    changes: Mapping[str, FacetChange] = {}
    emphasis: Emphasis | None = None
    if request.use_migration:
        changes, emphasis = session.movements.get(_movement_key(state), lambda: _movement(session, state))
    weights = None if emphasis is None else emphasis.weights
    queries = facet_queries(session, state, changes, emphasis=weights)
    forgets = "" if emphasis is None else describe_emphasis(emphasis)
    return Person(state, profile, changes, queries, weights, forgets)


def _movement(session: Session, state: UserState) -> Movement:
    """How a user moves, in the newest sessions: the time the test takes grows with their number cubed."""
    windows = halve(state.sessions, newest=MOST_SESSIONS)
    # Whether everyone moved changes no quota and no reason: that test is left out.
    migration = session.interests.migration_of(state, windows, with_evidence=False, with_crowd=False)
    newest = np.arange(state.sessions.n_sessions) >= state.sessions.n_sessions - MOST_SESSIONS
    emphasis = compute_emphasis(state.log, state.sessions.take(newest), migration, frame=state.frame)
    return {change.key: change for change in migration.changes}, emphasis


def _movement_key(state: UserState) -> Hashable:
    """Everything a movement is computed from: the events that count, the frame, the names, and the day."""
    counted = hashlib.blake2b(state.log.interaction_id.tobytes(), digest_size=16).digest()
    labels = tuple((key, words.label) for key, words in state.shown.items())
    today = day_number(state.moment_ms - 1, state.log.zone)
    return state.user_id, counted, state.frame_version, labels, today


def facet_queries(
    session: Session,
    state: UserState,
    changes: Mapping[str, FacetChange],
    *,
    emphasis: NDArray[np.float32] | None = None,
) -> tuple[FacetQuery, ...]:
    """The facets that ask for candidates, each with its forward-looking share as quota.

    Args:
        emphasis: how much each interaction of the state's log still counts; None: all fully.
    """
    if not state.sessions.n_sessions:
        return ()
    half_life_days = session.settings.interests.half_life_days
    shares = compute_recency_shares(state.sessions, state.moment_ms, half_life_days)
    ahead = shares
    if emphasis is not None:
        by_session = np.ones(state.sessions.n_sessions)
        counted = state.sessions.session >= 0
        by_session[state.sessions.session[counted]] = emphasis[counted]
        ahead = compute_recency_shares(state.sessions, state.moment_ms, half_life_days, emphasis=by_session)
    keys = state.frame.keys
    outlook = np.array([_outlook(changes[key]) if key in changes else 1.0 for key in keys])
    quota = ahead * outlook
    if state.feedback:
        quota = np.array([adjust_quota(key, float(q), state) for key, q in zip(keys, quota, strict=True)])
    chosen = [int(spot) for spot in np.argsort(-quota, kind="stable")[:_MAX_FACET_QUERIES] if quota[spot] > 0]
    return tuple(
        FacetQuery(keys[spot], state.frame.centroids[spot], float(quota[spot]), float(shares[spot]))
        for spot in chosen
    )


def _outlook(change: FacetChange) -> float:
    """The factor of a facet's quota; out of its season a seasonal one is expected to stay away."""
    away = change.season is not None and not change.season.current
    return _OUTLOOK["fading" if away else change.kind]
