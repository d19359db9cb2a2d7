from __future__ import annotations

import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from agent.data.log import DAY_MS, InteractionLog
from agent.interests.changes import run_whole_test
from agent.interests.frame import form_frame
from agent.interests.migration import Windows, compute_drift, compute_migration, halve
from agent.interests.population import PopulationModel, fit_population, leave_out
from agent.interests.profile import (
    compute_profile,
    migration_from_json,
    migration_to_json,
    profile_from_json,
    profile_to_json,
)
from agent.interests.sessions import compute_session_shares
from agent.interests.words import collect_examples, name_from_facts
from agent.settings import InterestSettings
from tests.interests.conftest import FIRST_DAY, GROUPS

SETTINGS = InterestSettings()


def migrate(log, catalogue, *, windows=None, population=None, with_evidence=True, moment_ms=None):
    frame = form_frame(log, catalogue, SETTINGS)
    sessions = compute_session_shares(log, frame)
    examples = collect_examples(log, catalogue, frame, sessions)
    labels = {key: name_from_facts(entry, catalogue).label for key, entry in examples.items()}
    return compute_migration(
        "ann",
        log,
        catalogue,
        frame=frame,
        sessions=sessions,
        windows=windows or halve(sessions),
        settings=SETTINGS,
        labels=labels,
        population=population,
        with_evidence=with_evidence,
        moment_ms=moment_ms,
    )


def kinds(migration):
    return {change.label: change.kind for change in migration.changes}


def test_new_dropped_rising_fading_and_stable(catalogue, make_log, random_plan):
    plan = random_plan(
        [
            (40, {"Cheese": 4, "Bread": 1, "Fish": 2, "Tea": 2}),
            (40, {"Cheese": 1, "Bread": 4, "Wine": 2, "Tea": 2}),
        ]
    )
    migration = migrate(make_log(plan), catalogue)
    assert not migration.abstained
    assert migration.p_value <= 0.001
    assert kinds(migration) == {
        "Cheese": "fading",
        "Bread": "rising",
        "Fish": "dropped",
        "Wine": "new",
        "Tea": "stable",
    }
    fish = next(change for change in migration.changes if change.label == "Fish")
    assert fish.share_after == 0 and not fish.evidence_after
    assert fish.share_before > 0.1 and fish.evidence_before


def test_evidence_may_be_left_out(catalogue, make_log, random_plan):
    log = make_log(random_plan([(20, {"Cheese": 4}), (20, {"Bread": 4})]))
    told, bare = migrate(log, catalogue), migrate(log, catalogue, with_evidence=False)
    assert kinds(bare) == kinds(told) and told.changes[0].evidence_before
    assert not any(change.evidence_before or change.evidence_after for change in bare.changes)


def test_no_change_abstains(catalogue, make_log, random_plan):
    migration = migrate(
        make_log(random_plan([(60, {"Cheese": 2, "Bread": 1, "Fish": 1})], seed=2)), catalogue
    )
    assert migration.abstained
    assert set(kinds(migration).values()) == {"stable"}
    assert "No change beyond chance" in migration.note


def test_an_interest_that_left_and_came_back(catalogue, make_log, random_plan):
    plan = random_plan(
        [
            (20, {"Cheese": 2, "Wine": 2, "Bread": 1}),
            (40, {"Cheese": 2, "Bread": 1, "Tea": 1}),
            (20, {"Cheese": 2, "Wine": 2, "Bread": 1}),
        ]
    )
    migration = migrate(make_log(plan), catalogue)
    wine = next(change for change in migration.changes if change.label == "Wine")
    assert wine.kind == "returned" and not wine.crowd
    assert len(wine.intervals) == 2
    (_, left), (back, _) = wine.intervals
    assert (back - left).days >= 35


def test_known_before_the_earlier_window_is_returned_not_new(catalogue, make_log, random_plan):
    plan = random_plan(
        [(15, {"Wine": 1, "Bread": 1}), (30, {"Cheese": 1, "Bread": 1}), (30, {"Wine": 2, "Bread": 1})]
    )
    log = make_log(plan)
    windows = Windows((FIRST_DAY + 15) * DAY_MS, (FIRST_DAY + 45) * DAY_MS, (FIRST_DAY + 75) * DAY_MS)
    assert kinds(migrate(log, catalogue, windows=windows))["Wine"] == "returned"


@pytest.mark.parametrize("n_days", [0, 1, 2, 4])
def test_too_little_history_abstains_with_a_remedy(catalogue, make_log, n_days):
    log = make_log([[0, 5]] * n_days)
    frame = form_frame(log, catalogue, SETTINGS)
    sessions = compute_session_shares(log, frame)
    windows = halve(sessions)
    migration = compute_migration(
        "ann", log, catalogue, frame=frame, sessions=sessions, windows=windows, settings=SETTINGS, labels={}
    )
    assert migration.abstained and migration.changes == ()
    assert migration.note
    if windows is not None:
        assert compute_drift(sessions, windows, SETTINGS, log=log, catalogue=catalogue) is None


