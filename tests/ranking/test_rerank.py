"""The reranker against scripted backends: faults keep the prior order, good answers reorder."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import BackendError, BackendTimeoutError
from agent.llm.backend import Capabilities, Completion, Scores
from agent.ranking.rerank import Candidate, PromptReranker, combine, labels, score_schema

TITLES = ("Milk", "Bread", "Dragon fruit", "Cheese")
CANDIDATES = [Candidate(10 + i, title, 1.0 - i / 10) for i, title in enumerate(TITLES)]


class Double:
    """Answers `score` from tables by prefix and title, and `complete` with given text or data."""

    name = "double:"
    capabilities = Capabilities(structured=True, score=True)

    def __init__(self, tables=None, text="", data=None, error=None):
        self.tables, self.text, self.data, self.error = tables or {}, text, data, error
        self.scored, self.asked = [], []

    def complete(self, request):
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        return Completion(self.text, "double", data=self.data, prompt_tokens=40, output_tokens=5)

    def score(self, prefix, continuations, *, stage="rerank"):
        self.scored.append((prefix, tuple(continuations)))
        if self.error is not None:
            raise self.error
        table = self.tables[prefix]
        logprobs = tuple(table[title] for title in continuations)
        return Scores(logprobs, "double", prompt_tokens=7, scored_tokens=sum(map(len, logprobs)))

    def close(self):
        pass


def likelihoods():
    """Milk is likely after anything; cheese gains most by the history, per token."""
    return {
        "history": {"Milk": (-1.0,), "Bread": (-2.0,), "Dragon fruit": (-6.0, -4.0), "Cheese": (-1.5,)},
        "prior": {"Milk": (-1.0,), "Bread": (-2.5,), "Dragon fruit": (-5.0, -3.0), "Cheese": (-6.0,)},
    }


def rerank(reranker, candidates=CANDIDATES):
    return reranker.rerank(candidates, history_prefix="history", prior_prefix="prior")


def test_likelihood_orders_by_what_the_history_adds():
    found = rerank(PromptReranker(Double(likelihoods()), weight=1.0))
    assert found.order == (3, 1, 0, 2)
    assert found.evidence == pytest.approx((0.0, 0.5, -1.0, 4.5))
    assert found.stage.status == "ran"
    assert found.stage.tokens == 2 * (7 + 5)


def test_small_weight_moves_little():
    # Prior 1, 2/3, 1/3, 0; model 1/3, 2/3, 0, 1: mixed at 0.25 .833, .667, .25, .25; the tie keeps the prior.
    assert rerank(PromptReranker(Double(likelihoods()), weight=0.25)).order == (0, 1, 2, 3)
    assert rerank(PromptReranker(Double(likelihoods()), weight=0.4)).order == (0, 1, 3, 2)


def test_priors_are_asked_for_once():
    backend = Double(likelihoods())
    reranker = PromptReranker(backend)
    rerank(reranker)
    rerank(reranker)
    assert [prefix for prefix, _ in backend.scored] == ["prior", "history", "history"]


class Cache(dict):
    def cache_get(self, key):
        return self.get(key)

    def cache_put(self, key, value):
        self[key] = value


def test_priors_outlive_the_process_in_a_cache():
    cache = Cache()
    first = rerank(PromptReranker(Double(likelihoods()), weight=1.0, cache=cache))
    backend = Double(likelihoods())
    assert rerank(PromptReranker(backend, weight=1.0, cache=cache)).evidence == first.evidence
    assert [prefix for prefix, _ in backend.scored] == ["history"]
    assert len(cache) == len(TITLES)


def test_priors_of_another_prompt_are_not_reused():
    tables = likelihoods()
    tables["prior 2"] = {title: (-9.0,) for title in TITLES}
    backend = Double(tables)
    reranker = PromptReranker(backend, weight=1.0)
    rerank(reranker)
    reranker.rerank(CANDIDATES, history_prefix="history", prior_prefix="prior 2")
    assert [prefix for prefix, _ in backend.scored] == ["prior", "history", "prior 2", "history"]


def test_equal_titles_are_scored_once_without_history():
    backend = Double(likelihoods())
    rerank(PromptReranker(backend), [Candidate(1, "Milk", 1.0), Candidate(2, "Milk", 0.5)])
    assert backend.scored[0] == ("prior", ("Milk",))


def test_a_title_without_tokens_keeps_its_place():
    tables = likelihoods()
    tables["history"]["Bread"] = ()
    found = rerank(PromptReranker(Double(tables), weight=1.0))
    assert found.order == (3, 1, 0, 2)
    assert np.isnan(found.evidence[1])
    assert found.stage.status == "degraded"
    assert "1 of 4" in found.stage.detail


@pytest.mark.parametrize("method", ["likelihood", "scores"])
@pytest.mark.parametrize("error", [BackendError("crashed"), BackendTimeoutError("too slow")])
def test_a_failing_backend_keeps_the_prior_order_in_the_open(method, error):
    found = rerank(PromptReranker(Double(error=error), method=method, weight=1.0))
    assert found.order == (0, 1, 2, 3)
    assert found.stage.status == "degraded"
    assert type(error).__name__ in found.stage.detail
    assert str(error) in found.stage.detail


def test_weight_zero_asks_nothing():
    backend = Double(likelihoods())
    found = rerank(PromptReranker(backend, weight=0))
    assert found.order == (0, 1, 2, 3)
    assert found.stage.status == "skipped"
    assert backend.scored == []


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_candidates(n):
    assert rerank(PromptReranker(Double(likelihoods())), CANDIDATES[:n]).order == tuple(range(n))


def test_scores_order_by_label():
    backend = Double(data={"C01": 10, "C02": 90, "C03": 50, "C04": 70})
    found = rerank(PromptReranker(backend, method="scores", weight=1.0))
    assert found.order == (1, 3, 2, 0)
    assert found.stage.tokens == 45
    assert backend.asked[0].schema == score_schema(labels(4))
    assert backend.asked[0].schema["required"] == ["C01", "C02", "C03", "C04"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I like cheese",
        "[1, 2]",
        '{"C01": 3',
        '{"C99": 100, "item 7": 100}',
        '{"C01": "high", "C02": true}',
    ],
)
def test_garbage_moves_nothing(text):
    found = rerank(PromptReranker(Double(text=text), method="scores", weight=1.0))
    assert found.order == (0, 1, 2, 3)
    assert found.stage.status == "degraded"


def test_left_out_and_impossible_scores_keep_their_place():
    text = json.dumps({"C01": 10, "C02": 1000, "C04": 90, "C77": 99})
    found = rerank(PromptReranker(Double(text=text), method="scores", weight=1.0))
    assert found.order == (3, 1, 2, 0)
    assert "2 of 4" in found.stage.detail


@given(
    st.lists(st.one_of(st.just(float("nan")), st.floats(-50, 50)), min_size=0, max_size=25),
    st.floats(0, 1),
)
def test_combine_is_a_permutation_that_leaves_the_unheard_in_place(evidence, weight):
    order = combine(np.array(evidence, np.float64), weight=weight)
    assert sorted(order) == list(range(len(evidence)))
    for place, value in enumerate(evidence):
        if np.isnan(value):
            assert order[place] == place
    if weight == 0:
        assert order == tuple(range(len(evidence)))
