"""What one recommendation call is made from: the user as known, the items allowed, and the steering."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue
from agent.errors import SettingsError
from agent.interests.state import UserState
from agent.interests.threads import one_thread
from agent.listing.filters import filter_items
from agent.listing.person import Person, know
from agent.listing.request import Request
from agent.ranking.history import Context
from agent.ranking.ranker import Ranker, Steer
from agent.ranking.steering import Carried, Steering, carry_over, compute_steering
from agent.schema import StageReport
from agent.session import Session


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
