"""One recommendation call from end to end: profile, candidates, fusion, rerank, reasons."""

from __future__ import annotations

import time
from dataclasses import replace

from agent.interests.migration import moment
from agent.interests.notes import say
from agent.listing.entries import list_entries
from agent.listing.grading import rerank_top
from agent.listing.person import MOST_SESSIONS
from agent.listing.plan import Plan, make_plan
from agent.listing.promises import keep_word
from agent.listing.request import Request
from agent.listing.variety import SPARE, one_per_title
from agent.ranking.confidence import modest_confidence
from agent.ranking.ranker import Ranked, Scored
from agent.ranking.windows import Task
from agent.schema import (
    RecommendationList,
    StageReport,
    UserId,
)
from agent.session import Session


def recommend(session: Session, request: Request) -> RecommendationList:
    """The answer to `request`.

    Raises:
        SettingsError: `k` below 1, or a domain or category that no item has.
    """
    plan = make_plan(session, request)
    return recommend_planned(session, request, plan, plan.ranker.score(plan.context))


def recommend_planned(session: Session, request: Request, plan: Plan, scored: Scored) -> RecommendationList:
    """The same from a plan that was made and scores that were computed, so that several may share them."""
    wanted = SPARE * max(request.k, session.settings.ranking.n_rerank)
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
    order, twins = one_per_title(session.catalogue, ranked)
    if twins:
        detail = f"{twins} further items with the title of a better one left out"
        stages.append(StageReport("variety", "ran", 0.0, detail))
    if request.rerank:
        task: Task = "new" if plan.ranker.excludes(request.exclude_seen) else "any"
        order, stage = rerank_top(session, plan.person, ranked, order, task=task)
        stages.append(stage)
    if plan.steering is not None and (plan.steering.promised or plan.steering.capped):
        ranked, order, stage = keep_word(session, request, plan, ranked, order, scored=scored)
        stages.append(stage)

    start = time.perf_counter()
    entries = list_entries(session, plan, ranked, order[: request.k], explain=request.explain)
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
