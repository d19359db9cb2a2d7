"""The list of rows that cannot be used."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from agent.data.quarantine import shorten
from agent.data.store import Store

TEXT = (
    "user_id,item_id,timestamp,event\n"
    "u,i,1700000000,view\n"
    ",i,1700000000,view\n"
    "u,i,gestern 📅,view\n"
    "u,i\n"
    "u,i,1700000000,teleport\n"
)


def listed(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_every_row_is_listed_with_place_reason_and_remedy(store: Store, ingest, quarantine_dir: Path) -> None:
    report = ingest(TEXT, chunk_rows=2)
    digest = hashlib.sha256(TEXT.encode()).hexdigest()[:8]
    assert report.quarantine_path == quarantine_dir / f"events.csv.{digest}.jsonl"
    entries = listed(report.quarantine_path)
    assert all(set(entry) == {"file", "line", "column", "value", "reason", "remedy"} for entry in entries)
    assert all(entry["file"] == str(report.path) and entry["remedy"] for entry in entries)
    assert [(entry["line"], entry["column"], entry["value"], entry["reason"]) for entry in entries] == [
        (3, "user_id", "", "user_id is empty"),
        (4, "timestamp", "gestern 📅", "timestamp cannot be understood"),
        (5, "", "u,i", "the row has too few fields"),
        (6, "event", "teleport", "event has no weight"),
    ]
    assert store.counts().quarantined == report.quarantined == 4
    assert dict(report.reasons) == {str(entry["reason"]): 1 for entry in entries}


def test_the_list_is_made_again_when_it_is_gone(store: Store, ingest) -> None:
    path = ingest(TEXT).quarantine_path
    before = path.read_text("utf-8")
    path.unlink()
    again = ingest(TEXT)
    assert again.already_done
    assert again.quarantine_path.read_text("utf-8") == before


def test_no_list_without_rows_to_list(store: Store, ingest, quarantine_dir: Path) -> None:
    report = ingest("user_id,item_id,timestamp,event\nu,i,1700000000,view\n")
    assert report.quarantine_path is None
    assert list(quarantine_dir.iterdir()) == []


def test_long_values_are_shortened(store: Store, ingest) -> None:
    report = ingest(f"user_id,item_id,timestamp,event\nu,i,{'9' * 999},view\n")
    (entry,) = listed(report.quarantine_path)
    assert entry["value"] == "9" * 199 + "…"
    assert shorten("x" * 200) == "x" * 200


def test_reasons_come_most_frequent_first(store: Store, ingest) -> None:
    rows = ["u,i,never,view"] * 2 + [",i,1700000000,view"] + ["u,,1700000000,view"] * 3
    report = ingest("user_id,item_id,timestamp,event\n" + "\n".join(rows) + "\n")
    assert list(report.reasons.items()) == [
        ("item_id is empty", 3),
        ("timestamp cannot be understood", 2),
        ("user_id is empty", 1),
    ]
