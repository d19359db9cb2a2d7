"""The measure of the model's weight: the product's own trial, on a workspace that holds nothing after T."""

from __future__ import annotations

import pytest

from eval.audits.rerank_weight import measure
from eval.data.splits import make_split
from eval.errors import EvalError
from eval.runs.smoke import smoke_data


def test_the_real_model_grades_lists_of_windows_before_t(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    question, _ = make_split(smoke_data()["smoke"], max_users=0)[0]
    monkeypatch.setattr("eval.audits.rerank_weight.N_WINDOWS", 1)  # each window is a fit of its own
    steps = []
    found = measure(
        question,
        model="smollm2-135m",
        method="likelihood",
        n_users=3,
        progress=lambda stage, done, total: steps.append(stage),
    )
    assert (found.n_users, found.n_windows, found.decided) == (3, 1, False)
    assert found.tokens > 0 and 0 < found.plain < 1 and "smollm2" in found.to_markdown()
    assert "Lists graded by the model" in steps
    with pytest.raises(EvalError, match="--model"):
        measure(question, model="none", method="auto", n_users=2)
