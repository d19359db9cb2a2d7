"""Weights of a segment's own: found where they are planted, refused where they are not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from ranking_logs import NOW_MS, make_catalogue, make_log
from test_fusion import NAMES, planted_pool

from agent.data.log import DAY_MS
from agent.ranking.fusion import FusionDecision, decide
from agent.ranking.history import Context
from agent.ranking.ranker import Ranker
from agent.ranking.segments import BLENDS, MIN_SEGMENT_USERS, blended, decide_segment, segment_of
from agent.ranking.windows import ndcg
from agent.settings import RankingSettings


def pools_with(signals, *, seed=0, **kwargs):
    return [planted_pool(signals, seed=100 * seed + window, **kwargs) for window in range(3)]


@pytest.fixture(scope="module")
def overall():
    """Everybody follows the first source, and the second is noise."""
    return decide(pools_with((2, 0)), NAMES, task="new", default={})


def test_a_segment_that_follows_another_source_gets_weights_of_its_own(overall):
    found = decide_segment("cold user", pools_with((0, 2), seed=7), NAMES, overall=overall)
    assert found.differs and found.low > 0 and min(found.by_window) > 0
    assert found.weights["other"] > found.weights.get("good", 0.0)
    assert found.blend in BLENDS and found.n_users == 200
    assert "other" in found.reason


def test_a_segment_like_everybody_keeps_the_weights_of_everybody(overall):
    for seed in range(1, 6):
        found = decide_segment("drifted user", pools_with((2, 0), seed=seed), NAMES, overall=overall)
        assert not found.differs and found.weights == dict(overall.weights)


def test_a_small_segment_decides_nothing(overall):
    few = pools_with((0, 2), n_users=MIN_SEGMENT_USERS - 1)
    found = decide_segment("cold user", few, NAMES, overall=overall)
    assert not found.differs and f"{MIN_SEGMENT_USERS - 1} users" in found.reason
    assert not decide_segment("cold user", [], NAMES, overall=overall).differs


def test_one_losing_window_is_enough_to_keep_everybodys_weights(overall):
    pools = [*pools_with((0, 2))[:2], planted_pool((2, -2), seed=9)]
    found = decide_segment("cold user", pools, NAMES, overall=overall)
    assert not found.differs and min(found.by_window) < 0


def test_the_nearest_blend_within_one_standard_error_is_taken(overall):
    """Where a little of the other source does as well as a lot, a little is taken."""
    found = decide_segment("cold user", pools_with((2, 2), seed=3), NAMES, overall=overall)
    assert found.differs and found.blend < 1.0


def test_what_a_list_is_filled_up_with_is_what_a_cold_item_has_to_beat():
    """Everybody's source is silent here: the comparison is with the fill, not with an empty list."""
    pools = pools_with((0, 2))
    silent = [dataclasses.replace(p, scores=np.stack([0 * p.scores[0], p.scores[1]])) for p in pools]
    names = ["popularity-7d", "facet-vectors"]
    overall = FusionDecision("new", {"popularity-7d": 1.0}, {}, (), 300, 3, "best single source")
    found = decide_segment("cold item", silent, names, overall=overall)
    assert ndcg(silent[0], silent[0].scores[1]).mean() > 0.3
    assert not found.differs and abs(found.gain) < 1e-9


def test_the_decision_says_which_segments_differ_and_survives_as_plain_data(overall):
    own = decide_segment("cold user", pools_with((0, 2), seed=7), NAMES, overall=overall)
    same = decide_segment("drifted user", pools_with((2, 0), seed=2), NAMES, overall=overall)
    decision = dataclasses.replace(overall, segments=(own, same))
    assert FusionDecision.from_dict(decision.to_dict()) == decision
    assert decision.of("cold user").weights == own.weights
    assert decision.of("drifted user") is decision and decision.of(None) is decision
    assert own.reason in decision.describe() and "do not differ (drifted user" in decision.describe()
    assert "do not differ" not in dataclasses.replace(decision, segments=(own,)).describe()
    assert "no segment differs" in dataclasses.replace(overall, segments=(same,)).describe()


def test_blending_keeps_what_counts():
    assert blended({"a": 1.0}, {"b": 1.0}, 0.25) == {"a": 0.75, "b": 0.25}
    assert blended({"a": 1.0}, {"b": 1.0}, 1.0) == {"b": 1.0}


def test_which_segment_a_list_belongs_to():
    log = make_log([(0, 0, 1), *((1, item, item + 1) for item in range(6))], n_users=3, n_items=6)
    one, many, nobody = (Context.of(log, user, now_ms=NOW_MS) for user in (0, 1, 2))
    assert segment_of(one, cold_items=False) == "cold user"
    assert segment_of(many, cold_items=False) is None and segment_of(nobody, cold_items=False) is None
    moved = dataclasses.replace(many, emphasis=np.full(6, 0.5, np.float32))
    assert segment_of(moved, cold_items=False) == "drifted user"
    assert segment_of(one, cold_items=True) == "cold item"


def world_of_two_kinds(seed=0):
    """Regulars keep to their half of the items for good; newcomers take what everyone takes this month."""
    rng = np.random.default_rng(seed)
    events, n_regular, n_new = [], 120, 240
    for user in range(n_regular):
        base = 20 * (user % 2)
        events += [(user, base + int(rng.integers(20)), float(day)) for day in rng.uniform(0, 400, 25)]
    for number in range(n_new):
        user, start = n_regular + number, float(rng.uniform(280, 370))
        events.append((user, int(rng.integers(40)), start))
        for day in start + rng.uniform(1, 30, 6):
            month = int(day // 30)
            events.append((user, 40 + (7 * month + int(rng.integers(3))) % 20, float(min(day, 399.0))))
    return make_log(events, n_users=n_regular + n_new, n_items=60)


def test_newcomers_of_a_planted_world_are_ranked_by_what_is_taken_lately():
    log, catalogue = world_of_two_kinds(), make_catalogue(60)
    settings = RankingSettings(n_candidates=30)
    ranker = Ranker.fit(log, catalogue, settings, now_ms=NOW_MS, repeats=False)
    decision = ranker.trained.decisions["new"]
    (cold,) = [entry for entry in decision.segments if entry.segment == "cold user"]
    assert cold.differs and cold.n_users >= MIN_SEGMENT_USERS, decision.describe()
    recent = {name: w for name, w in cold.weights.items() if name.startswith("popularity-")}
    assert sum(recent.values()) > sum(decision.weights.get(name, 0.0) for name in recent)
    one = make_log([(0, 3, 399.0)], n_users=1, n_items=60)
    newcomer = Context.of(one, 0, now_ms=NOW_MS)
    regular = Context.of(log, 0, now_ms=NOW_MS)
    (stage,) = [s for s in ranker.rank(newcomer, 5).stages if s.name == "fusion"]
    assert cold.reason in stage.detail
    (stage,) = [s for s in ranker.rank(regular, 5).stages if s.name == "fusion"]
    assert stage.detail == decision.reason
    month = {40 + (7 * (NOW_MS // DAY_MS // 30) + offset) % 20 for offset in range(3)}
    lately = {40 + (7 * 12 + offset) % 20 for offset in range(3)} | month
    assert len(set(ranker.rank(newcomer, 3).items.tolist()) & lately) >= 2
