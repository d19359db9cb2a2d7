"""Interests that come with the season: told in the default windows, in season and out; not by chance."""

from __future__ import annotations

from datetime import UTC

import numpy as np
import pytest

from agent.interests.profile import migration_from_json, migration_to_json
from agent.interests.season import find_seasons, season_test
from agent.interests.story_check import check_story
from agent.interests.words import story_from_facts, window_phrases
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
