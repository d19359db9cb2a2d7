"""Ingesting events: what is stored, what is counted, what may be repeated."""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.data import ingest_events
from agent.data.ingest import ingest_interactions
from agent.data.store import Store
from agent.errors import InputFileError, MappingError, SettingsError, WorkspaceBusyError
from agent.settings import InteractionFile, Settings, load_settings

HEAD = "user_id,item_id,timestamp,event\n"
SHARED = Path(__file__).parents[3] / "shared" / "data"


def events(*rows: str) -> str:
    return HEAD + "".join(row + "\n" for row in rows)


def test_events_get_their_numbers_in_order_of_the_file(store: Store, ingest, dump) -> None:
    report = ingest(events("u2,b,1700000001,view", "u1,a,1700000000,Like"))
    assert (report.rows_read, report.stored, report.new_users, report.stub_items) == (2, 2, 2, 2)
    assert [(row[0], *row[2:7]) for row in dump(store)] == [
        (1, "u2", "b", None, 1700000001000, "view"),
        (2, "u1", "a", None, 1700000000000, "like"),
    ]


def test_the_same_file_again_changes_nothing(store: Store, ingest, dump, quarantine_dir: Path) -> None:
    text = events("u1,a,1700000000,view", "u1,a,never,view")
    first = ingest(text)
    before = dump(store), store.counts()
    again = ingest(text)
    assert not first.already_done
    assert again.already_done
    assert (dump(store), store.counts()) == before
    same = {"seconds": 0, "already_done": 0}
    assert again.to_dict() | same == first.to_dict() | same


def test_the_same_content_under_another_name_is_recognised(store: Store, ingest, as_file) -> None:
    text = events("u1,a,1700000000,view")
    ingest(text)
    assert ingest(as_file(text, "copy.csv")).already_done


def test_overlapping_files_store_each_event_once(store: Store, ingest, as_file) -> None:
    rows = [f"u{n % 3},i{n},{1_700_000_000 + n},view" for n in range(20)]
    ingest(events(*rows[:12]))
    report = ingest(as_file(events(*rows[8:]), "later.csv"))
    assert (report.stored, report.duplicates) == (8, 4)
    assert store.counts().interactions == 20


def test_duplicates_in_a_file_are_counted(store: Store, ingest) -> None:
    row = "u,i,1700000000,view"
    report = ingest(events(row, "u,i,1700000001,view", row, row), chunk_rows=2)
    assert (report.stored, report.duplicates) == (2, 2)


@pytest.mark.parametrize(
    "other", ["v,i,1700000000,view", "u,j,1700000000,view", "u,i,1700000001,view", "u,i,1700000000,like"]
)
def test_events_that_differ_in_anything_are_two(store: Store, ingest, other: str) -> None:
    assert ingest(events("u,i,1700000000,view", other)).stored == 2


def test_key_and_value_tell_events_apart(store: Store, ingest) -> None:
    text = "user_id,item_id,timestamp,event,value,basket\n" + "".join(
        f"u,i,1700000000,purchase,{value},{basket}\n"
        for value, basket in [(1, 7), (1, 8), (2, 7), (1, 7), ("1.0", 7)]
    )
    report = ingest(text, columns={"key": "basket"})
    assert (report.stored, report.duplicates) == (3, 2)


def test_fields_do_not_run_into_each_other(store: Store, ingest) -> None:
    assert ingest(events("ab,c,1700000000,view", "a,bc,1700000000,view")).stored == 2


def test_the_content_key_is_stable(store: Store, ingest, dump) -> None:
    """A key that changed with a release would double every event that is ingested again."""
    ingest("user_id,item_id,timestamp,event,value,key\nu1,商品,1700000000,rate,4.5,k\n")
    bits = struct.unpack("<q", struct.pack("<d", 4.5))[0]
    text = "\x1f".join(["u1", "商品", "", "rate", "1700000000000", str(bits), "k"])
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    assert [row[1] for row in dump(store)] == [struct.unpack("<q", digest)[0]] == [4437693291276338429]


