"""The language model's weight: a rule of the fusion's kind, a stated prior until it was decided."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from agent.data.store import Store
from agent.ranking.llm_weight import (
    LLM_WEIGHTS,
    PRIOR_LLM_WEIGHT,
    Graded,
    LlmDecision,
    decide_llm_weight,
    keep_llm_decision,
    load_llm_decision,
    resolve_llm_weight,
)
from agent.settings import Settings

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


def knows(hit):
    return hit + 0.1 * rng.random(12)


def test_a_model_that_knows_gets_a_weight():
    found = decide_llm_weight(graded_by(knows), model="knows")
    assert found.decided and found.weight in LLM_WEIGHTS
    chosen = next(entry for entry in found.tried if entry.weight == found.weight)
    assert chosen.admissible and f"weight {found.weight:g}" in found.to_markdown()


def test_a_model_that_guesses_gets_none():
    found = decide_llm_weight(graded_by(lambda hit: rng.random(12)), model="guesses")
    assert found.decided and found.weight == 0 and "the model gets 0" in found.to_markdown()
    best = max(found.tried, key=lambda entry: entry.gain)
    told = found.describe()
    assert told.startswith("no weight gains") and f"weight {best.weight:g}: {best.gain:+.4f}" in told


@pytest.mark.parametrize("size", [{"n_windows": 2}, {"n_users": 9}], ids=["two windows", "few people"])
def test_too_little_decides_nothing(size):
    found = decide_llm_weight(graded_by(lambda hit: hit + 0.0, **size), model="knows")
    assert not found.decided and found.weight == PRIOR_LLM_WEIGHT and "prior" in found.verdict()


def test_a_loss_in_one_window_is_enough_to_say_no():
    right = graded_by(lambda hit: hit + 0.0, n_windows=2)
    errs = [
        Graded(2, entry.user + 5000, -entry.evidence, entry.hit, 2, 100)
        for entry in right
        if not entry.window
    ]
    found = decide_llm_weight([*right, *errs], model="moody")
    assert max(entry.gain for entry in found.tried) > 0 and found.weight == 0


def test_an_item_that_is_not_listed_still_counts_as_wanted():
    hit = np.r_[True, np.zeros(11, bool)]
    found = decide_llm_weight([Graded(0, 0, np.zeros(12), hit, 2, 1)], model="m")
    assert found.plain == pytest.approx(1 / (1 + 1 / np.log2(3)))


def test_who_took_nothing_has_no_gain():
    found = decide_llm_weight([Graded(0, 0, np.arange(12.0), np.zeros(12, bool), 0, 1)], model="m")
    assert found.plain == 0 and {entry.gain for entry in found.tried} == {0.0}


def test_what_grades_took_is_told_by_list():
    graded = [
        Graded(
            window, user, np.zeros(12), np.ones(12, bool), 1, tokens, seconds=seconds, degraded=window == 2
        )
        for window, tokens, seconds in ((0, 100, 1.0), (1, 200, 2.0), (2, 300, 6.0))
        for user in range(2)
    ]
    found = decide_llm_weight(graded, model="m")
    assert (found.tokens, found.seconds, found.degraded) == (200.0, 3.0, 2)
    assert "200 tokens and 3.0 s a list, 2 lists with grades missing" in found.to_markdown()


def test_nobody_to_decide_on_is_an_error():
    with pytest.raises(ValueError, match="got none"):
        decide_llm_weight([], model="m")


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "store.db") as opened:
        yield opened


def test_until_decided_a_prior_stands_and_says_so(store):
    found = resolve_llm_weight(store, Settings(), task="new", n_events=10)
    assert found.origin == "prior" and found.weight == PRIOR_LLM_WEIGHT
    assert "driftrec fit --decide-llm" in found.detail


def test_a_decision_is_kept_by_model_method_and_task(store):
    settings = Settings()
    decision = decide_llm_weight(graded_by(lambda hit: rng.random(12)), model="m", n_events=100)
    keep_llm_decision(store, settings, decision, task="new")
    assert load_llm_decision(store, settings, task="new") == decision
    assert LlmDecision.from_dict(decision.to_dict()) == decision
    found = resolve_llm_weight(store, settings, task="new", n_events=100)
    assert found.origin == "decided" and found.weight == 0 and "the model gets 0" in found.detail
    assert "decide again" in resolve_llm_weight(store, settings, task="new", n_events=151).detail
    assert resolve_llm_weight(store, settings, task="any", n_events=100).origin == "prior"
    other = settings.model_copy(update={"llm": settings.llm.with_model("smollm2-135m")})
    assert resolve_llm_weight(store, other, task="new", n_events=100).origin == "prior"


def test_a_decision_holds_from_its_own_moment_on(store):
    settings = Settings()
    early = decide_llm_weight(graded_by(knows), model="m", n_events=100, moment_ms=1_000)
    late = decide_llm_weight(graded_by(lambda hit: rng.random(12)), model="m", n_events=200, moment_ms=2_000)
    keep_llm_decision(store, settings, late, task="new")
    keep_llm_decision(store, settings, early, task="new")  # whatever the order they were made in

    def at(moment_ms):
        return resolve_llm_weight(store, settings, task="new", n_events=100, moment_ms=moment_ms)

    assert (at(999).origin, at(999).weight) == ("prior", PRIOR_LLM_WEIGHT)
    assert "later than the moment looked back at" in at(999).detail and "run:" not in at(999).detail
    assert early.weight > 0 and {at(1_000).weight, at(1_999).weight} == {early.weight}
    assert at(2_000).weight == at(None).weight == late.weight == 0
    assert resolve_llm_weight(store, settings, task="any", n_events=1, moment_ms=5).detail.endswith(
        "run: driftrec fit --decide-llm"
    )


def test_a_decision_of_the_same_moment_takes_the_place_of_the_other(store):
    settings = Settings()
    first = decide_llm_weight(graded_by(knows), model="m", moment_ms=7)
    again = decide_llm_weight(graded_by(lambda hit: rng.random(12)), model="m", moment_ms=7)
    for decision in (first, again):
        keep_llm_decision(store, settings, decision, task="new")
    assert load_llm_decision(store, settings, task="new") == again


def test_a_trial_on_too_few_takes_the_place_of_no_decision(store):
    settings = Settings()
    decision = decide_llm_weight(graded_by(knows), model="m", moment_ms=7)
    keep_llm_decision(store, settings, decision, task="new")
    for moment_ms in (7, 8):
        small = decide_llm_weight(graded_by(knows, n_windows=2), model="m", moment_ms=moment_ms)
        keep_llm_decision(store, settings, small, task="new")
    assert resolve_llm_weight(store, settings, task="new", n_events=0).weight == decision.weight


def test_a_kept_decision_that_names_no_moment_counts_as_none(store):
    settings = Settings()
    decision = decide_llm_weight(graded_by(knows), model="m", moment_ms=7)
    keep_llm_decision(store, settings, decision, task="new")
    with store.read() as connection:
        (key,) = connection.exec_driver_sql("SELECT key FROM meta WHERE key LIKE 'rerank weight%'").one()
    plain = decision.to_dict()
    del plain["moment_ms"]
    store.set_meta(key, json.dumps(plain))
    assert resolve_llm_weight(store, settings, task="new", n_events=0).origin == "prior"
    keep_llm_decision(store, settings, decision, task="new")
    assert load_llm_decision(store, settings, task="new") == decision


def test_an_undecided_trial_leaves_the_prior(store):
    settings = Settings()
    decision = decide_llm_weight(graded_by(knows, n_windows=2), model="m")
    keep_llm_decision(store, settings, decision, task="new")
    assert resolve_llm_weight(store, settings, task="new", n_events=0).origin == "prior"


def test_settings_win(store):
    decision = decide_llm_weight(graded_by(knows), model="m")
    ranking = Settings().ranking.model_copy(update={"llm_weight": 0.3})
    settings = Settings().model_copy(update={"ranking": ranking})
    keep_llm_decision(store, settings, dataclasses.replace(decision), task="new")
    found = resolve_llm_weight(store, settings, task="new", n_events=0)
    assert found.origin == "settings" and found.weight == 0.3
