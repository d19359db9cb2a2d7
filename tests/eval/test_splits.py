"""Splits against small logs, the seal, and the ways in which a recommender could cheat."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from agent.data.log import DAY_MS
from eval.data.canary import CANARY_ID, planted_share, without_canary
from eval.data.datasets import Preset
from eval.data.sealed import SealedLog
from eval.data.splits import make_split, segments
from eval.errors import EvalError, LeakError
from eval.measures.beyond import background
from eval.rankers import tuning
from eval.rankers.baselines import HALF_LIVES, RandomSource, baseline_rows
from eval.rankers.ours import RankerRow
from eval.rankers.recommenders import Record, SourceRow, fixed
from eval.runs.protocol import run_row, telling
from eval.runs.smoke import smoke_data
from tests.eval.worlds import (
    BrokenRow,
    FutureRow,
    LateRow,
    LeakyRow,
    OracleRow,
    PeekingRow,
    dataset_of,
    log_of,
    tiny_log,
)


@pytest.fixture(scope="module")
def planted():
    """The smoke data on two windows, with backgrounds."""
    split = make_split(smoke_data()["smoke"], n_windows=2, max_users=0)
    return [(question, exam, background(question)) for question, exam in split]


def test_temporal_split_by_hand():
    ((question, exam),) = make_split(dataset_of(tiny_log()))
    assert (question.train.timestamp_ms < question.cut_ms).all()
    assert [question.train.user_ids[code] for code in question.users] == ["10", "9"]
    assert [items.tolist() for items in exam.labels.known] == [[5], [5]]
    assert segments(question)["warm"].tolist() == [True, False]
    ((again, exam),) = make_split(dataset_of(tiny_log()), task="any")
    assert [items.tolist() for items in exam.labels.known] == [[0, 5], [5]]
    assert again.users.tolist() == question.users.tolist()


def test_items_first_seen_after_t_are_scored_apart():
    rows = [(0, item, 10 + item) for item in range(5)] + [(1, 5, 20), (1, 4, 21), (1, 3, 22)]
    rows += [(0, 5, 95), (0, 6, 95)]
    ((question, exam),) = make_split(dataset_of(log_of(rows, user_ids=("a", "b"), n_items=7)))
    assert np.flatnonzero(question.cold_item).tolist() == [6]
    assert [items.tolist() for items in exam.labels.known] == [[5]]
    assert [items.tolist() for items in exam.labels.cold] == [[6]]


def test_windows_roll(planted):
    (first, exam, _), (second, later, _) = planted
    assert first.cut_ms < second.cut_ms
    assert len(second.train) > len(first.train)
    assert first.horizon_days == pytest.approx(second.horizon_days, rel=0.01)
    assert exam.labels.canary == later.labels.canary == len(first.catalogue) - 1
    assert first.users.tolist() != second.users.tolist()


def test_leave_last_out_holds_every_last_item_back():
    ((question, exam),) = make_split(dataset_of(tiny_log()), scheme="leave-last-out", task="new")
    for user, wanted in zip(question.users, exam.labels.known, strict=True):
        assert len(wanted) == 1
        assert wanted[0] not in question.train.item[question.train.rows_of(int(user))]


def test_users_are_drawn_by_seed():
    rows = [(user, item, 10 + user + item) for user in range(8) for item in range(5)]
    rows += [(user, 5 + user % 2, 95 + user / 10) for user in range(8)] + [(7, 5, 11), (7, 6, 12)]
    dataset = dataset_of(log_of(rows, user_ids=[f"u{n}" for n in range(8)], n_items=7))
    draws = {seed: make_split(dataset, max_users=2, seed=seed)[0][0].users.tolist() for seed in range(6)}
    assert draws == {seed: make_split(dataset, max_users=2, seed=seed)[0][0].users.tolist() for seed in draws}
    assert len({tuple(users) for users in draws.values()}) > 1


def test_few_users_are_few_cold_ones_too():
    rows = [(user, item, 10 + user + item) for user in range(9) for item in range(5 if user < 3 else 2)]
    rows += [(user, 5, 95 + user / 10) for user in range(9)] + [(9, 5, 11)]
    log = log_of(rows, user_ids=[f"u{n}" for n in range(10)], n_items=6)
    dataset = dataset_of(log, Preset("few", 1, 0.70))
    for max_users, n_warm, n_cold in ((0, 3, 6), (1, 1, 1), (2, 2, 1), (12, 3, 3)):
        ((question, _),) = make_split(dataset, max_users=max_users)
        warm = segments(question)["warm"]
        assert (warm.sum(), (~warm).sum()) == (n_warm, n_cold)


def test_a_split_without_anybody_says_so():
    rows = [(0, 0, 1), (0, 1, 1), (1, 0, 1)]
    with pytest.raises(EvalError, match="quantile"):
        make_split(dataset_of(log_of(rows, user_ids=("a", "b"), n_items=2)))


def test_the_sealed_log_refuses_the_future():
    log = tiny_log()
    sealed = SealedLog.of(log, 90 * DAY_MS)
    assert len(sealed.before(25 * DAY_MS)) < len(sealed) < len(log)
    assert isinstance(sealed.before(25 * DAY_MS), SealedLog)
    with pytest.raises(LeakError, match="sealed"):
        sealed.before(90 * DAY_MS + 1)
    with pytest.raises(LeakError, match="later"):
        SealedLog(**{name: getattr(log, name) for name in log.__dataclass_fields__}, sealed_ms=90 * DAY_MS)


def test_an_oracle_scores_one_and_a_broken_row_is_reported(planted):
    question, exam, known = planted[0]
    perfect = run_row(question, exam, known, OracleRow(exam.labels))
    assert np.nanmin(perfect.values["NDCG@10"]) == pytest.approx(1.0)
    assert np.nanmin(perfect.values["MRR@10"]) == 1.0
    broken = run_row(question, exam, known, BrokenRow())
    assert (broken.status, broken.note) == ("failed", "RuntimeError: out of order")


def test_a_leak_ends_the_run(planted):
    question, exam, known = planted[0]
    with pytest.raises(LeakError, match="canary"):
        run_row(question, exam, known, LeakyRow(smoke_data()["smoke"].log))
    with pytest.raises(LeakError, match="labels were read"):
        run_row(question, exam, known, PeekingRow(exam))
    with pytest.raises(LeakError, match="sealed"):
        run_row(question, exam, known, LateRow())


@pytest.mark.parametrize(("scheme", "windows"), [("temporal", 2), ("temporal", 11), ("leave-last-out", 1)])
def test_the_future_of_the_data_set_holds_the_canary(scheme, windows):
    data = smoke_data()["smoke"]
    for question, exam in make_split(data, scheme=scheme, n_windows=windows, max_users=0):
        assert planted_share(data.log, question.users, question.moments_ms) == 1.0
        assert exam.labels.canary not in question.train.item
        assert not any(exam.labels.canary in items for items in (*exam.labels.known, *exam.labels.cold))
        for row in (FutureRow(data), LeakyRow(data.log)):
            with pytest.raises(LeakError, match="canary"):
                run_row(question, exam, background(question), row)


def test_what_is_learned_from_and_digested_is_what_happened():
    log = tiny_log()
    data = dataset_of(log)
    real = without_canary(data.log)
    assert data.catalogue.item_ids[-1] == CANARY_ID
    assert real.interaction_id.tolist() == log.interaction_id.tolist()
    with pytest.raises(EvalError, match="windows"):
        make_split(data, n_windows=12)
    with pytest.raises(EvalError, match="tiny: expected at least two events"):
        make_split(dataset_of(log.take(slice(0, 1))))


def test_chance_is_chance_over_cold_items_too(planted):
    question, exam, known = planted[0]
    outcome = run_row(question, exam, known, SourceRow("random", fixed(RandomSource())))
    assert question.cold_item.sum() == 6
    assert 0.3 < np.nanmean(outcome.values["cold: NDCG@10"]) < 0.9
    # Six items in fifty places: any order finds them all, so nothing is said.
    assert "cold: recall@50" not in outcome.values and "cold: recall@10" not in outcome.values
    assert "recall@50" in outcome.values
    assert np.isnan(telling({"NDCG@10": np.ones(2)}, n_candidates=1)["NDCG@10"]).all()


def test_a_row_that_cannot_be_scored_costs_no_other(planted, monkeypatch):
    question, exam, known = planted[0]
    monkeypatch.setattr("eval.runs.protocol.beyond_accuracy", lambda *a: 1 / 0)
    outcome = run_row(question, exam, known, SourceRow("random", fixed(RandomSource())))
    assert (outcome.status, outcome.note) == ("failed", "ZeroDivisionError: division by zero")


def test_confidence_is_that_of_the_scored_list(planted):
    question, exam, known = planted[0]

    @dataclass
    class Sure:
        question: object
        note: str = ""
        record: Record = field(default_factory=Record)

        def rank(self, rows, *, depth, allowed):
            known = bool((allowed & question.known_item).sum() > question.cold_item.sum()) and len(rows) > 1
            items = np.flatnonzero(allowed)[:2]
            for row in rows:
                self.record.confidences[row] = np.full(len(items), 0.25 if known else 0.75)
            return [items.astype(np.int64) for _ in rows]

    row = SimpleNamespace(name="sure", group="ours", fit=Sure)
    outcome = run_row(question, exam, known, row)
    assert {round(stated, 2) for stated, _, _ in outcome.reliability} == {0.25}


def test_repeats_are_told_apart():
    ((question, exam),) = make_split(smoke_data()["smoke"], task="any", max_users=0)
    parts = segments(question)
    assert (parts["often repeats"] | parts["seldom repeats"]).tolist() == parts["warm"].tolist()
    outcome = run_row(question, exam, background(question), OracleRow(exam.labels))
    for part in ("again", "first time"):
        assert 0.2 < np.nanmean(outcome.values[f"{part}: NDCG@10"]) <= 1.0
    ((question, _),) = make_split(dataset_of(tiny_log()))
    assert not segments(question)["often repeats"].any()


def test_the_labels_open_again_after_a_leak(planted):
    question, exam, known = planted[0]
    with pytest.raises(LeakError):
        run_row(question, exam, known, PeekingRow(exam))
    assert len(exam.labels.known) == len(question.users)


def test_ours_never_lists_the_canary_nor_what_was_taken(planted):
    question, exam, known = planted[1]
    fitted = RankerRow().fit(question)
    lists = fitted.rank(range(9), depth=50, allowed=question.known_item)
    assert [len(fitted.record.confidences[row]) for row in range(9)] == [len(items) for items in lists]
    outcome = run_row(question, exam, known, RankerRow())
    assert outcome.status == "ran"
    assert (outcome.lists != exam.labels.canary).all()
    for user, items in zip(question.users, outcome.lists, strict=True):
        taken = question.train.item[question.train.rows_of(int(user))]
        assert not np.isin(items[items >= 0], taken).any()


def test_baselines_are_tuned_on_as_much_as_ours_and_share_what_they_tried(planted, monkeypatch):
    question, _, _ = planted[0]
    tried = tuning.trials(question)
    assert (tuning.N_WINDOWS, tuning.TUNING_USERS, len(tried)) == (3, 1000, 3)
    assert {(90.0, 90.0), (180.0, 150.0), (30.0, 30.0)} <= set(HALF_LIVES)
    rows = {row.name: row for row in baseline_rows("new")}
    tuning._last.clear()
    asked, real = [], tuning.value_of
    monkeypatch.setattr(tuning, "value_of", lambda *a: asked.append(repr(a[1])) or real(*a))
    for name in ("ItemKNN", "EASE", "EASE, half-life"):
        assert "chosen of" in rows[name].fit(question).note
    assert len(asked) == len(set(asked)) == 4 + 3 + 7 + 2


def test_where_nobody_comes_back_baselines_are_tuned_on_held_out_histories():
    events = [(user, (user + place) % 30, user + place / 100) for user in range(60) for place in range(20)]
    data = dataset_of(log_of(events, user_ids=[f"u{n}" for n in range(60)], n_items=30))
    ((question, _),) = make_split(data, scheme="leave-last-out")
    tried = tuning.trials(question)
    assert len(tried) == 3 and all("held out" in trial.name for trial in tried)
    for trial in tried:
        for context, taken in zip(trial.contexts, trial.taken, strict=True):
            kept = trial.log.item[trial.log.rows_of(int(context.user))]
            assert len(taken) and not np.isin(taken, kept).any()
