"""What items say about themselves beyond their title: brand, price, length, from `extra` of the item file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from agent.data.log import Catalogue
from agent.data.store import Store
from agent.data.tables import items

Measure = Literal["price", "length", "year", "size"]

# Names of columns under which catalogues keep these, best first.
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "price": ("price", "list_price", "cost", "amount", "价格", "售价", "定价"),
    "length": (
        "minutes", "runtime", "duration", "length", "pages", "page_count", "时长", "片长", "页数", "分钟",
    ),
    "year": ("year", "release_year", "published", "release", "年份", "出版年"),
    "size": ("size", "weight", "volume", "容量", "重量", "规格"),
    "brand": (
        "brand", "manufacturer", "maker", "publisher", "studio", "author", "artist",
        "品牌", "牌子", "厂商", "出版社",
    ),
}  # fmt: skip
_NUMBER: Final = re.compile(r"-?\d+(?:[.,]\d+)?")


def load_extras(store: Store, catalogue: Catalogue) -> dict[int, Mapping[str, Any]]:
    """The extra fields of every item that has any, by item code."""
    codes = catalogue.item_codes
    found: dict[int, Mapping[str, Any]] = {}
    parsed: dict[str, Mapping[str, Any]] = {}
    with store.read() as connection:
        statement = select(items.c.item_id, items.c.extra).where(items.c.extra != "{}")
        for item_id, text in connection.execute(statement):
            if text not in parsed:
                parsed[text] = json.loads(text)
            if parsed[text]:
                found[codes[item_id]] = parsed[text]
    return found


def field_of(extra: Mapping[str, Any], what: str) -> tuple[str, Any] | None:
    """Name and value of the field that says `what` (price, length, year, size, brand); None without.

    >>> field_of({"Brand": "Acme", "pages": 32}, "length")
    ('pages', 32)
    """
    folded = {name.casefold().strip(): name for name in extra}
    for key in _KEYS[what]:
        name = folded.get(key)
        if name is not None and extra[name] not in (None, ""):
            return name, extra[name]
    return None


def number_of(value: Any) -> float | None:
    """The first number in a field's value; None when it holds none.

    >>> number_of("12,50 €"), number_of(90), number_of("n/a")
    (12.5, 90.0, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    match = _NUMBER.search(str(value))
    return float(match.group().replace(",", ".")) if match else None


def measure(extra: Mapping[str, Any], what: Measure) -> float | None:
    """The item's price, length, year or size as a number, in the catalogue's own unit; None without."""
    found = field_of(extra, what)
    return None if found is None else number_of(found[1])


def brand_of(extra: Mapping[str, Any]) -> str:
    """The item's brand, maker or publisher; empty without."""
    found = field_of(extra, "brand")
    return "" if found is None else str(found[1])


@dataclass(frozen=True)
class ItemFacts:
    """What the items of a catalogue say, ready to be searched.

    Attributes:
        extras: the extra fields by item code; items without any are absent.
    """

    catalogue: Catalogue
    extras: Mapping[int, Mapping[str, Any]]

    @cached_property
    def spoken(self) -> tuple[str, ...]:
        """All that each item says in words, lower case: title, categories, description, text, fields."""
        catalogue = self.catalogue
        rows = zip(
            catalogue.titles, catalogue.categories, catalogue.descriptions, catalogue.texts, strict=True
        )
        return tuple(
            "\n".join(
                (title, *categories, description, text, *map(str, self.extras.get(code, {}).values()))
            ).casefold()
            for code, (title, categories, description, text) in enumerate(rows)
        )

    def saying(self, pattern: re.Pattern[str]) -> NDArray[np.bool_]:
        """`(n_items,)`, which items say something that the pattern finds."""
        search = pattern.search
        return np.fromiter((search(text) is not None for text in self.spoken), np.bool_, len(self.catalogue))

    def measured(self, what: Measure) -> dict[int, float]:
        """The price, length, year or size of every item that states it, by item code."""
        found = ((code, measure(extra, what)) for code, extra in self.extras.items())
        return {code: value for code, value in found if value is not None}
