"""`python -m eval rerank-weight`: how much a language model's order may count, decided before T.

On each of three rolling windows the product makes its list as of the window's start, the model grades the
first places once, and every weight is tried on those grades. The rule is that of the fusion: a weight must
gain in every window, the interval of the gain over people must exclude 0, and of those that do the smallest
within one standard error of the best is taken. None, and the model gets weight 0: it then costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.agent import Agent
from agent.pipeline import recommend, rerank_prompts
from agent.plan import Request, make_plan
from agent.ranking.rerank import Candidate, Method, PromptReranker, combine
from eval.datasets import ProgressCallback
from eval.errors import EvalError
from eval.metrics import hits_of, ndcg
from eval.product import open_past
from eval.splits import Question
from eval.statistics import bootstrap_mean
from eval.tuning import Trial, trials

WEIGHTS = (0.05, 0.1, 0.2, 0.4)
N_WINDOWS = 3
_K = 10
# Half the width of a 95 % interval is so many standard errors.
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Graded:
    """One person's first places in one window.

    Attributes:
        evidence: `(n,)` the model's grades in the order of the list, NaN for none.
        hit: `(n,)` bool, taken in the window.
        n_relevant: items taken in the window, listed or not.
    """

    window: int
    user: int
    evidence: NDArray[np.float64]
    hit: NDArray[np.bool_]
    n_relevant: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Tried:
    """What one weight brought: mean gain in NDCG@10 over people, its 95 % interval, the gain by window."""

    weight: float
    gain: float
    low: float
    high: float
    by_window: tuple[float, ...]

    @property
    def admissible(self) -> bool:
        """It gains in every window, and the interval excludes 0."""
        return self.low > 0 and min(self.by_window) > 0


@dataclass(frozen=True, slots=True)
class WeightDecision:
    """The weight, and what it rests on.

    Attributes:
        plain: mean NDCG@10 of the list without the model, on the same people.
        tokens: that the grades cost, per person.
    """

    weight: float
    plain: float
    tried: tuple[Tried, ...]
    n_users: int
    n_windows: int
    tokens: float
    model: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data."""
        return asdict(self)

    def to_markdown(self) -> str:
        """A table, and what to write into the settings."""
        lines = ["| weight of the model | gain in NDCG@10 (95 %) | by window |", "|---|---|---|"]
        for entry in self.tried:
            windows = ", ".join(f"{value:+.4f}" for value in entry.by_window)
            gain = f"{entry.gain:+.4f} ({entry.low:+.4f} to {entry.high:+.4f})"
            lines.append(f"| {entry.weight:g} | {gain} | {windows} |")
        verdict = (
            f"weight {self.weight:g}" if self.weight else "no weight gains in every window: the model gets 0"
        )
        about = (
            f"{self.model}, {self.n_users} people over {self.n_windows} windows before T, "
            f"NDCG@10 {self.plain:.4f} without it, {self.tokens:,.0f} tokens each"
        )
        return "\n".join([*lines, "", f"{about}: **{verdict}**."])


def decide_weight(graded: Sequence[Graded], *, model: str) -> WeightDecision:
    """The decision on what was graded; a person of several windows counts once.

    Raises:
        EvalError: nobody was graded.
    """
    if not graded:
        raise EvalError("expected people who took something in a window before T, found none")
    windows = np.array([entry.window for entry in graded])
    users, inverse = np.unique([entry.user for entry in graded], return_inverse=True)
    plain = np.array([_value(entry, 0.0) for entry in graded])
    tried = []
    for weight in WEIGHTS:
        gain = np.array([_value(entry, weight) for entry in graded]) - plain
        found = bootstrap_mean(np.bincount(inverse, weights=gain) / np.bincount(inverse))
        by_window = tuple(float(gain[windows == number].mean()) for number in np.unique(windows))
        tried.append(Tried(weight, found.mean, found.low, found.high, by_window))
    return WeightDecision(
        weight=_smallest(tried) if len(np.unique(windows)) >= N_WINDOWS else 0.0,
        plain=float(plain.mean()),
        tried=tuple(tried),
        n_users=len(users),
        n_windows=len(np.unique(windows)),
        tokens=float(np.mean([entry.tokens for entry in graded])),
        model=model,
    )


def grade(
    question: Question, *, model: str, method: Method, n_users: int, progress: ProgressCallback | None = None
) -> list[Graded]:
    """Grades of `n_users` people per window, each list as the product makes it at the window's start.

    Raises:
        EvalError: the model fails.
    """
    found: list[Graded] = []
    tried = trials(question, n_windows=N_WINDOWS, max_users=n_users)
    total = sum(len(trial.users) for trial in tried)
    with open_past(question, model=model) as agent:
        for number, trial in enumerate(tried):
            for place in range(len(trial.users)):
                if progress is not None:
                    progress("lists graded by the model", len(found), total)
                found.append(_grade_one(agent, question, trial, place, method=method, window=number))
    return found


def _grade_one(
    agent: Agent, question: Question, trial: Trial, place: int, *, method: Method, window: int
) -> Graded:
    session, user = agent.session, trial.users[place]
    settings = session.settings.ranking
    request = Request(
        question.train.user_ids[user],
        k=settings.n_rerank,
        as_of_ms=trial.window.cut_ms,
        exclude_seen=question.task == "new",
        explain=False,
        rerank=False,
    )
    listed = recommend(session, request).recommendations
    codes = np.array([question.catalogue.item_codes[entry.item_id] for entry in listed], np.int64)
    if session.backend is None:
        raise EvalError("expected a language model, got none; name one with --model")
    person = make_plan(session, request).person
    candidates = [Candidate(int(c), e.title, e.score) for c, e in zip(codes, listed, strict=True)]
    reranker = PromptReranker(session.backend, method=method, cache=session.store, seed=settings.seed)
    heard = reranker.rerank(candidates, rerank_prompts(session, person.state, person.profile))
    evidence = np.array(heard.evidence, np.float64)
    if len(candidates) > 1 and np.isnan(evidence).all():
        raise EvalError(f"expected grades of {model_name(agent)}, got none: {heard.stage.detail}")
    taken = trial.taken[place]
    return Graded(window, user, evidence, np.isin(codes, taken), len(taken), heard.stage.tokens)


def model_name(agent: Agent) -> str:
    """The name of the model that grades."""
    return agent.session.backend.name if agent.session.backend is not None else "none"


def _value(entry: Graded, weight: float) -> float:
    """NDCG@10 of the list with the model at that weight."""
    order = np.array(combine(entry.evidence, weight=weight), np.int64)
    wanted = [np.concatenate([np.flatnonzero(entry.hit), -1 - np.arange(_missed(entry))]).astype(np.int32)]
    hits, n_relevant = hits_of([order], wanted, k=_K)
    return float(ndcg(hits, n_relevant, k=_K)[0])


def _missed(entry: Graded) -> int:
    """Taken items that are not among the first places: they count as wanted, under codes that nobody has."""
    return entry.n_relevant - int(entry.hit.sum())


def _smallest(tried: Sequence[Tried]) -> float:
    admissible = [entry for entry in tried if entry.admissible]
    if not admissible:
        return 0.0
    best = max(admissible, key=lambda entry: entry.gain)
    error = (best.high - best.gain) / _Z
    return next(entry.weight for entry in admissible if entry.gain >= best.gain - error)
