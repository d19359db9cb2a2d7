"""How fast the local model scores candidates: against its own prompt speed, and against the plain way.

All are measured in turn, over and over, so that what else the machine does falls on all alike; the figures
are medians over the turns. A token counts as scored when its probability comes back: beginnings that titles
have in common are decoded once, and the last token of a title not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from agent.agent import Agent
from agent.interests.room import UserState
from agent.listing.grading import rerank_prompts
from agent.listing.pipeline import recommend
from agent.listing.request import Request
from agent.llm.llamacpp import LlamaCppBackend
from agent.llm.registry import model_path
from agent.ranking.rerank_prompts import title_line
from eval.rows import BENCH_WORKSPACE, Row

_TURNS = 7
_PLAIN_TOKENS = 256
# One call at a time without reuse decodes the whole prefix for each candidate: a few show the speed.
_ONE_BY_ONE = 4


@dataclass(frozen=True, slots=True)
class Work:
    """One user's rerank: what stands before the titles, and the titles."""

    prefix: str
    titles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """Speeds of one turn.

    Attributes:
        plain: prompt tokens per second.
        whole: tokens of prefix and titles per second, the prefix decoded as well.
        scored: tokens of titles per second, the prefix at hand from the call before.
        together: candidates per second, prefix decoded once per list.
        one_by_one: candidates per second, each with the prefix decoded anew.
    """

    plain: float
    whole: float
    scored: float
    together: float
    one_by_one: float


def llm_rows(model: str) -> Iterator[Row]:
    """The rows of `make bench` on the scoring speed of a local model; reads the bench workspace."""
    if model == "none":
        yield Row("likelihood scoring", "not measured: --model none")
        return
    name = model.removeprefix("llamacpp:")
    if ":" in name:
        yield Row("likelihood scoring", f"not measured: {model} gives no likelihoods")
        return
    work = _collect_work(_TURNS)
    backend = LlamaCppBackend(model_path(name), name=name, timeout_s=300)
    try:
        take_turn(backend, work[0])  # contexts are made with the first use
        turns = [take_turn(backend, entry) for entry in work]
    finally:
        backend.close()
    plain = _median(turns, lambda turn: turn.plain)
    yield Row(f"plain prompt speed of {name}", f"{plain:.0f} tokens/s")
    for what, measure in (
        ("scoring 20 titles, prefix decoded too, against it", lambda turn: turn.whole / turn.plain),
        ("scoring 20 titles, prefix at hand, against it", lambda turn: turn.scored / turn.plain),
    ):
        ratio = _median(turns, measure)
        yield Row(f"  {what}", f"{ratio:.2f} × ({ratio * plain:.0f} tokens/s)", "≥ 0.75 ×", ratio >= 0.75)
    gain = _median(turns, lambda turn: turn.together / turn.one_by_one)
    speed = _median(turns, lambda turn: turn.together)
    yield Row(
        "  candidates against one call each without prefix reuse",
        f"{gain:.1f} × ({speed:.1f} candidates/s)",
        "≥ 5 ×",
        gain >= 5,
    )


def _collect_work(n: int) -> list[Work]:
    """The rerank of `n` users of the bench workspace, as the pipeline would ask for it."""
    with Agent.open(BENCH_WORKSPACE, model="none") as agent:
        session = agent.session
        users = session.users_with_sessions()
        rng = np.random.default_rng(0)
        chosen = [users[spot] for spot in rng.choice(len(users), size=min(n, len(users)), replace=False)]
        found = []
        for user_id in chosen:
            state: UserState = session.interests.open_user(user_id)
            profile = session.interests.profile_of(state, with_evidence=False)
            listed = recommend(
                session, Request(user_id, k=session.settings.ranking.n_rerank, explain=False, rerank=False)
            )
            titles = tuple(title_line(entry.title) for entry in listed)
            found.append(Work(rerank_prompts(session, state, profile).history().user, titles))
        return found


def take_turn(backend: LlamaCppBackend, work: Work) -> Turn:
    """One round of all measurements, one after the other."""
    plain = backend.measure_speed(prompt_tokens=_PLAIN_TOKENS).prompt
    fresh = backend.score(work.prefix, work.titles, reuse=False)
    warm = backend.score(work.prefix, work.titles)
    few = work.titles[:_ONE_BY_ONE]
    alone = sum(backend.score(work.prefix, [title], reuse=False).seconds for title in few)
    return Turn(
        plain=plain,
        whole=(fresh.prompt_tokens + fresh.scored_tokens) / fresh.seconds,
        scored=warm.scored_tokens / warm.seconds,
        together=len(work.titles) / fresh.seconds,
        one_by_one=len(few) / alone,
    )


def _median(turns: Sequence[Turn], measure: Callable[[Turn], float]) -> float:
    return float(np.median([measure(turn) for turn in turns]))
