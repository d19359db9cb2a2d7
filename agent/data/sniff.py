"""A first `driftrec.toml` for files nobody has described yet, from their column names and first rows."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from agent.data.log import PEOPLE
from agent.data.readers import open_source
from agent.data.sniff_names import (
    DOMAINS,
    EVENT_SYNONYMS,
    INTERACTION_NAMES,
    ITEM_NAMES,
    PEOPLE_IDS,
    PEOPLE_ITEM_IDS,
    PURCHASE_HINTS,
    RATING_HINTS,
)
from agent.errors import MappingError
from agent.settings import DEFAULT_WEIGHTS

_SAMPLE_ROWS: Final = 5000
_SCAN_ROWS: Final = 100_000
_MAX_EVENT_NAMES: Final = 30
_MAX_EXTRA: Final = 12
_SEPARATORS: Final = ("|", ";", "、", "，", " > ", "/", ",")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Sample:
    """Column names and first rows of a file."""

    path: Path
    columns: tuple[str, ...]
    rows: pl.DataFrame


def propose_toml(interactions: Path, items: Path | None = None, *, encoding: str = "utf-8") -> str:
    """The text of a `driftrec.toml` that fits the files, with a comment at every guess.

    Args:
        interactions: event file: CSV, JSONL or Parquet, gzipped or not.
        items: item file, or None when there is none.
        encoding: of text files.

    Raises:
        MappingError: no user, no item or query, or no time among the columns; no id or title among the
            item file's. The message lists the columns there are.
        InputFileError: a file cannot be read.
    """
    events = read_sample(interactions, encoding=encoding)
    lines = ["# Proposed from the files' columns and first rows: check every line.", ""]
    lines += _interaction_lines(events, encoding)
    people = _plain(match_columns(events.columns, INTERACTION_NAMES).get("item_id", "")) in PEOPLE_IDS
    if items is not None:
        catalogue = read_sample(items, encoding=encoding)
        lines += ["", *_item_lines(catalogue, encoding, domain=PEOPLE if people else "")]
    elif people:
        lines += ["", "[items]  # something is done to people: they are what is recommended"]
        lines += [f"domain = {_text(PEOPLE)}"]
    return "\n".join(lines) + "\n"


def read_sample(path: Path, *, encoding: str = "utf-8") -> Sample:
    """The columns and the first rows of `path`.

    Raises:
        InputFileError: it cannot be read as what its name says.
    """
    with open_source(path, encoding=encoding) as source:
        columns = source.columns
        chunk = next(iter(source.chunks(columns, rows=_SAMPLE_ROWS)), None)
        rows = chunk.frame if chunk is not None else pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    return Sample(path, columns, rows)


def match_columns(columns: Sequence[str], names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Our name → the file's column: exact names first, then columns that end or begin with one.

    `names` lists what each of ours is commonly called, best first, lower case without punctuation. No
    column is given twice.
    """
    plain = {column: _plain(column) for column in columns}
    found: dict[str, str] = {}
    for test in (_is_equal, _is_part):
        for ours, common in names.items():
            if ours in found:
                continue
            free = [column for column in columns if column not in found.values()]
            match = next((column for name in common for column in free if test(plain[column], name)), None)
            if match is not None:
                found[ours] = match
    return found


def _plain(column: str) -> str:
    return re.sub(r"[\W_]+", "", column).lower()


def _is_equal(plain: str, name: str) -> bool:
    return plain == name


def _is_part(plain: str, name: str) -> bool:
    # Short names are parts of too many words ("ts" of "points").
    return len(name) >= 4 and (plain.endswith(name) or plain.startswith(name))


def _interaction_lines(sample: Sample, encoding: str) -> list[str]:
    found = match_columns(sample.columns, INTERACTION_NAMES)
    for ours, what in (("user_id", "a user"), ("timestamp", "a time")):
        if ours not in found:
            raise _missing(sample, what, "interactions", ours)
    if "item_id" not in found and "query" not in found:
        raise _missing(sample, "an item or a search query", "interactions", "item_id")
    lines = ["[interactions]", *_encoding_lines(encoding)]
    if not _has_zone(sample.rows[found["timestamp"]]):
        lines.append('timezone = "UTC"  # of the timestamps, which carry no zone')
    constant = ""
    if "event" not in found:
        constant, why = _guess_event(found)
        lines.append(f"# no column says what happened: {why}")
    lines += ["", "[interactions.columns]", *_column_lines(found)]
    if constant:
        lines.append(f'event = "={constant}"')
    else:
        lines += _event_lines(_event_names(sample.path, found["event"], encoding=encoding))
    unused = [column for column in sample.columns if column not in found.values()]
    if unused:
        lines.append(f"# not used: {', '.join(unused)}")
    return lines


