"""The store: the workspace's truth, in SQL. Append-only for interactions and versions."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, func, inspect, select, text

from agent.data import tables, views
from agent.data.dialect import bulk_insert, open_engine, put_value, transaction
from agent.data.log import Catalogue, InteractionLog
from agent.data.snapshot import load_columns
from agent.data.tables import (
    SCHEMA_REVISION,
    cache,
    interactions,
    items,
    meta,
    quarantine,
    users,
    versions,
)
from agent.errors import StoreError, VersionConflictError
from agent.settings import InteractionFile, ItemFile

VersionKind = Literal["profile", "migration", "facets"]
_LOOKUP_BATCH: Final = 10_000
_VERSION_COLUMNS: Final = (
    versions.c.version,
    versions.c.parent,
    versions.c.moment_ms,
    versions.c.created_ms,
    versions.c.model,
    versions.c.prompt_hash,
    versions.c.payload,
)


@dataclass(frozen=True, slots=True)
class StoreCounts:
    """How much the store holds. `items` includes stubs: items that only events have named."""

    users: int
    items: int
    interactions: int
    quarantined: int
    vectors: int


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One immutable version of something computed for a user. Moments in ms since 1970, UTC."""

    version: int
    parent: int | None
    moment_ms: int
    created_ms: int
    model: str
    prompt_hash: str
    payload: str


