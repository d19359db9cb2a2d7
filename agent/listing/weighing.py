"""Deciding the language model's weight: its grades of the product's own lists, in windows of the past."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.errors import LlmError, SettingsError
from agent.listing.grading import rerank_prompts
from agent.listing.pipeline import recommend
from agent.listing.plan import make_plan
from agent.listing.request import Request
from agent.ranking.fusion import MIN_WINDOWS
from agent.ranking.llm_weight import Graded, LlmDecision, decide_llm_weight, keep_llm_decision
from agent.ranking.rerank import Candidate, Method, PromptReranker
from agent.ranking.windows import (
    Task,
    Window,
    eligible_users,
    labels_of,
    rolling_windows,
    sample_users,
)
from agent.session import Session

_MIN_EVENTS = 5
_STAGE = "Lists graded by the model"
_Labels = dict[int, NDArray[np.int32]]


def decide_llm(session: Session, *, n_users: int) -> dict[Task, LlmDecision]:
    """The weight of the session's model by task, decided on its own past and kept in the workspace.

    Args:
        session: with a language model.
        n_users: people graded per window and task.

    Raises:
        SettingsError: there is no model, or nobody took anything in a window.
        LlmError: the model fails.
    """
    tasks: tuple[Task, ...] = ("new", "any") if session.ranker(session.now_ms).repeats else ("new",)
    found: dict[Task, LlmDecision] = {}
    for task in tasks:
        found[task] = weigh(session, task=task, n_users=n_users)
        keep_llm_decision(session.store, session.settings, found[task], task=task)
    return found


def weigh(
    session: Session,
    *,
    task: Task,
    n_users: int,
    method: Method | None = None,
    length_days: float | None = None,
    n_windows: int = MIN_WINDOWS,
) -> LlmDecision:
    """What grades of the past say of the model's weight; nothing is kept.

    Args:
        session: with a language model.
        task: `new` items alone, or `any`.
        n_users: people graded per window.
        method: of the rerank; None takes the settings'.
        length_days: of a window; None takes the settings' horizon.
        n_windows: how many; fewer than three decide nothing.

    Raises:
        SettingsError: there is no model, or nobody took anything in a window.
        LlmError: the model fails.
    """
    if session.backend is None:
        raise SettingsError("expected a language model to weigh, got none; name one with --model")
    length = session.settings.ranking.horizon_days if length_days is None else length_days
    windows = rolling_windows(session.log, now_ms=session.now_ms, length_days=length, n=n_windows)
    asked = [
        (number, window, *_takers(session, window, task, n_users)) for number, window in enumerate(windows)
    ]
    total = sum(len(users) for _, _, users, _ in asked)
    graded: list[Graded] = []
    for number, window, users, labels in asked:
        for user in users:
            session.progress(_STAGE, len(graded), total)
            graded.append(
                _grade(session, window, user, task=task, taken=labels[user], number=number, method=method)
            )
    session.progress(_STAGE, total, total)
    if not graded:
        raise SettingsError("expected people who took something new in a window of the past, found none")
    return decide_llm_weight(
        graded, model=session.backend.name, n_events=len(session.log), moment_ms=session.now_ms
    )


def _takers(session: Session, window: Window, task: Task, n_users: int) -> tuple[list[int], _Labels]:
    labels = labels_of(session.log, window, task=task)
    able = eligible_users(session.log, cut_ms=window.cut_ms, min_events=_MIN_EVENTS)
    takers = np.intersect1d(able, np.array(sorted(labels), np.int64))
    return sample_users(takers, limit=n_users, seed=session.settings.ranking.seed), labels


def _grade(
    session: Session,
    window: Window,
    user: int,
    *,
    task: Task,
    taken: NDArray[np.int32],
    number: int,
    method: Method | None,
) -> Graded:
    """One list as the product makes it at the window's start, graded once; every weight is tried on it."""
    settings = session.settings.ranking
    request = Request(
        session.log.user_ids[user],
        k=settings.n_rerank,
        as_of_ms=window.cut_ms,
        exclude_seen=task == "new",
        explain=False,
        rerank=False,
    )
    listed = recommend(session, request).recommendations
    codes = np.array([session.catalogue.item_codes[entry.item_id] for entry in listed], np.int64)
    person = make_plan(session, request).person
    assert session.backend is not None, "asked for before"
    reranker = PromptReranker(
        session.backend,
        method=settings.rerank_method if method is None else method,
        weight=1.0,
        cache=session.store,
        seed=settings.seed,
    )
    candidates = [Candidate(int(c), e.title, e.score) for c, e in zip(codes, listed, strict=True)]
    heard = reranker.rerank(candidates, rerank_prompts(session, person.state, person.profile))
    evidence = np.array(heard.evidence, np.float64)
    if len(candidates) > 1 and np.isnan(evidence).all():
        raise LlmError(f"expected grades of {session.backend.name}, got none: {heard.stage.detail}")
    return Graded(
        number,
        user,
        evidence,
        np.isin(codes, taken),
        len(taken),
        heard.stage.tokens,
        seconds=heard.stage.seconds,
        degraded=heard.stage.status == "degraded",
    )
