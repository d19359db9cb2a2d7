"""One recommendation call from end to end: profile, candidates, fusion, rerank, reasons."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue
from agent.dialogue.reasons import Reason, ReasonContext, explain_item
from agent.errors import SettingsError
from agent.interests.migration import halve, moment
from agent.interests.room import UserState
from agent.interests.sessions import compute_recency_shares
from agent.interests.words import percent
from agent.llm.backend import Backend
from agent.llm.prompts import render
from agent.ranking.history import Context, FacetQuery
from agent.ranking.ranker import Ranked
from agent.ranking.rerank import Candidate, PromptReranker
from agent.schema import (
    Facet,
    FacetChange,
    ItemId,
    Profile,
    Recommendation,
    RecommendationList,
    StageReport,
    UserId,
)
from agent.session import Session

# How far a facet's share is expected to go on moving: its quota among the candidates is share × this.
_OUTLOOK = {"new": 1.5, "rising": 1.5, "returned": 1.25, "stable": 1.0, "fading": 0.6, "dropped": 0.2}
_MAX_FACET_QUERIES = 10
_RECENT_TITLES = 10
# How many times the list's length is ranked, so that enough different titles remain.
_SPARE = 3


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for; see `Agent.recommend`."""

    user_id: str
    k: int = 10
    as_of_ms: int | None = None
    exclude_seen: bool | None = None
    domain: str | None = None
    categories: tuple[str, ...] = ()
    explain: bool = True
    rerank: bool = True


@dataclass(frozen=True, slots=True)
class _Person:
    """What is known of the user at the moment."""

    state: UserState
    profile: Profile
    changes: Mapping[str, FacetChange]
    queries: tuple[FacetQuery, ...]


def recommend(session: Session, request: Request) -> RecommendationList:
    """The answer to `request`.

    Raises:
        SettingsError: `k` below 1, or a domain or category that no item has.
    """
    if request.k < 1:
        raise SettingsError(f"expected k of at least 1, got {request.k!r}")
    moment_ms = session.now_ms if request.as_of_ms is None else request.as_of_ms
    allowed = _allowed(session.catalogue, request)
    stages: list[StageReport] = []

    start = time.perf_counter()
    person = _know(session, request.user_id, moment_ms)
    detail = f"{len(person.state.log)} events, {len(person.queries)} facets asked"
    stages.append(StageReport("profile", "ran", time.perf_counter() - start, detail))

    ranker, busy = session.indexed_ranker(moment_ms)
    if busy:
        detail = f"exact search in memory instead: {busy}"
        stages.append(StageReport("index", "degraded", 0.0, detail))
    code = session.log.user_codes.get(request.user_id)
    context = Context.of(session.log, code, now_ms=moment_ms, facets=person.queries)
    wanted = _SPARE * max(request.k, session.settings.ranking.n_rerank)
    ranked = ranker.rank(context, wanted, exclude_seen=request.exclude_seen, allowed=allowed)
    stages += ranked.stages
    order, twins = _one_per_title(session.catalogue, ranked)
    if twins:
        detail = f"{twins} further items with the title of a better one left out"
        stages.append(StageReport("variety", "ran", 0.0, detail))
    if request.rerank:
        order, stage = _rerank(session, person, ranked, order)
        stages.append(stage)

    start = time.perf_counter()
    entries = _entries(session, person, ranked, order[: request.k], explain=request.explain)
    if request.explain:
        stages.append(StageReport("reasons", "ran", time.perf_counter() - start))
    return RecommendationList(
        user_id=UserId(request.user_id),
        recommendations=entries,
        as_of=moment(moment_ms),
        stages=tuple(stages),
        note=_note(session, request, person, n_found=len(entries)),
    )


def _allowed(catalogue: Catalogue, request: Request) -> NDArray[np.bool_]:
    """Which items can be shown and pass the filters. An item known by its id alone tells nobody anything."""
    allowed = catalogue.named.copy()
    if not allowed.any():  # no item file yet: ids are all there is to show
        allowed[:] = True
    if request.domain is not None:
        allowed &= np.array([name == request.domain for name in catalogue.domains], np.bool_)
        if not allowed.any():
            known = ", ".join(sorted(set(catalogue.domains))) or "none"
            raise SettingsError(f"no item has the domain {request.domain!r}; there are: {known}")
    if request.categories:
        wanted = {name.casefold() for name in request.categories}
        known_names = {name.casefold() for name in catalogue.category_names}
        if missing := sorted(wanted - known_names):
            examples = ", ".join(catalogue.category_names[:12])
            raise SettingsError(
                f"no item has the category {missing[0]!r}; there are, for example: {examples}"
            )
        allowed &= np.array(
            [any(name.casefold() in wanted for name in names) for names in catalogue.categories], np.bool_
        )
    return allowed


def _know(session: Session, user_id: str, moment_ms: int) -> _Person:
    room = session.interests
    state = room.open_user(user_id, moment_ms=moment_ms)
    profile = room.profile_of(state, with_evidence=False)
    migration = room.migration_of(state, halve(state.sessions), with_evidence=False)
    changes = {change.key: change for change in migration.changes}
    return _Person(state, profile, changes, _facet_queries(session, state, changes))


