"""A fresh store per test, and short ways to ingest a text as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.data.ingest import ingest_interactions, ingest_items
from agent.data.report import IngestReport
from agent.data.store import Store
from agent.data.tables import events, interactions, items, users
from agent.settings import InteractionFile, ItemFile, Settings


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.sqlite") as opened:
        yield opened


@pytest.fixture
def quarantine_dir(tmp_path: Path) -> Path:
    return tmp_path / "quarantine"


@pytest.fixture
def as_file(tmp_path: Path) -> Callable[[str | bytes, str], Path]:
    def write(content: str | bytes, name: str) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return write


@pytest.fixture
def ingest(
    store: Store, quarantine_dir: Path, as_file: Callable[[str | bytes, str], Path]
) -> Callable[..., IngestReport]:
    """Ingests events from a path, or from the text of a CSV file; keywords are those of `InteractionFile`."""

    return _ingesting(
        lambda path, room, **options: ingest_interactions(
            store,
            path,
            Settings(interactions=InteractionFile(**room)),
            quarantine_dir=quarantine_dir,
            **options,
        ),
        as_file,
        "events.csv",
    )


@pytest.fixture
def ingest_catalogue(
    store: Store, quarantine_dir: Path, as_file: Callable[[str | bytes, str], Path]
) -> Callable[..., IngestReport]:
    """Ingests items from a path, or from the text of a CSV file; keywords are those of `ItemFile`."""

    return _ingesting(
        lambda path, room, **options: ingest_items(
            store, path, Settings(items=ItemFile(**room)), quarantine_dir=quarantine_dir, **options
        ),
        as_file,
        "items.csv",
    )


def _ingesting(
    reader: Callable[..., IngestReport], as_file: Callable[[str | bytes, str], Path], name: str
) -> Callable[..., IngestReport]:
    """`reader` with a path, or a text put into the file `name`; every report must add up."""

    def run(source: Path | str | bytes, *, chunk_rows: int = 50_000, **room: Any) -> IngestReport:
        path = source if isinstance(source, Path) else as_file(source, name)
        report = reader(path, room, chunk_rows=chunk_rows)
        assert report.adds_up, report
        return report

    return run


@pytest.fixture
def dump() -> Callable[[Store], list[tuple[Any, ...]]]:
    """Every interaction of a store with ids in place of numbers, in order of interaction id."""

    def rows(opened: Store) -> list[tuple[Any, ...]]:
        statement = (
            interactions.select()
            .with_only_columns(
                interactions.c.interaction_id,
                interactions.c.key,
                users.c.user_id,
                items.c.item_id,
                interactions.c.query,
                interactions.c.ts_ms,
                events.c.event,
                interactions.c.value,
            )
            .join_from(interactions, users)
            .join_from(interactions, events)
            .join_from(interactions, items, isouter=True)
            .order_by(interactions.c.interaction_id)
        )
        with opened.read() as connection:
            return [tuple(row) for row in connection.execute(statement)]

    return rows