def _guess_event(found: Mapping[str, str]) -> tuple[str, str]:
    value = _plain(found.get("value", ""))
    if any(hint in value for hint in RATING_HINTS):
        return "rate", f"{found['value']!r} looks like a rating"
    if "key" in found or any(hint in value for hint in PURCHASE_HINTS):
        return "purchase", f"{found.get('key') or found.get('value')!r} looks like a purchase"
    return "view", "taken for views"


def _event_names(path: Path, column: str, *, encoding: str) -> list[str]:
    """The names in the event column of the whole file (a rare one must not be missed), frequent first."""
    counts: Counter[str] = Counter()
    with open_source(path, encoding=encoding) as source:
        for chunk in source.chunks([column], rows=_SCAN_ROWS):
            tally = chunk.frame[column].drop_nulls().cast(pl.String).value_counts()
            counts.update(dict(tally.iter_rows()))
    return [name for name, _ in counts.most_common(_MAX_EVENT_NAMES)]


def _event_lines(names: Sequence[str]) -> list[str]:
    rename = {
        name: EVENT_SYNONYMS[name.strip().lower()] for name in names if name.strip().lower() in EVENT_SYNONYMS
    }
    lines = ["", "[interactions.weights]"]
    for name in dict.fromkeys(rename.get(name, name) for name in names):
        known = DEFAULT_WEIGHTS.get(name)
        note = "" if known is not None else "  # not a usual event: say what it is worth"
        lines.append(f"{_key(name)} = {1.0 if known is None else known}{note}")
    if rename:
        lines += ["", "[interactions.rename]", *(f"{_key(a)} = {_text(b)}" for a, b in rename.items())]
    return lines


def _item_lines(sample: Sample, encoding: str, *, domain: str) -> list[str]:
    """The item file's part; `domain` is what the event file already says, empty where it says nothing."""
    found = match_columns(sample.columns, ITEM_NAMES)
    for ours, what in (("item_id", "an item id"), ("title", "a title")):
        if ours not in found:
            raise _missing(sample, what, "items", ours)
    lines = ["[items]", *_encoding_lines(encoding)]
    if "domain" not in found:
        domain = domain or _guess_domain(found["item_id"], sample.path)
        lines.append(f"domain = {_text(domain)}")
    if "categories" in found:
        lines.append(f"category_separator = {_text(_guess_separator(sample.rows[found['categories']]))}")
    lines += ["", "[items.columns]", *_column_lines(found)]
    rest = [column for column in sample.columns if column not in found.values()]
    if "extra" not in found and rest:
        kept = rest[:_MAX_EXTRA]
        lines.append(f"extra = {_text(', '.join(kept) if len(kept) > 1 else f'{kept[0]},')}")
    return lines


def _guess_domain(id_column: str, path: Path) -> str:
    if _plain(id_column) in (*PEOPLE_IDS, *PEOPLE_ITEM_IDS):
        return PEOPLE
    text = f"{id_column} {path.stem} {path.resolve().parent.name}".lower()
    return next((domain for hint, domain in DOMAINS.items() if hint in text), "")


def _guess_separator(column: pl.Series) -> str:
    values = column.drop_nulls().cast(pl.String)
    plain = values.filter(~values.str.starts_with("[")) if len(values) else values
    if not len(plain):
        return "|"
    shares = [float(plain.str.contains(mark, literal=True).mean() or 0.0) for mark in _SEPARATORS]  # type: ignore[arg-type]
    best = max(range(len(shares)), key=lambda position: (shares[position], -position))
    return _SEPARATORS[best] if shares[best] >= 0.05 else "|"


def _has_zone(column: pl.Series) -> bool:
    values = column.drop_nulls()
    if values.dtype.is_numeric() or not len(values):
        return True  # seconds or milliseconds since 1970 are UTC by definition
    texts = values.cast(pl.String)
    zoned = texts.str.contains(r"^\d+(\.\d+)?$|(Z|[+-]\d\d:?\d\d| UTC| GMT)\s*$")
    return bool(zoned.all())


def _column_lines(found: Mapping[str, str]) -> list[str]:
    return [f"{ours} = {_text(column)}" for ours, column in found.items()]


def _encoding_lines(encoding: str) -> list[str]:
    return [] if encoding == "utf-8" else [f"encoding = {_text(encoding)}"]


def _missing(sample: Sample, what: str, room: str, ours: str) -> MappingError:
    return MappingError(
        f"{sample.path}: expected a column that names {what}, the file has {list(sample.columns)!r}; "
        f'write a driftrec.toml with [{room}.columns] {ours} = "…"'
    )


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    # A JSON string is a TOML basic string too.
    return json.dumps(value, ensure_ascii=False)
