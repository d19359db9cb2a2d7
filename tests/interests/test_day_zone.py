"""Sessions, windows and all that is printed of them are days of `day_zone`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from agent.artifacts import artefact_key
from agent.data.days import day_start_ms
from agent.interests.feedback import FeedbackState, gift_rows
from agent.interests.frame import form_frame
from agent.interests.sessions import compute_session_shares
from agent.interests.windows import choose_windows
from agent.interests.words import window_phrases
from tests.interests.conftest import FIRST_DAY
from tests.interests.test_migration import SETTINGS, migrate

ZONE = "America/New_York"


def evenings(log, zone=ZONE):
    """`log` with the events of each day at 22:00 there, which is the day after in UTC."""
    start = np.array([day_start_ms(int(day), zone) for day in log.day], np.int64)
    return replace(log, timestamp_ms=start + 22 * 3_600_000, zone=zone)


def test_a_sitting_before_local_midnight_is_one_session(catalogue, make_log):
    log = make_log([[0, 5]])
    late = replace(
        log, timestamp_ms=day_start_ms(FIRST_DAY + 1) + np.array([-600_000, 600_000]), zone="Europe/Berlin"
    )
    frame = form_frame(late, catalogue, SETTINGS)
    assert compute_session_shares(late, frame).n_sessions == 1
    assert compute_session_shares(replace(late, zone="UTC"), frame).n_sessions == 2


def test_the_same_days_in_another_zone_give_the_same_migration(catalogue, make_log, random_plan):
    """Daylight saving lies within: days of 23 hours are days."""
    plan = random_plan([(70, {"Cheese": 3, "Bread": 1}), (70, {"Cheese": 1, "Wine": 3})])
    log = make_log(plan)
    here, there = migrate(log, catalogue), migrate(evenings(log), catalogue)
    assert there.p_value == here.p_value and not there.abstained
    assert window_phrases(there, "en") == window_phrases(here, "en")
    assert there.after[0].utcoffset() != here.after[0].utcoffset()
    for mine, other in zip(here.changes, there.changes, strict=True):
        assert (mine.kind, mine.share_after) == (other.kind, other.share_after)
        assert mine.evidence_before == other.evidence_before
        assert [f"{a:%Y-%m-%d} {b:%Y-%m-%d}" for a, b in mine.intervals] == [
            f"{a:%Y-%m-%d} {b:%Y-%m-%d}" for a, b in other.intervals
        ]


def test_windows_are_cut_at_local_midnight(catalogue, make_log, random_plan):
    log = evenings(make_log(random_plan([(20, {"Cheese": 1})])))
    sessions = compute_session_shares(log, form_frame(log, catalogue, SETTINGS))
    split_ms = day_start_ms(FIRST_DAY + 8, ZONE)
    windows = choose_windows(sessions, split_ms=split_ms + 5 * 3_600_000)
    assert windows.split_ms == split_ms
    assert [int(mask.sum()) for mask in windows.masks(sessions)] == [8, 12]


def test_what_is_fitted_in_another_zone_is_another_artefact(catalogue, make_log):
    log = make_log([[0], [5]])
    assert artefact_key(log, catalogue, []) != artefact_key(replace(log, zone=ZONE), catalogue, [])


def test_a_gift_named_by_its_day_is_of_the_day_people_lived(catalogue, make_log):
    """Both evenings lie on the day after in UTC, one before and one after the clocks go forward."""
    days = [69, 70, 71, 72]  # 2017-03-11 to 14; New York changes on the 12th
    log = evenings(make_log([[0] if day in days else [] for day in range(80)]))
    for day, name in zip(days, ("2017-03-11", "2017-03-12", "2017-03-13", "2017-03-14"), strict=True):
        state = FeedbackState(gift_items=frozenset({("i00", name)}))
        gone = gift_rows(log, state, catalogue.item_codes)
        assert (log.day[gone] - FIRST_DAY).tolist() == [day]
