"""Ingesting items: the later row wins, stubs are filled, texts are tidied."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import select

from agent.data.store import Store
from agent.data.tables import items
from agent.errors import MappingError, SettingsError


def rows(store: Store) -> dict[str, dict[str, Any]]:
    with store.read() as connection:
        found = connection.execute(select(items).order_by(items.c.item_no)).mappings().all()
    return {row["item_id"]: dict(row) for row in found}


def test_items_come_in_with_all_their_fields(store: Store, ingest_catalogue) -> None:
    report = ingest_catalogue(
        "item_id,title,description,categories,domain,text,extra\n"
        '0042,从儿童绘本到编程入门,"一本书\n两行",图书|编程|图书,books,embed me,"{""year"": 1995}"\n'
    )
    assert (report.kind, report.rows_read, report.stored, report.stub_items) == ("items", 1, 1, 0)
    row = rows(store)["0042"]
    assert row["title"] == "从儿童绘本到编程入门"
    assert row["description"] == "一本书\n两行"
    assert json.loads(row["categories"]) == ["图书", "编程"]
    assert (row["domain"], row["text"], json.loads(row["extra"])) == ("books", "embed me", {"year": 1995})
    assert not row["stub"]


def test_the_same_file_again_changes_nothing(store: Store, ingest_catalogue) -> None:
    text = "item_id,title\n1,One\n2,Two\n"
    ingest_catalogue(text)
    before = rows(store)
    assert ingest_catalogue(text).already_done
    assert rows(store) == before


@pytest.mark.parametrize("chunk_rows", [1, 2, 100])
def test_the_later_row_of_an_id_wins(store: Store, ingest_catalogue, chunk_rows: int) -> None:
    report = ingest_catalogue("item_id,title\n1,old\n2,Two\n1,mid\n1,new\n", chunk_rows=chunk_rows)
    assert (report.rows_read, report.stored, report.duplicates) == (4, 2, 2)
    assert {key: row["title"] for key, row in rows(store).items()} == {"1": "new", "2": "Two"}


def test_a_later_file_changes_what_differs(store: Store, ingest_catalogue, as_file) -> None:
    ingest_catalogue("item_id,title\n1,One\n2,Two\n")
    report = ingest_catalogue(as_file("item_id,title\n2,Zwei\n1,One\n3,Three\n", "more.csv"))
    assert (report.stored, report.duplicates) == (2, 1)
    assert store.load_catalogue().titles == ("One", "Zwei", "Three")


def test_stubs_are_counted_and_later_filled(store: Store, ingest, ingest_catalogue) -> None:
    ingest_catalogue("item_id,title\n1,One\n")
    report = ingest(
        "user_id,item_id,timestamp,event\nu,1,1700000000,view\nu,2,1700000000,view\nu,3,1700000000,view\n"
    )
    assert report.stub_items == 2
    assert {key: (row["title"], row["stub"]) for key, row in rows(store).items()} == {
        "1": ("One", False), "2": ("2", True), "3": ("3", True),
    }  # fmt: skip
    filled = ingest_catalogue("item_id,title\n2,Two\n4,Four\n")
    assert (filled.stored, filled.stub_items) == (2, 1)
    assert store.load_catalogue().titles == ("One", "Two", "3", "Four")
    assert store.load_log().item.tolist() == [0, 1, 2]


def test_a_stub_described_by_its_id_alone_is_filled_too(store: Store, ingest, ingest_catalogue) -> None:
    ingest("user_id,item_id,timestamp,event\nu,2,1700000000,view\n")
    assert ingest_catalogue("item_id,title\n2,2\n").stub_items == 1
    assert not rows(store)["2"]["stub"]


def test_an_empty_title_is_not_made_up(store: Store, ingest_catalogue) -> None:
    report = ingest_catalogue("item_id,title,description\n1,  ,nice\n2,\x07,\n3,Three,\n")
    assert report.untitled_items == 2
    assert store.load_catalogue().titles == ("1", "2", "Three")


def test_texts_are_tidied(store: Store, ingest_catalogue) -> None:
    ingest_catalogue('item_id,title,description\n1," a\n b\x00\tcafe\u0301 ","x\x07\r\n\ty\u0085 "\n')
    row = rows(store)["1"]
    assert row["title"] == "a b café"
    assert row["description"] == "x\n y"


@pytest.mark.parametrize(
    ("cell", "separator", "expected"),
    [
        ("a|b", "|", ["a", "b"]),
        (" a | |a", "|", ["a"]),
        ("", "|", []),
        ("[]", "|", []),
        ('"[""x"", ""y|z"", 3, null]"', "|", ["x", "y|z", "3"]),
        ("[x]", "|", ["[x]"]),
        ("图书；编程", "；", ["图书", "编程"]),
        ("a|b", "", ["a|b"]),
    ],
)
def test_categories(store: Store, ingest_catalogue, cell: str, separator: str, expected: list[str]) -> None:
    ingest_catalogue(f"item_id,title,categories\n1,One,{cell}\n", category_separator=separator)
    assert list(store.load_catalogue().categories[0]) == expected


@pytest.mark.parametrize("extra", ["[1]", "{", "text", '"{""x"": NaN}"', '"{""x"": ""\\ud800""}"'])
def test_an_extra_that_is_no_object_is_put_aside(store: Store, ingest_catalogue, extra: str) -> None:
    report = ingest_catalogue(f"item_id,title,extra\n1,One,{extra}\n2,Two,{{}}\n")
    assert report.reasons == {"extra is no JSON object": 1}
    assert set(rows(store)) == {"2"}


def test_plain_columns_are_packed(store: Store, ingest_catalogue) -> None:
    text = "item_id,title,year,brand\n1,One,1995,ACME\n2,Two,,ACME\n"
    ingest_catalogue(text, columns={"extra": "year, brand"})
    assert [json.loads(row["extra"]) for row in rows(store).values()] == [
        {"year": "1995", "brand": "ACME"},
        {"brand": "ACME"},
    ]
    ingest_catalogue(text, columns={"extra": "brand,"})
    assert json.loads(rows(store)["1"]["extra"]) == {"brand": "ACME"}


def test_the_domain_of_the_settings_stands_where_the_file_has_none(store: Store, ingest_catalogue) -> None:
    ingest_catalogue("item_id,title,domain\n1,One,\n2,Two,films\n", domain="books")
    assert store.load_catalogue().domains == ("books", "films")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"title": "name"}, "name"),
        ({"extra": "year,brnad"}, "brand"),
        ({"titel": "title"}, "did you mean 'title'"),
    ],
)
def test_a_mapping_that_does_not_fit_says_what_there_is(ingest_catalogue, columns, words: str) -> None:
    with pytest.raises(MappingError, match=words):
        ingest_catalogue("item_id,title,year,brand\n1,One,1,x\n", columns=columns)


@pytest.mark.parametrize("text", ["title\nOne\n", "item_id\n1\n"])
def test_id_and_title_must_come_from_somewhere(ingest_catalogue, text: str) -> None:
    with pytest.raises(MappingError, match=r"\[items.columns\]"):
        ingest_catalogue(text)


def test_a_policy_for_a_column_that_is_not_there_is_refused(ingest_catalogue) -> None:
    with pytest.raises(SettingsError, match="price"):
        ingest_catalogue("item_id,title\n1,One\n", missing={"price": "drop"})


def test_items_without_an_id_are_put_aside(store: Store, ingest_catalogue) -> None:
    report = ingest_catalogue("item_id,title\n,One\n2,Two\n")
    assert report.reasons == {"item_id is empty": 1}


ROWS = [
    {"item_id": "007", "title": '牛奶, "全脂"', "categories": ["食品", "a|b"], "extra": {"year": 1995}},
    {"item_id": "8", "title": None, "categories": None, "extra": None},
]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_every_format_brings_the_same(
    store: Store, ingest_catalogue, tmp_path: Path, kind: str, packed: bool
) -> None:
    path = tmp_path / f"items.{kind}"
    if kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    elif kind == "parquet":
        pl.DataFrame(ROWS).write_parquet(path)
    else:
        texts = [
            {
                k: json.dumps(v, ensure_ascii=False) if isinstance(v, (list, dict)) else v
                for k, v in row.items()
            }
            for row in ROWS
        ]
        pl.DataFrame(texts).write_csv(path)
    if packed:
        path = path.with_name(path.name + ".gz")
        path.write_bytes(gzip.compress(path.with_suffix("").read_bytes()))
    report = ingest_catalogue(path)
    assert (report.stored, report.untitled_items) == (2, 1)
    catalogue = store.load_catalogue()
    assert catalogue.item_ids == ("007", "8")
    assert catalogue.titles == ('牛奶, "全脂"', "8")
    assert catalogue.categories == (("食品", "a|b"), ())
    assert [json.loads(row["extra"]) for row in rows(store).values()] == [{"year": 1995}, {}]