@pytest.mark.parametrize("n_before", [0, 1, 19, 20])
def test_a_side_of_hardly_any_sessions_is_not_tested(catalogue, make_log, random_plan, n_before):
    log = make_log(random_plan([(10, {"Cheese": 4}), (10, {"Bread": 4})]))
    sessions = compute_session_shares(log, form_frame(log, catalogue, SETTINGS))
    assert sessions.n_sessions == 20
    assert run_whole_test(log, catalogue, sessions, n_before, settings=SETTINGS) is None
    assert run_whole_test(log, catalogue, sessions, 10, settings=SETTINGS) is not None


def test_the_fast_scan_agrees_with_the_full_migration(catalogue, make_log, random_plan):
    log = make_log(random_plan([(20, {"Cheese": 2, "Bread": 1}), (20, {"Cheese": 1, "Bread": 2})]))
    frame = form_frame(log, catalogue, SETTINGS)
    sessions = compute_session_shares(log, frame)
    migration = migrate(log, catalogue)
    drift = compute_drift(sessions, halve(sessions), SETTINGS, log=log, catalogue=catalogue)
    assert drift == (migration.drift_score, migration.p_value)


def test_evidence_is_real_and_on_its_side(catalogue, make_log, random_plan):
    log = make_log(random_plan([(30, {"Cheese": 3, "Bread": 1}), (30, {"Cheese": 1, "Wine": 3})]))
    migration = migrate(log, catalogue)
    when = dict(zip(log.interaction_id.tolist(), log.timestamp_ms.tolist(), strict=True))
    item = dict(zip(log.interaction_id.tolist(), log.item.tolist(), strict=True))
    split_ms = migration.after[0].timestamp() * 1000
    for change in migration.changes:
        for side, earlier in ((change.evidence_before, True), (change.evidence_after, False)):
            for session in side:
                for number in session.interaction_ids:
                    assert (when[number] < split_ms) is earlier
                    assert GROUPS[item[number] // 5] == change.label


def test_everyone_moved(catalogue, make_log, random_plan):
    log = make_log(random_plan([(30, {"Cheese": 3, "Bread": 3}), (30, {"Cheese": 1, "Bread": 5})]))
    alone = migrate(log, catalogue)
    assert not any(change.crowd for change in alone.changes)
    names = catalogue.category_names
    shares = np.zeros((2, len(names)), np.float32)
    shares[0, [names.index("Cheese"), names.index("Bread")]] = [0.3, 0.3]
    shares[1, [names.index("Cheese"), names.index("Bread")]] = [0.1, 0.5]
    crowd = PopulationModel(
        names,
        np.ones((1, 1), np.float32),
        np.ones((1, len(names)), np.float32),
        FIRST_DAY,
        shares,
        40 * shares,
        np.full(shares.shape, 40, np.int32),
        np.array([400, 400]),
        np.array([40, 40]),
    )
    moved = {change.label: change.crowd for change in migrate(log, catalogue, population=crowd).changes}
    assert moved == {"Cheese": True, "Bread": True}
    # Of a handful of others nobody can say that everyone moved.
    few = replace(crowd, period_takers=crowd.period_takers // 10, period_active=crowd.period_active // 10)
    assert not any(change.crowd for change in migrate(log, catalogue, population=few).changes)


@pytest.mark.parametrize(("everyone", "n_others"), [(False, 60), (True, 60), (True, 5)])
def test_the_user_is_not_of_the_crowd_they_are_compared_with(
    catalogue, make_log, random_plan, everyone, n_others
):
    """One user takes up wine for the second half, among others who never do, or who do so too."""
    catalogue = replace(catalogue, categories=tuple(names[1:] for names in catalogue.categories))
    before, after = {"Cheese": 3.0, "Bread": 3.0}, {"Cheese": 2.0, "Bread": 2.0, "Wine": 2.0}
    logs = [make_log(random_plan([(60, before), (60, after)], seed=1))]
    for number in range(n_others):
        phases = [(60, before), (60, after)] if everyone else [(120, before)]
        logs.append(make_log(random_plan(phases, seed=2 + number)))
    joined = crowd_log(logs)
    population = fit_population(joined, catalogue, SETTINGS)
    others = leave_out(population, joined, catalogue, "u0")
    wine = next(
        change for change in migrate(logs[0], catalogue, population=others).changes if change.label == "Wine"
    )
    assert wine.kind == "new"
    assert wine.crowd is (everyone and n_others == 60)


def test_leaving_a_user_out_is_fitting_without_them(catalogue, make_log, random_plan):
    logs = [
        make_log(
            random_plan(
                [(50, {"Cheese": 1.0, "Bread": float(1 + n)}), (50, {"Fish": 2.0, "Tea": 1.0})], seed=n
            )
        )
        for n in range(4)
    ]
    left = leave_out(fit_population(crowd_log(logs), catalogue, SETTINGS), crowd_log(logs), catalogue, "u0")
    alone = fit_population(crowd_log(logs[1:]), catalogue, SETTINGS)
    assert np.allclose(left.period_voices, alone.period_voices, atol=1e-5)
    assert np.array_equal(left.period_takers, alone.period_takers)
    assert np.array_equal(left.period_events, alone.period_events)
    assert left.period_active.tolist() == [3, 3, 3, 3]
    assert np.allclose(left.period_shares, alone.period_shares, atol=0.06)  # the topics are everyone's
    assert leave_out(alone, crowd_log(logs[1:]), catalogue, "nobody") is alone
    assert leave_out(None, crowd_log(logs), catalogue, "u0") is None


def test_a_department_leaves_its_shelves(catalogue):
    """What holds another category of the item whole says nothing of its own; equals stay."""
    nested = dataclasses.replace(
        catalogue,
        categories=(("Shop", "Cheese"), ("Shop", "Cheese"), ("Shop",), ("Shop", "Tea"), ("A", "B"), ()),
    )
    assert nested.leaf_categories == (("Cheese",), ("Cheese",), ("Shop",), ("Tea",), ("A", "B"), ())


def crowd_log(logs):
    """One log of several users, `u0` first, in time order."""
    joined = InteractionLog(
        user=np.concatenate([np.full(len(log), number, np.int32) for number, log in enumerate(logs)]),
        **{
            name: np.concatenate([getattr(log, name) for log in logs])
            for name in ("item", "timestamp_ms", "event", "value", "weight")
        },
        interaction_id=np.arange(1, sum(map(len, logs)) + 1, dtype=np.int64),
        user_ids=tuple(f"u{number}" for number in range(len(logs))),
        events=logs[0].events,
        n_items=logs[0].n_items,
    )
    return joined.take(np.argsort(joined.timestamp_ms, kind="stable"))


def test_population_model_finds_the_groups_and_survives_disk(catalogue, make_log, random_plan, tmp_path):
    log = make_log(random_plan([(40, {"Cheese": 1, "Fish": 1}), (40, {"Wine": 1})]))
    model = fit_population(log, catalogue, SETTINGS)
    assert model is not None
    assert np.allclose(model.period_shares.sum(axis=1), 1.0, atol=1e-5)
    wine = model.categories.index("Wine")
    assert model.period_shares[0, wine] < 0.2 < 0.5 < model.period_shares[-1, wine]
    model.save(tmp_path / "population.npz")
    again = PopulationModel.load(tmp_path / "population.npz")
    assert again.categories == model.categories
    assert np.array_equal(again.period_shares, model.period_shares)
    assert np.array_equal(again.period_takers, model.period_takers)
    assert fit_population(make_log([]), catalogue, SETTINGS) is None


def test_a_change_spread_over_facets_too_rare_to_test_is_reported_without_a_name(catalogue, make_log):
    """Each facet in two sessions at most, those of the halves apart: nothing to name, much to tell."""
    migration = migrate(make_log([[0], [5], [10], [1], [6], [15], [20], [25], [16], [21]]), catalogue)
    assert not migration.abstained and migration.changes == ()
    assert "spread over many interests" in migration.note


def test_change_points_of_three_chapters(catalogue, make_log, random_plan):
    plan = random_plan([(25, {"Cheese": 1}), (25, {"Wine": 2, "Tea": 1}), (25, {"Fish": 2, "Soap": 1})])
    migration = migrate(make_log(plan), catalogue)
    assert [point.session for point in migration.change_points] == [25, 50]
    assert [(point.moment.timestamp() * 1000 // DAY_MS) for point in migration.change_points] == [
        FIRST_DAY + 25,
        FIRST_DAY + 50,
    ]
    assert min(point.log_odds for point in migration.change_points) > 10


def test_an_interest_back_in_its_season(catalogue, make_log):
    """Wine in June of two years, seen from a window that begins in May of the second."""
    rng = np.random.default_rng(3)
    plan: list[list[int]] = [[] for _ in range(545)]
    for day in range(0, 545, 4):
        june = 151 <= day % 365 < 181
        plan[day] = [int(rng.integers(0, 5)), 15 if june else int(rng.integers(5, 10))]
    log = make_log(plan)
    windows = Windows((FIRST_DAY + 400) * DAY_MS, (FIRST_DAY + 515) * DAY_MS, (FIRST_DAY + 545) * DAY_MS)
    assert kinds(migrate(log, catalogue, windows=windows))["Wine"] == "seasonal"
    # Seen from the second year alone the same interest is new: a season cannot be told.
    second = log.take(log.day >= FIRST_DAY + 400)
    assert kinds(migrate(second, catalogue, windows=windows))["Wine"] == "new"


def test_dislikes_are_changes_of_their_own(catalogue, make_log):
    plan = [[0, 5], [10], [1, 15], [6], [15, 10], [2], [11, 3], [7]]
    weights = [1, 1, -1, 1, -1, 1, -1, 1, -1, 1, 1, 1]
    log = make_log(plan, weights=weights)
    windows = Windows(FIRST_DAY * DAY_MS, (FIRST_DAY + 4) * DAY_MS, (FIRST_DAY + 8) * DAY_MS)
    found = {entry.item_id: entry for entry in migrate(log, catalogue, windows=windows).dislikes}
    assert {item: entry.kind for item, entry in found.items()} == {
        "i10": "withdrawn",
        "i15": "lasting",
        "i02": "new",
    }
    assert found["i15"].interaction_ids == (5, 7) and not found["i15"].rated_low
    assert found["i02"].facet == next(
        change.key for change in migrate(log, catalogue, windows=windows).changes if change.label == "Cheese"
    )


def profile_of(log, catalogue, moment_ms):
    past = log.before(moment_ms)
    frame = form_frame(past, catalogue, SETTINGS)
    sessions = compute_session_shares(past, frame)
    examples = collect_examples(past, catalogue, frame, sessions)
    words = {key: name_from_facts(entry, catalogue) for key, entry in examples.items()}
    return compute_profile(
        "ann",
        past,
        catalogue,
        frame=frame,
        sessions=sessions,
        moment_ms=moment_ms,
        words=words,
        settings=SETTINGS,
    )


def test_a_profile_knows_nothing_of_its_future(catalogue, make_log, random_plan):
    plan = random_plan([(30, {"Cheese": 3, "Bread": 1}), (30, {"Wine": 3, "Fish": 1})])
    moment_ms = (FIRST_DAY + 30) * DAY_MS
    then = profile_of(make_log(plan), catalogue, moment_ms)
    assert then == profile_of(make_log(plan[:30]), catalogue, moment_ms)
    assert {facet.label for facet in then.facets} == {"Cheese", "Bread"}
    assert sum(facet.share for facet in then.facets) + then.other_share == pytest.approx(1.0)


def test_profiles_of_little_say_so(catalogue, make_log):
    nothing = profile_of(make_log([]), catalogue, FIRST_DAY * DAY_MS)
    assert nothing.facets == () and "nothing is known" in nothing.note
    one = profile_of(make_log([[0]]), catalogue, (FIRST_DAY + 9) * DAY_MS)
    assert len(one.facets) == 1 and one.facets[0].share == pytest.approx(1.0)
    assert "Rests on 1 event" in one.note


def test_a_profile_refuses_events_after_its_moment(catalogue, make_log):
    log = make_log([[0], [5]])
    frame = form_frame(log, catalogue, SETTINGS)
    with pytest.raises(ValueError, match="reaches"):
        compute_profile(
            "ann",
            log,
            catalogue,
            frame=frame,
            sessions=compute_session_shares(log, frame),
            moment_ms=FIRST_DAY * DAY_MS,
            words={},
            settings=SETTINGS,
        )


def test_dislikes_are_listed_and_form_no_facet(catalogue, make_log):
    profile = profile_of(make_log([[0, 25], [1]], weights=[1, -1, 1]), catalogue, (FIRST_DAY + 9) * DAY_MS)
    assert profile.dislikes == ("Soap kind 0, 100 g",)
    assert [facet.label for facet in profile.facets] == ["Cheese"]


def test_versions_survive_json(catalogue, make_log, random_plan):
    log = make_log(random_plan([(30, {"Cheese": 3, "Bread": 1}), (30, {"Cheese": 1, "Wine": 3})]))
    profile = profile_of(log, catalogue, (FIRST_DAY + 60) * DAY_MS)
    assert profile_from_json(profile_to_json(profile)) == profile
    migration = migrate(log, catalogue)
    assert migration_from_json(migration_to_json(migration)) == migration


def test_the_newest_sessions_are_halved_by_themselves(catalogue, make_log, random_plan):
    log = make_log(random_plan([(20, {"Cheese": 1})]))
    sessions = compute_session_shares(log, form_frame(log, catalogue, SETTINGS))
    windows = halve(sessions, newest=6)
    assert [int(mask.sum()) for mask in windows.masks(sessions)] == [3, 3]
    assert windows.end_ms == halve(sessions).end_ms and halve(sessions, newest=50) == halve(sessions)
    assert halve(sessions, newest=1) is None
