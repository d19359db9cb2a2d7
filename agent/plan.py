"""What one recommendation call is made from: the user as known, the items allowed, and the steering."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.data.days import day_number
from agent.data.log import Catalogue
from agent.errors import SettingsError
from agent.interests.forgetting import Emphasis, compute_emphasis, describe_emphasis
from agent.interests.migration import halve
from agent.interests.sessions import compute_recency_shares
from agent.interests.state import UserState
from agent.interests.threads import one_thread
from agent.ranking.history import Context, FacetQuery
from agent.ranking.ranker import Ranker, Steer
from agent.ranking.steering import Carried, Steering, adjust_quota, carry_over, compute_steering
from agent.schema import FacetChange, Profile, StageReport
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
class Request:
    """What is asked for; see `Agent.recommend`.

    Attributes:
        without: interaction ids that do not count, for this call, in memory only.
        item_mask: `(n_items,)` bool, False never appears; None allows all.
        use_feedback: False as if the user had never said anything.
        use_migration: False for the static profile: every facet asks by its share, wherever it is heading,
            and everything that was taken counts by its age alone.
    """

    user_id: str
    k: int = 10
    as_of_ms: int | None = None
    exclude_seen: bool | None = None
    domain: str | None = None
    categories: tuple[str, ...] = ()
    explain: bool = True
    rerank: bool = True
    without: frozenset[int] = frozenset()
    item_mask: NDArray[np.bool_] | None = None
    use_feedback: bool = True
    use_migration: bool = True


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


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a list is ranked from.

    Attributes:
        passed: `(n_items,)` bool, what the caller's filters let through.
        allowed: the same without what was muted or given away.
        carried: set when the list is of a domain the user has liked nothing in.
        stages: what was done so far.
    """

    person: Person
    ranker: Ranker
    context: Context
    passed: NDArray[np.bool_]
    allowed: NDArray[np.bool_]
    steering: Steering | None
    carried: Carried | None
    stages: tuple[StageReport, ...]

    @property
    def steer(self) -> Steer:
        """What the ranker is asked to add to the learned fusion."""
        tilt = self.steering.tilt if self.steering else None
        return Steer(tilt=tilt) if self.carried is None else self.carried.steer(tilt)


def make_plan(session: Session, request: Request) -> Plan:
    """The plan of `request`.

    Raises:
        SettingsError: `k` below 1, a mask of another length, a domain or category that no item has.
    """
    if request.k < 1:
        raise SettingsError(f"expected k of at least 1, got {request.k!r}")
    moment_ms = session.now_ms if request.as_of_ms is None else request.as_of_ms
    passed = filter_items(session.catalogue, request)
    own = session.catalogue.own_item(request.user_id)
    if own is not None:
        passed[own] = False  # nobody is recommended to themselves
    stages: list[StageReport] = []

    start = time.perf_counter()
    with one_thread():  # two busy cores take 50 ms to wake for what one does in 6
        person = know(session, request, moment_ms)
    detail = f"{len(person.state.log)} events, {len(person.queries)} facets asked"
    if person.forgets:
        detail += f"; {person.forgets}"
    stages.append(StageReport("profile", "ran", time.perf_counter() - start, detail))

    ranker, busy = session.indexed_ranker(moment_ms)
    if busy:
        detail = f"exact search in memory instead: {busy}"
        stages.append(StageReport("index", "degraded", 0.0, detail))
    steering, allowed = _apply_feedback(session, request, person, ranker, passed, stages)
    carried = _carry(session, request, person, allowed, stages)
    return Plan(
        person=person,
        ranker=ranker,
        context=_context(person, moment_ms),
        passed=passed,
        allowed=allowed,
        steering=steering,
        carried=carried,
        stages=tuple(stages),
    )


def _apply_feedback(
    session: Session,
    request: Request,
    person: Person,
    ranker: Ranker,
    passed: NDArray[np.bool_],
    stages: list[StageReport],
) -> tuple[Steering | None, NDArray[np.bool_]]:
    """The steering, and what may still appear once it is applied; adds its stage when anything was said."""
    start = time.perf_counter()
    with one_thread():
        steering = compute_steering(person.state, session.catalogue, session.settings.interests)
    allowed = passed.copy()
    if steering is not None and steering.hidden is not None:
        allowed &= ~steering.hidden
    if ranker.excludes(request.exclude_seen):
        allowed[person.state.gifts] = False  # it says nothing of the user, but they had it
    if person.state.feedback:
        seconds = time.perf_counter() - start
        stages.append(StageReport("feedback", "ran", seconds, _describe(person.state, steering)))
    return steering, allowed


