"""How much a language model's order may count: decided like any weight, until then a small stated prior."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agent.data.store import Store
from agent.llm.address import public_model
from agent.ranking.fusion import MIN_USERS, MIN_WINDOWS
from agent.ranking.rerank import combine
from agent.ranking.windows import Task
from agent.settings import Settings

# Of a model that nobody has tried on the workspace: it may reorder close neighbours, and little else.
PRIOR_LLM_WEIGHT = 0.1
LLM_WEIGHTS = (0.05, 0.1, 0.2, 0.4)
_K = 10
# Half the width of a 95 % interval is so many standard errors.
_Z = 1.96
# Events, as a multiple of those at the decision, from which on deciding again is advised.
_GROWN = 1.5


@dataclass(frozen=True, slots=True)
class Graded:
    """One person's first places in one window.

    Attributes:
        evidence: `(n,)` the model's grades in the order of the list, NaN for none.
        hit: `(n,)` bool, taken in the window.
        n_relevant: items taken in the window, listed or not.
        tokens: that the grades cost.
        seconds: that they took, by the clock.
        degraded: something was missing: an answer, or a part of one.
    """

    window: int
    user: int
    evidence: NDArray[np.float64]
    hit: NDArray[np.bool_]
    n_relevant: int
    tokens: int
    seconds: float = 0.0
    degraded: bool = False


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
class LlmDecision:
    """The weight, and what it rests on.

    Attributes:
        weight: the decided one, or the prior where too little was graded.
        decided: False: fewer than 3 windows or 30 people.
        plain: mean NDCG@10 of the list without the model, on the same people.
        tokens: that the grades cost, per list.
        seconds: that they took, per list, by the clock of the machine that decided.
        degraded: lists in whose grades something was missing.
        n_events: before `moment_ms`, when it was decided.
        moment_ms: of the decision, just after the newest event it knows. It holds from then on: looking back
            further must not use what was learned later.
    """

    weight: float
    decided: bool
    plain: float
    tried: tuple[Tried, ...]
    n_users: int
    n_windows: int
    tokens: float
    model: str
    n_events: int = 0
    moment_ms: int = 0
    seconds: float = 0.0
    degraded: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> LlmDecision:
        """The decision that `to_dict` wrote."""
        tried = tuple(Tried(**{**entry, "by_window": tuple(entry["by_window"])}) for entry in plain["tried"])
        return cls(**{**plain, "tried": tried})

    def verdict(self) -> str:
        """The weight in words."""
        if not self.decided:
            return f"too little to decide on: the prior {self.weight:g} stands"
        return (
            f"weight {self.weight:g}" if self.weight else "no weight gains in every window: the model gets 0"
        )

    def describe(self) -> str:
        """The weight and its evidence, in one line."""
        best = max(self.tried, key=lambda entry: entry.gain)
        shown = next((entry for entry in self.tried if entry.weight == self.weight), best)
        return (
            f"{self.verdict()} (weight {shown.weight:g}: {shown.gain:+.4f} NDCG@10, 95 % {shown.low:+.4f} to "
            f"{shown.high:+.4f}; {self.n_users} people over {self.n_windows} windows, {self.model})"
        )

    def to_markdown(self) -> str:
        """A table of every weight that was tried, and the verdict."""
        lines = ["| weight of the model | gain in NDCG@10 (95 %) | by window |", "|---|---|---|"]
        for entry in self.tried:
            windows = ", ".join(f"{value:+.4f}" for value in entry.by_window)
            gain = f"{entry.gain:+.4f} ({entry.low:+.4f} to {entry.high:+.4f})"
            lines.append(f"| {entry.weight:g} | {gain} | {windows} |")
        about = (
            f"{self.model}, {self.n_users} people over {self.n_windows} windows before T, "
            f"NDCG@10 {self.plain:.4f} without it, {self.tokens:,.0f} tokens and {self.seconds:.1f} s "
            f"a list, {self.degraded} lists with grades missing"
        )
        return "\n".join([*lines, "", f"{about}: **{self.verdict()}**."])


def decide_llm_weight(
    graded: Sequence[Graded], *, model: str, n_events: int = 0, moment_ms: int = 0
) -> LlmDecision:
    """The decision on what was graded; a person of several windows counts once.

    The rule is that of the fusion: a weight must gain in every window, the 95 % interval of the gain over
    people must exclude 0, and of those that do the smallest within one standard error of the best is taken.
    None, and the model gets weight 0: it then costs nothing.

    Raises:
        ValueError: nobody was graded.
    """
    if not graded:
        raise ValueError("expected people who took something in a window, got none")
    windows = np.array([entry.window for entry in graded])
    users, inverse = np.unique([entry.user for entry in graded], return_inverse=True)
    plain = np.array([_value(entry, 0.0) for entry in graded])
    tried = []
    for weight in LLM_WEIGHTS:
        gain = np.array([_value(entry, weight) for entry in graded]) - plain
        mean = np.bincount(inverse, weights=gain) / np.bincount(inverse)
        error = float(mean.std(ddof=1) / np.sqrt(len(mean))) if len(mean) > 1 else float("inf")
        by_window = tuple(float(gain[windows == number].mean()) for number in np.unique(windows))
        middle = float(mean.mean())
        tried.append(Tried(weight, middle, middle - _Z * error, middle + _Z * error, by_window))
    decided = len(np.unique(windows)) >= MIN_WINDOWS and len(users) >= MIN_USERS
    return LlmDecision(
        weight=_smallest(tried) if decided else PRIOR_LLM_WEIGHT,
        decided=decided,
        plain=float(plain.mean()),
        tried=tuple(tried),
        n_users=len(users),
        n_windows=len(np.unique(windows)),
        tokens=float(np.mean([entry.tokens for entry in graded])),
        model=model,
        n_events=n_events,
        moment_ms=moment_ms,
        seconds=float(np.mean([entry.seconds for entry in graded])),
        degraded=sum(entry.degraded for entry in graded),
    )


@dataclass(frozen=True, slots=True)
class LlmWeight:
    """The weight that holds, and why.

    Attributes:
        origin: `settings` fix it, it was `decided` on this workspace's past, or it is the `prior`.
        detail: in words, for the record of a list.
    """

    weight: float
    origin: Literal["settings", "decided", "prior"]
    detail: str


def resolve_llm_weight(
    store: Store, settings: Settings, *, task: Task, n_events: int, moment_ms: int | None = None
) -> LlmWeight:
    """The weight of the settings' model for a task: fixed, else decided on this workspace, else the prior.

    Args:
        store: where decisions are kept.
        settings: the model, how it ranks, and perhaps a fixed weight.
        task: with or without what the user has taken.
        n_events: before the moment; a decision on far fewer says so.
        moment_ms: whose weight is asked for: the newest decision made by then counts. None: now.
    """
    fixed = settings.ranking.llm_weight
    if fixed is not None:
        return LlmWeight(fixed, "settings", f"weight {fixed:g} by ranking.llm_weight")
    decided = [entry for entry in _kept(store, settings, task) if entry.decided]
    found = _newest(decided, moment_ms)
    if found is None:
        why = "decided only later than the moment looked back at"
        if not decided:
            why = "not decided here; run: driftrec fit --decide-llm"
        detail = f"weight {PRIOR_LLM_WEIGHT:g} is a prior, {why}"
        return LlmWeight(PRIOR_LLM_WEIGHT, "prior", detail)
    detail = f"decided on {found.n_users} people over {found.n_windows} windows: {found.verdict()}"
    if n_events > _GROWN * found.n_events:
        detail += f"; {n_events} events now against {found.n_events} then: decide again"
    return LlmWeight(found.weight, "decided", detail)


def load_llm_decision(store: Store, settings: Settings, *, task: Task) -> LlmDecision | None:
    """The newest decision kept for the settings' model, or trial that decided nothing; None without any."""
    return _newest(_kept(store, settings, task), None)


