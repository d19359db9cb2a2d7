from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from agent.interests.frame import category_overlap, extend_frame, form_frame
from agent.interests.frames import frame_from_json, frame_to_json
from agent.interests.sessions import compute_recency_shares, compute_session_shares
from agent.interests.words import FacetWords
from agent.settings import InterestSettings

SETTINGS = InterestSettings()


def groups_of(frame, catalogue):
    found = {}
    for item, facet in zip(frame.items, frame.facet, strict=True):
        found.setdefault(int(facet), set()).add(catalogue.categories[item][1])
    return found


def test_facets_are_the_planted_groups(catalogue, make_log, random_plan):
    log = make_log(random_plan([(30, {"Cheese": 1, "Fish": 1, "Tea": 1})]))
    frame = form_frame(log, catalogue, SETTINGS)
    groups = groups_of(frame, catalogue)
    assert sorted(next(iter(names)) for names in groups.values()) == ["Cheese", "Fish", "Tea"]
    assert all(len(names) == 1 for names in groups.values())
    assert np.allclose(np.linalg.norm(frame.centroids, axis=1), 1.0, atol=1e-5)


def test_order_of_events_does_not_matter(catalogue, make_log, random_plan):
    plan = random_plan([(20, {"Cheese": 1, "Fish": 1, "Tea": 1})])
    one = form_frame(make_log(plan), catalogue, SETTINGS)
    other = form_frame(make_log(plan[::-1]), catalogue, SETTINGS)
    assert one.keys == other.keys
    assert np.array_equal(one.facet, other.facet)


def test_dislikes_and_items_without_text_found_no_facet(catalogue, make_log):
    log = make_log([[0, 5], [10]], weights=[1, -1, 1])
    bare = dataclasses.replace(catalogue, text_row=np.where(np.arange(30) == 10, -1, catalogue.text_row))
    frame = form_frame(log, bare, SETTINGS)
    assert frame.items.tolist() == [0, 10]
    assert frame.facet.tolist() == [0, -1]


def test_empty_history_and_missing_vectors_give_an_empty_frame(catalogue, make_log):
    assert form_frame(make_log([]), catalogue, SETTINGS).n_facets == 0
    unembedded = dataclasses.replace(catalogue, vectors=None)
    assert form_frame(make_log([[0]]), unembedded, SETTINGS).n_facets == 0


def test_more_texts_than_are_clustered_join_the_nearest(catalogue, make_log, random_plan, monkeypatch):
    monkeypatch.setattr("agent.interests.frame.MAX_CLUSTERED_TEXTS", 8)
    log = make_log(random_plan([(40, {"Cheese": 1, "Fish": 1})]))
    frame = form_frame(log, catalogue, SETTINGS)
    assert (frame.facet >= 0).all()
    assert all(len(names) == 1 for names in groups_of(frame, catalogue).values())


def test_extension_keeps_keys_and_founds_new_ones(catalogue, make_log, random_plan):
    early = make_log(random_plan([(20, {"Cheese": 1, "Fish": 1})]))
    frame = form_frame(early, catalogue, SETTINGS)
    later = make_log(random_plan([(20, {"Cheese": 1, "Fish": 1}), (20, {"Cheese": 1, "Wine": 1})], seed=0))
    extended = extend_frame(frame, later, catalogue, SETTINGS)
    assert extended.keys[: frame.n_facets] == frame.keys
    assert extended.n_facets == frame.n_facets + 1
    assert np.array_equal(extended.facet_of(frame.items), frame.facet)
    cheese_old = frame.facet_of(np.array([0, 1, 2, 3, 4], np.int32)).max()
    assert set(extended.facet_of(np.arange(5, dtype=np.int32)).tolist()) <= {cheese_old, -1}
    assert extend_frame(extended, later, catalogue, SETTINGS) is extended


def test_rare_categories_pull_more_than_common_ones(catalogue):
    overlap = category_overlap(catalogue, np.array([0, 1, 5], np.int32))
    assert overlap[0, 1] == pytest.approx(1.0)  # Shop and Cheese in common
    assert 0 < overlap[0, 2] < 0.05  # only Shop, which everything is


def test_frame_survives_the_store(catalogue, make_log, random_plan):
    frame = form_frame(make_log(random_plan([(20, {"Cheese": 1, "Fish": 1})])), catalogue, SETTINGS)
    words = {key: FacetWords(f"label {key}", "说明") for key in frame.keys}
    again, words_again = frame_from_json(frame_to_json(frame, words, catalogue), catalogue)
    assert again.keys == frame.keys
    assert np.array_equal(again.items, frame.items)
    assert np.array_equal(again.facet, frame.facet)
    assert words_again == words
    assert np.allclose((again.centroids * frame.centroids).sum(axis=1), 1.0, atol=0.05)


def test_every_session_sums_to_one(catalogue, make_log, random_plan):
    log = make_log(random_plan([(25, {"Cheese": 3, "Fish": 1, "Wine": 1})]))
    frame = form_frame(log, catalogue, SETTINGS)
    sessions = compute_session_shares(log, frame)
    assert sessions.n_sessions == 25
    assert np.allclose(sessions.shares.sum(axis=1), 1.0)
    assert (np.diff(sessions.days) > 0).all()


def test_recency_shares_by_hand(catalogue, make_log):
    # Cheese on day 0, fish on day 60, half-life 60 days: weights 1/2 and 1, shares 1/3 and 2/3.
    plan = [[0]] + [[] for _ in range(59)] + [[10]]
    log = make_log(plan)
    frame = form_frame(log, catalogue, SETTINGS)
    sessions = compute_session_shares(log, frame)
    shares = compute_recency_shares(sessions, int(log.timestamp_ms[-1]) + 1, 60.0)
    by_facet = {int(frame.facet_of(np.array([code], np.int32))[0]): code for code in (0, 10)}
    assert {by_facet[spot]: round(float(share), 6) for spot, share in enumerate(shares)} == {
        0: round(1 / 3, 6),
        10: round(2 / 3, 6),
    }


def test_a_long_absence_does_not_empty_the_shares(catalogue, make_log):
    log = make_log([[0], [10]])
    frame = form_frame(log, catalogue, SETTINGS)
    shares = compute_recency_shares(compute_session_shares(log, frame), 10**15, 1.0)
    assert shares.sum() == pytest.approx(1.0)
