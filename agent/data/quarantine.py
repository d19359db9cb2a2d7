"""Where rows go that cannot be used: a table in the store, and a JSON-lines file for people."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, func, select

from agent.data.chunks import Reject
from agent.data.dialect import bulk_insert
from agent.data.tables import ingests, quarantine

MAX_VALUE_CHARS: Final = 200
_COLUMNS: Final = ("ingest_no", "line", "column", "value", "reason", "remedy")


def shorten(value: str) -> str:
    """`value` in at most 200 characters, an ellipsis standing for the rest."""
    return value if len(value) <= MAX_VALUE_CHARS else value[: MAX_VALUE_CHARS - 1] + "…"


def append_rejects(connection: Connection, ingest_no: int, rejects: Sequence[Reject]) -> None:
    """Keeps `rejects` in the store, inside the caller's transaction."""
    rows = [
        (ingest_no, entry.line, entry.column, shorten(entry.value), entry.reason, entry.remedy)
        for entry in sorted(rejects, key=lambda entry: entry.line)
    ]
    bulk_insert(connection, quarantine, _COLUMNS, rows)


def forget_superseded(connection: Connection, ingest_no: int, *, kind: str, sha256: str) -> None:
    """Removes what earlier ingests of the same file, under another mapping, had put aside."""
    earlier = select(ingests.c.ingest_no).where(
        ingests.c.kind == kind, ingests.c.sha256 == sha256, ingests.c.ingest_no != ingest_no
    )
    connection.execute(quarantine.delete().where(quarantine.c.ingest_no.in_(earlier)))


def count_reasons(connection: Connection, ingest_no: int) -> dict[str, int]:
    """Rows put aside by that ingest, by reason, most frequent first."""
    statement = (
        select(quarantine.c.reason, func.count())
        .where(quarantine.c.ingest_no == ingest_no)
        .group_by(quarantine.c.reason)
        .order_by(func.count().desc(), quarantine.c.reason)
    )
    return {str(reason): int(count) for reason, count in connection.execute(statement)}


def quarantine_path(folder: Path, path: Path, sha256: str) -> Path:
    """Where the rows of `path` that cannot be used are listed."""
    return folder / f"{path.name}.{sha256[:8]}.jsonl"


def write_file(connection: Connection, ingest_no: int, target: Path, *, source: Path) -> Path | None:
    """Writes `target` anew, one object per row: file, line, column, value, reason, remedy.

    Returns None, and removes an older file, when nothing is in quarantine.
    """
    statement = (
        select(*(quarantine.c[name] for name in _COLUMNS[1:]))
        .where(quarantine.c.ingest_no == ingest_no)
        .order_by(quarantine.c.line, quarantine.c.quarantine_no)
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    n_rows = 0
    with part.open("w", encoding="utf-8", newline="\n") as file:
        for row in connection.execute(statement):
            record = {"file": str(source), **dict(zip(_COLUMNS[1:], row, strict=True))}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
            n_rows += 1
    if n_rows == 0:
        part.unlink()
        target.unlink(missing_ok=True)
        return None
    part.replace(target)
    return target


def hash_file(path: Path) -> str:
    """SHA-256 of the bytes of `path`, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
