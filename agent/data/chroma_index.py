"""The item index in Chroma: a cache, checked at every open, that can always be rebuilt from the vectors."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.data.chroma_folder import ChromaFolder
from agent.data.embedders import unit_rows
from agent.data.index import (
    BuildAction,
    BuildReport,
    Entries,
    Hit,
    Progress,
    check_embedder,
    check_vectors,
    compute_entries,
    content_hash,
    expand,
    merge_items,
    vector_keys,
)
from agent.data.index_files import (
    IndexState,
    next_version,
    read_members,
    read_state,
    remove_versions_except,
    write_members,
    write_state,
)
from agent.data.lock import FolderLock
from agent.data.log import Catalogue
from agent.errors import NotFittedError, StoreError


class ChromaIndex:
    """A persistent `ItemIndex` in `folder`, for one process at a time; several threads of it are fine.

    What is found unusable at open (a killed write, a damaged folder, a wrong count) is not an error there:
    `problem` says what it is, queries are refused, and the next `build` resumes or rebuilds.

    Raises:
        WorkspaceBusyError: another live process holds the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FolderLock(folder / "lock", what=f"the item index in {folder}")
        self._chroma: ChromaFolder | None = None
        self._members: dict[str, tuple[str, ...]] = {}
        self._state = read_state(folder)
        try:
            self.problem = self._load()
        except BaseException:
            self.close()
            raise

    @property
    def embedder(self) -> str:
        """Name of the embedder of the vectors; empty while the index is."""
        return self._state.embedder if self._state is not None else ""

    @property
    def dim(self) -> int:
        """Length of a vector; 0 while the index is empty."""
        return self._state.dim if self._state is not None else 0

    @property
    def item_count(self) -> int:
        """Items that can be found."""
        return sum(len(items) for items in self._members.values())

    def count(self) -> int:
        """Entries: distinct vectors, as Chroma counts them."""
        return self._chroma.count() if self._chroma is not None else 0

    def build(self, catalogue: Catalogue, *, progress: Progress | None = None) -> BuildReport:
        """As in `ItemIndex`; one that cannot be used is rebuilt in a new folder; the report says so."""
        start = time.perf_counter()
        wanted = compute_entries(catalogue)
        content = content_hash(wanted.members, embedder=wanted.embedder, dim=wanted.dim)
        state = self._state
        if state is not None and not self.problem and state.content == content:
            report = BuildReport(
                "unchanged", "the catalogue is the one indexed", len(wanted.members), wanted.n_items
            )
        elif state is not None and self._chroma is not None and self._takes(wanted):
            report = self._update(self._chroma, wanted, progress)
        else:
            report = self._build_anew(wanted, progress)
        seconds = time.perf_counter() - start
        return dataclasses.replace(report, n_without_text=wanted.n_without_text, seconds=seconds)

    def add(self, item_ids: Sequence[str], vectors: NDArray[np.float32], *, embedder: str) -> None:
        """As in `ItemIndex`.

        Raises:
            NotFittedError: the index has a `problem`.
        """
        if self.problem:
            raise NotFittedError(self._unusable())
        check_embedder(self.embedder, embedder)
        check_vectors(vectors, dim=self.dim)
        if self._chroma is None:
            self._build_anew(Entries({}, vectors[:0], embedder), None)
        assert self._chroma is not None
        keys = vector_keys(vectors)
        members = merge_items(self._members, keys, item_ids)
        row_of = {key: row for row, key in enumerate(keys) if key in members and key not in self._members}
        with self._writing(self._chroma.path.parent.name, members, embedder=embedder, dim=vectors.shape[1]):
            self._chroma.put(list(row_of), vectors[list(row_of.values())])
            self._chroma.delete([key for key in self._members if key not in members])

    def query(self, vector: NDArray[np.float32], n: int) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """As in `ItemIndex`."""
        return expand(self.query_groups(np.atleast_2d(vector), n)[0], n)

    def query_groups(self, vectors: NDArray[np.float32], n: int) -> list[list[Hit]]:
        """As in `ItemIndex`.

        Raises:
            NotFittedError: the index has a `problem`.
        """
        if self.problem:
            raise NotFittedError(self._unusable())
        check_vectors(vectors, dim=self.dim)
        if self._chroma is None or n <= 0 or not self._members or not len(vectors):
            return [[] for _ in vectors]
        found = self._chroma.nearest(unit_rows(vectors), min(n, len(self._members)))
        return [self._hits(row) for row in found]

    def close(self) -> None:
        """Frees the folder; calling it twice is harmless."""
        self._drop_chroma()
        self._lock.close()

    def _load(self) -> str:
        """What is wrong with the folder, or nothing."""
        state = self._state
        if state is None:
            return ""
        members = read_members(self._folder / state.folder)
        try:
            self._chroma = ChromaFolder(self._folder / state.folder / "chroma", create=False)
            n_found = self._chroma.count()
            loads = self._chroma.finds_itself()
        except StoreError as error:
            self._drop_chroma()
            return str(error)
        if not state.complete:
            return "the last write was interrupted"
        if members is None or not n_found == len(members) == state.n_entries:
            listed = "an unreadable list" if members is None else len(members)
            return f"expected {state.n_entries} entries, got {n_found} in Chroma and {listed} of items"
        if not loads:
            return "stored vectors are not found by themselves"
        self._members = members
        return ""

    def _takes(self, wanted: Entries) -> bool:
        return (self.embedder, self.dim) == (wanted.embedder, wanted.dim) and (
            not self.problem or (self._state is not None and not self._state.complete)
        )

    def _update(self, chroma: ChromaFolder, wanted: Entries, progress: Progress | None) -> BuildReport:
        """Writes only what differs from what Chroma really holds: after an interrupted write too."""
        reason = f"resumed: {self.problem}" if self.problem else "the catalogue has changed"
        present = chroma.keys()
        new = [row for row, key in enumerate(wanted.members) if key not in present]
        gone = sorted(present - wanted.members.keys())
        keys = list(wanted.members)
        with self._writing(chroma.path.parent.name, wanted.members, embedder=wanted.embedder, dim=wanted.dim):
            chroma.put([keys[row] for row in new], wanted.vectors[new], progress=_of(len(new), progress))
            chroma.delete(gone)
        return BuildReport(
            "updated", reason, len(wanted.members), wanted.n_items, n_added=len(new), n_removed=len(gone)
        )

    def _build_anew(self, wanted: Entries, progress: Progress | None) -> BuildReport:
        first = self._state is None
        reason = "no index yet" if first else self.problem or f"it held vectors of {self.embedder!r}"
        self._drop_chroma()
        self._folder.mkdir(parents=True, exist_ok=True)
        version = next_version(self._folder)
        (self._folder / version).mkdir()
        with self._writing(version, wanted.members, embedder=wanted.embedder, dim=wanted.dim):
            self._chroma = ChromaFolder(self._folder / version / "chroma", create=True)
            total = len(wanted.members)
            self._chroma.put(list(wanted.members), wanted.vectors, progress=_of(total, progress))
        remove_versions_except(self._folder, version)
        action: BuildAction = "built" if first else "rebuilt"
        return BuildReport(action, reason, total, wanted.n_items, n_added=total)

    @contextmanager
    def _writing(
        self, version: str, members: dict[str, tuple[str, ...]], *, embedder: str, dim: int
    ) -> Iterator[None]:
        """Marks the index incomplete on disk until everything inside has been written."""
        state = IndexState(
            folder=version,
            embedder=embedder,
            dim=dim,
            content=content_hash(members, embedder=embedder, dim=dim),
            n_entries=len(members),
            complete=False,
        )
        self._state, self.problem = state, "the last write was interrupted"
        write_state(self._folder, state)
        yield
        write_members(self._folder / version, members)
        self._state = dataclasses.replace(state, complete=True)
        write_state(self._folder, self._state)
        self._members, self.problem = members, ""

    def _hits(self, row: list[tuple[str, float]]) -> list[Hit]:
        # While another thread adds, an entry may be in Chroma before its items are listed.
        hits = [Hit(self._members[key], similarity) for key, similarity in row if key in self._members]
        return sorted(hits, key=lambda hit: (-hit.similarity, hit.item_ids[0]))

    def _drop_chroma(self) -> None:
        if self._chroma is not None:
            self._chroma.close()
        self._chroma = None

    def _unusable(self) -> str:
        return f"the item index in {self._folder} cannot be used: {self.problem}; run: driftrec index"


def _of(total: int, progress: Progress | None) -> Callable[[int], None] | None:
    return None if progress is None else lambda done: progress(done, total)