@pytest.mark.parametrize("chunk_rows", [1, 2, 3, 100])
def test_near_duplicates_are_one_event(store: Store, ingest, dump, chunk_rows: int) -> None:
    times = [100, 104, 109, 95, 130, 100, 120]
    rows = [f"u,i,{1_700_000_000 + t},view" for t in times]
    report = ingest(events(*rows), near_duplicate_s=5, chunk_rows=chunk_rows)
    # 104 and 95 are within 5 s of 100, which is kept; 109 is 9 s from it; the second 100 is the same event.
    assert [row[5] // 1000 - 1_700_000_000 for row in dump(store)] == [100, 109, 130, 120]
    assert (report.near_duplicates, report.duplicates) == (2, 1)


def test_near_duplicates_of_stored_events_are_found(store: Store, ingest, as_file) -> None:
    ingest(events("u,i,1700000000,view"), near_duplicate_s=60)
    more = events("u,i,1700000030,view", "u,i,1700000061,view", "v,i,1700000001,view", "u,i,1700000001,like")
    report = ingest(as_file(more, "more.csv"), near_duplicate_s=60)
    assert (report.stored, report.near_duplicates) == (3, 1)


def test_repeats_of_a_near_duplicate_are_near_ones_too(store: Store, ingest) -> None:
    report = ingest(
        events("u,i,1700000000,view", "u,i,1700000002,view", "u,i,1700000002,view"),
        near_duplicate_s=5,
        chunk_rows=1,
    )
    assert (report.stored, report.duplicates, report.near_duplicates) == (1, 0, 2)


@pytest.mark.parametrize("chunk_rows", [1, 2, 3])
def test_repeats_count_the_same_in_any_chunk(store: Store, ingest, chunk_rows: int) -> None:
    rows = [f"u,i,{1_700_000_000 + second},view" for second in (0, 2, 2, 0, 9)]
    report = ingest(events(*rows), near_duplicate_s=5, chunk_rows=chunk_rows)
    assert (report.stored, report.duplicates, report.near_duplicates) == (2, 1, 2)


def test_near_searches_need_the_same_query(store: Store, ingest) -> None:
    text = "user_id,query,timestamp,event\n" + "".join(
        f"u,{query},{1_700_000_000 + n},search\n" for n, query in enumerate(["milk", "牛奶", "milk", "牛奶"])
    )
    report = ingest(text, near_duplicate_s=10)
    assert (report.stored, report.near_duplicates) == (2, 2)


near_rows = st.lists(
    st.tuples(st.sampled_from("uv"), st.sampled_from("ij"), st.integers(0, 40)), min_size=1, max_size=25
)


def greedy(rows: list[tuple[str, str, int]], within: int) -> list[tuple[str, str, int]]:
    kept: list[tuple[str, str, int]] = []
    for user, item, time in rows:
        if all((user, item) != (u, i) or abs(time - t) > within for u, i, t in kept):
            kept.append((user, item, time))
    return kept


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(near_rows, st.integers(1, 7), st.integers(1, 30))
def test_near_duplicates_follow_the_greedy_rule(
    tmp_path_factory: pytest.TempPathFactory, dump, rows, within: int, chunk_rows: int
) -> None:
    folder = tmp_path_factory.mktemp("near")
    path = folder / "e.csv"
    path.write_text(events(*(f"{u},{i},{1_700_000_000 + t},view" for u, i, t in rows)))
    room = Settings(interactions=InteractionFile(near_duplicate_s=within))
    with Store.open(folder / "s.sqlite") as opened:
        report = ingest_interactions(opened, path, room, quarantine_dir=folder, chunk_rows=chunk_rows)
        got = [(row[2], row[3], row[5] // 1000 - 1_700_000_000) for row in dump(opened)]
    assert report.adds_up
    assert got == greedy(rows, within)


def test_a_rejected_row_is_taken_once_the_remedy_is_applied(
    store: Store, ingest, quarantine_dir: Path
) -> None:
    text = events("u,i,1700000000,view", "u,i,1700000001,answer")
    first = ingest(text)
    assert (first.stored, first.quarantined) == (1, 1)
    assert first.reasons == {"event has no weight": 1}
    second = ingest(text, weights={"answer": 1.0})
    assert (second.stored, second.duplicates, second.quarantined) == (1, 1, 0)
    assert store.counts().quarantined == 0
    assert list(quarantine_dir.iterdir()) == []


def test_changing_a_weight_is_no_new_file(store: Store, ingest) -> None:
    text = events("u,i,1700000000,view")
    ingest(text, weights={"view": 0.3})
    assert ingest(text, weights={"view": 0.9}, low_rating=2.0).already_done


def test_events_are_renamed(store: Store, ingest) -> None:
    ingest(events("u,i,1700000000,rating", "u,i,1700000001,Cart", "u,i,1700000002,buy"), rename={
        "rating": "rate", "cart": "add-to-cart", "BUY": "purchase"
    })  # fmt: skip
    assert store.load_log().events == ("rate", "add-to-cart", "purchase")


def test_columns_are_mapped_and_constants_hold_for_every_row(store: Store, ingest, dump) -> None:
    columns = {"user_id": "household", "item_id": "product", "timestamp": "when", "value": "spent"}
    text = "household,product,when,spent\n7,0042,2024-05-01T12:00:00Z,3.5\n"
    ingest(text, columns={**columns, "event": "=purchase"})
    assert [row[2:] for row in dump(store)] == [("7", "0042", None, 1714564800000, "purchase", 3.5)]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"user_id": "Usr_id"}, r"user_id = 'Usr_id'.*did you mean 'user_id'\?.*'item_id'"),
        ({"usr_id": "user_id"}, "did you mean 'user_id'"),
        ({"event": "kind"}, "kind"),
    ],
)
def test_a_mapping_that_does_not_fit_says_what_there_is(store: Store, ingest, columns, words: str) -> None:
    with pytest.raises(MappingError, match=words):
        ingest(events("u,i,1700000000,view"), columns=columns)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("item_id,timestamp,event\n", "user_id"),
        ("user_id,item_id,event\n", "timestamp"),
        ("user_id,item_id,timestamp\n", "event = '=purchase'"),
        ("user_id,timestamp,event\n", "item_id"),
    ],
)
def test_a_column_that_is_needed_is_asked_for(store: Store, ingest, text: str, words: str) -> None:
    with pytest.raises(MappingError, match=words):
        ingest(text)
    assert store.counts().interactions == 0


