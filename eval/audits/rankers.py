"""What is audited: a language model as the product asks it, and two controls that every audit must catch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from numpy import float64
from numpy.typing import NDArray

from agent.errors import LlmError
from agent.llm.backend import Backend, LlmRequest
from agent.llm.compose import compose_backend
from agent.ranking.rerank import Candidate, Method, PromptReranker
from agent.ranking.rerank_prompts import RerankPrompts, labels, title_line
from agent.ranking.score_object import read_scores, score_schema
from agent.settings import LlmSettings
from eval.data.datasets import ProgressCallback
from eval.errors import EvalError

AuditMethod = Literal["auto", "likelihood", "scores"]


@dataclass(frozen=True, slots=True)
class Figures:
    """What came back for one list of candidates.

    Attributes:
        values: what each candidate got, in the order shown, higher is better; NaN for none.
        problem: what went wrong; empty when nothing did.
    """

    values: tuple[float, ...]
    tokens: int = 0
    problem: str = ""


class SlateRanker(Protocol):
    """Anything that grades candidates for a person. It never learns which one is right."""

    @property
    def name(self) -> str:
        """As printed."""
        ...

    def rank(self, candidates: Sequence[Candidate], prompts: RerankPrompts) -> Figures:
        """A figure for each candidate, given in the order shown."""
        ...


@dataclass(frozen=True)
class CopyRanker:
    """Control: the order it was shown."""

    name: str = "control: copies the order"

    def rank(self, candidates: Sequence[Candidate], prompts: RerankPrompts) -> Figures:
        """See `SlateRanker.rank`."""
        return Figures(tuple(-float(place) for place in range(len(candidates))))


@dataclass(frozen=True)
class PopularityRanker:
    """Control: the popular first, whoever asks. `percentile` by item code."""

    percentile: NDArray[float64]
    name: str = "control: popularity"

    def rank(self, candidates: Sequence[Candidate], prompts: RerankPrompts) -> Figures:
        """See `SlateRanker.rank`."""
        return Figures(tuple(float(self.percentile[candidate.item]) for candidate in candidates))


@dataclass
class ModelRanker:
    """A language model alone, without any prior order.

    Attributes:
        method: `likelihood` and `scores` as in `PromptReranker`; `auto` takes the first where there is any.
        rounds: of `scores`: 1 asks once, in the very order shown; more asks over so many shuffles of it and
            averages, as the product does.
    """

    backend: Backend
    method: AuditMethod = "auto"
    rounds: int = 1
    _reranker: PromptReranker = field(init=False, repr=False)

    def __post_init__(self) -> None:
        resolved: Method = self.method
        if resolved == "auto":
            resolved = "likelihood" if self.backend.capabilities.score else "scores"
        if resolved == "likelihood" and not self.backend.capabilities.score:
            raise EvalError(f"{self.backend.name} gives no likelihoods; use --method scores")
        self.method = resolved
        self._reranker = PromptReranker(self.backend, method=resolved, weight=1.0, rounds=self.rounds)

    @property
    def name(self) -> str:
        """Model and method."""
        how = f", {self.rounds} shuffles" if self.method == "scores" and self.rounds > 1 else ""
        return f"{self.backend.name}, {self.method}{how}"

    def rank(self, candidates: Sequence[Candidate], prompts: RerankPrompts) -> Figures:
        """See `SlateRanker.rank`."""
        if self.method == "scores" and self.rounds == 1:
            return self._ask_once(candidates, prompts)
        found = self._reranker.rerank(candidates, prompts)
        problem = found.stage.detail if found.stage.status == "degraded" else ""
        return Figures(found.evidence, found.stage.tokens, problem)

    def _ask_once(self, candidates: Sequence[Candidate], prompts: RerankPrompts) -> Figures:
        names = labels(len(candidates))
        prompt = prompts.scores([title_line(candidate.title) for candidate in candidates])
        request = LlmRequest(
            system=prompt.system,
            user=prompt.user,
            stage="rerank",
            schema=score_schema(names),
            max_output_tokens=16 + 10 * len(names),
            prompt_hash=prompt.hash,
        )
        try:
            answer = self.backend.complete(request)
        except LlmError as error:
            return Figures((float("nan"),) * len(names), 0, f"{type(error).__name__}: {error}")
        values = read_scores(answer.data, answer.text, names)
        missing = sum(value != value for value in values)
        problem = answer.note or (f"{missing} candidates without a score" if missing else "")
        tokens = answer.prompt_tokens + answer.output_tokens
        return Figures(tuple(values), tokens, problem)


class _Memory:
    """Answers kept for this process."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    def cache_get(self, key: str) -> str | None:
        """See `TextCache.cache_get`."""
        return self._kept.get(key)

    def cache_put(self, key: str, value: str) -> None:
        """See `TextCache.cache_put`."""
        self._kept[key] = value


def open_model(model: str, *, offline: bool = False, progress: ProgressCallback | None = None) -> Backend:
    """The backend of a model name as on the command line, with the product's wrappers.

    Raises:
        EvalError: `none`, where there is nothing to audit.
        SettingsError: a name of no known kind.
    """
    settings = LlmSettings().with_model(model)

    def told(done: int, total: int) -> None:
        if progress is not None:
            progress("Fetching the language model", done, total)

    backend = compose_backend(settings, _Memory(), offline=offline, progress=told)
    if backend is None:
        raise EvalError(f"expected a language model such as qwen2.5-coder-0.5b, got {model!r}")
    return backend
