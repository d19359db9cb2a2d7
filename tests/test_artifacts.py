"""Fitted artefacts: what they depend on, which ones are kept, what a broken one does."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest

from agent.artifacts import _keep_newest, artefact_key, load_or_encode, load_or_fit_ranker
from agent.session import Recent
from agent.settings import RankingSettings, Settings
from tests.ranking.ranking_logs import NOW_MS, make_catalogue, planted_log, unit_vectors

LOG = planted_log(n_users=20, n_items=20)
CATALOGUE = make_catalogue(20, vectors=unit_vectors(20))
SETTINGS = Settings(ranking=RankingSettings(n_candidates=10))


def changed(column, spot, value):
    entries = list(getattr(CATALOGUE, column))
    entries[spot] = value
    return dataclasses.replace(CATALOGUE, **{column: tuple(entries)})


@pytest.mark.parametrize(
    "other",
    [
        changed("titles", 3, "corrected"),
        changed("texts", 3, "corrected"),
        changed("categories", 3, ("Cheese",)),
        changed("domains", 3, "books"),
        dataclasses.replace(CATALOGUE, text_row=CATALOGUE.text_row[::-1].copy()),
        dataclasses.replace(CATALOGUE, vectors=CATALOGUE.vectors[:, :4]),
    ],
    ids=["titles", "texts", "categories", "domains", "text_row", "vectors"],
)
def test_corrected_items_make_a_new_key(other):
    assert artefact_key(LOG, CATALOGUE, []) == artefact_key(LOG, dataclasses.replace(CATALOGUE), [])
    assert artefact_key(LOG, other, []) != artefact_key(LOG, CATALOGUE, [])


def test_weights_that_sum_alike_make_a_new_key():
    weight = LOG.weight.copy()
    weight[:2] = 0.5, 1.5
    other = dataclasses.replace(LOG, weight=weight)
    assert weight.sum() == LOG.weight.sum()
    assert artefact_key(other, CATALOGUE, []) != artefact_key(LOG, CATALOGUE, [])


def fitted(cache, seen=None):
    return load_or_fit_ranker(
        cache,
        LOG,
        CATALOGUE,
        SETTINGS,
        now_ms=NOW_MS,
        progress=lambda stage, done, total: None if seen is None else seen.append(stage),
    )


def test_a_ranker_is_fitted_once_and_again_when_its_folder_is_broken(tmp_path):
    first, seen = fitted(tmp_path), []
    assert fitted(tmp_path, seen).trained.decisions == first.trained.decisions and not seen
    (folder,) = tmp_path.glob("ranker-*")
    (folder / "ranker.json").unlink()
    assert fitted(tmp_path, seen).trained.decisions == first.trained.decisions and seen


def test_what_was_used_last_is_kept(tmp_path):
    for age, name in enumerate(("a", "b", "c", "d")):
        (tmp_path / f"ranker-{name}").mkdir()
        os.utime(tmp_path / f"ranker-{name}", (1000 - age, 1000 - age))
    _keep_newest(tmp_path, "ranker-*", most=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ranker-a", "ranker-b"]


def test_recent_values_are_made_once_and_the_oldest_forgotten():
    made = []

    def make(key):
        made.append(key)
        return np.array([key])

    recent = Recent(2)
    for key in (1, 2, 1, 3, 1, 2):
        assert recent.get(key, lambda key=key: make(key))[0] == key
    assert made == [1, 2, 3, 2]


def test_vectors_of_fixed_sentences_are_made_once_per_embedder(tmp_path):
    calls = []

    def encode(texts):
        calls.append(texts)
        return np.full((len(texts), 3), len(calls), np.float32)

    for _ in range(2):
        assert load_or_encode(tmp_path, "a", ["x", "y"], encode).tolist() == [[1, 1, 1], [1, 1, 1]]
    assert load_or_encode(tmp_path, "b", ["x", "y"], encode)[0, 0] == 2
    assert load_or_encode(tmp_path, "a", ["xy"], encode).shape == (1, 3)
    assert len(calls) == 3
    (path,) = [path for path in tmp_path.glob("*.npy") if np.load(path)[0, 0] == 2]
    path.write_bytes(b"torn")
    assert load_or_encode(tmp_path, "b", ["x", "y"], encode)[0, 0] == 4
