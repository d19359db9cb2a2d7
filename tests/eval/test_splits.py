"""Splits against small logs, the seal, and the ways in which a recommender could cheat."""

from __future__ import annotations

import numpy as np
import pytest

from agent.data.log import DAY_MS
from eval.beyond import background
from eval.canary import plant_canary, with_canary
from eval.errors import EvalError, LeakError
from eval.ours import RankerRow
from eval.protocol import run_row
from eval.sealed import SealedLog
from eval.smoke import smoke_data
from eval.splits import make_split, segments
from tests.eval.worlds import (
    BrokenRow,
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
    data = smoke_data()["smoke"]
    log, _ = with_canary(data.log, data.catalogue)
    whole = plant_canary(log, question.users, cut_ms=question.cut_ms)
    with pytest.raises(LeakError, match="canary"):
        run_row(question, exam, known, LeakyRow(whole))
    with pytest.raises(LeakError, match="labels were read"):
        run_row(question, exam, known, PeekingRow(exam))
    with pytest.raises(LeakError, match="sealed"):
        run_row(question, exam, known, LateRow())


def test_the_labels_open_again_after_a_leak(planted):
    question, exam, known = planted[0]
    with pytest.raises(LeakError):
        run_row(question, exam, known, PeekingRow(exam))
    assert len(exam.labels.known) == len(question.users)


def test_ours_never_lists_the_canary_nor_what_was_taken(planted):
    question, exam, known = planted[1]
    outcome = run_row(question, exam, known, RankerRow())
    assert outcome.status == "ran"
    assert (outcome.lists != exam.labels.canary).all()
    for user, items in zip(question.users, outcome.lists, strict=True):
        taken = question.train.item[question.train.rows_of(int(user))]
        assert not np.isin(items[items >= 0], taken).any()