def test_a_timezone_that_is_none_is_refused_before_anything_is_read(store: Store, ingest) -> None:
    with pytest.raises(SettingsError, match="Europe/Berlin"):
        ingest(events("u,i,1700000000,view"), timezone="Nowhere")


def test_an_ingest_of_a_missing_file_leaves_no_trace(store: Store, ingest, tmp_path: Path) -> None:
    with pytest.raises(InputFileError):
        ingest(tmp_path / "none.csv")


def test_progress_reports_rows(store: Store, as_file, quarantine_dir: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    text = events(*(f"u,i{n},{1_700_000_000 + n},view" for n in range(5)))
    run = {"quarantine_dir": quarantine_dir, "progress": lambda *a: seen.append(a), "chunk_rows": 2}
    ingest_interactions(store, as_file(text, "a.csv"), Settings(), **run)
    assert seen == [(2, None), (4, None), (5, None)]
    seen.clear()
    path = tmp_path / "a.parquet"
    pl.read_csv(text.encode()).write_parquet(path)
    ingest_interactions(store, path, Settings(), **run)
    assert seen == [(2, 5), (4, 5), (5, 5)]


NOTHING = dict.fromkeys(["user_id", "item_id", "query", "timestamp", "event", "value"])
SEARCH = {"user_id": "用户", "query": '绘本, "科幻"\n小说', "timestamp": "1700000000", "event": "search"}
RATE = {"user_id": "u", "item_id": "a|b", "timestamp": "1700000000123", "event": "rate", "value": "4.5"}
ROWS = [
    NOTHING | {"user_id": "007", "item_id": "0002844", "timestamp": "2024-05-01T12:00:00Z", "event": "view"},
    NOTHING | SEARCH,
    NOTHING | RATE,
    NOTHING | {"user_id": "", "item_id": "x", "timestamp": "1700000000", "event": "view"},
]


def as_csv(path: Path) -> bytes:
    return pl.DataFrame(ROWS, infer_schema_length=None).write_csv().encode()


def as_jsonl(path: Path) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()


def as_parquet(path: Path) -> bytes:
    pl.DataFrame(ROWS, infer_schema_length=None).write_parquet(path)
    return path.read_bytes()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("name", "write"), [("a.csv", as_csv), ("a.jsonl", as_jsonl), ("a.parquet", as_parquet)]
)
def test_every_format_brings_the_same(
    store: Store, ingest, dump, tmp_path: Path, name: str, write: Callable[[Path], bytes], packed: bool
) -> None:
    data = write(tmp_path / name)
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(data) if packed else data)
    report = ingest(path)
    assert (report.stored, report.quarantined) == (3, 1)
    assert report.reasons == {"user_id is empty": 1}
    assert [row[2:] for row in dump(store)] == [
        ("007", "0002844", None, 1714564800000, "view", None),
        ("用户", None, '绘本, "科幻" 小说', 1700000000000, "search", None),
        ("u", "a|b", None, 1700000000123, "rate", 4.5),
    ]


