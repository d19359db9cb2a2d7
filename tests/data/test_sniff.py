"""A proposed driftrec.toml: it finds the columns, loads, and ingests without further ado."""

from __future__ import annotations

import gzip
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.data.ingest import ingest_interactions, ingest_items
from agent.data.sniff import match_columns, propose_toml
from agent.data.sniff_names import INTERACTION_NAMES
from agent.data.store import Store
from agent.errors import InputFileError, MappingError
from agent.settings import load_settings

CATALOGUES = Path(__file__).parents[1] / "catalogues"
SHARED = Path(__file__).parents[3] / "shared" / "data"
AsFile = Callable[[str | bytes, str], Path]


def proposed(interactions: Path, items: Path | None = None, **options: Any) -> dict[str, Any]:
    return tomllib.loads(propose_toml(interactions, items, **options))


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("userId,movieId,rating,timestamp", {"user_id": "userId", "item_id": "movieId", "value": "rating"}),
        (
            "reviewerID,asin,overall,unixReviewTime",
            {"user_id": "reviewerID", "item_id": "asin", "timestamp": "unixReviewTime", "value": "overall"},
        ),
        (
            "InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID",
            {"user_id": "CustomerID", "item_id": "StockCode", "timestamp": "InvoiceDate", "key": "InvoiceNo"},
        ),
        (
            "household_id,store_id,basket_id,product_id,quantity,sales_value,week,transaction_timestamp",
            {
                "user_id": "household_id",
                "item_id": "product_id",
                "timestamp": "transaction_timestamp",
                "value": "sales_value",
                "key": "basket_id",
            },
        ),
        ("timestamp,visitorid,event,itemid,transactionid", {"user_id": "visitorid", "item_id": "itemid"}),
        ("用户编号,商品编号,时间,行为", {"user_id": "用户编号", "timestamp": "时间", "event": "行为"}),
        (
            "user_id,target_user_id,timestamp,event",
            {"user_id": "user_id", "item_id": "target_user_id", "event": "event"},
        ),
        ("follower_id,followee_id,created_at", {"user_id": "follower_id", "item_id": "followee_id"}),
        ("member,search_term,ts", {"user_id": "member", "query": "search_term", "timestamp": "ts"}),
    ],
)
def test_columns_of_well_known_files(as_file: AsFile, header: str, columns: dict[str, str]) -> None:
    row = ",".join(["1"] * (header.count(",") + 1))
    found = proposed(as_file(f"{header}\n{row}\n", "events.csv"))["interactions"]["columns"]
    assert columns.items() <= found.items()


@pytest.mark.parametrize(
    ("header", "event"),
    [
        ("user,item,rating,ts", "=rate"),
        ("user,item,price,ts", "=purchase"),
        ("user,item,order_id,ts", "=purchase"),
        ("user,item,ts", "=view"),
    ],
)
def test_without_an_event_column_one_is_guessed_and_said(as_file: AsFile, header: str, event: str) -> None:
    path = as_file(f"{header}\n1,1,1,1\n" if header.count(",") == 3 else f"{header}\n1,1,1\n", "events.csv")
    assert proposed(path)["interactions"]["columns"]["event"] == event
    assert "# no column says what happened" in propose_toml(path)


def test_events_get_weights_and_our_names(as_file: AsFile) -> None:
    rows = [*["u,i,1,pv"] * 4, "u,i,2,cart", "u,i,2,buy", "u,i,3,gift wrap", "u,i,3,dislike"]
    path = as_file("user_id,item_id,timestamp,type\n" + "\n".join(rows) + "\n", "events.csv")
    room = proposed(path)["interactions"]
    assert room["rename"] == {"pv": "view", "cart": "add-to-cart", "buy": "purchase"}
    assert room["weights"] == {
        "view": 0.3, "add-to-cart": 0.6, "purchase": 1.0, "gift wrap": 1.0, "dislike": -1.0
    }  # fmt: skip
    assert '"gift wrap" = 1.0  # not a usual event' in propose_toml(path)


def test_a_rare_event_deep_in_the_file_is_not_missed(as_file: AsFile) -> None:
    rows = "u,i,1,view\n" * 20_000 + "u,i,2,refund\n"
    room = proposed(as_file("user_id,item_id,timestamp,event\n" + rows, "events.csv"))["interactions"]
    assert room["weights"] == {"view": 0.3, "refund": 1.0}


@pytest.mark.parametrize(
    ("header", "what", "room"),
    [
        ("item_id,timestamp", "a user", "user_id"),
        ("user_id,item_id,color", "a time", "timestamp"),
        ("user_id,timestamp,color", "an item or a search query", "item_id"),
    ],
)
def test_what_cannot_be_found_is_named_with_the_columns_there_are(
    as_file: AsFile, header: str, what: str, room: str
) -> None:
    path = as_file(header + "\n1,1\n", "events.csv")
    with pytest.raises(MappingError, match=f"names {what}, the file has .*{header.split(',')[-1]}.*{room} ="):
        propose_toml(path)


