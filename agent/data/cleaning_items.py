"""Cleaning items: texts, categories and extra fields in their final form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

import polars as pl

from agent.data.cleaning import (
    Check,
    Cleaned,
    apply_checks,
    drop_missing,
    id_checks,
    id_text,
    query_text,
)
from agent.data.mapping import LINE
from agent.data.missing import MissingRules

COLUMNS: Final = ("item_id", "title", "description", "categories", "domain", "text", "extra")
_RAW_EXTRA: Final = "#raw_extra"


@dataclass(frozen=True, slots=True)
class ItemRules:
    """How the items of one file are cleaned; `domain` stands where the file has none."""

    separator: str
    domain: str
    missing: MissingRules


@dataclass(frozen=True, slots=True)
class CleanedItems(Cleaned):
    """As `Cleaned`; `untitled` rows have their id for a title."""

    untitled: int = 0


def normalise_items(frame: pl.DataFrame) -> pl.DataFrame:
    """The mapped frame as text, null where empty; only descriptions and texts keep line breaks.

    `extra` keeps null for what is no JSON object, beside the file's own text.
    """
    raw_extra = id_text(frame["extra"])
    return frame.with_columns(
        id_text(frame["item_id"]),
        query_text(id_text(frame["title"])),
        _long_text(id_text(frame["description"])),
        query_text(id_text(frame["categories"])),
        query_text(id_text(frame["domain"])),
        _long_text(id_text(frame["text"])),
        raw_extra.alias(_RAW_EXTRA),
        pl.Series("extra", [_json_object(text) for text in raw_extra.to_list()], dtype=pl.String),
    )


def clean_items(frame: pl.DataFrame, rules: ItemRules) -> CleanedItems:
    """Usable items of a normalised frame: `line` and `COLUMNS`, with `categories` and `extra` as JSON."""
    frame, dropped = drop_missing(frame, rules.missing, _is_missing_item)
    fills = rules.missing.fills
    frame = frame.with_columns([pl.col(name).fill_null(pl.lit(fill)) for name, fill in fills.items()])
    good, rejects = apply_checks(frame, _checks())
    untitled = good["title"].null_count()
    good = good.with_columns(
        pl.col("title").fill_null(pl.col("item_id")),
        pl.col("domain").fill_null(rules.domain),
        pl.col("description", "text").fill_null(""),
        pl.col("extra").fill_null("{}"),
        _categories(good["categories"], rules.separator),
    )
    return CleanedItems(good.select(LINE, *COLUMNS), rejects, dropped, untitled)


def _is_missing_item(name: str) -> pl.Expr:
    return pl.col(_RAW_EXTRA if name == "extra" else name).is_null()


def _checks() -> list[Check]:
    empty = "give every item an id"
    return [
        *id_checks("item_id", required=pl.lit(True), empty=empty),
        Check(
            "extra",
            pl.col("extra").is_null() & pl.col(_RAW_EXTRA).is_not_null(),
            "extra is no JSON object",
            'write an object such as {"year": 1995}, or name plain columns to pack: extra = "year, brand"',
        ),
    ]


def _long_text(column: pl.Series) -> pl.Series:
    """NFC text without control characters other than line feeds."""
    if column.null_count() == len(column):
        return column
    texts = column.str.replace_all(r"\r\n?", "\n").str.replace_all(r"\t", " ")
    texts = texts.str.replace_all(r"[\p{Cc}&&[^\n]]", "").str.strip_chars().str.normalize("NFC")
    return texts.set(texts == "", None)


def _categories(column: pl.Series, separator: str) -> pl.Series:
    # Catalogues have few distinct lists: split each once.
    known = {text: _category_json(text, separator) for text in column.unique().to_list()}
    return pl.Series("categories", [known[text] for text in column.to_list()], dtype=pl.String)


def _category_json(text: str | None, separator: str) -> str:
    """The categories of one item as a JSON list without repeats; `text` is a JSON list or separated names."""
    if text is None:
        return "[]"
    names: list[object] = []
    if text.startswith("["):
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = None
        names = parsed if isinstance(parsed, list) else []
    if not names and text != "[]":
        names = list(text.split(separator)) if separator else [text]
    trimmed = [str(name).strip() for name in names if name is not None]
    return json.dumps([name for name in dict.fromkeys(trimmed) if name], ensure_ascii=False)


def _json_object(text: str | None) -> str | None:
    """`text` as compact JSON when it is an object that can be stored, else None."""
    if text is None:
        return None
    try:
        parsed = json.loads(text)
        if not isinstance(parsed, dict):
            return None
        # NaN and infinity are no JSON, and lone surrogates no text.
        compact = json.dumps(parsed, ensure_ascii=False, allow_nan=False)
        compact.encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return compact
