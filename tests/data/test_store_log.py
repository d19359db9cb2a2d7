"""The columnar views: log, weights, snapshot, catalogue."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from agent.data import snapshot
from agent.data.store import Store
from agent.data.views import compute_weights
from agent.errors import SettingsError, StoreError
from agent.settings import InteractionFile

EVENTS = (
    "user_id,item_id,query,timestamp,event,value\n"
    "u2,i9,,1700000300,purchase,3.5\n"
    "u1,i1,,1700000100,view,\n"
    "u1,,绘本 推荐,1700000200,search,\n"
    "u3,i1,,1700000100,like,\n"
)


def ratings(*values: float) -> str:
    rows = [f"u{n},i{n},{1_700_000_000 + n},rate,{value}" for n, value in enumerate(values)]
    return "user_id,item_id,timestamp,event,value\n" + "\n".join(rows) + "\n"


def test_the_log_is_sorted_by_time_then_id(store: Store, ingest) -> None:
    ingest(EVENTS)
    log = store.load_log()
    assert log.timestamp_ms.tolist() == [1_700_000_100_000] * 2 + [1_700_000_200_000, 1_700_000_300_000]
    assert log.interaction_id.tolist() == [2, 4, 3, 1]
    assert [log.user_ids[code] for code in log.user] == ["u1", "u3", "u1", "u2"]
    assert [log.events[code] for code in log.event] == ["view", "like", "search", "purchase"]


def test_the_log_has_the_types_of_the_contract(store: Store, ingest) -> None:
    ingest(EVENTS)
    log = store.load_log()
    kinds = (log.user, log.item, log.timestamp_ms, log.event, log.value, log.weight, log.interaction_id)
    assert [column.dtype.name for column in kinds] == [
        "int32", "int32", "int64", "int16", "float32", "float32", "int64",
    ]  # fmt: skip


def test_item_codes_index_the_catalogue(store: Store, ingest) -> None:
    ingest(EVENTS)
    log, catalogue = store.load_log(), store.load_catalogue()
    assert log.n_items == len(catalogue) == 2
    names = [catalogue.item_ids[code] if code >= 0 else None for code in log.item]
    assert names == ["i1", "i1", None, "i9"]


def test_a_search_has_its_query_and_no_item(store: Store, ingest) -> None:
    ingest(EVENTS)
    log = store.load_log()
    assert dict(log.queries) == {3: "绘本 推荐"}
    assert log.item[log.interaction_id == 3].tolist() == [-1]


def test_a_search_that_names_an_item_is_still_a_search(store: Store, ingest) -> None:
    ingest("user_id,item_id,query,timestamp,event\nu,i1,milk,1700000000,search\n")
    assert store.load_log().item.tolist() == [-1]


def test_missing_values_are_nan(store: Store, ingest) -> None:
    ingest(EVENTS)
    assert np.isnan(store.load_log().value).tolist() == [True, True, True, False]


def test_weights_follow_from_event_and_settings(store: Store, ingest) -> None:
    ingest(EVENTS)
    assert store.load_log().weight.tolist() == pytest.approx([0.3, 1.0, 0.3, 1.0])
    again = store.load_log(InteractionFile(weights={"Purchase": 2.5}))
    assert again.weight.tolist() == pytest.approx([0.3, 1.0, 0.3, 2.5])


def test_an_event_whose_weight_was_taken_away_is_named(store: Store, ingest) -> None:
    ingest("user_id,item_id,timestamp,event\nu,i,1700000000,answer\n", weights={"answer": 1.0})
    with pytest.raises(SettingsError, match=r"answer.*\[interactions.weights\]"):
        store.load_log()


@pytest.mark.parametrize(
    ("values", "low_rating", "weights"),
    [
        ((3, 5, 1, 2), None, [1, 1, -1, -1]),  # border 1 + 0.4 × 4 = 2.6, known from the third on
        ((10, 5, 0, 4), None, [1, 1, -1, -1]),  # the border itself, 4.0, is low
        ((1, 3, 5), None, [1, 1, 1]),  # when 1 was given there was no scale to call it low on
        ((4, 5, 5), None, [1, 1, 1]),  # two distinct values are no scale
        ((3, 3, 3), None, [1, 1, 1]),
        ((1, 3, 5), 3.0, [-1, -1, 1]),
        ((4, 5, 5), 4.0, [-1, 1, 1]),
    ],
)
def test_a_low_rating_is_a_dislike(store: Store, ingest, values, low_rating, weights) -> None:
    ingest(ratings(*values))
    assert store.load_log(InteractionFile(low_rating=low_rating)).weight.tolist() == weights


def test_only_rates_are_dislikes_by_value() -> None:
    event = np.array([0, 0, 0, 1], np.int16)
    value = np.array([3, 5, 1, 1], np.float32)
    weight = compute_weights(event, value, ("rate", "purchase"), InteractionFile())
    assert weight.tolist() == [1, 1, -1, 1]


def test_the_future_does_not_change_what_an_event_weighs(store: Store, ingest) -> None:
    """As of any moment the whole log weighs what a store that knew only the past would say."""
    given = np.random.default_rng(3).integers(1, 6, 40)
    ingest(ratings(*given))
    whole = store.load_log().weight
    event = np.zeros(40, np.int16)
    for n in range(1, 40):
        past = compute_weights(event[:n], given[:n].astype(np.float32), ("rate",), InteractionFile())
        assert past.tolist() == whole[:n].tolist()
    assert (whole < 0).any() and (whole > 0).any()


def test_rates_without_a_value_have_no_border() -> None:
    event, value = np.zeros(2, np.int16), np.full(2, np.nan, np.float32)
    assert compute_weights(event, value, ("rate",), InteractionFile()).tolist() == [1, 1]


def same(store: Store, other: Store) -> None:
    one, two = store.load_log(), other.load_log()
    for name in ("user", "item", "timestamp_ms", "event", "value", "weight", "interaction_id"):
        assert np.array_equal(getattr(one, name), getattr(two, name), equal_nan=name == "value"), name
    assert (one.user_ids, one.events, one.n_items) == (two.user_ids, two.events, two.n_items)
    assert one.queries == two.queries


@pytest.fixture
def snapshot_path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite.log.npz"


def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The interaction ids after which rows are read from SQL, from here on."""
    starts: list[int] = []
    original = snapshot._fetch_after

    def spy(connection, start):
        starts.append(start)
        return original(connection, start)

    monkeypatch.setattr(snapshot, "_fetch_after", spy)
    return starts


