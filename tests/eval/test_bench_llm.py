"""The scoring bench: what it counts, on the smallest real model."""

from __future__ import annotations

import pytest

from agent.llm.llamacpp import LlamaCppBackend
from agent.llm.registry import model_path
from eval.bench.llm import Work, llm_rows, take_turn


@pytest.mark.model
def test_a_turn_measures_all_ways_of_scoring():
    backend = LlamaCppBackend(model_path("smollm2-135m"), context_tokens=1024)
    work = Work("What a person chose:\n" + "bread and milk\n" * 20, tuple(f"title {n}" for n in range(20)))
    try:
        take_turn(backend, work)
        turn = take_turn(backend, work)
    finally:
        backend.close()
    assert min(turn.plain, turn.whole, turn.scored) > 1
    assert turn.together > 2 * turn.one_by_one, "one prefix for all against one for each"


@pytest.mark.parametrize("model", ["none", "openai:gpt-4o-mini"])
def test_without_a_local_model_nothing_is_claimed(model):
    (row,) = llm_rows(model)
    assert row.figure.startswith("not measured")
    assert row.met is None