def test_typed_parquet_columns(store: Store, ingest, dump, tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "user_id": [900, 1228],
            "item_id": [1095275.0, 9878513.0],
            "timestamp": [datetime.fromisoformat("2017-01-01T11:53:26")] * 2,
            "value": [1, 2],
        }
    )
    for n, column in enumerate(
        [
            frame["timestamp"].cast(pl.Datetime("ns")),
            frame["timestamp"].dt.replace_time_zone("UTC"),
            frame["timestamp"].dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Shanghai"),
            frame["timestamp"].dt.epoch("s"),
            frame["timestamp"].dt.epoch("ms").cast(pl.Float64),
        ]
    ):
        path = tmp_path / f"{n}.parquet"
        frame.with_columns(column).write_parquet(path)
        report = ingest(path, columns={"event": "=purchase"})
        assert (report.stored, report.duplicates) == ((2, 0) if n == 0 else (0, 2))
    moment = int(datetime(2017, 1, 1, 11, 53, 26, tzinfo=UTC).timestamp() * 1000)
    assert [row[2:] for row in dump(store)] == [
        ("900", "1095275", None, moment, "purchase", 1.0),
        ("1228", "9878513", None, moment, "purchase", 2.0),
    ]


def test_a_failure_in_the_middle_is_made_good_by_the_next_run(
    store: Store, ingest, dump, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = events(*(f"u{n % 4},i{n},{1_700_000_000 + n},view" for n in range(10)), "u,i,never,view")
    original = ingest_events.bulk_insert
    calls = []

    def failing(connection, table, columns, rows):
        calls.append(table.name)
        if calls.count("interactions") == 3:
            raise RuntimeError("the power is gone")
        return original(connection, table, columns, rows)

    monkeypatch.setattr(ingest_events, "bulk_insert", failing)
    with pytest.raises(RuntimeError, match="power"):
        ingest(text, chunk_rows=2)
    assert [row[0] for row in dump(store)] == [1, 2, 3, 4]
    monkeypatch.undo()
    report = ingest(text, chunk_rows=5)
    assert (report.rows_read, report.stored, report.duplicates, report.quarantined) == (11, 10, 0, 1)
    assert [row[0] for row in dump(store)] == list(range(1, 11))


def test_two_processes_with_the_same_file_share_the_work(
    store: Store, as_file, dump, quarantine_dir: Path, tmp_path: Path
) -> None:
    path = as_file(events(*(f"u{n % 4},i{n},{1_700_000_000 + n},view" for n in range(12))), "a.csv")
    run = {"quarantine_dir": quarantine_dir, "chunk_rows": 3}

    with Store.open(tmp_path / "store.sqlite") as other:

        def overtaken(done: int, _total: int | None) -> None:
            if done == 6:
                assert ingest_interactions(other, path, Settings(), **run).stored == 12

        report = ingest_interactions(store, path, Settings(), progress=overtaken, **run)
    assert (report.rows_read, report.stored, report.duplicates) == (12, 12, 0)
    assert [row[0] for row in dump(store)] == list(range(1, 13))


def test_two_files_may_come_in_turns(
    store: Store, as_file, dump, quarantine_dir: Path, tmp_path: Path
) -> None:
    """What another process numbers in between must not collide with what this one has in memory."""
    one = as_file(events(*(f"u{n},i{n},{1_700_000_000 + n},view" for n in range(6))), "one.csv")
    two = as_file(events(*(f"v{n},j{n},{1_700_000_000 + n},like" for n in range(6))), "two.csv")
    run = {"quarantine_dir": quarantine_dir, "chunk_rows": 3}

    with Store.open(tmp_path / "store.sqlite") as other:

        def interrupt(done: int, _total: int | None) -> None:
            if done == 3:
                ingest_interactions(other, two, Settings(), **run)

        ingest_interactions(store, one, Settings(), progress=interrupt, **run)
    assert {(row[2], row[3], row[6]) for row in dump(store)} == {
        *((f"u{n}", f"i{n}", "view") for n in range(6)),
        *((f"v{n}", f"j{n}", "like") for n in range(6)),
    }


def test_a_chunk_size_that_another_process_did_not_begin_with_is_refused(
    store: Store, as_file, quarantine_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = as_file(events("u,i,1700000000,view", "u,j,1700000000,view"), "a.csv")
    from agent.data import ingest as module

    original = module._Run._register

    def late(self, draft):
        monkeypatch.setattr(module._Run, "_register", original)
        with Store.open(tmp_path / "store.sqlite") as other:
            ingest_interactions(other, path, Settings(), quarantine_dir=quarantine_dir, chunk_rows=1)
        return original(self, draft)

    monkeypatch.setattr(module._Run, "_register", late)
    with pytest.raises(WorkspaceBusyError, match="another size"):
        ingest_interactions(store, path, Settings(), quarantine_dir=quarantine_dir, chunk_rows=2)
    assert store.counts().interactions == 2


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data sets are not next to this checkout")
def test_movietweetings_comes_in_whole(store: Store, ingest, ingest_catalogue) -> None:
    folder = SHARED / "movietweetings-100k"
    films = ingest_catalogue(folder / "items.csv")
    assert (films.rows_read, films.stored, films.quarantined) == (10_506, 10_506, 0)
    report = ingest(folder / "interactions.csv")
    assert report.rows_read == 100_000
    assert report.stored + report.duplicates == 100_000
    assert (report.quarantined, report.stub_items, report.new_users) == (0, 0, 16_554)
    log, catalogue = store.load_log(), store.load_catalogue()
    assert log.events == ("rate",)
    assert (log.weight < 0).any()
    assert catalogue.item_codes["0002844"] == 0
    assert catalogue.titles[0] == "Fantômas - À l'ombre de la guillotine (1913)"


def test_a_constant_from_the_settings_file(store: Store, as_file, quarantine_dir: Path) -> None:
    toml = as_file('[interactions.columns]\nevent = "=purchase"\n', "driftrec.toml")
    path = as_file("user_id,item_id,timestamp\nu,i,1700000000\n", "a.csv")
    report = ingest_interactions(store, path, load_settings(toml), quarantine_dir=quarantine_dir)
    assert report.stored == 1
