"""Events of made-up people over made-up catalogues: deterministic, one random stream per user."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

YEAR_DAYS = 365


@dataclass(frozen=True)
class Item:
    item_id: str
    title: str
    description: str
    categories: tuple[str, ...]
    domain: str
    group: str


@dataclass(frozen=True)
class Person:
    """`tastes` lists (first day of the year, group → weight): the last one begun holds."""

    user_id: str
    n_days: int
    tastes: tuple[tuple[int, Mapping[str, float]], ...]


def write_items(path: Path, items: Sequence[Item]) -> None:
    with path.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink, lineterminator="\n")
        writer.writerow(["item_id", "title", "description", "categories", "domain"])
        for item in items:
            writer.writerow(
                [item.item_id, item.title, item.description, "|".join(item.categories), item.domain]
            )


def write_events(
    path: Path,
    items: Sequence[Item],
    people: Sequence[Person],
    *,
    queries: Mapping[str, Sequence[str]],
    utc_offset_h: int,
    year: int,
) -> None:
    zone = timezone(timedelta(hours=utc_offset_h))
    rows: list[tuple[datetime, list[str]]] = []
    for person in people:
        stream = random.Random(person.user_id)
        for day in sorted(stream.sample(range(YEAR_DAYS), person.n_days)):
            start = datetime(year, 1, 1, 9 + stream.randrange(10), stream.randrange(60), tzinfo=zone)
            rows += _session(person, stream, start + timedelta(days=day), day, items, queries)
    rows.sort(key=lambda row: (row[0], row[1]))
    with path.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink, lineterminator="\n")
        writer.writerow(["user_id", "item_id", "query", "timestamp", "event", "value"])
        for moment, (user_id, item_id, query, event, value) in rows:
            writer.writerow([user_id, item_id, query, moment.isoformat(), event, value])


def _session(
    person: Person,
    stream: random.Random,
    moment: datetime,
    day: int,
    items: Sequence[Item],
    queries: Mapping[str, Sequence[str]],
) -> list[tuple[datetime, list[str]]]:
    tastes = next(groups for first, groups in reversed(person.tastes) if first <= day)
    # One sitting stays with one or two interests, as real ones do.
    groups = stream.choices(list(tastes), weights=list(tastes.values()), k=2)
    rows = []
    for _ in range(1 + stream.randrange(4)):
        moment += timedelta(minutes=1 + stream.randrange(9))
        group = stream.choice(groups)
        if stream.random() < 0.12:
            rows.append((moment, [person.user_id, "", stream.choice(queries[group]), "search", ""]))
            continue
        item = stream.choice([item for item in items if item.group == group])
        event = stream.choices(["view", "like", "purchase", "rate"], weights=[6, 2, 3, 1])[0]
        value = str(3 + stream.randrange(3)) if event == "rate" else ""
        rows.append((moment, [person.user_id, item.item_id, "", event, value]))
    return rows
