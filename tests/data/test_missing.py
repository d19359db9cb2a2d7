"""Missing values: each policy on each column it makes sense for."""

from __future__ import annotations

import pytest

from agent.data.store import Store
from agent.errors import MappingError, SettingsError
from agent.settings import InteractionFile

HEAD = "user_id,item_id,timestamp,event,value\n"


def rates(*values: str) -> str:
    return HEAD + "".join(f"u{n},i{n},{1_700_000_000 + n},rate,{value}\n" for n, value in enumerate(values))


def values(store: Store) -> list[float | None]:
    return [None if value != value else value for value in store.load_log().value.tolist()]


@pytest.mark.parametrize(
    ("policy", "filled"),
    [("keep", None), ("mean", 4.0), ("median", 3.5), ("mode", 2.0)],
)
def test_values_are_filled_by_policy(store: Store, ingest, policy: str, filled: float | None) -> None:
    report = ingest(rates("2", "", "2", "5", "7", "NA"), missing={"value": policy}, chunk_rows=2)
    assert report.stored == 6
    assert values(store) == [2, filled, 2, 5, 7, filled]


def test_rows_are_dropped_and_counted_apart(store: Store, ingest) -> None:
    report = ingest(rates("2", "", "nan", "x"), missing={"value": "drop"})
    assert (report.stored, report.dropped_by_policy, report.quarantined) == (1, 2, 1)


def test_a_value_that_is_wrong_is_not_missing(store: Store, ingest) -> None:
    report = ingest(rates("2", "two", "4"), missing={"value": "mean"})
    assert (report.stored, report.quarantined) == (2, 1)
    assert values(store) == [2, 4]


def test_ties_of_the_mode_go_to_the_smaller(store: Store, ingest) -> None:
    ingest(rates("5", "3", "", "5", "3"), missing={"value": "mode"})
    assert values(store)[2] == 3


def test_a_missing_event_takes_the_most_frequent(store: Store, ingest) -> None:
    text = HEAD + "u,a,1700000001,view,\nu,b,1700000002,view,\nu,c,1700000003,like,\nu,d,1700000004,,\n"
    ingest(text, missing={"event": "mode"})
    log = store.load_log()
    assert [log.events[code] for code in log.event] == ["view", "view", "like", "view"]


def test_a_missing_user_may_be_a_category_or_dropped(store: Store, ingest, as_file) -> None:
    text = HEAD + ",a,1700000001,view,\nu,b,1700000002,view,\n"
    report = ingest(text, missing={"user_id": "category"})
    assert report.stored == 2
    assert set(store.load_log().user_ids) == {"unknown", "u"}
    report = ingest(as_file(text + "\n", "again.csv"), missing={"user_id": "drop"})
    assert (report.dropped_by_policy, report.duplicates) == (1, 1)


def test_an_item_is_missing_only_where_one_is_due(store: Store, ingest) -> None:
    text = (
        "user_id,item_id,query,timestamp,event\n"
        "u,,milk,1700000001,search\nu,,,1700000002,view\nu,,,1700000003,search\nu,i,,1700000004,view\n"
    )
    report = ingest(text, missing={"item_id": "drop", "query": "drop"})
    assert (report.stored, report.dropped_by_policy, report.quarantined) == (2, 2, 0)


def test_timestamps_may_be_dropped_but_not_made_up(store: Store, ingest) -> None:
    text = HEAD + "u,a,,view,\nu,b,soon,view,\nu,c,1700000000,view,\n"
    report = ingest(text, missing={"timestamp": "drop"})
    assert (report.stored, report.dropped_by_policy, report.quarantined) == (1, 1, 1)


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ({"timestamp": "mean"}, "timestamp.*keep.*drop.*'mean'"),
        ({"user_id": "mode"}, "user_id"),
        ({"value": "category"}, "value"),
        ({"colour": "drop"}, "colour"),
    ],
)
def test_policies_that_make_no_sense_are_refused(store: Store, ingest, missing, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        ingest(rates("1"), missing=missing)
    assert store.counts().interactions == 0


def test_a_statistic_of_nothing_is_refused(store: Store, ingest) -> None:
    with pytest.raises(MappingError, match=r"value = 'mean'.*got none"):
        ingest(rates("", ""), missing={"value": "mean"})


def test_the_policy_is_part_of_what_was_ingested(store: Store, ingest) -> None:
    ingest(rates("2", ""), missing={"value": "drop"})
    report = ingest(rates("2", ""))
    assert not report.already_done
    assert (report.stored, report.duplicates) == (1, 1)


def test_item_texts_by_policy(store: Store, ingest_catalogue) -> None:
    text = (
        "item_id,title,categories,domain\n"
        "1,One,food|drink,shop\n2,Two,,\n3,,food|drink,shop\n4,Four,toys,kiosk\n"
    )
    report = ingest_catalogue(text, missing={"categories": "mode", "domain": "category", "title": "drop"})
    assert (report.stored, report.dropped_by_policy) == (3, 1)
    catalogue = store.load_catalogue()
    assert catalogue.categories == (("food", "drink"), ("food", "drink"), ("toys",))
    assert catalogue.domains == ("shop", "unknown", "kiosk")


def test_every_policy_of_the_settings_is_offered_somewhere() -> None:
    from typing import get_args

    from agent.data.missing import INTERACTION_POLICIES, ITEM_POLICIES
    from agent.settings import MissingPolicy

    offered = {p for table in (INTERACTION_POLICIES, ITEM_POLICIES) for row in table.values() for p in row}
    assert offered == set(get_args(MissingPolicy))
    assert InteractionFile().missing == {}
