"""Cleaning events: timestamps, ids, events, values; and every row accounted for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.data.cleaning import EventRules, clean_events, normalise_events
from agent.data.mapping import INTERACTION_COLUMNS
from agent.data.missing import MissingRules
from agent.data.timestamps import parse_timestamps
from agent.errors import SettingsError

NOW_MS = 1_750_000_000_000
RULES = EventRules(
    known=frozenset({"view", "rate", "search", "purchase"}),
    rename={"rating": "rate"},
    timezone="UTC",
    now_ms=NOW_MS,
    missing=MissingRules(),
)
GOOD = {"user_id": "u", "item_id": "i", "timestamp": "1700000000", "event": "view"}


def one(value: object, timezone: str = "UTC") -> int | None:
    return parse_timestamps(pl.Series("t", [value]), timezone).to_list()[0]


def clean(*rows: dict[str, str | None], rules: EventRules = RULES):
    full = [
        {"line": n, **{name: row.get(name) for name in INTERACTION_COLUMNS}} for n, row in enumerate(rows, 1)
    ]
    schema = {"line": pl.Int64, **dict.fromkeys(INTERACTION_COLUMNS, pl.String)}
    return clean_events(normalise_events(pl.DataFrame(full, schema=schema), rules), rules)


def reason(**changes: str | None) -> str:
    cleaned = clean({**GOOD, **changes})
    assert cleaned.frame.height + len(cleaned.rejects) == 1
    return cleaned.rejects[0].reason if cleaned.rejects else ""


@pytest.mark.parametrize(
    ("text", "timezone", "expected"),
    [
        ("1365029107", "UTC", 1365029107000),
        ("1365029107000", "UTC", 1365029107000),
        ("1365029107.25", "UTC", 1365029107250),
        ("99999999999", "UTC", 99999999999000),
        ("100000000000", "UTC", 100000000000),
        ("1.7e9", "UTC", 1700000000000),
        ("+1700000000", "UTC", 1700000000000),
        ("-5", "UTC", -5000),
        ("2020-01-01", "Europe/Berlin", 1577833200000),
        ("2020-01-01T00:00:00Z", "Europe/Berlin", 1577836800000),
        ("2020-01-01 00:00", "UTC", 1577836800000),
        ("2020-01-01T00:00:00.123456789Z", "UTC", 1577836800123),
        ("2020-01-01t00:00:00,5z", "UTC", 1577836800500),
        ("2020-01-01T08:00:00+08:00", "UTC", 1577836800000),
        ("2020-01-01T08:00:00 +0800", "UTC", 1577836800000),
        ("2019-12-31T19:00-05", "UTC", 1577836800000),
        ("2021-10-31T02:30:00", "Europe/Berlin", 1635640200000),  # twice that night: the earlier
        ("2021-03-28T02:30:00", "Europe/Berlin", None),  # left out by the clock change
        ("2020-02-30", "UTC", None),
        ("2020-13-01T00:00:00Z", "UTC", None),
        ("2020-01-01T24:00:00Z", "UTC", None),
        ("2020-01-01T00:00:00+25:00", "UTC", None),
        ("01/02/2020", "UTC", None),
        ("yesterday", "UTC", None),
        ("nan", "UTC", None),
        ("inf", "UTC", None),
        ("1e99", "UTC", None),
        ("１７０００００000", "UTC", None),
        ("２０２０-01-01", "UTC", None),
        ("2020-01-01T00:00:00.１Z", "UTC", None),
        ("", "UTC", None),
    ],
)
def test_timestamps(text: str, timezone: str, expected: int | None) -> None:
    assert one(text, timezone) == expected


def test_timestamps_of_typed_columns() -> None:
    assert one(1365029107) == one(1365029107000) == one(1365029107.0) == 1365029107000
    assert one(datetime.fromisoformat("2020-01-01"), "Europe/Berlin") == 1577833200000
    assert one(datetime(2020, 1, 1, tzinfo=UTC), "Europe/Berlin") == 1577836800000
    assert one(date(2020, 1, 1)) == 1577836800000
    assert one(float("nan")) is None
    assert one(True) is None
    nanos = pl.Series([datetime.fromisoformat("2020-01-01T00:00:00.001999")]).cast(pl.Datetime("ns"))
    assert parse_timestamps(nanos, "UTC").to_list() == [1577836800001]


def test_each_value_is_decided_for_itself() -> None:
    column = pl.Series("t", ["1700000000", "1700000000000", "2023-11-14T22:13:20Z", "x", None])
    assert parse_timestamps(column, "UTC").to_list() == [1700000000000] * 3 + [None, None]


def test_an_unknown_timezone_is_named() -> None:
    with pytest.raises(SettingsError, match="Mars/Olympus"):
        one("2020-01-01", "Mars/Olympus")


moments = st.datetimes(datetime.fromisoformat("1971-01-02"), datetime.fromisoformat("2100-01-01"))


@settings(deadline=None)
@given(moments, st.integers(-14 * 60, 14 * 60), st.sampled_from(["T", " "]))
def test_iso_with_a_zone_is_read_as_python_reads_it(moment: datetime, offset: int, joint: str) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    assert one(aware.isoformat(joint)) == since // timedelta(milliseconds=1)


@settings(deadline=None)
@given(moments, st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York"]))
def test_iso_without_a_zone_is_in_the_declared_one(moment: datetime, zone: str) -> None:
    local = moment.replace(tzinfo=ZoneInfo(zone))
    exists = local.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == moment
    expected = (local - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) if exists else None
    assert one(moment.isoformat(), zone) == expected
    assert one(moment, zone) == expected


@settings(deadline=None)
@given(st.integers(40_000_000, 4_000_000_000))
def test_seconds_and_milliseconds_agree(seconds: int) -> None:
    assert one(str(seconds)) == seconds * 1000
    if seconds * 1000 >= 1e11:
        assert one(str(seconds * 1000)) == seconds * 1000


@settings(deadline=None)
@given(st.text(max_size=30))
def test_no_text_brings_the_timestamp_parser_down(text: str) -> None:
    assert one(text.encode("utf-8", "replace").decode()) is None or text.strip()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""),
        ({"user_id": ""}, "user_id is empty"),
        ({"user_id": "  "}, "user_id is empty"),
        ({"user_id": "a\x00b"}, "user_id holds control characters"),
        ({"user_id": "u" * 513}, "user_id is longer than 512 characters"),
        ({"item_id": None}, "item_id is empty"),
        ({"event": ""}, "event is empty"),
        ({"event": "teleport"}, "event has no weight"),
        ({"event": " RATING "}, ""),
        ({"event": "search"}, "query is empty"),
        ({"event": "search", "item_id": "", "query": "牛奶"}, ""),
        ({"timestamp": ""}, "timestamp is empty"),
        ({"timestamp": "soon"}, "timestamp cannot be understood"),
        ({"timestamp": "0"}, "timestamp is before 1971"),
        ({"timestamp": "1970-12-31T23:59:59Z"}, "timestamp is before 1971"),
        ({"timestamp": "1971-01-01T00:00:00Z"}, ""),
        ({"timestamp": str(NOW_MS + 86_400_000)}, ""),
        ({"timestamp": str(NOW_MS + 86_400_001)}, "timestamp is in the future"),
        ({"timestamp": "1700000000000000"}, "timestamp is in the future"),
        ({"value": "4.5"}, ""),
        ({"value": "N/A"}, ""),
        ({"value": "four"}, "value is not a number"),
        ({"value": "1,5"}, "value is not a number"),
        ({"value": "inf"}, "value is not a number"),
        ({"key": "b\x1fc"}, "key holds control characters"),
    ],
)
def test_each_check(changes: dict[str, str | None], expected: str) -> None:
    assert reason(**changes) == expected


def test_a_reject_says_where_what_and_what_to_do() -> None:
    (entry,) = clean({**GOOD}, {**GOOD, "event": "Teleport"}).rejects
    assert (entry.line, entry.column, entry.value) == (2, "event", "Teleport")
    assert "[interactions.weights]" in entry.remedy


def test_a_row_with_several_faults_is_rejected_once() -> None:
    cleaned = clean({"user_id": "", "timestamp": "x", "event": "?", "value": "y"})
    assert len(cleaned.rejects) == 1


def test_ids_keep_zeros_and_lose_outer_space() -> None:
    frame = clean({**GOOD, "user_id": " 007 ", "item_id": "0002844"}).frame
    assert frame.select("user_id", "item_id").row(0) == ("007", "0002844")


def test_whole_float_ids_lose_their_point() -> None:
    frame = pl.DataFrame({"line": [1, 2, 3], "user_id": [12.0, 12.5, float("nan")], "item_id": [1, 2, 3]})
    frame = frame.with_columns(
        pl.lit("view").alias("event"), pl.lit(1700000000).alias("timestamp"),
        *[pl.lit(None, dtype=pl.String).alias(name) for name in ("query", "value", "key")],
    )  # fmt: skip
    normal = normalise_events(frame, RULES)
    assert normal["user_id"].to_list() == ["12", "12.5", None]
    assert normal["item_id"].to_list() == ["1", "2", "3"]


def test_queries_are_one_line_in_one_unicode_form() -> None:
    frame = clean({**GOOD, "event": "search", "query": " cafe\u0301\n\t au\x07 lait "}).frame
    assert frame["query"].to_list() == ["café au lait"]


def test_negative_zero_is_zero() -> None:
    assert str(clean({**GOOD, "value": "-0.0"}).frame["value"][0]) == "0.0"


cells = st.none() | st.sampled_from(
    ["", "u", "1700000000", "view", "search", "rating", "4", "x\x00", "牛奶", "2020-01-01", "nan", "-1", " "]
)
raw_rows = st.lists(st.fixed_dictionaries(dict.fromkeys(INTERACTION_COLUMNS, cells)), min_size=1, max_size=12)
rule_sets = st.sampled_from(
    [
        RULES,
        EventRules(
            RULES.known, RULES.rename, "Asia/Shanghai", NOW_MS, MissingRules({"event": "view"}, ("value",))
        ),
        EventRules(
            RULES.known, {}, "UTC", NOW_MS, MissingRules({"value": 1.0, "item_id": "unknown"}, ("user_id",))
        ),
    ]
)


@settings(deadline=None)
@given(raw_rows, rule_sets)
def test_counts_add_up_and_what_is_left_is_usable(
    rows: list[dict[str, str | None]], rules: EventRules
) -> None:
    cleaned = clean(*rows, rules=rules)
    assert cleaned.frame.height + len(cleaned.rejects) + cleaned.dropped == len(rows)
    assert len({entry.line for entry in cleaned.rejects}) == len(cleaned.rejects)
    for row in cleaned.frame.iter_rows(named=True):
        assert row["user_id"]
        assert row["event"] in rules.known
        assert row["query"] if row["event"] == "search" else row["item_id"]
        assert 31_536_000_000 <= row["timestamp"] <= NOW_MS + 86_400_000
