"""Readable names for the grocery data, whose own are upper case, abbreviated and cut at 30 characters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from agent.data.grocery_words import (
    CATEGORIES,
    CONTEXT_NOUNS,
    CONTEXT_SUFFIXES,
    DEPARTMENTS,
    HEADS,
    PROPER,
    WORDS,
)

UNKNOWN_TITLE: Final = "Unspecified product"
_UNITS: Final = {
    "OZ": "oz", "LB": "lb", "LBS": "lb", "CT": "count", "ML": "ml", "L": "liter", "LT": "liter",
    "GA": "gallon", "GAL": "gallon", "DZ": "dozen", "PK": "pack", "PT": "pint", "QT": "quart",
    "SQ FT": "sq ft", "LOAD": "loads", "LOADS": "loads", "LD": "loads", "STEM": "stems", "FL OZ": "fl oz",
    "PC": "pieces", "IN": "in", "FT": "ft", "YD": "yd", "GR": "g", "G": "g", "GM": "g",
}  # fmt: skip
_LARGEST: Final = 9999  # beyond it the number is an internal code ("974246 PK")
_UNIT: Final = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_NUMBER: Final = r"\d*\.?\d+"
_SIMPLE_SIZE: Final = re.compile(rf"({_NUMBER})(?: (\d)/(\d))?(?:-({_NUMBER}))? ?({_UNIT})\.?")
_PACK_SIZE: Final = re.compile(rf"({_NUMBER}) ?(?:PK|CT)?[/X] ?({_NUMBER}) ?({_UNIT})")
_FRACTION: Final = re.compile(r"1/([2348]) ?(GAL|GA|LB|PT|QT|L)")
_SIZE_PACK: Final = re.compile(rf"({_NUMBER}) ?({_UNIT})/({_NUMBER}) ?PK")
_PARENTHESES: Final = re.compile(r"\([^()]*(\)|$)")
_SEPARATORS: Final = re.compile(r"\s*[:;]\s*|\s+-\s*|\s*-\s+")
_SLASH: Final = re.compile(r"\s*/\s*")
_TOKEN: Final = re.compile(r"[A-Z0-9][A-Z0-9.'/]*(?:-[A-Z0-9.'/]+)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ProductName:
    """A product in words.

    Attributes:
        title: with size and brand, for people.
        description: everything that is known, in one line.
        text: without them, with the category, for the embedder: shared by all like products.
        categories: department and category.
    """

    title: str
    description: str
    text: str
    categories: tuple[str, ...]


def name_product(
    *, department: str | None, category: str | None, kind: str | None, size: str | None, private: bool
) -> ProductName:
    """The readable name of a product from the source's columns; missing ones are left out."""
    base = readable_type(kind, category)
    shown_department = readable_department(department)
    shown_category = readable_category(category, department)
    shown_size = "" if department == "PRODUCE" and _is_case(size or "") else readable_size(size)
    # "…, 2 liter bottle" says its size already.
    said = bool(shown_size) and shown_size.rstrip("s") in base
    title = ", ".join(part for part in (base, "" if said else shown_size) if part) + (
        " (store brand)" if private else ""
    )
    shelf = " in ".join(dict.fromkeys(part for part in (shown_category, shown_department) if part))
    if base == UNKNOWN_TITLE:
        # Nothing is known of it: no title and no text, so it is neither embedded nor recommended.
        return ProductName(
            title="", description="", text="", categories=(shown_department,) if shown_department else ()
        )
    details = (shown_size, "store brand" if private else "national brand", shelf)
    categories = tuple(dict.fromkeys(part for part in (shown_department, shown_category) if part))
    return ProductName(
        title=title,
        description=f"{base}: {', '.join(part for part in details if part)}",
        text=". ".join(dict.fromkeys((base, *categories[-1:]))),
        categories=categories,
    )


@cache
def readable_department(department: str | None) -> str:
    """`DRUG GM` → `Drugstore and general merchandise`; empty when there is none."""
    return DEPARTMENTS.get(department or "", "") or _sentence(department or "")


@cache
def readable_category(category: str | None, department: str | None = None) -> str:
    """`FLUID MILK PRODUCTS` → `Milk`; empty when there is none."""
    if category == "COUPON/MISC ITEMS" and department == "FUEL":
        return "Fuel"  # the source files gasoline under coupons
    return CATEGORIES.get(category or "", "") or _sentence(category or "")


@cache
def readable_type(kind: str | None, category: str | None) -> str:
    """`SFT DRNK 2 LITER BTL CARB INCL` → `Soft drinks, carbonated, 2 liter bottle`.

    Without a type, the category stands in; without both, `UNKNOWN_TITLE`.
    """
    if not kind:
        return readable_category(category) or UNKNOWN_TITLE
    written = _written_types()
    name = written.get(f"{category} > {kind}") or written.get(kind)
    if name:
        return name
    name = _sentence(kind) or readable_category(category) or UNKNOWN_TITLE
    noun = CONTEXT_NOUNS.get(category or "")
    if noun and not _mentions(name, noun):
        return f"{noun}, {_lower_first(name)}"
    suffix = CONTEXT_SUFFIXES.get(category or "")
    if suffix and not _mentions(name, suffix):
        return f"{name}, {suffix}"
    return name