class Store:
    """An open store. Threads may share it; processes may each open the same file."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, location: Path | str) -> Self:
        """The store at a file path or SQLAlchemy URL, created or migrated when it is behind.

        Raises:
            WorkspaceNotFoundError: the folder does not exist.
            WorkspaceBusyError: a migration is needed and another process keeps writing.
            StoreError: the file is no store, or a newer version of driftrec made it.
        """
        store = cls(open_engine(location))
        try:
            store._migrate()
        except BaseException:
            store.close()
            raise
        return store

    def _migrate(self) -> None:
        with self.read() as connection:
            revision = _revision(connection)
        if revision == SCHEMA_REVISION:
            return
        with self.write() as connection:
            # Another process may have migrated while this one waited for the lock.
            revision = _revision(connection)
            if revision is None and inspect(connection).get_table_names():
                raise StoreError(
                    f"{self.name}: expected a driftrec store or a new file, got another program's database; "
                    "name another file"
                )
            if revision is not None and revision > SCHEMA_REVISION:
                raise StoreError(
                    f"{self.name}: expected schema {SCHEMA_REVISION!r} or older, got {revision!r}; "
                    "a newer driftrec made this store: upgrade driftrec"
                )
            if revision != SCHEMA_REVISION:
                from agent.data import migrations  # brings Alembic, only when there is something to do

                migrations.upgrade(connection)

    def close(self) -> None:
        """Closes every connection; calling it twice is harmless."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def name(self) -> str:
        """The location for messages, without password."""
        return self._engine.url.render_as_string(hide_password=True)

    def read(self) -> AbstractContextManager[Connection]:
        """A connection that sees one consistent state."""
        return transaction(self._engine, write=False)

    def write(self) -> AbstractContextManager[Connection]:
        """A connection that holds the write lock; committed at the end, rolled back on error.

        Raises:
            WorkspaceBusyError: another process keeps writing.
        """
        return transaction(self._engine, write=True)

    def load_log(self, settings: InteractionFile | None = None) -> InteractionLog:
        """All interactions, with the event weights of `settings` (None: the defaults).

        The first load of 1.5 million interactions takes seconds and leaves a snapshot next to the store;
        later ones take a fraction of a second.

        Raises:
            SettingsError: an event in the store has no weight.
        """
        with self.read() as connection:
            columns = load_columns(connection, self._snapshot_path())
            return views.compute_log(connection, columns, settings or InteractionFile())

    def _snapshot_path(self) -> Path | None:
        database = self._engine.url.database
        if self._engine.dialect.name != "sqlite" or not database or database == ":memory:":
            return None
        return Path(f"{database}.log.npz")

    def load_catalogue(self, settings: ItemFile | None = None) -> Catalogue:
        """Every item in item-code order, without vectors; what has no domain has the settings'."""
        with self.read() as connection:
            return views.load_catalogue(connection, domain=(settings or ItemFile()).domain)

    def counts(self) -> StoreCounts:
        """How much the store holds."""
        counted = (users, items, interactions, quarantine, tables.vectors)
        with self.read() as connection:
            sizes = [connection.execute(select(func.count()).select_from(t)).scalar_one() for t in counted]
        return StoreCounts(*sizes)

    def load_vectors(self, embedder: str, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The stored vectors of `texts` by that embedder; a text without one is absent."""
        by_hash = {_text_hash(entry): entry for entry in texts}
        hashes = list(by_hash)
        found: dict[str, NDArray[np.float32]] = {}
        held = tables.vectors
        with self.read() as connection:
            for start in range(0, len(hashes), _LOOKUP_BATCH):
                statement = select(held.c.text_hash, held.c.vector).where(
                    held.c.embedder == embedder,
                    held.c.text_hash.in_(hashes[start : start + _LOOKUP_BATCH]),
                )
                for digest, blob in connection.execute(statement):
                    found[by_hash[digest]] = np.frombuffer(blob, "<f4").astype(np.float32)
        return found

    def save_vectors(self, embedder: str, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keeps one vector per text; a text that has one already keeps it.

        Args:
            embedder: its name, part of the key.
            texts: what was encoded.
            vectors: `(len(texts), dim)` float32.

        Raises:
            ValueError: the shapes do not fit, or a vector is not finite.
        """
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise ValueError(
                f"expected one vector for each of {len(texts)} texts, got shape {vectors.shape!r}"
            )
        if not np.isfinite(vectors).all():
            raise ValueError(
                f"expected finite vectors from {embedder!r}, got NaN or infinity; encode them again"
            )
        blobs = np.ascontiguousarray(vectors, "<f4")
        rows = [(embedder, _text_hash(entry), blobs[i].tobytes()) for i, entry in enumerate(texts)]
        with self.write() as connection:
            bulk_insert(connection, tables.vectors, ("embedder", "text_hash", "vector"), rows)

    def append_version(
        self,
        kind: VersionKind,
        user_id: str,
        *,
        moment_ms: int,
        payload: str,
        model: str,
        prompt_hash: str,
        expected_parent: int | None = None,
    ) -> int:
        """Number of the new version of that kind for that user: 1, or one more than the last, its parent.

        Args:
            expected_parent: number of the version that `payload` follows, 0 for none; None: any.

        Raises:
            VersionConflictError: another version has followed `expected_parent` meanwhile; nothing is stored.
        """
        mine = (versions.c.kind == kind) & (versions.c.user_id == user_id)
        with self.write() as connection:
            parent = connection.execute(select(func.max(versions.c.version)).where(mine)).scalar_one()
            if expected_parent is not None and expected_parent != (parent or 0):
                raise VersionConflictError(
                    f"{self.name}: expected version {expected_parent!r} to be the last {kind} of user "
                    f"{user_id!r}, got {parent!r}: another process has stored one meanwhile; try again"
                )
            version = int(parent or 0) + 1
            connection.execute(
                versions.insert().values(
                    kind=kind,
                    user_id=user_id,
                    version=version,
                    parent=parent,
                    moment_ms=moment_ms,
                    created_ms=time.time_ns() // 1_000_000,
                    model=model,
                    prompt_hash=prompt_hash,
                    payload=payload,
                )
            )
        return version

    def load_versions(self, kind: VersionKind, user_id: str) -> list[VersionRow]:
        """Every version of that kind for that user, oldest first; empty when there is none."""
        mine = (versions.c.kind == kind) & (versions.c.user_id == user_id)
        statement = select(*_VERSION_COLUMNS).where(mine).order_by(versions.c.version)
        with self.read() as connection:
            return [VersionRow(*row) for row in connection.execute(statement)]

    def newest_version(self, kind: VersionKind, user_id: str) -> VersionRow | None:
        """The last version of that kind for that user, or None."""
        mine = (versions.c.kind == kind) & (versions.c.user_id == user_id)
        statement = select(*_VERSION_COLUMNS).where(mine).order_by(versions.c.version.desc()).limit(1)
        with self.read() as connection:
            row = connection.execute(statement).one_or_none()
        return None if row is None else VersionRow(*row)

    def users_with_versions(self, kind: VersionKind) -> list[str]:
        """Ids of the users who have a version of that kind, sorted."""
        statement = select(versions.c.user_id).where(versions.c.kind == kind).distinct()
        with self.read() as connection:
            return sorted(connection.execute(statement).scalars())

    def get_meta(self, key: str) -> str | None:
        """The value kept under `key`, or None."""
        with self.read() as connection:
            return connection.execute(select(meta.c.value).where(meta.c.key == key)).scalar_one_or_none()

    def set_meta(self, key: str, value: str) -> None:
        """Keeps `value` under `key`, in place of what was there."""
        with self.write() as connection:
            put_value(connection, meta, {"key": key, "value": value}, conflict="key")

    def cache_get(self, key: str) -> str | None:
        """The cached value under `key`, or None."""
        with self.read() as connection:
            return connection.execute(select(cache.c.value).where(cache.c.key == key)).scalar_one_or_none()

    def cache_put(self, key: str, value: str) -> None:
        """Caches `value` under `key`, in place of what was there."""
        with self.write() as connection:
            put_value(connection, cache, {"key": key, "value": value}, conflict="key")


def _text_hash(entry: str) -> bytes:
    return hashlib.blake2b(entry.encode("utf-8"), digest_size=16).digest()


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
