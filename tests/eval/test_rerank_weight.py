"""The language model's weight: a rule of the fusion's kind, on grades that the product's own lists got."""

from __future__ import annotations

import numpy as np
import pytest

from eval.errors import EvalError
from eval.rerank_weight import WEIGHTS, Graded, decide_weight, grade
from eval.smoke import smoke_data
from eval.splits import make_split

rng = np.random.default_rng(0)


def graded_by(grades, *, n_windows=3, n_users=40):
    """People with twelve places; one of two wanted items is listed, near the top."""
    found = []
    for window in range(n_windows):
        for user in range(n_users):
            hit = np.zeros(12, bool)
            hit[min(int(rng.exponential(2.5)), 11)] = True
            found.append(Graded(window, user + 1000 * window, grades(hit), hit, 2, 100))
    return found


def test_a_model_that_knows_gets_a_weight():
    found = decide_weight(graded_by(lambda hit: hit + 0.1 * rng.random(12)), model="knows")
    assert found.weight in WEIGHTS
    chosen = next(entry for entry in found.tried if entry.weight == found.weight)
    assert chosen.admissible and f"weight {found.weight:g}" in found.to_markdown()


def test_a_model_that_guesses_gets_none():
    found = decide_weight(graded_by(lambda hit: rng.random(12)), model="guesses")
    assert found.weight == 0 and "the model gets 0" in found.to_markdown()


def test_two_windows_decide_nothing():
    found = decide_weight(graded_by(lambda hit: hit + 0.0, n_windows=2), model="knows")
    assert found.weight == 0 and found.tried[-1].low > 0


def test_a_loss_in_one_window_is_enough_to_say_no():
    knows = graded_by(lambda hit: hit + 0.0, n_windows=2)
    errs = [
        Graded(2, entry.user + 5000, -entry.evidence, entry.hit, 2, 100)
        for entry in knows
        if not entry.window
    ]
    found = decide_weight([*knows, *errs], model="moody")
    assert max(entry.gain for entry in found.tried) > 0 and found.weight == 0


def test_an_item_that_is_not_listed_still_counts_as_wanted():
    hit = np.r_[True, np.zeros(11, bool)]
    (entry,) = [Graded(0, 0, np.zeros(12), hit, 2, 1)]
    assert decide_weight([entry], model="m").plain == pytest.approx(1 / (1 + 1 / np.log2(3)))


def test_nobody_to_decide_on_is_an_error():
    with pytest.raises(EvalError, match="found none"):
        decide_weight([], model="m")


def test_the_real_model_grades_lists_of_windows_before_t(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    question, _ = make_split(smoke_data()["smoke"], max_users=0)[0]
    monkeypatch.setattr("eval.rerank_weight.N_WINDOWS", 1)  # each window is a fit of its own
    found = grade(question, model="smollm2-135m", method="likelihood", n_users=3)
    assert [entry.window for entry in found] == [0, 0, 0]
    assert all(len(entry.evidence) == len(entry.hit) > 5 for entry in found)
    assert all(np.isfinite(entry.evidence).all() and entry.tokens > 0 for entry in found)
    assert sum(int(entry.hit.sum()) for entry in found) > 0
    with pytest.raises(EvalError, match="--model"):
        grade(question, model="none", method="auto", n_users=2)
