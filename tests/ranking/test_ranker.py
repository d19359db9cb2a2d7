"""The ranker end to end on planted data, and on films."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from ranking_logs import NOW_MS, make_catalogue, make_log, planted_log, unit_vectors

from agent.data.log import DAY_MS
from agent.errors import NotFittedError, SettingsError
from agent.ranking.facet_vectors import FacetVectorSource
from agent.ranking.history import Context, FacetQuery
from agent.ranking.ranker import Ranker
from agent.ranking.training import data_repeats
from agent.settings import RankingSettings

TWEETS = Path(__file__).resolve().parents[3] / "shared" / "data" / "movietweetings-100k"
SETTINGS = RankingSettings(n_candidates=20)


@pytest.fixture(scope="module")
def log():
    return planted_log(seed=2)


@pytest.fixture(scope="module")
def catalogue():
    return make_catalogue(40, vectors=unit_vectors(40))


@pytest.fixture(scope="module")
def ranker(log, catalogue):
    return Ranker.fit(log, catalogue, SETTINGS, now_ms=NOW_MS)


def context_of(log, user, **kwargs):
    return Context.of(log, user, now_ms=NOW_MS, **kwargs)


def assert_whole(ranked, n):
    assert len(ranked.items) == len(set(ranked.items.tolist())) == n
    assert len(ranked.scores) == len(ranked.confidence) == len(ranked.sources) == n
    assert (np.diff(ranked.scores) <= 0).all()
    assert (np.diff(ranked.confidence) <= 0).all()
    assert ((ranked.confidence > 0) & (ranked.confidence < 1)).all()
    for shares in ranked.sources:
        assert sum(shares.values()) == pytest.approx(1.0)


def test_finds_that_people_repeat_and_puts_the_favourite_first(ranker, log):
    assert ranker.repeats
    firsts = 0
    for user in range(20):
        history = context_of(log, user)
        favourite = int(np.bincount(history.item).argmax())
        ranked = ranker.rank(history, 5)
        assert_whole(ranked, 5)
        firsts += favourite == ranked.items[0]
    assert firsts >= 16


def test_exclude_seen_leaves_every_seen_item_out(ranker, log):
    history = context_of(log, 0)
    ranked = ranker.rank(history, 10, exclude_seen=True)
    assert not set(ranked.items.tolist()) & set(history.seen().tolist())


def test_stages_name_every_source(ranker, log):
    stages = ranker.rank(context_of(log, 0), 5).stages
    names = [stage.name for stage in stages]
    assert [f"source:{source.name}" for source in ranker.trained.sources] == names[
        : len(ranker.trained.sources)
    ]
    assert {"fusion", "confidence"} <= set(names)
    assert all(stage.seconds >= 0 for stage in stages)


def test_n_gives_the_reranker_more(ranker, log):
    assert len(ranker.rank(context_of(log, 0), 3, n=8).items) == 8
    assert len(ranker.rank(context_of(log, 0), 8, n=3).items) == 8


def test_only_allowed_items(ranker, log):
    allowed = np.zeros(40, bool)
    allowed[[3, 25, 30]] = True
    before = allowed.copy()
    ranked = ranker.rank(context_of(log, 0), 10, exclude_seen=False, allowed=allowed)
    assert set(ranked.items.tolist()) == {3, 25, 30}
    np.testing.assert_array_equal(allowed, before)
    nothing = ranker.rank(context_of(log, 0), 10, allowed=np.zeros(40, bool))
    assert len(nothing.items) == 0
    assert nothing.note


@pytest.mark.parametrize("exclude_seen", [True, False])
def test_disliked_items_never_appear(ranker, log, exclude_seen):
    history = context_of(log, 0)
    item = int(ranker.rank(history, 1, exclude_seen=False).items[0])
    angry = dataclasses.replace(
        history,
        item=np.r_[history.item, np.int32(item)],
        timestamp_ms=np.r_[history.timestamp_ms, NOW_MS - 1],
        weight=np.r_[history.weight, np.float32(-1)],
    )
    assert item not in ranker.rank(angry, 40, exclude_seen=exclude_seen).items


def test_unknown_user_gets_what_is_popular_and_a_note(ranker, log):
    ranked = ranker.rank(context_of(log, None), 10)
    assert_whole(ranked, 10)
    assert "no events" in ranked.note


def test_user_with_one_event(ranker, log):
    one = make_log([(0, 3, 399.0)], n_users=1, n_items=40)
    ranked = ranker.rank(context_of(one, 0), 10)
    assert_whole(ranked, 10)
    assert "single event" in ranked.note


def test_whole_catalogue_can_be_asked_for(ranker, log):
    assert_whole(ranker.rank(context_of(log, 0), 100, exclude_seen=False), 40)


def test_save_and_load(ranker, log, catalogue, tmp_path):
    ranker.save(tmp_path)
    loaded = Ranker.load(tmp_path, catalogue=catalogue, settings=SETTINGS)
    for user in (0, 1, None):
        a, b = ranker.rank(context_of(log, user), 10), loaded.rank(context_of(log, user), 10)
        np.testing.assert_array_equal(a.items, b.items)
        np.testing.assert_array_equal(a.scores, b.scores)
        np.testing.assert_allclose(a.confidence, b.confidence)
    assert loaded.trained.decisions == ranker.trained.decisions


def test_load_refuses_what_does_not_fit(ranker, catalogue, tmp_path):
    with pytest.raises(NotFittedError, match="found none"):
        Ranker.load(tmp_path, catalogue=catalogue, settings=SETTINGS)
    ranker.save(tmp_path)
    with pytest.raises(NotFittedError, match="41 items"):
        Ranker.load(tmp_path, catalogue=make_catalogue(41), settings=SETTINGS)
    plain = json.loads((tmp_path / "ranker.json").read_text())
    (tmp_path / "ranker.json").write_text(json.dumps({**plain, "format": 0}))
    with pytest.raises(NotFittedError, match="format 0"):
        Ranker.load(tmp_path, catalogue=catalogue, settings=SETTINGS)


def test_same_data_same_ranker(ranker, log, catalogue):
    again = Ranker.fit(log, catalogue, SETTINGS, now_ms=NOW_MS)
    assert again.trained.decisions == ranker.trained.decisions
    np.testing.assert_array_equal(
        again.rank(context_of(log, 7), 10).scores, ranker.rank(context_of(log, 7), 10).scores
    )


def test_fixed_weights(log, catalogue):
    settings = RankingSettings(n_candidates=20, weights={"popularity": 1.0})
    ranked = Ranker.fit(log, catalogue, settings, now_ms=NOW_MS).rank(context_of(log, 0), 5)
    assert all(shares == {"popularity": 1.0} for shares in ranked.sources)
    wrong = RankingSettings(weights={"popularty": 1.0})
    with pytest.raises(SettingsError, match="popularty"):
        Ranker.fit(log, catalogue, wrong, now_ms=NOW_MS)


def test_facet_quotas_come_through(log, catalogue):
    settings = RankingSettings(n_candidates=20, weights={"facet-vectors": 1.0})
    ranker = Ranker.fit(log, catalogue, settings, now_ms=NOW_MS)
    facets = tuple(
        FacetQuery(f"f{i}", catalogue.vectors[i], quota) for i, quota in ((2, 0.9), (30, 0.1), (9, 0.0))
    )
    ranked = ranker.rank(context_of(log, None, facets=facets), 2, exclude_seen=False)
    assert ranked.items[0] == 2


def test_with_index_changes_only_the_facet_source(ranker):
    class Empty:
        def query(self, vector, n):
            return [], np.empty(0, np.float32)

    other = ranker.with_index(Empty())
    for source in other.trained.sources:
        assert (getattr(source, "index", None) is not None) == isinstance(source, FacetVectorSource)
    assert all(getattr(source, "index", None) is None for source in ranker.trained.sources)


def test_an_earlier_moment_is_reported(ranker, log):
    stages = ranker.rank(Context.of(log, 0, now_ms=100 * DAY_MS), 5).stages
    assert all(stage.status == "degraded" for stage in stages if stage.name.startswith("source:"))


def test_without_als_the_stage_says_what_to_install(log, catalogue, monkeypatch, tmp_path):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "implicit" else real(name))
    ranker = Ranker.fit(log, catalogue, SETTINGS, now_ms=NOW_MS)
    ranker.save(tmp_path)
    for one in (ranker, Ranker.load(tmp_path, catalogue=catalogue, settings=SETTINGS)):
        (stage,) = [s for s in one.rank(context_of(log, 0), 5).stages if s.status == "skipped"]
        assert "driftrec[als]" in stage.detail


@pytest.mark.parametrize(
    "events", [[], [(0, 0, 10.0)], [(0, 0, 10.0), (1, 2, 11.0), (0, 1, 12.0)]], ids=["empty", "one", "three"]
)
def test_tiny_data_take_the_default(events):
    log = make_log(events, n_users=3, n_items=5)
    ranker = Ranker.fit(log, make_catalogue(5), SETTINGS, now_ms=NOW_MS)
    assert ranker.trained.decisions["new"].reason.startswith("default")
    for user in (0, 2, None):
        ranked = ranker.rank(context_of(log, user), 3)
        assert_whole(ranked, 3)
        assert any("not calibrated" in stage.detail for stage in ranked.stages)


def test_empty_catalogue():
    ranker = Ranker.fit(make_log([], n_users=1, n_items=0), make_catalogue(0), SETTINGS, now_ms=NOW_MS)
    assert len(ranker.rank(context_of(make_log([], n_users=1, n_items=0), 0), 5).items) == 0


def test_progress_reaches_its_total(log, catalogue):
    steps = []
    Ranker.fit(
        log, catalogue, SETTINGS, now_ms=NOW_MS, progress=lambda done, total: steps.append((done, total))
    )
    assert [done for done, _ in steps] == list(range(1, steps[-1][1] + 1))


def test_data_repeats(log):
    assert data_repeats(log)
    assert not data_repeats(make_log([(0, i, float(i)) for i in range(5)] * 3, n_users=1, n_items=5))
    assert not data_repeats(make_log([], n_users=1, n_items=5))


@pytest.mark.slow
def test_films_are_ranked_by_what_is_talked_about_now():
    """On a stream of new films recent popularity beats every personal model: the windows have to see it."""
    if not TWEETS.is_dir():
        pytest.fail(f"expected the MovieTweetings data in {TWEETS}, found nothing; fetch the shared data")
    import polars as pl

    items = pl.read_csv(TWEETS / "items.csv", schema_overrides={"item_id": pl.String})
    events = pl.read_csv(TWEETS / "interactions.csv", schema_overrides={"item_id": pl.String})
    codes = {name: code for code, name in enumerate(items["item_id"])}
    users = {name: code for code, name in enumerate(events["user_id"].unique().sort())}
    rows = [
        (users[u], codes[i], t / 86_400, 1.0 if v > 4 else -1.0)
        for u, i, t, v in events.select("user_id", "item_id", "timestamp", "value").iter_rows()
    ]
    log = make_log(rows, n_users=len(users), n_items=len(items))
    now_ms = int(np.quantile(log.timestamp_ms, 0.9))
    settings = RankingSettings(max_exact_items=1000)
    ranker = Ranker.fit(log, make_catalogue(len(items)), settings, now_ms=now_ms)
    assert not ranker.repeats
    decision = ranker.trained.decisions["new"]
    assert max(decision.singles, key=decision.singles.get) == "popularity-7d"
    assert decision.weights["popularity-7d"] == 1.0
    assert_whole(ranker.rank(Context.of(log, 5, now_ms=now_ms), 10), 10)


def test_a_filter_lowers_confidence_to_that_of_the_places_without_it(ranker, log):
    history = context_of(log, 0)
    whole = ranker.rank(history, 40, exclude_seen=False)
    few = np.zeros(40, bool)
    few[whole.items[[4, 9, 14]]] = True
    found = ranker.rank(history, 3, exclude_seen=False, allowed=few)
    np.testing.assert_array_equal(found.items, whole.items[[4, 9, 14]])
    np.testing.assert_allclose(found.confidence, whole.confidence[[4, 9, 14]])


def test_new_items_are_found_by_their_text_where_the_weighted_source_is_silent(log):
    known = log.take(log.item < 38)
    vectors = unit_vectors(40)
    liked = vectors[known.item[known.rows_of(0)]].sum(axis=0)
    vectors[39] = liked / np.linalg.norm(liked)
    vectors[38] = -vectors[39]
    weights = SETTINGS.model_copy(update={"weights": {"popularity": 1.0}})
    ranker = Ranker.fit(known, make_catalogue(40, vectors=vectors), weights, now_ms=NOW_MS)
    ranked = ranker.rank(context_of(known, 0), 2, allowed=np.arange(40) >= 38)
    assert ranked.items.tolist() == [39, 38]
    assert set(ranked.sources[0]) <= {"ease", "facet-vectors"}
