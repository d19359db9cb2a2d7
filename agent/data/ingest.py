"""Bringing event and item files into the store, chunk by chunk.

Each chunk is one transaction that also moves the checkpoint, so a process may be killed at any moment:
the next run goes on after the last whole chunk. The same file under the same mapping is recognised by its
hash, and overlapping files are harmless, since every event has a content key.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import Connection, select

from agent.data import quarantine
from agent.data.chunks import Chunk, Source
from agent.data.cleaning import Cleaned
from agent.data.dialect import bulk_insert
from agent.data.ingest_events import EventJob
from agent.data.ingest_items import ItemJob
from agent.data.readers import check_path, open_source
from agent.data.report import Counters, IngestKind, IngestReport
from agent.data.store import Store
from agent.data.tables import ingests
from agent.data.views import event_weights
from agent.errors import StoreError, WorkspaceBusyError
from agent.settings import Settings

Progress = Callable[[int, int | None], None]
CHUNK_ROWS: Final = 50_000
# Part of what identifies an ingest: raised when the same file would be cleaned differently.
_CLEANING_VERSION: Final = 1


class _Job(Protocol):
    """What is done with the chunks of one kind of file."""

    @property
    def columns(self) -> tuple[str, ...]: ...

    def clean(self, chunk: Chunk) -> Cleaned: ...

    def store(self, connection: Connection, cleaned: Cleaned, ingest_no: int) -> Counters: ...


@dataclass(frozen=True, slots=True)
class _Ingest:
    """The checkpoint row of one file under one mapping."""

    ingest_no: int
    started_ms: int
    chunk_rows: int
    chunks_done: int
    finished: bool
    counters: Counters


@dataclass(frozen=True, slots=True)
class _Identity:
    """What makes two ingests the same."""

    kind: IngestKind
    sha256: str
    mapping_hash: str


def ingest_interactions(
    store: Store,
    path: Path,
    settings: Settings,
    *,
    quarantine_dir: Path,
    progress: Progress | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> IngestReport:
    """Brings an event file into the store, and says what became of each of its rows.

    Args:
        store: an open store.
        path: CSV, JSONL or Parquet, each also gzipped.
        settings: `settings.interactions` says how the file is read.
        quarantine_dir: where the list of unusable rows goes; created when needed.
        progress: called after each chunk with the rows done and, where the format tells, the rows there are.
        chunk_rows: rows per transaction; an interrupted ingest goes on with the size it began with.

    Raises:
        InputFileError: the file is missing, damaged, or not what its name says.
        MappingError: the column mapping does not fit the file.
        SettingsError: a setting makes no sense.
        StoreError: the store cannot be written.
    """
    room = settings.interactions
    # Weights are applied when the log is loaded, so only which events have one matters here.
    known = {"weights": sorted(event_weights(room))}
    parts = {**room.model_dump(mode="json", exclude={"weights", "low_rating"}), **known}
    identity = _identify(path, "interactions", parts)

    def job(source: Source, ingest: _Ingest) -> _Job:
        return EventJob(source, path, settings=room, now_ms=ingest.started_ms, chunk_rows=ingest.chunk_rows)

    run = _Run(store, path, identity, room.encoding, job)
    return run.finish(quarantine_dir, progress=progress, chunk_rows=chunk_rows)


def ingest_items(
    store: Store,
    path: Path,
    settings: Settings,
    *,
    quarantine_dir: Path,
    progress: Progress | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> IngestReport:
    """Brings an item file into the store; `settings.items` says how it is read. See `ingest_interactions`.

    An id that is stored gets the new fields; an item that only events had named so far is described now.
    """
    room = settings.items
    identity = _identify(path, "items", room.model_dump(mode="json", exclude={"repeats"}))

    def job(source: Source, ingest: _Ingest) -> _Job:
        return ItemJob(source, path, settings=room, chunk_rows=ingest.chunk_rows)

    run = _Run(store, path, identity, room.encoding, job)
    return run.finish(quarantine_dir, progress=progress, chunk_rows=chunk_rows)


def _identify(path: Path, kind: IngestKind, parts: Mapping[str, object]) -> _Identity:
    check_path(path)
    text = json.dumps({"version": _CLEANING_VERSION, "kind": kind, **parts}, sort_keys=True)
    return _Identity(kind, quarantine.hash_file(path), hashlib.sha256(text.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class _Run:
    """One call: finds or opens the checkpoint, does the chunks that are left, reports."""

    store: Store
    path: Path
    identity: _Identity
    encoding: str
    make_job: Callable[[Source, _Ingest], _Job]

    def finish(self, quarantine_dir: Path, *, progress: Progress | None, chunk_rows: int) -> IngestReport:
        """Does what is left to do, and reports on all of it."""
        began = time.perf_counter()
        with self.store.read() as connection:
            ingest = self._find(connection)
        already_done = ingest is not None and ingest.finished
        if ingest is None or not ingest.finished:
            with open_source(self.path, encoding=self.encoding) as source:
                # The job checks settings and mapping: nothing is written for a file that does not fit.
                draft = ingest or _Ingest(0, time.time_ns() // 1_000_000, chunk_rows, 0, False, Counters())
                job = self.make_job(source, draft)
                ingest = self._register(draft)
                self._do_chunks(source, job, ingest, progress)
        return self._report(quarantine_dir, already_done=already_done, began=began)

    def _find(self, connection: Connection) -> _Ingest | None:
        row = connection.execute(
            select(
                ingests.c.ingest_no,
                ingests.c.started_ms,
                ingests.c.chunk_rows,
                ingests.c.chunks_done,
                ingests.c.finished,
                ingests.c.counters,
            ).where(
                ingests.c.kind == self.identity.kind,
                ingests.c.sha256 == self.identity.sha256,
                ingests.c.mapping_hash == self.identity.mapping_hash,
            )
        ).one_or_none()
        return None if row is None else _Ingest(*row[:5], Counters(**row[5]))

    def _register(self, draft: _Ingest) -> _Ingest:
        with self.store.write() as connection:
            row = {
                "kind": self.identity.kind,
                "sha256": self.identity.sha256,
                "mapping_hash": self.identity.mapping_hash,
                "path": str(self.path),
                "started_ms": draft.started_ms,
                "chunk_rows": draft.chunk_rows,
                "chunks_done": 0,
                "finished": False,
                "counters": json.dumps(Counters().to_dict()),
            }
            # Left out when the row is there: this is a second try, or another process was quicker.
            bulk_insert(connection, ingests, tuple(row), [tuple(row.values())])
            found = self._find(connection)
        if found is None or found.chunk_rows != draft.chunk_rows:
            raise WorkspaceBusyError(
                f"{self.path}: another process has begun to ingest this file in chunks of another size; "
                "let it end, then run this again"
            )
        return found

    def _do_chunks(self, source: Source, job: _Job, ingest: _Ingest, progress: Progress | None) -> None:
        rows_done = 0
        for number, chunk in enumerate(source.chunks(job.columns, rows=ingest.chunk_rows)):
            if number >= ingest.chunks_done:
                cleaned = job.clean(chunk)
                with self.store.write() as connection:
                    self._do_chunk(connection, job, number, chunk, cleaned)
            rows_done += chunk.n_rows
            if progress is not None:
                progress(rows_done, source.total_rows)
        with self.store.write() as connection:
            quarantine.forget_superseded(
                connection, ingest.ingest_no, kind=self.identity.kind, sha256=self.identity.sha256
            )
            connection.execute(
                ingests.update().where(ingests.c.ingest_no == ingest.ingest_no).values(finished=True)
            )

    def _do_chunk(
        self, connection: Connection, job: _Job, number: int, chunk: Chunk, cleaned: Cleaned
    ) -> None:
        now = self._find(connection)
        if now is None or now.chunks_done != number:
            return  # another process that ingests the same file has done this chunk
        rejects = (*chunk.rejects, *cleaned.rejects)
        quarantine.append_rejects(connection, now.ingest_no, rejects)
        counters = now.counters + job.store(connection, cleaned, now.ingest_no)
        counters += Counters(
            rows_read=chunk.n_rows, quarantined=len(rejects), dropped_by_policy=cleaned.dropped
        )
        connection.execute(
            ingests.update()
            .where(ingests.c.ingest_no == now.ingest_no)
            .values(chunks_done=number + 1, counters=counters.to_dict())
        )

    def _report(self, quarantine_dir: Path, *, already_done: bool, began: float) -> IngestReport:
        target = quarantine.quarantine_path(quarantine_dir, self.path, self.identity.sha256)
        with self.store.read() as connection:
            ingest = self._find(connection)
            if ingest is None:
                raise StoreError(f"{self.path}: its ingest has vanished from {self.store.name}; run it again")
            reasons = quarantine.count_reasons(connection, ingest.ingest_no)
            listed = quarantine.write_file(connection, ingest.ingest_no, target, source=self.path)
        return IngestReport(
            path=self.path,
            kind=self.identity.kind,
            **ingest.counters.to_dict(),
            seconds=time.perf_counter() - began,
            already_done=already_done,
            quarantine_path=listed,
            reasons=reasons,
        )