def _facet_queries(
    session: Session, state: UserState, changes: Mapping[str, FacetChange]
) -> tuple[FacetQuery, ...]:
    """The facets that ask for candidates, each with its forward-looking share as quota."""
    if not state.sessions.n_sessions:
        return ()
    shares = compute_recency_shares(
        state.sessions, state.moment_ms, session.settings.interests.half_life_days
    )
    outlook = np.array([_OUTLOOK[changes[key].kind] if key in changes else 1.0 for key in state.frame.keys])
    quota = shares * outlook
    chosen = [int(spot) for spot in np.argsort(-quota, kind="stable")[:_MAX_FACET_QUERIES] if quota[spot] > 0]
    return tuple(
        FacetQuery(
            state.frame.keys[spot], state.frame.centroids[spot], float(quota[spot]), float(shares[spot])
        )
        for spot in chosen
    )


def _one_per_title(catalogue: Catalogue, ranked: Ranked) -> tuple[list[int], int]:
    """Positions in the list, the best of each title first, and how many were left out.

    Shops sell one thing under many ids; a list that shows it five times helps nobody. When too little
    else is left, the others follow at the end.
    """
    first: dict[str, int] = {}
    others = []
    for spot, item in enumerate(ranked.items):
        if catalogue.titles[item] in first:
            others.append(spot)
        else:
            first[catalogue.titles[item]] = spot
    return [*first.values(), *others], len(others)


def _rerank(
    session: Session, person: _Person, ranked: Ranked, untouched: list[int]
) -> tuple[list[int], StageReport]:
    backend = session.backend
    if backend is None:
        return untouched, StageReport("rerank", "skipped", 0.0, "no language model in the settings")
    if not person.profile.facets:
        return untouched, StageReport("rerank", "skipped", 0.0, "no history to rerank by")
    n_rerank = session.settings.ranking.n_rerank
    top, rest = untouched[:n_rerank], untouched[n_rerank:]
    titles = session.catalogue.titles
    candidates = [
        Candidate(int(ranked.items[spot]), titles[ranked.items[spot]], float(ranked.scores[spot]))
        for spot in top
    ]
    reranker = PromptReranker(backend, weight=session.settings.ranking.llm_weight, cache=session.store)
    found = reranker.rerank(candidates, **_prefixes(session, person, backend))
    return [*(top[place] for place in found.order), *rest], found.stage


def _prefixes(session: Session, person: _Person, backend: Backend) -> dict[str, str]:
    suffix = ".zh" if session.language == "zh" else ""
    log = person.state.log
    liked = np.flatnonzero((log.item >= 0) & (log.weight > 0))[::-1]
    recent = dict.fromkeys(session.catalogue.titles[log.item[row]] for row in liked[: 4 * _RECENT_TITLES])
    history = render(
        f"rerank_history.v1{suffix}",
        facets=[{"label": facet.label, "share": percent(facet.share)} for facet in person.profile.facets[:5]],
        recent=list(recent)[:_RECENT_TITLES][::-1],
    )
    prior = render(f"rerank_prior.v1{suffix}")
    return {"history_prefix": history.user, "prior_prefix": prior.user}


def _entries(
    session: Session, person: _Person, ranked: Ranked, order: Sequence[int], *, explain: bool
) -> tuple[Recommendation, ...]:
    catalogue = session.catalogue
    facets: dict[str, Facet] = {facet.key: facet for facet in person.profile.facets}
    context = ReasonContext(
        log=person.state.log,
        catalogue=catalogue,
        frame=person.state.frame,
        facets=facets,
        changes=person.changes,
        taken=session.taken(person.state.moment_ms),
        language=session.language,
    )
    # Calibrated by place in the fused list; what the language model moves up takes the place's figure with it.
    confidence = sorted((float(ranked.confidence[spot]) for spot in order), reverse=True)
    entries = []
    for rank, spot in enumerate(order, start=1):
        item = int(ranked.items[spot])
        sources = ranked.sources[spot]
        reason = explain_item(context, item, sources) if explain else Reason("", (), ())
        entries.append(
            Recommendation(
                rank=rank,
                item_id=ItemId(catalogue.item_ids[item]),
                title=catalogue.titles[item],
                score=float(ranked.scores[spot]),
                confidence=confidence[rank - 1],
                reason=reason.text,
                facets=reason.facets,
                evidence=reason.evidence,
                sources=sources,
                categories=catalogue.categories[item],
            )
        )
    return tuple(entries)


def _note(session: Session, request: Request, person: _Person, *, n_found: int) -> str:
    parts = []
    n_events = len(person.state.log)
    if request.user_id not in session.log.user_codes:
        parts.append(f"User {request.user_id!r} is unknown: this is what is popular.")
    elif not n_events:
        parts.append("No events of this user before that moment: this is what is popular.")
    elif person.profile.note:
        parts.append(person.profile.note)
    if n_found < request.k:
        parts.append(f"Only {n_found} items are left after the filters; {request.k} were asked for.")
    return " ".join(parts)