def keep_llm_decision(store: Store, settings: Settings, decision: LlmDecision, *, task: Task) -> None:
    """Keeps a decision beside those of other moments; one of the same model, method, task and moment goes.

    A trial that decided nothing takes the place of no decision.
    """
    others = [
        entry
        for entry in _kept(store, settings, task)
        if (entry.moment_ms, entry.decided) != (decision.moment_ms, decision.decided)
    ]
    plain = [entry.to_dict() for entry in (*others, decision)]
    store.set_meta(_key(settings, task), json.dumps(plain))


def _kept(store: Store, settings: Settings, task: Task) -> list[LlmDecision]:
    """Every decision; one that does not say when it was made counts as none, for it may be of any time."""
    kept = json.loads(store.get_meta(_key(settings, task)) or "[]")
    return [LlmDecision.from_dict(entry) for entry in kept] if isinstance(kept, list) else []


def _newest(decisions: Sequence[LlmDecision], moment_ms: int | None) -> LlmDecision | None:
    """Of those made by the moment if one is given; of one moment the decided one."""
    able = [entry for entry in decisions if moment_ms is None or entry.moment_ms <= moment_ms]
    return max(able, key=lambda entry: (entry.moment_ms, entry.decided), default=None)


def _key(settings: Settings, task: Task) -> str:
    models = ", ".join(public_model(name) for name in settings.llm.chain)
    return f"rerank weight: {models}; {settings.ranking.rerank_method}; {task}"


def _value(entry: Graded, weight: float) -> float:
    """NDCG@10 (textbook) of the list with the model at that weight."""
    order = np.array(combine(entry.evidence, weight=weight), np.int64)[:_K]
    discount = 1.0 / np.log2(np.arange(2, _K + 2))
    if not entry.n_relevant:
        return 0.0
    ideal = float(discount[: min(entry.n_relevant, _K)].sum())
    return float((entry.hit[order] * discount[: len(order)]).sum() / ideal)


def _smallest(tried: Sequence[Tried]) -> float:
    admissible = [entry for entry in tried if entry.admissible]
    if not admissible:
        return 0.0
    best = max(admissible, key=lambda entry: entry.gain)
    error = (best.high - best.gain) / _Z
    return next(entry.weight for entry in admissible if entry.gain >= best.gain - error)