def test_an_item_file_without_a_title_is_refused(as_file: AsFile) -> None:
    events = as_file("user_id,item_id,timestamp\n1,1,1\n", "events.csv")
    with pytest.raises(MappingError, match=r"names a title, .*'colour'.*\[items.columns\] title"):
        propose_toml(events, as_file("item_id,colour\n1,red\n", "items.csv"))


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputFileError):
        propose_toml(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("values", "separator"),
    [
        (["Drama|Crime", "Comedy"], "|"),
        (["Drama; Crime", "Comedy; War"], ";"),
        (["图书、绘本", "课程"], "、"),
        (["Home > Kitchen", "Home > Garden"], " > "),
        (["Drama, Crime", "War"], ","),
        (["Drama"], "|"),
        (['["a", "b"]'], "|"),
    ],
)
def test_the_separator_of_categories(as_file: AsFile, values: list[str], separator: str) -> None:
    events = as_file("user_id,item_id,timestamp\n1,1,1\n", "events.csv")
    lines = [json.dumps({"id": n, "name": "x", "genres": value}) for n, value in enumerate(values)]
    items = as_file("\n".join(lines) + "\n", "items.jsonl")
    assert proposed(events, items)["items"]["category_separator"] == separator


def test_items_columns_domain_and_the_rest_as_extra(as_file: AsFile) -> None:
    events = as_file("userId,bookId,date\n1,1,2024-05-01\n", "events.csv")
    items = as_file("bookId,bookTitle,year,publisher\n1,Tea,1999,X\n", "items.csv")
    room = proposed(events, items)
    assert room["items"]["domain"] == "books"
    assert room["items"]["columns"] == {"item_id": "bookId", "title": "bookTitle", "extra": "year, publisher"}
    assert room["interactions"]["timezone"] == "UTC"


@pytest.mark.parametrize("moment", ["1700000000", "2024-05-01T10:00:00Z", "2024-05-01T10:00:00+08:00"])
def test_moments_with_a_zone_need_no_timezone(as_file: AsFile, moment: str) -> None:
    path = as_file(f"user_id,item_id,timestamp\n1,1,{moment}\n", "events.csv")
    assert "timezone" not in proposed(path)["interactions"]


def test_parquet_jsonl_and_gzip_are_read_alike(tmp_path: Path, as_file: AsFile) -> None:
    frame = pl.DataFrame(
        {"userId": ["a"], "movieId": ["m"], "timestamp": [1_700_000_000], "action": ["click"]}
    )
    frame.write_parquet(tmp_path / "e.parquet")
    frame.write_ndjson(tmp_path / "e.jsonl")
    as_file(gzip.compress(frame.write_csv().encode()), "e.csv.gz")
    texts = {propose_toml(tmp_path / name) for name in ("e.parquet", "e.jsonl", "e.csv.gz")}
    assert len(texts) == 1


@given(st.lists(st.text(min_size=1, max_size=12), unique=True, max_size=8))
def test_no_column_is_given_twice(columns: list[str]) -> None:
    found = match_columns(columns, INTERACTION_NAMES)
    assert len(set(found.values())) == len(found)
    assert set(found.values()) <= set(columns)


@pytest.mark.parametrize(
    "folder",
    [
        CATALOGUES / "zh",
        CATALOGUES / "en",
        pytest.param(
            SHARED / "stackexchange-small",
            marks=pytest.mark.skipif(not SHARED.is_dir(), reason=f"shared data not at {SHARED}"),
        ),
    ],
    ids=lambda path: path.name,
)
def test_what_is_proposed_ingests_everything(folder: Path, tmp_path: Path, store: Store) -> None:
    toml = tmp_path / "driftrec.toml"
    toml.write_text(propose_toml(folder / "interactions.csv", folder / "items.csv"), encoding="utf-8")
    settings = load_settings(toml)
    quarantine = tmp_path / "quarantine"
    for run, name in ((ingest_items, "items.csv"), (ingest_interactions, "interactions.csv")):
        report = run(store, folder / name, settings, quarantine_dir=quarantine)
        assert report.adds_up
    counts = store.counts()
    assert counts.quarantined == 0
    assert counts.interactions > 1000


def test_an_event_file_of_people_makes_people_the_items(as_file: AsFile) -> None:
    events = as_file("follower_id,followee_id,ts\na,b,1700000000\n", "follows.csv")
    assert proposed(events)["items"]["domain"] == "people"
    people = as_file("user_id,display_name,about_me,reputation\nb,Bea,likes tea,7\n", "who.csv")
    items = proposed(events, people)["items"]
    assert items["domain"] == "people"
    assert items["columns"]["title"] == "display_name" and items["columns"]["description"] == "about_me"
    shop = as_file("member,item,ts\na,b,1700000000\n", "log.csv")
    who = as_file("person_id,name\nb,Bea\n", "members.csv")
    assert proposed(shop, who)["items"]["domain"] == "people"
    dump = as_file("Id,DisplayName,AboutMe\nb,Bea,likes tea\n", "users.csv")
    assert proposed(events, dump)["items"]["domain"] == "people"


def test_a_shop_with_user_in_its_file_name_does_not_sell_people(as_file: AsFile) -> None:
    events = as_file("user,item,ts\na,b,1700000000\n", "user_events.csv")
    items = as_file("item_id,title\nb,Tea\n", "user_items.csv")
    assert proposed(events, items)["items"]["domain"] != "people"
    assert "items" not in proposed(events)
    generic = as_file("user_id,target_id,timestamp\na,b,1700000000\n", "log.csv")
    with pytest.raises(MappingError, match="an item or a search query"):
        proposed(generic)
