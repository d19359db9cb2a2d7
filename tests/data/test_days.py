"""Days as people live them: a zone decides on which day an event lies, and when a day begins."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.data.days import day_name, day_number, day_numbers, day_start, day_start_ms, moment
from agent.errors import SettingsError
from agent.moments import parse_moment, to_ms
from agent.settings import load_settings

ZONES = ("UTC", "America/New_York", "Asia/Shanghai", "America/Sao_Paulo", "Asia/Kolkata")


@given(st.integers(0, 2_000_000_000_000), st.sampled_from(ZONES))
def test_every_moment_lies_in_its_day(milliseconds, zone):
    day = day_number(milliseconds, zone)
    assert day_start_ms(day, zone) <= milliseconds < day_start_ms(day + 1, zone)
    assert day_numbers(np.array([milliseconds]), zone).tolist() == [day]
    assert day_name(day) == f"{moment(milliseconds, zone):%Y-%m-%d}"


def test_a_day_of_23_and_one_of_25_hours():
    zone = "America/New_York"
    lengths = {
        when: day_start_ms(day + 1, zone) - day_start_ms(day, zone)
        for when, day in (("spring", 17_237), ("autumn", 17_475))  # 2017-03-12 and 2017-11-05
    }
    assert lengths == {"spring": 23 * 3_600_000, "autumn": 25 * 3_600_000}


def test_where_clocks_skip_midnight_the_day_begins_after_it():
    day = 17_454  # 2017-10-15, when São Paulo went from 24:00 to 01:00
    assert day_start(day, "America/Sao_Paulo").hour == 1
    assert day_start(day).tzinfo is UTC


def test_a_date_without_a_zone_is_meant_in_that_of_the_workspace():
    day = parse_moment("2017-05-01")
    assert to_ms(day) - to_ms(day, "Asia/Shanghai") == 8 * 3_600_000
    said = parse_moment("2017-05-01T00:00:00+02:00")
    assert to_ms(said, "Asia/Shanghai") == to_ms(said)
    assert to_ms(datetime(2017, 5, 1, tzinfo=ZoneInfo("Europe/Berlin")), "UTC") == to_ms(said)


def test_an_unknown_zone_is_named_with_its_key_and_an_example(tmp_path):
    path = tmp_path / "driftrec.toml"
    for name in ("Mars/Olympus", "../etc/passwd", ""):
        path.write_text(f'[interests]\nday_zone = "{name}"\n', encoding="utf-8")
        with pytest.raises(SettingsError) as caught:
            load_settings(path)
        for part in ("interests.day_zone", repr(name), "Europe/Berlin"):
            assert part in str(caught.value)
