"""Exact nearest items by one matrix product: the check of the approximate index, enough below 50k texts."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent.data.embedders import unit_rows
from agent.data.index import (
    BuildReport,
    Entries,
    Hit,
    Progress,
    check_embedder,
    check_vectors,
    compute_entries,
    expand,
    merge_items,
    vector_keys,
)
from agent.data.log import Catalogue


class ExactIndex:
    """An `ItemIndex` in memory."""

    def __init__(self) -> None:
        self._entries = Entries({}, np.zeros((0, 0), dtype=np.float32), "")

    @property
    def embedder(self) -> str:
        """Name of the embedder of the vectors; empty while the index is."""
        return self._entries.embedder

    @property
    def item_count(self) -> int:
        """Items that can be found."""
        return self._entries.n_items

    def count(self) -> int:
        """Entries: distinct vectors."""
        return len(self._entries.members)

    def build(self, catalogue: Catalogue, *, progress: Progress | None = None) -> BuildReport:
        """As in `ItemIndex`."""
        start = time.perf_counter()
        before, wanted = self._entries, compute_entries(catalogue)
        unchanged = wanted.members == before.members and wanted.embedder == before.embedder
        self._entries = wanted
        if progress is not None:
            progress(len(wanted.members), len(wanted.members))
        return BuildReport(
            action="unchanged" if unchanged else "updated" if before.embedder else "built",
            reason="the catalogue is the one indexed" if unchanged else "held in memory",
            n_entries=len(wanted.members),
            n_items=wanted.n_items,
            n_added=len(wanted.members.keys() - before.members.keys()),
            n_removed=len(before.members.keys() - wanted.members.keys()),
            n_without_text=wanted.n_without_text,
            seconds=time.perf_counter() - start,
        )

    def add(self, item_ids: Sequence[str], vectors: NDArray[np.float32], *, embedder: str) -> None:
        """As in `ItemIndex`."""
        old = self._entries
        check_embedder(old.embedder, embedder)
        check_vectors(vectors, dim=old.dim)
        keys = vector_keys(vectors)
        rows = dict(zip(old.members, old.vectors, strict=True)) | dict(zip(keys, vectors, strict=True))
        members = merge_items(old.members, keys, item_ids)
        stacked = np.array([rows[key] for key in members], dtype=np.float32)
        self._entries = Entries(members, stacked.reshape(len(members), vectors.shape[1]), embedder)

    def query(self, vector: NDArray[np.float32], n: int) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """As in `ItemIndex`."""
        return expand(self.query_groups(np.atleast_2d(vector), n)[0], n)

    def query_groups(self, vectors: NDArray[np.float32], n: int) -> list[list[Hit]]:
        """As in `ItemIndex`."""
        check_vectors(vectors, dim=self._entries.dim)
        n = min(n, self.count())
        if n <= 0:
            return [[] for _ in vectors]
        similarities = unit_rows(vectors) @ self._entries.vectors.T
        return [self._best(row, n) for row in similarities]

    def close(self) -> None:
        """Nothing is held open."""

    def _best(self, similarities: NDArray[np.float32], n: int) -> list[Hit]:
        # Everything as good as the n-th, so that ties at the edge are cut by id and not by chance.
        edge = np.partition(similarities, -n)[-n]
        members = list(self._entries.members.values())
        hits = [Hit(members[row], float(similarities[row])) for row in np.flatnonzero(similarities >= edge)]
        return sorted(hits, key=lambda hit: (-hit.similarity, hit.item_ids[0]))[:n]
