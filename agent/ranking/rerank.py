"""Reranking of the top of the list by a language model, that can neither invent nor lose an item."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agent.errors import LlmError
from agent.llm.backend import Backend, LlmRequest
from agent.llm.cached import TextCache
from agent.schema import StageReport

Method = Literal["likelihood", "scores"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One item of the list before reranking: its code, its title as the model reads it, its prior score."""

    item: int
    title: str
    score: float


@dataclass(frozen=True, slots=True)
class Reranked:
    """The same candidates in their new order.

    Attributes:
        order: positions in the list that was given, best first; a permutation of it.
        evidence: the model's raw figure per given position; NaN where it gave none.
        stage: what ran and what it cost; `degraded` when the prior order was kept.
    """

    order: tuple[int, ...]
    evidence: tuple[float, ...]
    stage: StageReport


@dataclass
class PromptReranker:
    """Combines the prior order with what the model makes of each candidate.

    `likelihood`: log-probability per token of the title after the history, minus the same without history
    (a common title is likely after anything). `scores`: one required integer 0–100 per opaque label.
    Either is turned into ranks, and so is the prior order: `(1 − weight) · prior + weight · model`.
    A candidate that the model left out keeps its place. When the backend fails, the whole prior order
    stays, and the stage says so.

    Attributes:
        weight: of the model, 0–1; 0 does not call it.
        cache: optional, for likelihoods without history.
    """

    backend: Backend
    method: Method = "likelihood"
    weight: float = 0.25
    cache: TextCache | None = None
    _priors: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def rerank(self, candidates: Sequence[Candidate], *, history_prefix: str, prior_prefix: str) -> Reranked:
        """The candidates reordered; never more, fewer or others.

        Args:
            candidates: best first.
            history_prefix: rendered prompt with profile and recent titles; for `scores` the candidates
                by label (`labels`) as well.
            prior_prefix: the same prompt without profile and history; unused by `scores`.
        """
        untouched = tuple(range(len(candidates)))
        silent = (float("nan"),) * len(candidates)
        if self.weight == 0 or len(candidates) < 2:
            why = "weight 0" if self.weight == 0 else f"{len(candidates)} candidates"
            return Reranked(untouched, silent, StageReport("rerank", "skipped", 0.0, why))
        start = time.perf_counter()
        try:
            if self.method == "likelihood":
                evidence, tokens = self._likelihood(candidates, history_prefix, prior_prefix)
            else:
                evidence, tokens = self._scores(candidates, history_prefix)
        except LlmError as error:
            why = f"prior order kept: {type(error).__name__}: {error}"
            return Reranked(
                untouched, silent, StageReport("rerank", "degraded", time.perf_counter() - start, why)
            )
        order = combine(evidence, weight=self.weight)
        missing = int(np.isnan(evidence).sum())
        detail = f"{self.method}, weight {self.weight:g}, {self.backend.name}"
        if missing:
            detail += f"; {missing} of {len(candidates)} without an answer kept their place"
        stage = StageReport(
            "rerank", "degraded" if missing else "ran", time.perf_counter() - start, detail, tokens
        )
        return Reranked(order, tuple(float(value) for value in evidence), stage)

    def _likelihood(
        self, candidates: Sequence[Candidate], history_prefix: str, prior_prefix: str
    ) -> tuple[NDArray[np.float64], int]:
        titles = [candidate.title for candidate in candidates]
        keys = [_key(self.backend.name, prior_prefix, title) for title in titles]
        fresh = sorted({t for t, key in zip(titles, keys, strict=True) if self._prior(key) is None})
        tokens = 0
        if fresh:
            values, tokens = self._per_token(prior_prefix, fresh)
            for title, value in zip(fresh, values, strict=True):
                self._keep(_key(self.backend.name, prior_prefix, title), float(value))
        after, more = self._per_token(history_prefix, titles)
        before = np.array([self._priors.get(key, np.nan) for key in keys], np.float64)
        return after - before, tokens + more

    def _per_token(self, prefix: str, titles: Sequence[str]) -> tuple[NDArray[np.float64], int]:
        """Mean log-probability per token of each title, NaN for one without tokens; tokens read."""
        scores = self.backend.score(prefix, titles, stage="rerank")
        got = [float(np.mean(logprobs)) if logprobs else float("nan") for logprobs in scores.token_logprobs]
        got += [float("nan")] * (len(titles) - len(got))
        values = np.array(got[: len(titles)], np.float64)
        values[~np.isfinite(values)] = np.nan
        return values, scores.prompt_tokens + scores.scored_tokens

    def _prior(self, key: str) -> float | None:
        if key not in self._priors and self.cache is not None:
            kept = self.cache.cache_get(key)
            if kept is not None:
                self._priors[key] = float(kept)
        return self._priors.get(key)

    def _keep(self, key: str, value: float) -> None:
        if np.isnan(value):
            return
        self._priors[key] = value
        if self.cache is not None:
            self.cache.cache_put(key, repr(value))

    def _scores(
        self, candidates: Sequence[Candidate], history_prefix: str
    ) -> tuple[NDArray[np.float64], int]:
        names = labels(len(candidates))
        answer = self.backend.complete(
            LlmRequest(
                system="",
                user=history_prefix,
                stage="rerank",
                schema=score_schema(names),
                max_output_tokens=16 + 10 * len(names),
            )
        )
        data: Mapping[str, object] = answer.data if answer.data is not None else _parsed(answer.text)
        evidence = np.array([_score_of(data.get(name)) for name in names], np.float64)
        return evidence, answer.prompt_tokens + answer.output_tokens


