"""Our metrics and predictions against RecTools, ranx and scikit-surprise, where the extra is installed."""

from __future__ import annotations

import numpy as np
import pytest

from eval.classic import Ratings, predict_with_means
from eval.metrics import average_precision, hit_rate, hits_of, mrr, ndcg, precision, recall

# What the oracles themselves warn about is theirs.
pytestmark = pytest.mark.filterwarnings("ignore")
K = 5


@pytest.fixture(scope="module")
def shared_case():
    """Lists and labels of 40 users over 30 items, some lists short, some users with one label."""
    rng = np.random.default_rng(5)
    lists = [rng.permutation(30)[: int(rng.integers(K, 2 * K))] for _ in range(40)]
    relevant = [rng.permutation(30)[: int(rng.integers(1, 9))] for _ in range(40)]
    return lists, relevant


def test_against_ranx(shared_case):
    ranx = pytest.importorskip("ranx", reason="extra eval is not installed: pip install 'driftrec[eval]'")
    lists, relevant = shared_case
    hits, n = hits_of(lists, relevant, k=K)
    qrels = ranx.Qrels({f"u{u}": {f"i{i}": 1 for i in items} for u, items in enumerate(relevant)})
    run = ranx.Run(
        {f"u{u}": {f"i{i}": 1.0 / (r + 1) for r, i in enumerate(items[:K])} for u, items in enumerate(lists)}
    )
    names = [f"{name}@{K}" for name in ("ndcg", "recall", "precision", "mrr", "hit_rate")]
    theirs = ranx.evaluate(qrels, run, names, make_comparable=True)
    ours = [ndcg, recall, precision, mrr, hit_rate]
    for name, metric in zip(names, ours, strict=True):
        assert metric(hits, n, k=K).mean() == pytest.approx(theirs[name]), name


def test_against_rectools(shared_case):
    pytest.importorskip("rectools", reason="extra eval is not installed: pip install 'driftrec[eval]'")
    import pandas as pd
    from rectools import metrics

    lists, relevant = shared_case
    hits, n = hits_of(lists, relevant, k=K)
    recommended = pd.DataFrame(
        [(u, int(i), r) for u, items in enumerate(lists) for r, i in enumerate(items[:K], 1)],
        columns=["user_id", "item_id", "rank"],
    )
    taken = pd.DataFrame(
        [(u, int(i)) for u, items in enumerate(relevant) for i in items], columns=["user_id", "item_id"]
    )
    pairs = [
        (metrics.NDCG(K, divide_by_achievable=True), ndcg),
        (metrics.Recall(K), recall),
        (metrics.Precision(K), precision),
        (metrics.MRR(K), mrr),
        (metrics.HitRate(K), hit_rate),
    ]
    for theirs, ours in pairs:
        assert ours(hits, n, k=K).mean() == pytest.approx(theirs.calc(recommended, taken)), theirs
    # RecTools divides by all relevant items or by k; ours by what k places can hold.
    few = np.array([len(items) <= K for items in relevant])
    theirs = metrics.MAP(K).calc_per_user(recommended, taken).to_numpy()
    np.testing.assert_allclose(average_precision(hits, n, k=K)[few], theirs[few])


def test_knn_with_means_against_surprise():
    surprise = pytest.importorskip(
        "surprise", reason="extra eval is not installed: pip install 'driftrec[eval]'"
    )
    import pandas as pd

    rng = np.random.default_rng(6)
    values = np.where(rng.random((12, 15)) < 0.6, rng.integers(1, 6, (12, 15)), np.nan).astype(np.float32)
    similarity = rng.random((12, 12)).astype(np.float32)
    similarity = (similarity + similarity.T) / 2
    np.fill_diagonal(similarity, 0.0)
    ratings = Ratings(np.arange(12), values)
    ours = predict_with_means(ratings, similarity, ratings.means, k=4)

    class Given(surprise.KNNWithMeans):
        def compute_similarities(self):
            raw = [self.trainset.to_raw_uid(inner) for inner in range(self.trainset.n_users)]
            return similarity[np.ix_(raw, raw)].astype(np.float64)

    rows = [(u, i, values[u, i]) for u, i in np.argwhere(~np.isnan(values))]
    frame = pd.DataFrame(rows, columns=["user", "item", "rating"])
    data = surprise.Dataset.load_from_df(frame, surprise.Reader(rating_scale=(1, 5)))
    model = Given(k=4, min_k=1, verbose=False).fit(data.build_full_trainset())
    for user, item in np.argwhere(np.isnan(values)):
        assert ours[user, item] == pytest.approx(model.predict(user, item, clip=False).est, abs=1e-4)
