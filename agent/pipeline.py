"""One recommendation call from end to end: profile, candidates, fusion, rerank, reasons."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue
from agent.dialogue.reasons import Reason, ReasonContext, explain_item
from agent.dialogue.remarks import add_remarks, explain_carried
from agent.interests.migration import moment
from agent.interests.notes import say
from agent.interests.state import UserState
from agent.interests.words import percent
from agent.plan import MOST_SESSIONS, Person, Plan, Request, make_plan
from agent.ranking.confidence import modest_confidence
from agent.ranking.llm_weight import resolve_llm_weight
from agent.ranking.ranker import Ranked, Scored
from agent.ranking.rerank import Candidate, PromptReranker
from agent.ranking.rerank_prompts import RerankPrompts
from agent.ranking.windows import Task
from agent.schema import (
    ItemId,
    Profile,
    Recommendation,
    RecommendationList,
    StageReport,
    UserId,
)
from agent.session import Session

__all__ = ["Request", "recommend", "recommend_planned", "rerank_prompts"]

_RECENT_TITLES = 10
_PROMPT_FACETS = 5
# How many times the list's length is ranked, so that enough different titles remain.
_SPARE = 3


def recommend(session: Session, request: Request) -> RecommendationList:
    """The answer to `request`.

    Raises:
        SettingsError: `k` below 1, or a domain or category that no item has.
    """
    plan = make_plan(session, request)
    return recommend_planned(session, request, plan, plan.ranker.score(plan.context))


def recommend_planned(session: Session, request: Request, plan: Plan, scored: Scored) -> RecommendationList:
    """The same from a plan that was made and scores that were computed, so that several may share them."""
    wanted = _SPARE * max(request.k, session.settings.ranking.n_rerank)
    ranked = plan.ranker.rank(
        plan.context,
        wanted,
        exclude_seen=request.exclude_seen,
        allowed=plan.allowed,
        steer=plan.steer,
        scored=scored,
    )
    if plan.carried is not None:
        ranked = _claim_little(session, ranked)
    stages = [*plan.stages, *ranked.stages]
    order, twins = _one_per_title(session.catalogue, ranked)
    if twins:
        detail = f"{twins} further items with the title of a better one left out"
        stages.append(StageReport("variety", "ran", 0.0, detail))
    if request.rerank:
        task: Task = "new" if plan.ranker.excludes(request.exclude_seen) else "any"
        order, stage = _rerank(session, plan.person, ranked, order, task=task)
        stages.append(stage)
    if plan.steering is not None and (plan.steering.promised or plan.steering.capped):
        ranked, order, stage = _keep_word(session, request, plan, ranked, order, scored=scored)
        stages.append(stage)

    start = time.perf_counter()
    entries = _entries(session, plan, ranked, order[: request.k], explain=request.explain)
    if request.explain:
        stages.append(StageReport("reasons", "ran", time.perf_counter() - start))
    return RecommendationList(
        user_id=UserId(request.user_id),
        recommendations=entries,
        as_of=moment(plan.context.now_ms),
        stages=tuple(stages),
        note=_note(session, request, plan, n_found=len(entries)),
    )


def _claim_little(session: Session, ranked: Ranked) -> Ranked:
    """`ranked` with modest figures: what was calibrated within domains says nothing across them."""
    detail = "a figure that falls with rank: nothing was measured across domains"
    stage = StageReport("confidence", "degraded", 0.0, detail)
    return replace(
        ranked,
        confidence=modest_confidence(len(ranked.items), session.settings.ranking),
        stages=tuple(stage if entry.name == "confidence" else entry for entry in ranked.stages),
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
    session: Session, person: Person, ranked: Ranked, untouched: list[int], *, task: Task
) -> tuple[list[int], StageReport]:
    backend = session.backend
    if backend is None:
        return untouched, StageReport("rerank", "skipped", 0.0, "no language model in the settings")
    if not person.profile.facets:
        return untouched, StageReport("rerank", "skipped", 0.0, "no history to rerank by")
    moment_ms = person.state.moment_ms
    chosen = resolve_llm_weight(
        session.store,
        session.settings,
        task=task,
        n_events=int(np.searchsorted(session.log.timestamp_ms, moment_ms)),
        moment_ms=moment_ms,
    )
    if chosen.weight == 0:
        return untouched, StageReport("rerank", "skipped", 0.0, chosen.detail)
    n_rerank = session.settings.ranking.n_rerank
    top, rest = untouched[:n_rerank], untouched[n_rerank:]
    titles = session.catalogue.titles
    candidates = [
        Candidate(int(ranked.items[spot]), titles[ranked.items[spot]], float(ranked.scores[spot]))
        for spot in top
    ]
    settings = session.settings.ranking
    reranker = PromptReranker(
        backend,
        method=settings.rerank_method,
        weight=chosen.weight,
        cache=session.store,
        seed=settings.seed,
    )
    found = reranker.rerank(candidates, rerank_prompts(session, person.state, person.profile))
    stage = replace(found.stage, detail=f"{found.stage.detail}; {chosen.detail}")
    return [*(top[place] for place in found.order), *rest], stage


def rerank_prompts(session: Session, state: UserState, profile: Profile) -> RerankPrompts:
    """What the reranking model is told of a user: leading facets and the last different titles taken.

    Muted facets are left out: what the user does not want to see must not pull its likes up.
    """
    log = state.log
    liked = np.flatnonzero((log.item >= 0) & (log.weight > 0))[::-1]
    recent = dict.fromkeys(session.catalogue.titles[log.item[row]] for row in liked[: 4 * _RECENT_TITLES])
    told = [facet for facet in profile.facets if "muted" not in facet.marks]
    return RerankPrompts(
        facets=tuple((facet.label, percent(facet.share)) for facet in told[:_PROMPT_FACETS]),
        recent=tuple(list(recent)[:_RECENT_TITLES][::-1]),
        language=session.language,
    )


def _keep_word(
    session: Session, request: Request, plan: Plan, ranked: Ranked, order: list[int], *, scored: Scored
) -> tuple[Ranked, list[int], StageReport]:
    """`order` with no more of what less is wanted of, and as much of what is pinned or wanted, as was said.

    What is too much goes below all that may still come. What is missing comes up from below, and where
    nothing of it was ranked, from a list of it alone; it takes the last places that keep no other word.
    Nothing else changes its order.
    """
    assert plan.steering is not None, "only a steering gives its word"
    start = time.perf_counter()
    k, kept = request.k, set[int]()
    lowered = 0
    for wish, part in plan.steering.capped.items():
        spots = [spot for spot in order if plan.steering.members[wish][ranked.items[spot]]]
        above = set(spots[int(k * part) :])
        lowered += len(above & set(order[:k]))
        order = [spot for spot in order if spot not in above] + [spot for spot in order if spot in above]
    moved = 0
    for wish, part in plan.steering.promised.items():
        member = plan.steering.members[wish]
        due = min(k, max(1, round(k * part)))
        spots = [spot for spot in order if member[ranked.items[spot]]]
        if len(spots) < due:
            ranked, order, spots = _add_members(
                session, request, plan, ranked, order, member=member, n=due, scored=scored
            )
        chosen = spots[:due]
        kept |= set(chosen)
        for spot in chosen:
            if order.index(spot) < k:
                continue
            free = [place for place in range(k) if order[place] not in kept]
            if not free:
                break
            victim = order[free[-1]]
            order = [entry for entry in order if entry not in (spot, victim)]
            order[k - 1 : k - 1] = [spot, victim]
            moved += 1
    detail = f"{moved} items brought up for what is pinned or wanted more of, {lowered} of too much put down"
    return ranked, order, StageReport("wishes", "ran", time.perf_counter() - start, detail)


def _add_members(
    session: Session,
    request: Request,
    plan: Plan,
    ranked: Ranked,
    order: list[int],
    *,
    member: NDArray[np.bool_],
    n: int,
    scored: Scored,
) -> tuple[Ranked, list[int], list[int]]:
    """The list with up to `n` members under its end, and the places of all its members in the new order."""
    shown = {session.catalogue.titles[item] for item in ranked.items}
    more = plan.ranker.rank(
        plan.context,
        _SPARE * n + len(ranked.items),
        exclude_seen=request.exclude_seen,
        allowed=plan.allowed & member,
        steer=plan.steer,
        scored=scored,
    )
    fresh = [
        spot
        for spot in _one_per_title(session.catalogue, more)[0]
        if session.catalogue.titles[more.items[spot]] not in shown
    ][:n]
    size = len(ranked.items)
    # Below everything ranked so far: scores of two lists do not compare.
    floor = float(ranked.scores[-1]) if size else 0.0
    joined = replace(
        ranked,
        items=np.concatenate([ranked.items, more.items[fresh]]),
        scores=np.concatenate([ranked.scores, floor - 1.0 - np.arange(len(fresh), dtype=np.float32)]).astype(
            np.float32
        ),
        confidence=np.concatenate([ranked.confidence, more.confidence[fresh]]),
        sources=(*ranked.sources, *(more.sources[spot] for spot in fresh)),
    )
    order = [*order, *range(size, size + len(fresh))]
    return joined, order, [spot for spot in order if member[joined.items[spot]]]


def _entries(
    session: Session, plan: Plan, ranked: Ranked, order: Sequence[int], *, explain: bool
) -> tuple[Recommendation, ...]:
    catalogue = session.catalogue
    # Calibrated by place in the fused list; what is moved up afterwards takes the place's figure with it.
    confidence = sorted((float(ranked.confidence[spot]) for spot in order), reverse=True)
    tell = _Teller.of(session, plan) if explain else None
    entries = []
    for rank, spot in enumerate(order, start=1):
        item = int(ranked.items[spot])
        sources = ranked.sources[spot]
        reason = tell.reason(item, sources) if tell else Reason("", (), ())
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


@dataclass(frozen=True, slots=True)
class _Teller:
    """Gives the reason for each item of one list."""

    session: Session
    plan: Plan
    context: ReasonContext

    @classmethod
    def of(cls, session: Session, plan: Plan) -> _Teller:
        person = plan.person
        context = ReasonContext(
            log=person.state.log,
            catalogue=session.catalogue,
            frame=person.state.frame,
            facets={facet.key: facet for facet in person.profile.facets},
            changes=person.changes,
            taken=session.taken(person.state.moment_ms),
            language=session.language,
        )
        return cls(session, plan, context)

    def reason(self, item: int, sources: Mapping[str, float]) -> Reason:
        catalogue, state = self.session.catalogue, self.plan.person.state
        carried = self.plan.carried
        if carried is not None and carried.facet[item] >= 0:
            query = self.plan.person.queries[int(carried.facet[item])]
            reason = explain_carried(
                item,
                query.key,
                state,
                share=query.share,
                catalogue=catalogue,
                language=self.session.language,
            )
        else:
            reason = explain_item(self.context, item, sources)
        if self.plan.steering is None:
            return reason
        return add_remarks(
            reason,
            item,
            state,
            members=self.plan.steering.members,
            catalogue=catalogue,
            language=self.session.language,
        )


def _note(session: Session, request: Request, plan: Plan, *, n_found: int) -> str:
    language, person = session.language, plan.person
    n_sessions = person.state.sessions.n_sessions
    parts = []
    if not session.interests.knows(request.user_id):
        parts.append(say(language, "unknown user", user=request.user_id))
    elif not len(person.state.log):
        n_left_out = person.state.n_left_out
        parts.append(say(language, "left out, popular" if n_left_out else "popular", n=n_left_out))
    elif person.profile.note:
        parts.append(person.profile.note)
    if request.use_migration and n_sessions > MOST_SESSIONS:
        parts.append(say(language, "newest", n=MOST_SESSIONS, sessions=n_sessions))
    if plan.carried is not None:
        parts.append(say(language, "carried", domain=request.domain or ""))
    if n_found < request.k:
        parts.append(say(language, "short", found=n_found, asked=request.k))
    return " ".join(parts)
