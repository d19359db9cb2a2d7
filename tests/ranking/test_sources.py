"""What each source computes, against references worked by hand or in plain numpy."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest
from ranking_logs import NOW_MS, make_catalogue, make_log, planted_log, unit_vectors

from agent.data.days import DAY_MS, day_start_ms
from agent.data.index import Hit
from agent.errors import MissingExtraError
from agent.ranking.als import AlsSource
from agent.ranking.ease import EaseParams, EaseSource, item_growth
from agent.ranking.facet_vectors import FacetVectorSource
from agent.ranking.history import Context, FacetQuery
from agent.ranking.neighbours import ItemKnnSource, TransitionSource
from agent.ranking.popular import PopularitySource, recent_popularity
from agent.ranking.repeat import RepeatSource


def score(source, log, catalogue, user, *, now_ms=NOW_MS, facets=()):
    fitted = source.fit(log, catalogue, now_ms=now_ms)
    return fitted.score([Context.of(log, user, now_ms=now_ms, facets=facets)])[0]


def test_ease_of_two_items_by_hand():
    # Three users have both, one has item 0 alone: G = [[4, 3], [3, 3]], A = G + 1·I = [[5, 3], [3, 4]].
    # P = 1/11 · [[4, −3], [−3, 5]]; E_01 = −P_01 / P_11 = 3/5, E_10 = 3/4.
    events = [(u, i, 1.0) for u in range(3) for i in range(2)] + [(3, 0, 1.0)]
    log = make_log(events, n_users=4, n_items=2)
    params = EaseParams(1.0, 0.0, None, None, user_norm=0.0)
    np.testing.assert_allclose(score(EaseSource(params), log, make_catalogue(2), 3), [0.0, 3 / 5], atol=1e-6)


def dense_ease(log, vectors, params, *, exact):
    """The equations of the docstring, one ridge regression per item, nothing shared with the source."""
    n = log.n_items
    train, user, plain = (np.zeros((log.n_users, n)) for _ in range(3))
    for u, i, t in zip(log.user, log.item, log.timestamp_ms, strict=True):
        age = (NOW_MS - t) / DAY_MS
        train[u, i] = max(train[u, i], 0.5 ** (age / params.train_half_life_days))
        user[u, i] = max(user[u, i], 0.5 ** (age / params.user_half_life_days))
        plain[u, i] = 1.0
    s = (train**2).sum() / plain.sum()
    norms = np.linalg.norm(train, axis=1, keepdims=True)
    even = train / norms**params.user_norm
    even *= np.sqrt((train**2).sum() / (even**2).sum())
    a = even.T @ even + params.text * params.regularisation * vectors @ vectors.T
    a += params.regularisation * s * np.eye(n)
    weights = np.zeros((n, n))
    for j in range(n):
        others = np.array([i for i in exact if i != j])
        weights[others, j] = np.linalg.solve(a[np.ix_(others, others)], a[others, j])
    history = np.zeros_like(user)
    history[:, exact] = user[:, exact]
    return history @ weights


@pytest.mark.parametrize("n_exact", [12, 7])
def test_ease_equals_one_ridge_regression_per_item(n_exact):
    rng = np.random.default_rng(3)
    events = [
        (u, i, rng.uniform(0, 399)) for u in range(30) for i in range(12) if rng.random() < 0.5 - i / 40
    ]
    log = make_log(events, n_users=30, n_items=12)
    counts = np.bincount(log.item, minlength=12)
    exact = np.sort(np.argsort(-counts, kind="stable")[:n_exact])
    # Orthogonal texts: no stand-ins, so the history is that of the exact items alone.
    vectors = np.eye(12, dtype=np.float32)
    vectors[11] = vectors[exact[0]] * 0.3 + vectors[11] * np.sqrt(1 - 0.09)
    params = EaseParams(5.0, 0.2, 120.0, 60.0, user_norm=0.25, trend=0.0, max_exact_items=n_exact)
    fitted = EaseSource(params).fit(log, make_catalogue(12, vectors=vectors), now_ms=NOW_MS)
    got = fitted.score([Context.of(log, u, now_ms=NOW_MS) for u in range(30)])
    np.testing.assert_allclose(got, dense_ease(log, vectors, params, exact=exact), rtol=1e-3, atol=1e-4)


def test_ease_reaches_items_nobody_took_by_their_text():
    rng = np.random.default_rng(5)
    events = [(u, int(i), 390.0) for u in range(60) for i in rng.choice(20, 4, replace=False)]
    log = make_log([*events, (60, 3, 395.0), (61, 4, 395.0)], n_users=62, n_items=21)
    vectors = np.eye(21, dtype=np.float32)
    vectors[20] = vectors[3]  # item 20 reads like item 3; nobody took it
    catalogue, source = make_catalogue(21, vectors=vectors), EaseSource(EaseParams(10.0, 0.5))
    assert score(source, log, catalogue, 60)[20] > 0
    assert score(source, log, catalogue, 60)[20] > score(source, log, catalogue, 61)[20]
    blind = EaseSource(EaseParams(10.0, 0.0))
    assert score(blind, log, catalogue, 60)[20] == 0


def test_ease_lets_an_inactive_item_of_the_history_stand_for_its_text_neighbour():
    events = [(u, i, 390.0) for u in range(20) for i in ((0, 1) if u % 2 else (2, 3))]
    log = make_log([*events, (20, 4, 395.0)], n_users=21, n_items=5)
    vectors = np.eye(5, dtype=np.float32)
    vectors[4] = vectors[0] * 0.9 + vectors[4] * np.sqrt(1 - 0.81)
    source = EaseSource(EaseParams(1.0, 0.0, None, None, max_exact_items=4))
    scores = score(source, log, make_catalogue(5, vectors=vectors), 20)
    assert scores[1] > 0
    assert scores[1] > scores[3]


def test_item_knn_is_cosine():
    # Item 0: users 0, 1; item 1: users 0, 1, 2; item 2: user 2. cos(0,1) = 2/√6, cos(1,2) = 1/√3.
    log = make_log([(0, 0, 1), (1, 0, 1), (0, 1, 1), (1, 1, 1), (2, 1, 1), (2, 2, 1)], n_users=3, n_items=3)
    scores = score(ItemKnnSource(), log, make_catalogue(3), 0)
    np.testing.assert_allclose(scores, [2 / 6**0.5, 2 / 6**0.5, 1 / 3**0.5], atol=1e-6)
    one = score(ItemKnnSource(n_neighbours=1), log, make_catalogue(3), 0)
    np.testing.assert_allclose(one, [2 / 6**0.5, 2 / 6**0.5, 0.0], atol=1e-6)


def test_transitions_have_a_direction():
    events = [(u, item, 10.0 * step + u / 10) for u in range(6) for step, item in enumerate((0, 1, 2))]
    log = make_log([*events, (6, 1, 100.0)], n_users=7, n_items=3)
    scores = score(TransitionSource(), log, make_catalogue(3), 6)
    assert scores[2] > 0
    assert scores[0] == 0


def test_transitions_do_not_cross_users():
    log = make_log([(0, 0, 1.0), (1, 1, 2.0)], n_users=2, n_items=2)
    assert not score(TransitionSource(), log, make_catalogue(2), 0).any()


def test_popularity_counts_users_and_recency():
    log = make_log([(0, 0, 1)] * 5 + [(0, 1, 1), (1, 1, 2), (2, 0, 399.0)], n_users=3, n_items=2)
    np.testing.assert_allclose(score(PopularitySource(), log, make_catalogue(2), 0), np.log([3, 3]))
    np.testing.assert_allclose(score(recent_popularity(7), log, make_catalogue(2), 0), np.log([2, 1]))


def test_repeat_knows_what_is_due():
    weekly = [(0, 0, float(d)) for d in range(300, 396, 7)]
    just_bought = [(0, 1, float(d)) for d in (*range(300, 380, 7), 399)]
    log = make_log([*weekly, *just_bought, (1, 2, 390.0)], n_users=2, n_items=3)
    scores = score(RepeatSource(), log, make_catalogue(3), 0)
    assert scores[0] > scores[1] > 0
    assert scores[2] == 0


def test_repeat_counts_days_not_scans():
    log = make_log([(0, 0, 390.0)] * 9 + [(0, 1, 389.0), (0, 1, 390.0)], n_users=1, n_items=2)
    scores = score(RepeatSource(), log, make_catalogue(2), 0)
    assert scores[1] > scores[0]


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Shanghai"])
def test_repeat_counts_the_days_of_the_zone(zone):
    """Two takes around a UTC midnight are one evening there; around a local midnight they are two days."""
    days = [19_063.0, 19_068.0]  # before and after the clocks go forward in New York, 2022-03-13
    starts = [day_start_ms(int(day), zone) for day in days]
    noons = [start + DAY_MS // 2 for start in starts]
    hour = 3_600_000
    around_utc = [-(-noon // DAY_MS) * DAY_MS + step for noon in noons for step in (-hour, hour)]
    around_local = [start + step for start in starts for step in (-hour, hour)]
    item, moments = [0] * 4 + [1] * 4, [*around_utc, *around_local]
    now_ms = day_start_ms(19_080, zone)
    context = Context(
        0,
        np.array(item, np.int32),
        np.array(moments, np.int64),
        np.ones(8, np.float32),
        now_ms=now_ms,
        zone=zone,
    )
    source = RepeatSource(
        patience=0.0, half_life_days=1e9, arrays={"interval_days": np.full(2, 7, np.float32)}
    )
    assert source.score([context])[0].tolist() == pytest.approx([2.0, 4.0])
    assert source.score([dataclasses.replace(context, zone="UTC")])[0, 0] == pytest.approx(4.0)


def test_facets_get_places_in_proportion_to_their_quota():
    vectors = np.repeat(np.eye(2, 8, dtype=np.float32), 20, axis=0)
    log = make_log([(0, 0, 1.0)], n_users=1, n_items=40)
    facets = (FacetQuery("f1", vectors[0], 0.6), FacetQuery("f2", 5 * vectors[20], 0.2))
    scores = score(FacetVectorSource(depth=20), log, make_catalogue(40, vectors=vectors), 0, facets=facets)
    best = np.argsort(-scores, kind="stable")[:12]
    assert (best < 20).sum() == 9
    muted = (FacetQuery("f1", vectors[0], 0.0), FacetQuery("f2", vectors[20], 0.2))
    scores = score(FacetVectorSource(depth=10), log, make_catalogue(40, vectors=vectors), 0, facets=muted)
    assert not scores[:20].any()


def test_facets_prefer_the_popular_of_equal_text():
    vectors = np.eye(2, 8, dtype=np.float32)
    log = make_log([(u, 2, 1.0) for u in range(3)] + [(0, 1, 2.0)], n_users=3, n_items=4)
    catalogue = make_catalogue(4, vectors=vectors, text_row=[0, 0, 0, 1])
    scores = score(FacetVectorSource(), log, catalogue, 0, facets=(FacetQuery("f", vectors[0], 1.0),))
    assert np.argsort(-scores, kind="stable").tolist() == [2, 1, 0, 3]


class _Index:
    """Exact search over item vectors, as an item index answers; knows one id that the catalogue does not."""

    def __init__(self, vectors):
        self.vectors = vectors

    def query_groups(self, vectors, n):
        found = []
        for similarity in vectors @ self.vectors.T:
            best = np.argsort(-similarity, kind="stable")[:n]
            hits = [Hit((f"i{code}",), float(similarity[code])) for code in best]
            found.append([Hit(("gone",), 1.0), *hits])
        return found


def test_facets_through_an_index_equal_exact_search():
    vectors = unit_vectors(60)
    log, catalogue = make_log([(0, 0, 1.0)], n_users=1, n_items=60), make_catalogue(60, vectors=vectors)
    facets = (FacetQuery("a", vectors[7], 0.5), FacetQuery("b", vectors[9], 0.5))
    exact = score(FacetVectorSource(depth=10), log, catalogue, 0, facets=facets)
    indexed = score(FacetVectorSource(depth=10, index=_Index(vectors)), log, catalogue, 0, facets=facets)
    np.testing.assert_allclose(indexed, exact)


def test_als_tells_two_tastes_apart():
    log = planted_log()
    scores = score(AlsSource(factors=4, threads=1, regularisation=1.0), log, make_catalogue(40), 0)
    assert scores[:20].mean() > scores[20:].mean() + 0.1


def test_als_folds_in_what_implicit_solves():
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    from agent.ranking.history import log_matrix

    log = planted_log()
    source = AlsSource(factors=4, threads=1).fit(log, make_catalogue(40), now_ms=NOW_MS)
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=4, regularization=100.0, alpha=10.0, iterations=1, num_threads=1, use_cg=False
        )
        matrix = log_matrix(log, now_ms=NOW_MS, half_life_days=90.0)
        model.fit(matrix, show_progress=False)
        model.item_factors = source.arrays["factors"]
        model._YtY = None
        expected = model.recalculate_user(0, matrix[0]) @ model.item_factors.T
    got = source.score([Context.of(log, 0, now_ms=NOW_MS)])[0]
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4)


def test_als_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "implicit.cpu.als", None)
    with pytest.raises(MissingExtraError, match=r"driftrec\[als\]"):
        AlsSource().fit(planted_log(), make_catalogue(40), now_ms=NOW_MS)


def test_growth_by_hand():
    # Item 0 was taken long ago, item 1 lately, item 2 by nobody.
    log = make_log([(u, 0, 200) for u in range(4)] + [(u, 1, 399) for u in range(4)], n_users=4, n_items=3)
    recent = [4 * 0.5 ** (200 / 14), 4 * 0.5 ** (1 / 14)]
    long = [4 * 0.5 ** (200 / 180), 4 * 0.5 ** (1 / 180)]
    overall = sum(recent) / sum(long)
    expected = [(r / overall + 10) / (b + 10) for r, b in zip(recent, long, strict=True)]
    np.testing.assert_allclose(item_growth(log, now_ms=NOW_MS), [*expected, 1.0], rtol=1e-5)
    assert item_growth(log.take(slice(0, 0)), now_ms=NOW_MS).tolist() == [1.0, 1.0, 1.0]


def test_growth_scales_what_ease_says_and_never_pushes_a_growing_item_down():
    log, catalogue = planted_log(), make_catalogue(40)
    contexts = [Context.of(log, user, now_ms=NOW_MS) for user in range(10)]
    flat, grown = (
        EaseSource(EaseParams(10.0, 0.0, trend=trend)).fit(log, catalogue, now_ms=NOW_MS).score(contexts)
        for trend in (0.0, 1.0)
    )
    growth = item_growth(log, now_ms=NOW_MS)
    np.testing.assert_allclose(grown, np.where(flat > 0, flat * growth, flat / growth), rtol=1e-4, atol=1e-6)
    assert (grown[:, growth > 1] >= flat[:, growth > 1]).all() and (growth > 1).any()


@pytest.mark.parametrize("source", [EaseSource(), ItemKnnSource(), AlsSource(), RepeatSource()])
def test_what_a_moved_user_has_left_behind_counts_as_if_it_weighed_less(source):
    log = planted_log()
    fitted = source.fit(log, make_catalogue(log.n_items), now_ms=NOW_MS)
    plain = Context.of(log, 0, now_ms=NOW_MS)
    emphasis = np.where(np.arange(len(plain.item)) < len(plain.item) // 2, 0.1, 1.0).astype(np.float32)
    full, faded = (
        fitted.score([dataclasses.replace(plain, emphasis=entry)])[0]
        for entry in (np.ones_like(emphasis), emphasis)
    )
    assert np.array_equal(full, fitted.score([plain])[0])
    assert not np.allclose(full, faded)
    if not isinstance(source, RepeatSource):
        lighter = dataclasses.replace(plain, weight=plain.weight * emphasis)
        np.testing.assert_allclose(faded, fitted.score([lighter])[0], rtol=1e-5, atol=1e-6)


def test_ease_is_fitted_where_every_event_is_years_old():
    """Decay leaves next to nothing of them, and the texts alone, of lower rank, would not do."""
    n_items = 300
    log = make_log([(u, u % n_items, 0.0) for u in range(n_items)], n_users=n_items, n_items=n_items)
    catalogue = make_catalogue(n_items, vectors=unit_vectors(n_items, dim=8))
    fitted = EaseSource(EaseParams(1000.0, 0.1)).fit(log, catalogue, now_ms=NOW_MS + 4000 * DAY_MS)
    assert np.isfinite(fitted.arrays["inverse"]).all()