def test_the_second_load_reads_no_interaction(store: Store, ingest, snapshot_path, monkeypatch) -> None:
    ingest(EVENTS)
    store.load_log()
    assert snapshot_path.is_file()
    starts = fetched(monkeypatch)
    same(store, store)
    assert starts == []


def test_a_stale_snapshot_is_extended(store: Store, ingest, as_file, snapshot_path, monkeypatch) -> None:
    ingest(EVENTS)
    store.load_log()
    ingest(as_file("user_id,query,timestamp,event\nu0,牛奶,1600000000,search\n", "more.csv"))
    starts = fetched(monkeypatch)
    log = store.load_log()
    assert starts == [4]
    assert log.interaction_id.tolist() == [5, 2, 4, 3, 1]
    assert dict(log.queries) == {3: "绘本 推荐", 5: "牛奶"}
    snapshot_path.unlink()
    same(store, store)
    assert store.load_log().interaction_id.tolist() == log.interaction_id.tolist()


@pytest.mark.parametrize(
    "damage", [b"", b"rubbish", b"PK\x03\x04 half a zip"], ids=["empty", "rubbish", "half"]
)
def test_a_broken_snapshot_is_rebuilt(store: Store, ingest, snapshot_path, monkeypatch, damage) -> None:
    ingest(EVENTS)
    before = store.load_log().interaction_id.tolist()
    snapshot_path.write_bytes(damage)
    starts = fetched(monkeypatch)
    assert store.load_log().interaction_id.tolist() == before
    assert starts == [0]
    store.load_log()
    assert starts == [0]


def test_a_truncated_snapshot_is_rebuilt(store: Store, ingest, snapshot_path) -> None:
    ingest(EVENTS)
    before = store.load_log().interaction_id.tolist()
    whole = snapshot_path.read_bytes()
    for size in range(0, len(whole), 97):
        snapshot_path.write_bytes(whole[:size])
        assert store.load_log().interaction_id.tolist() == before


def test_the_snapshot_of_another_store_is_not_believed(store: Store, ingest, snapshot_path, tmp_path) -> None:
    ingest(EVENTS)
    store.load_log()
    folder = tmp_path / "other"
    folder.mkdir()
    with Store.open(folder / "store.sqlite") as other:
        (folder / "store.sqlite.log.npz").write_bytes(snapshot_path.read_bytes())
        assert len(other.load_log()) == 0


def test_a_snapshot_that_cannot_be_written_is_a_warning(
    store: Store, ingest, monkeypatch, caplog: pytest.LogCaptureFixture
) -> None:
    ingest(EVENTS)

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshot, "write_snapshot", full)
    with caplog.at_level(logging.WARNING):
        assert len(store.load_log()) == 4
    assert "No space left" in caplog.text


def test_codes_stay_right_when_an_item_was_taken_out(store: Store, ingest, ingest_catalogue) -> None:
    ingest_catalogue("item_id,title\ni0,Zero\ni1,One\ni9,Nine\n")
    ingest(EVENTS)
    with store.write() as connection:
        connection.execute(text("DELETE FROM items WHERE item_id = 'i0'"))
    log, catalogue = store.load_log(), store.load_catalogue()
    assert catalogue.item_ids == ("i1", "i9")
    assert log.item.tolist() == [0, 0, -1, 1]


def test_rows_that_are_lost_on_the_way_are_noticed(store: Store, ingest, monkeypatch) -> None:
    ingest(EVENTS)
    original = snapshot._fetch_after
    monkeypatch.setattr(snapshot, "_fetch_after", lambda connection, start: original(connection, start + 1))
    with pytest.raises(StoreError, match="expected 4 interactions in the store, read 3"):
        store.load_log()


def test_the_catalogue_is_in_order_of_first_appearance(store: Store, ingest, ingest_catalogue) -> None:
    ingest(EVENTS)
    ingest_catalogue(
        "item_id,title,description,categories,domain,text\n"
        "i0,Zero,,,,\n"
        "i1,儿童绘本,给孩子的书,图书|绘本,books,own text\n"
    )
    catalogue = store.load_catalogue()
    assert catalogue.item_ids == ("i9", "i1", "i0")
    assert catalogue.titles == ("i9", "儿童绘本", "Zero")
    assert catalogue.descriptions == ("", "给孩子的书", "")
    assert catalogue.categories == ((), ("图书", "绘本"), ())
    assert catalogue.domains == ("", "books", "")
    assert catalogue.texts == ("", "own text", "")
    assert catalogue.text_row.tolist() == [-1, -1, -1]
    assert catalogue.vectors is None
    log = store.load_log()
    assert [catalogue.item_ids[code] for code in log.item if code >= 0] == ["i1", "i1", "i9"]
