"""Our metrics and predictions against what RecTools, ranx and scikit-surprise said on the same cases.

Their answers are stored (`python -m eval oracles` in an environment that has them), so this runs everywhere;
where they are installed, they are asked again and must say what is stored.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from eval.measures import oracles
from eval.measures.metrics import average_precision, f1, hit_rate, hits_of, mrr, ndcg, precision, recall
from eval.rankers.classic import Ratings, predict_with_means

STORED = json.loads((Path(__file__).parent / "oracles.json").read_text(encoding="utf-8"))
K = STORED["k"]
RANX = {"ndcg": ndcg, "recall": recall, "precision": precision, "mrr": mrr, "hit_rate": hit_rate}
RECTOOLS = {"NDCG": ndcg, "Recall": recall, "Precision": precision, "MRR": mrr, "HitRate": hit_rate}


@pytest.fixture(scope="module")
def counted():
    lists, relevant = oracles.make_lists()
    assert [row.tolist() for row in lists] == STORED["lists"], "the cases changed: python -m eval oracles"
    return hits_of(lists, relevant, k=K)


@pytest.mark.parametrize("name", sorted(RANX))
def test_equal_to_ranx(name, counted):
    hits, n = counted
    np.testing.assert_allclose(RANX[name](hits, n, k=K), STORED["ranx"][name], atol=1e-9)


@pytest.mark.parametrize("name", sorted(RECTOOLS))
def test_equal_to_rectools(name, counted):
    hits, n = counted
    np.testing.assert_allclose(RECTOOLS[name](hits, n, k=K), STORED["rectools"][name], atol=1e-9)


def test_map_is_that_of_rectools_where_k_places_can_hold_all(counted):
    # RecTools divides by all relevant items; ours by what k places can hold.
    hits, n = counted
    few = n <= K
    assert few.sum() > 10
    theirs = np.array(STORED["rectools"]["MAP"])
    np.testing.assert_allclose(average_precision(hits, n, k=K)[few], theirs[few], atol=1e-9)


def test_f1_is_that_of_ranx(counted):
    hits, n = counted
    np.testing.assert_allclose(f1(hits, n, k=K), STORED["ranx"]["f1"], atol=1e-9)


def test_knn_with_means_is_that_of_surprise():
    values, similarity = oracles.make_ratings()
    ratings = Ratings(np.arange(len(values)), values)
    ours = predict_with_means(ratings, similarity, ratings.means, k=4)
    assert len(STORED["surprise"]) > 50
    for user, item, theirs in STORED["surprise"]:
        assert ours[user, item] == pytest.approx(theirs, abs=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_the_libraries_still_say_what_is_stored():
    for module in ("rectools", "ranx", "surprise"):
        pytest.importorskip(module, reason="extra eval is not installed: pip install 'driftrec[eval]'")
    found = oracles.ask_all()
    for name in ("ranx", "rectools"):
        for metric, values in found[name].items():
            np.testing.assert_allclose(values, STORED[name][metric], atol=1e-6, err_msg=f"{name} {metric}")
    np.testing.assert_allclose(found["surprise"], STORED["surprise"], atol=1e-4)
