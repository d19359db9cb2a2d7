"""The language model puts the top of a list in its order, at the weight it has earned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from agent.interests.state import UserState
from agent.interests.words import percent
from agent.listing.person import Person
from agent.ranking.llm_weight import resolve_llm_weight
from agent.ranking.ranker import Ranked
from agent.ranking.rerank import Candidate, PromptReranker
from agent.ranking.rerank_prompts import RerankPrompts
from agent.ranking.windows import Task
from agent.schema import (
    Profile,
    StageReport,
)
from agent.session import Session

_RECENT_TITLES = 10


_PROMPT_FACETS = 5


def rerank_top(
    session: Session, person: Person, ranked: Ranked, untouched: list[int], *, task: Task
) -> tuple[list[int], StageReport]:
    """The places of `ranked` in the order that the model leaves them in, and what it did or why it did not.

    Args:
        untouched: the order without it.
        task: whose decided weight holds.
    """
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