@cache
def readable_size(size: str | None) -> str:
    """`14 OZ` → `14 oz`, `12 PK/12 OZ` → `12 x 12 oz`; empty for what cannot be read."""
    text = re.sub(r"\s+", " ", (size or "").upper()).strip()
    text = re.sub(r" (BTL|BAG|CAN|JAR|BOX)$", "", re.sub(r"^(PT|QT|GAL|LB|DZ)$", r"1 \1", text))
    if match := _FRACTION.fullmatch(text):
        return _amount(str(1 / int(match[1])), match[2])
    if match := _PACK_SIZE.fullmatch(text):
        return f"{_plain(match[1])} x {_amount(match[2], match[3])}"
    if match := _SIZE_PACK.fullmatch(text):
        return f"{_plain(match[3])} x {_amount(match[1], match[2])}"
    match = _SIMPLE_SIZE.fullmatch(text)
    if match is None or float(match[1]) > _LARGEST:
        return ""
    number, over, under, upper, unit = match.groups()
    if over and under != "0":
        number = str(float(number) + int(over) / int(under))
    if upper:
        return f"{_plain(number)}–{_amount(upper, unit)}"
    return _amount(number, unit)


@cache
def _written_types() -> dict[str, str]:
    table = resources.files("agent.data").joinpath("grocery_types.tsv").read_text(encoding="utf-8")
    return dict(line.split("\t", 1) for line in table.splitlines())


def _is_case(size: str) -> bool:
    """Whether a size of loose produce is that of the crate it came in, which nobody bought."""
    match = _SIMPLE_SIZE.fullmatch(size)
    return match is not None and (match[5] == "CT" or (match[5] == "LB" and float(match[1]) >= 10))


def _amount(number: str, unit: str) -> str:
    shown, word = _plain(number), _UNITS[unit]
    if word == "dozen" and shown == "1":
        return "1 dozen"
    plural = word in {"gallon", "liter", "pint", "quart"} and float(shown) > 1
    return f"{shown} {word}s" if plural else f"{shown} {word}"


def _plain(number: str) -> str:
    return f"{float(number):g}"


def _sentence(raw: str) -> str:
    """`raw` in sentence case, abbreviations written out, cut parentheses gone."""
    text = raw.upper().strip()
    if text.endswith("-MAGAZINE"):
        text = text.removesuffix("-MAGAZINE") + " MAGAZINE"
    hot = next((word for word in ("(HOT)", "(COLD)") if word in text), "")
    text = _PARENTHESES.sub(" ", text)
    text = f"{text}, {hot.strip('()')}" if hot else text
    text = re.sub(r"\bALL (?=OTHERS?\b)|\s+ALL$", "", text.strip())
    head, _, variety = text.partition(" ")
    if head in HEADS and variety and not variety.startswith(("&", "-", "AND ", "IN ")):
        text = f"{head}, {variety}"
    text = re.sub(r"\bWOMEN S\b", "WOMEN'S", re.sub(r"\bCHILDREN S\b", "CHILDREN'S", text)).replace(
        "DVD S", "DVDS"
    )
    text = _SEPARATORS.sub(", ", text.replace("&", " and "))
    text = _SLASH.sub("/", re.sub(r"\bW/(?=[A-Z])", "with ", text))
    words = " ".join(_TOKEN.sub(lambda match: _word(match[0]), text).split())
    words = re.sub(r"\s*,(\s*,)*\s*", ", ", words).strip(" ,-/")
    return words[:1].upper() + words[1:]


def _word(token: str) -> str:
    upper = token.upper()
    if upper in WORDS:
        return WORDS[upper]
    for mark in ("/", "-"):
        if mark in token:
            parts = [part for part in map(_word, token.split(mark)) if part]
            # Two names side by side read as such; three or more as a list.
            joined = mark if mark == "-" or len(parts) < 3 else ", "
            return joined.join(parts)
    lower = token.lower()
    return lower.capitalize() if lower in PROPER else lower


def _mentions(name: str, noun: str) -> bool:
    stems = {word[:4] for word in re.findall(r"[a-z]+", name.lower())}
    return any(word[:4] in stems for word in re.findall(r"[a-z]{3,}", noun.lower()))


def _lower_first(name: str) -> str:
    first = name.split(maxsplit=1)[0].strip(",").split("/")[0]
    keep = first.lower() in PROPER or (len(first) > 1 and first.isupper())
    return name if keep else name[:1].lower() + name[1:]