def _carry(
    session: Session,
    request: Request,
    person: Person,
    allowed: NDArray[np.bool_],
    stages: list[StageReport],
) -> Carried | None:
    """What carries over into a domain the user has liked nothing in; else None, and no stage."""
    if not _is_foreign(session.catalogue, request, person.state):
        return None
    start = time.perf_counter()
    taken = session.taken(person.state.moment_ms)
    with one_thread():
        carried = carry_over(person.queries, session.catalogue, allowed, taken)
    n_items = int((carried.scores > 0).sum())
    detail = (
        f"nothing liked in {request.domain!r} yet: {n_items} items by likeness to the interests elsewhere"
    )
    stages.append(StageReport("carried over", "ran", time.perf_counter() - start, detail))
    return carried


def filter_items(catalogue: Catalogue, request: Request) -> NDArray[np.bool_]:
    """Which items can be shown and pass the filters. An item known by its id alone tells nobody anything."""
    passed = catalogue.named.copy()
    if not passed.any():  # no item file yet: ids are all there is to show
        passed[:] = True
    if request.item_mask is not None:
        if request.item_mask.shape != passed.shape:
            raise SettingsError(
                f"expected an item_mask of shape {passed.shape!r}, one entry per item, "
                f"got {request.item_mask.shape!r}"
            )
        passed &= request.item_mask
    if request.domain is not None:
        of_domain = np.array([name == request.domain for name in catalogue.domains], np.bool_)
        if not of_domain.any():
            known = ", ".join(sorted(set(catalogue.domains))) or "none"
            raise SettingsError(f"no item has the domain {request.domain!r}; there are: {known}")
        passed &= of_domain
    if request.categories:
        by_name = {name.casefold(): name for name in catalogue.category_names}
        wanted = [name.casefold() for name in request.categories]
        if missing := sorted(name for name in wanted if name not in by_name):
            examples = ", ".join(catalogue.category_names[:12])
            raise SettingsError(
                f"no item has the category {missing[0]!r}; there are, for example: {examples}"
            )
        of_category = np.zeros(len(catalogue), np.bool_)
        for name, codes in catalogue.items_of_category.items():
            if name.casefold() in wanted:
                of_category[codes] = True
        passed &= of_category
    return passed


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


def _context(person: Person, moment_ms: int) -> Context:
    log = person.state.log
    rows = np.flatnonzero(log.item >= 0)
    user = int(log.user[0]) if len(log) else None
    return Context(
        user,
        log.item[rows],
        log.timestamp_ms[rows],
        log.weight[rows],
        now_ms=moment_ms,
        facets=person.queries,
        emphasis=None if person.emphasis is None else person.emphasis[rows],
        zone=log.zone,
    )


def _is_foreign(catalogue: Catalogue, request: Request, state: UserState) -> bool:
    """Whether a domain is asked for in which the user liked nothing, while having done so elsewhere."""
    items = state.log.item[(state.log.item >= 0) & (state.log.weight > 0)]
    if request.domain is None or not len(items):
        return False
    return request.domain not in {catalogue.domains[code] for code in np.unique(items)}


def _describe(state: UserState, steering: Steering | None) -> str:
    feedback, parts = state.feedback, []
    if steering is not None and steering.hidden is not None:
        parts.append(f"{len(feedback.muted)} muted ({int(steering.hidden.sum())} items)")
    if feedback.pinned:
        parts.append(f"{len(feedback.pinned)} pinned")
    for word, wanted in (("more", 1), ("less", -1)):
        if n := sum(step * wanted > 0 for step in feedback.steps.values()):
            parts.append(f"{word} of {n}")
    if feedback.labels:
        parts.append(f"{len(feedback.labels)} renamed")
    if feedback.gifts or feedback.gift_items:
        parts.append(f"{len(state.gifts)} item(s) given away do not count")
    return ", ".join(parts)