def labels(n: int) -> tuple[str, ...]:
    """`C01`, `C02`, …: opaque names for candidates, so that no id can be invented."""
    return tuple(f"C{number:02d}" for number in range(1, n + 1))


def score_schema(names: Sequence[str]) -> dict[str, object]:
    """JSON schema of one required integer 0–100 per label, nothing else."""
    return {
        "type": "object",
        "properties": {name: {"type": "integer", "minimum": 0, "maximum": 100} for name in names},
        "required": list(names),
        "additionalProperties": False,
    }


def combine(evidence: NDArray[np.float64], *, weight: float) -> tuple[int, ...]:
    """Positions, best first, after mixing the prior order with the model's.

    Both are ranks scaled to 0–1 (best 1; equal evidence shares the mean rank). Candidates with NaN evidence
    stay where they were, the others are sorted into the places that remain. Ties keep the prior order.

    >>> combine(np.array([0.1, 0.9, 0.5]), weight=1.0)
    (1, 2, 0)
    >>> combine(np.array([0.1, float("nan"), 0.5]), weight=1.0)
    (2, 1, 0)
    """
    from scipy.stats import rankdata

    heard = np.flatnonzero(~np.isnan(evidence))
    order = np.arange(len(evidence))
    if len(heard) > 1:
        span = len(heard) - 1
        prior = 1.0 - np.arange(len(heard)) / span
        model = (rankdata(evidence[heard]) - 1.0) / span
        mixed = (1.0 - weight) * prior + weight * model
        order[heard] = heard[np.argsort(-mixed, kind="stable")]
    return tuple(int(position) for position in order)


def _score_of(value: object) -> float:
    """The score 0–100, NaN for anything else (a missing label, text, a number out of range)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 100:
        return float("nan")
    return float(value)


def _parsed(text: str) -> Mapping[str, object]:
    """The JSON object of `text`; empty when it is none, so that every candidate keeps its place."""
    try:
        parsed = json.loads(text)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _key(backend: str, prefix: str, title: str) -> str:
    digest = hashlib.sha256("\0".join((backend, prefix, title)).encode()).hexdigest()
    return f"rerank-prior:{digest}"
