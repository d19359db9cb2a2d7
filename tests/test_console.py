"""What the command line prints stands there as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from agent.console import heading, progress_bars, say, show_migration, show_table
from agent.data.days import day_start
from agent.interests.words import window_phrases
from agent.schema import FacetChange, Migration, UserId

TITLE = "Root :beer: [bold]case[/bold] :smile:"


def test_texts_are_not_read_as_markup_or_pictures(capsys):
    say(TITLE)
    show_table(("item",), [(TITLE,)], title=TITLE)
    heading(TITLE)
    with progress_bars() as progress:
        progress(TITLE, 1, 2)
    shown = capsys.readouterr()
    assert shown.out.count(TITLE) == 4
    assert shown.err.startswith(TITLE)


def moved(*changes):
    days = [datetime(2020, month, 1, tzinfo=UTC) for month in (1, 4, 7)]
    return Migration(UserId("u"), (days[0], days[1]), (days[1], days[2]), 9, 9, 3.0, 0.001, False, changes)


def test_a_column_that_says_nothing_is_left_out(capsys):
    plain = [
        FacetChange(str(n), f"Thing {n}", "rising", 0.1, 0.4, 3, 0.001, 0.01, False, (), ())
        for n in range(11)
    ]
    show_migration(moved(*plain))
    without = capsys.readouterr().out
    assert "remark" not in without and "(1 more change and 0 more stable interests" in without
    show_migration(moved(replace(plain[0], crowd=True), *plain[1:]))
    told = capsys.readouterr().out
    assert "remark" in told and "everyone moved" in told


def test_windows_are_told_by_their_last_day_as_in_the_story(capsys):
    migration = moved()
    show_migration(migration)
    header = capsys.readouterr().out.splitlines()[0]
    assert header.startswith("u: 2020-01-01 … 2020-03-31 (9 sessions) against 2020-04-01 … 2020-06-30 (9")
    assert "2020-01-01 to 2020-03-31" in window_phrases(migration, "en")[0]
    assert migration.to_dict()["last_days"] == {"before": "2020-03-31", "after": "2020-06-30"}
    assert replace(migration, before=None, after=None).to_dict()["last_days"] == {
        "before": None,
        "after": None,
    }
    # In Beirut the clocks skip the midnight with which 27 March 2022 begins.
    begin, end = day_start(19_070, "Asia/Beirut"), day_start(19_078, "Asia/Beirut")
    show_migration(replace(migration, before=(begin, end)))
    assert end.hour == 1 and "2022-03-19 … 2022-03-26" in capsys.readouterr().out
