"""Interests that come with the season: told in the default windows, in season and out; not by chance."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from agent.data.days import day_start
from agent.data.log import DAY_MS
from agent.interests.forgetting import compute_emphasis
from agent.interests.frame import form_frame
from agent.interests.migration import Windows, compute_drift, halve
from agent.interests.population import PopulationModel
from agent.interests.profile import migration_from_json, migration_to_json
from agent.interests.season import find_seasons, season_test
from agent.interests.sessions import compute_session_shares
from agent.interests.state import UserState
from agent.interests.story_check import check_story
from agent.interests.words import story_from_facts, window_phrases
from agent.listing.person import _movement_key, _outlook
from agent.schema import UserId
from agent.settings import InterestSettings
from tests.interests.conftest import FIRST_DAY
from tests.interests.test_migration import kinds, migrate

SETTINGS = InterestSettings(permutations=399)


def weekly(n_weeks, months_active):
    """Days of weekly sessions from 1 January 2017, and whether the facet was active: in those months."""
    days = np.arange(n_weeks, dtype=np.int64) * 7
    month = (days % 365.25) // 30.44 + 1
    return FIRST_DAY + days, np.isin(month, months_active)


def test_june_last_year_and_now():
    found = season_test(*weekly(77, [6]))
    assert found.p_value < 1e-3 and len(found.episodes) == 2


def test_all_year_is_no_season():
    assert season_test(*weekly(120, range(1, 13))).p_value == 1.0


def test_half_of_the_year_in_stretches_that_move_is_no_season():
    days, _ = weekly(200, [6])
    active = (days - FIRST_DAY) % 500 < 60
    assert season_test(days, active).p_value == 1.0


def test_another_season_last_year_is_none():
    days, active = weekly(77, [6])
    active = np.where(days < FIRST_DAY + 400, np.roll(active, 20), active)
    assert season_test(days, active).p_value == 1.0


def test_less_than_thirteen_months_cannot_tell():
    assert season_test(*weekly(50, [12])).p_value == 1.0
    one = np.array([0, 500], np.int64)
    assert season_test(one, np.array([False, True])).p_value == 1.0


def test_a_season_that_was_due_and_did_not_come_is_over():
    days, active = weekly(160, [6])
    assert season_test(days, active).p_value < 1e-3
    active[days > FIRST_DAY + 2 * 365] = False
    known = days < FIRST_DAY + 2 * 365 + 100
    assert season_test(days[known], active[known]).p_value < 1e-3
    assert season_test(days, active).p_value == 1.0


def test_the_turn_of_the_year_is_one_season():
    days = np.arange(0, 800, 5, dtype=np.int64)
    phase = days % 365.25
    found = season_test(days, (phase > 350) | (phase < 12))
    assert found.p_value < 1e-4
    assert len(found.episodes) == 3


def test_shuffled_days_give_a_season_to_hardly_anybody():
    """Ten facets of every rate, 400 histories of three years: at most 1 in 100 is meant to have one."""
    rng = np.random.default_rng(5)
    days = np.sort(rng.choice(1095, 150, replace=False)).astype(np.int64)
    rates = np.linspace(0.03, 0.6, 10)
    told = sum(bool(find_seasons(days, rng.random((150, 10)) < rates, SETTINGS)) for _ in range(400))
    assert told <= 10


def yearly(rng, *, until, in_season):
    """Weekly sessions from 2017 on, cheese and bread at random, two more days of soap in season."""
    plan: list[list[int]] = [[] for _ in range(until)]
    for day in range(0, until, 7):
        plan[day] = [int(rng.integers(0, 10)), int(rng.integers(0, 10))]
    for day in range(until):
        if in_season((day - 0.5) % 365.25) and day % 5 == 0:
            plan[day] = [*plan[day], 25 + int(rng.integers(5))]
    return plan


def christmas(phase):
    return phase > 335 and phase < 360


def summer(phase):
    return 155 < phase < 235


@pytest.mark.parametrize(
    ("season", "until", "current"),
    [
        (christmas, 3 * 365, True),  # ends in the third December
        (christmas, 3 * 365 + 80, False),
        (christmas, 3 * 365 + 200, False),
        (summer, 3 * 365, False),
        (summer, 2 * 365 + 210, True),
        (summer, 365 + 230, True),  # two summers, nineteen months
    ],
)
def test_a_yearly_interest_is_seasonal_in_the_default_windows(catalogue, make_log, season, until, current):
    log = make_log(yearly(np.random.default_rng(3), until=until, in_season=season))
    migration = migrate(log, catalogue)
    assert kinds(migration)["Soap"] == "seasonal", kinds(migration)
    assert {kind for label, kind in kinds(migration).items() if label != "Soap"} == {"stable"}
    soap = next(change for change in migration.changes if change.label == "Soap")
    assert soap.season is not None and soap.season.current is current and not soap.crowd
    assert soap.intervals == soap.season.episodes and len(soap.intervals) >= 2
    assert soap.evidence_before and soap.evidence_after
    assert (soap.season.expected is not None) is (not current and len(soap.intervals) > 2)
    for language in ("en", "zh"):
        story = story_from_facts(migration, language)
        periods = window_phrases(migration, language)
        text = story.replace(migration.note, "")
        text = text.replace("No clear change.", "").replace("没有明显的变化。", "")
        assert check_story(text, migration.changes, language, periods=periods) == []
        last = f"{soap.intervals[-1][0]:%B %Y}" if language == "en" else f"{soap.intervals[-1][0].year}年"
        assert last.split()[-1] in story


def test_an_abstention_still_tells_of_the_season(catalogue, make_log):
    log = make_log(yearly(np.random.default_rng(3), until=3 * 365 + 80, in_season=christmas))
    migration = migrate(log, catalogue)
    assert migration.abstained
    story = story_from_facts(migration, "en")
    assert story.startswith("No clear change.")
    assert (
        "With the season: Soap (last in December 2019, as in December 2017 and December 2018, "
        "due again in December 2020)." in story
    )
    assert "随季节而来：Soap（最近一次在2019年12月，与2017年12月和2018年12月一样，预计2020年12月再来）。" in (
        story_from_facts(migration, "zh")
    )


@pytest.mark.parametrize(
    "story",
    [
        "With the season: Cheese (last in December 2019, as in December 2017 and December 2018).",
        "With the season: Soap (last in June 2019, as in December 2017 and December 2018).",
        "With the season: .",
        "With the season: Soap (last in December 2019, as in December 2017 and December 2018, "
        "due again in December 2020), Bread.",
        "Soap returned.",
        "Soap stayed the same.",
    ],
)
def test_a_season_told_otherwise_than_it_was_is_rejected(catalogue, make_log, story):
    log = make_log(yearly(np.random.default_rng(3), until=3 * 365 + 80, in_season=christmas))
    assert check_story(story, migrate(log, catalogue).changes, "en")


def test_another_order_of_the_same_days_has_no_season(catalogue, make_log):
    plan = yearly(np.random.default_rng(3), until=3 * 365, in_season=christmas)
    rng = np.random.default_rng(4)
    used = [day for day, codes in enumerate(plan) if codes]
    mixed: list[list[int]] = [[] for _ in plan]
    for day, other in zip(used, rng.permutation(used), strict=True):
        mixed[day] = plan[int(other)]
    assert "seasonal" not in kinds(migrate(make_log(mixed), catalogue)).values()


def test_a_season_is_told_at_the_moment_of_a_window_that_was_asked_for(catalogue, make_log):
    """What lies after the later window is not known in it."""
    log = make_log(yearly(np.random.default_rng(3), until=3 * 365, in_season=christmas))
    first_year = log.take(log.day < FIRST_DAY + 365 + 90)
    assert kinds(migrate(first_year, catalogue))["Soap"] != "seasonal"


def test_seasons_survive_json(catalogue, make_log):
    migration = migrate(
        make_log(yearly(np.random.default_rng(3), until=3 * 365 + 80, in_season=christmas)), catalogue
    )
    assert migration_from_json(migration_to_json(migration)) == migration
    soap = next(change for change in migration.changes if change.season)
    assert soap.season.expected.tzinfo is UTC and f"{soap.season.expected:%Y-%m}" == "2020-12"


@pytest.mark.parametrize("season", [christmas, summer])
def test_what_comes_with_the_season_alone_moves_nobody(catalogue, make_log, season):
    """The uneven halves of such a history hold more of the season on one side; the rest is where it was."""
    moved = 0
    for seed in range(20):
        log = make_log(yearly(np.random.default_rng(seed), until=3 * 365 + 30, in_season=season))
        migration = migrate(log, catalogue)
        assert kinds(migration)["Soap"] == "seasonal"
        moved += not migration.abstained
    # Of 20 at 5 %: more than four in 400 runs of 401.
    assert moved <= 4


def test_a_move_is_seen_beside_a_season_and_told_of_what_is_left(catalogue, make_log):
    rng = np.random.default_rng(6)
    plan = yearly(rng, until=3 * 365, in_season=christmas)
    for day in range(550, 3 * 365, 7):
        plan[day] = [*plan[day], int(rng.integers(15, 20)), int(rng.integers(15, 20))]
    log = make_log(plan)
    migration = migrate(log, catalogue)
    found = kinds(migration)
    assert found["Soap"] == "seasonal" and found["Wine"] in ("new", "rising") and not migration.abstained
    rest = [change for change in migration.changes if change.season is None]
    assert sum(change.share_before for change in rest) == pytest.approx(1.0, abs=1e-6)
    assert sum(change.share_after for change in rest) == pytest.approx(1.0, abs=1e-6)
    point = migration.change_points[0]
    days = sorted(set(log.day.tolist()))
    assert days[point.session] == FIRST_DAY + (point.moment - datetime(2017, 1, 1, tzinfo=UTC)).days
    frame = form_frame(log, catalogue, SETTINGS)
    sessions = compute_session_shares(log, frame)
    emphasis = compute_emphasis(log, sessions, migration, frame=frame)
    soap = log.item >= 25
    assert (emphasis.weights[soap] == 1.0).all() and emphasis.weights[~soap].min() < 0.2
    story = story_from_facts(migration, "en")
    assert ("Wine is new" in story) is ("of activity now beside what comes with the seasons" in story)
    assert check_story(story, migration.changes, "en", periods=window_phrases(migration, "en")) == []
    scanned = compute_drift(sessions, halve(sessions), InterestSettings(), log=log, catalogue=catalogue)
    assert scanned == (migration.drift_score, migration.p_value)


def test_sessions_without_a_facet_lose_what_is_in_it_alone(catalogue, make_log):
    log = make_log([[0, 25], [25], [0, 0, 5, 26]])
    frame = form_frame(log, catalogue, SETTINGS)
    sessions = compute_session_shares(log, frame)
    soap = int(frame.facet_of(np.array([25], np.int32))[0])
    rest = sessions.without([soap])
    assert (rest.days - FIRST_DAY).tolist() == [0, 2] and np.allclose(rest.shares.sum(axis=1), 1.0)
    assert rest.session.tolist() == [0, -1, -1, 1, 1, 1, -1] and (rest.shares[:, soap] == 0).all()
    assert sessions.without([]) is sessions


def test_a_due_day_that_has_passed_is_not_announced():
    """Third season missed by its usual begin, within the month of grace: nothing is due in the past."""
    days = FIRST_DAY + np.arange(0, 4 * 365, 4, dtype=np.int64)
    phase = (days - FIRST_DAY) % 365.25
    active = (phase > 150) & (phase < 180)
    for last in range(3 * 365 + 100, 4 * 365, 4):
        known = days <= FIRST_DAY + last
        usual = active & (days < FIRST_DAY + 3 * 365)
        for season in find_seasons(days[known], usual[known][:, None], SETTINGS).values():
            assert season.expected is None or season.expected > day_start(int(days[known][-1]))
    before = days <= FIRST_DAY + 3 * 365 + 100
    found = find_seasons(days[before], active[before][:, None], SETTINGS)
    assert found[0].expected is not None and len(found[0].episodes) == 3


def test_a_stray_day_after_the_season_does_not_hide_it():
    days, active = weekly(160, [6])
    active[-3] = True
    found = season_test(days, active)
    assert found.p_value < 1e-3 and len(found.episodes) == 3


def test_a_season_that_has_just_begun_is_known_by_its_first_day():
    days, active = weekly(183, [6, 7])
    first = int(np.flatnonzero(active & (days > FIRST_DAY + 3 * 365 + 60))[0]) + 1
    begun = season_test(days[:first], active[:first])
    # Alone that day could be an errand; in that case the season before is what is told.
    assert begun.p_value < 1e-3 and len(begun.episodes) in (3, 4)
    two = season_test(days[: first + 1], active[: first + 1])
    assert two.p_value < 1e-3 and len(two.episodes) == 4


def test_a_season_is_judged_on_the_day_that_is_asked_about():
    days, active = weekly(137, [6, 7])  # ends in August of the third year
    last = int(days[active][-1])
    for ahead, current in ((0, True), (25, True), (60, False), (300, False)):
        (season,) = find_seasons(days, active[:, None], SETTINGS, today=last + ahead).values()
        assert season.current is current and len(season.episodes) == 3
        assert (season.expected is None) is current
        assert current or season.expected > day_start(last + ahead)
    # The fourth summer has not come.
    assert find_seasons(days, active[:, None], SETTINGS, today=last + 450) == {}
    assert season_test(days, active, today=last + 450).p_value == 1.0


def test_a_window_that_ends_long_after_the_last_session_knows_what_was_missed(catalogue, make_log):
    log = make_log(yearly(np.random.default_rng(3), until=2 * 365 + 210, in_season=summer))
    first, split = FIRST_DAY * DAY_MS, (FIRST_DAY + 470) * DAY_MS

    def soap_at(day):
        migration = migrate(log, catalogue, windows=Windows(first, split, (FIRST_DAY + day) * DAY_MS))
        return next(change for change in migration.changes if change.label == "Soap")

    assert soap_at(2 * 365 + 211).season.current
    autumn = soap_at(2 * 365 + 310)
    assert not autumn.season.current and autumn.season.expected >= day_start(FIRST_DAY + 2 * 365 + 310)
    assert _outlook(autumn) < 1.0
    assert soap_at(5 * 365).season is None
    # The same when the moment is told beside the windows, and in the scan.
    late_ms = (FIRST_DAY + 5 * 365) * DAY_MS
    assert "seasonal" not in kinds(migrate(log, catalogue, moment_ms=late_ms)).values()
    sessions = compute_session_shares(log, form_frame(log, catalogue, SETTINGS))
    scanned = compute_drift(
        sessions, halve(sessions), InterestSettings(), log=log, catalogue=catalogue, moment_ms=late_ms
    )
    late = migrate(log, catalogue, moment_ms=late_ms)
    assert scanned == (late.drift_score, late.p_value)


def test_how_a_user_moves_is_kept_for_a_day(catalogue, make_log):
    log = make_log([[0], [5]])
    frame = form_frame(log, catalogue, SETTINGS)
    sessions = compute_session_shares(log, frame)
    state = UserState(UserId("ann"), log, frame, sessions, {}, (FIRST_DAY + 2) * DAY_MS + 1)
    assert _movement_key(state) == _movement_key(replace(state, moment_ms=state.moment_ms + 1))
    assert _movement_key(state) != _movement_key(replace(state, moment_ms=state.moment_ms + DAY_MS))


def test_too_little_beside_the_seasons_is_said_and_no_p_value_made_up(catalogue, make_log):
    log = make_log(yearly(np.random.default_rng(3), until=3 * 365, in_season=christmas))
    days = (FIRST_DAY + 2 * 365 + np.array([330, 345, 365])) * DAY_MS
    migration = migrate(log, catalogue, windows=Windows(*days.tolist()))
    assert kinds(migration)["Soap"] == "seasonal" and migration.abstained
    assert min(migration.n_sessions_before, migration.n_sessions_after) >= 3
    assert migration.note.startswith(
        "Too few sessions beside what comes with the seasons to tell: 2 before and 3 after"
    )


@pytest.mark.parametrize("everyone", [False, True])
def test_the_crowd_is_measured_beside_the_seasons_too(catalogue, make_log, everyone):
    """Two fifths of what the others take later are of the season: that alone moves no share of the rest."""
    rng = np.random.default_rng(6)
    plan = yearly(rng, until=3 * 365, in_season=christmas)
    for day in range(0, 3 * 365, 7):
        plan[day] = [0, 1, 5] if day < 550 else [0, 5, 6]
        plan[day] = [*plan[day], int(rng.integers(0, 10))]
    names = catalogue.category_names
    shares = np.zeros((37, len(names)), np.float32)
    columns = [names.index(name) for name in ("Cheese", "Bread", "Soap")]
    shares[:, columns] = [0.6, 0.4, 0.0]
    shares[18:, columns] = [0.216, 0.384, 0.4] if everyone else [0.36, 0.24, 0.4]
    crowd = PopulationModel(
        names,
        np.ones((1, 1), np.float32),
        np.ones((1, len(names)), np.float32),
        FIRST_DAY,
        shares,
        40 * shares,
        np.full(shares.shape, 40, np.int32),
        np.full(37, 400),
        np.full(37, 40),
    )
    migration = migrate(make_log(plan), catalogue, population=crowd)
    found = {change.label: (change.kind, change.crowd) for change in migration.changes}
    assert found == {
        "Soap": ("seasonal", False),
        "Cheese": ("fading", everyone),
        "Bread": ("rising", everyone),
    }
