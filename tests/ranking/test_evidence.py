"""Who decides where nobody comes back: held-out parts of histories, blind to what is held out."""

from __future__ import annotations

import numpy as np
import pytest
from ranking_logs import NOW_MS, make_catalogue, make_log, planted_log, unit_vectors

from agent.data.log import DAY_MS
from agent.ranking.evidence import cold_items, cold_users, drifted_users, held_out_folds
from agent.ranking.ranker import Ranker
from agent.ranking.windows import Window
from agent.settings import RankingSettings

SETTINGS = RankingSettings(n_candidates=20)


def one_sitting_each(*, n_users=150, n_items=40, seed=0):
    """Everybody takes fifteen different items of their half in one day, and is never seen again."""
    rng = np.random.default_rng(seed)
    events = []
    for user in range(n_users):
        base = (user % 2) * n_items // 2
        items = base + rng.permutation(n_items // 2)[:15]
        day = float(rng.uniform(0, 399))
        events += [(user, int(item), day + place / 1000) for place, item in enumerate(items)]
    return make_log(events, n_users=n_users, n_items=n_items)


@pytest.fixture(scope="module")
def log():
    return one_sitting_each()


def test_a_fold_hides_its_users_last_items_and_keeps_everybody_elses(log):
    folds = held_out_folds(log, settings=SETTINGS)
    assert len(folds) == 3
    users = [context.user for fold in folds for context in fold.asked.contexts]
    assert len(users) == len(set(users)) == 150
    for fold in folds:
        hidden = 0
        for context in fold.asked.contexts:
            taken = fold.asked.labels["new"][context.user]
            assert len(taken) == 3  # a fifth of fifteen
            assert len(context.item) == 12 and not set(context.item.tolist()) & set(taken.tolist())
            mine = fold.log.take(fold.log.rows_of(context.user))
            np.testing.assert_array_equal(mine.item, context.item)
            assert (mine.timestamp_ms < context.now_ms).all()
            hidden += len(taken)
        assert len(fold.log) == len(log) - hidden


def test_who_is_asked_does_not_depend_on_what_they_took_last(log):
    changed = make_log(
        [
            (int(u), int(i) if place < 12 else (int(i) + 1) % 40, t / DAY_MS)
            for u in range(150)
            for place, (i, t) in enumerate(
                zip(log.item[log.rows_of(u)], log.timestamp_ms[log.rows_of(u)], strict=True)
            )
        ],
        n_users=150,
        n_items=40,
    )
    asked = [
        [[c.user for c in fold.asked.contexts] for fold in held_out_folds(one, settings=SETTINGS)]
        for one in (log, changed)
    ]
    assert asked[0] == asked[1]


def test_all_at_one_moment_leaves_nothing_to_foretell_from():
    events = [(user, item, 10.0) for user in range(40) for item in range(12)]
    assert held_out_folds(make_log(events, n_users=40, n_items=12), settings=SETTINGS) == ()
    assert held_out_folds(make_log([], n_users=1, n_items=1), settings=SETTINGS) == ()


def test_where_nobody_comes_back_histories_decide_and_say_so(log, tmp_path):
    catalogue = make_catalogue(40, vectors=unit_vectors(40))
    steps = []
    ranker = Ranker.fit(
        log,
        catalogue,
        SETTINGS,
        now_ms=NOW_MS,
        progress=lambda done, total: steps.append((done, total)),
    )
    assert [done for done, _ in steps] == list(range(1, steps[-1][1] + 1))
    decision = ranker.trained.decisions["new"]
    assert decision.grounds == "held-out" and decision.n_users == 150
    assert "held-out parts of 150 histories" in decision.reason
    assert max(decision.singles.values()) > 1.5 * decision.singles["popularity"]
    ranker.save(tmp_path)
    again = Ranker.load(tmp_path, catalogue=catalogue, settings=SETTINGS)
    assert again.trained.decisions == ranker.trained.decisions
    assert again.trained.choices == ranker.trained.choices


def test_held_out_parts_choose_timeless_transitions_where_what_follows_what_is_years_old():
    # Pairs that always follow each other, all taken within four days of long ago, told by no other source.
    rng = np.random.default_rng(3)
    events = []
    for user in range(120):
        start = float(rng.uniform(0, 3000))
        pairs = rng.choice(100, 6, replace=False)
        for step, pair in enumerate(pairs):
            events += [(user, 2 * int(pair), start + step), (user, 2 * int(pair) + 1, start + step + 0.4)]
    log = make_log(events, n_users=120, n_items=200)
    ranker = Ranker.fit(log, make_catalogue(200), SETTINGS, now_ms=4000 * DAY_MS)
    assert ranker.trained.decisions["new"].grounds == "held-out"
    assert ranker.trained.choices.transitions == "timeless"


def test_where_windows_hold_enough_they_alone_decide(monkeypatch):
    def never(*_, **__):
        raise AssertionError("held-out parts were asked although the windows hold enough users")

    monkeypatch.setattr("agent.ranking.training.held_out_folds", never)
    ranker = Ranker.fit(planted_log(seed=2), make_catalogue(40), SETTINGS, now_ms=NOW_MS)
    assert ranker.trained.decisions["new"].grounds == "windows"
    assert ranker.trained.choices.als == ranker.trained.choices.transitions == "fading"


def test_segments_are_drawn_from_what_was_before_the_window():
    events = [(0, item, item + 1.0) for item in range(6)] + [(1, 0, 3.0), (1, 1, 15.0), (2, 2, 16.0)]
    events += [(0, 7, 12.0), (0, 6, 13.0), (1, 7, 14.0)]
    log, window = make_log(events, n_users=3, n_items=8), Window(10 * DAY_MS, 20 * DAY_MS)
    cold = cold_users(log, window, settings=SETTINGS)
    assert [context.user for context in cold.contexts] == [1]
    assert cold.contexts[0].item.tolist() == [0]
    assert cold.labels["new"][1].tolist() == [1, 7]
    new = cold_items(log, window, settings=SETTINGS)
    assert np.flatnonzero(new.among).tolist() == [6, 7]
    assert [context.user for context in new.contexts] == [0] and new.labels["new"][0].tolist() == [6, 7]


def test_who_moved_is_found_by_the_days_before_the_window():
    vectors = np.eye(2, 8, dtype=np.float32)[np.arange(20) // 10]
    vectors = vectors + 0.05 * np.random.default_rng(0).normal(size=vectors.shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    moved = [(0, (d % 10) + (10 if d >= 20 else 0), d + 0.5) for d in range(40)]
    still = [(1, (7 * d) % 20, d + 0.5) for d in range(40)]
    after = [(user, item, 45.0) for user in (0, 1) for item in (3, 13)]
    log = make_log([*moved, *still, *after], n_users=2, n_items=20)
    catalogue = make_catalogue(20, vectors=vectors.astype(np.float32))
    window = Window(42 * DAY_MS, 50 * DAY_MS)
    found = drifted_users(log, catalogue, window, [0, 1], settings=SETTINGS)
    (context,) = found.contexts
    assert context.user == 0 and context.emphasis is not None
    assert context.emphasis[-1] == 1.0 and context.emphasis[0] < 1.0
    assert not drifted_users(log, make_catalogue(20), window, [0, 1], settings=SETTINGS).contexts
