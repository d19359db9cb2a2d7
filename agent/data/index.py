"""The item index: nearest items to a vector. One entry per distinct vector, expanded to items.

A catalogue often has many items with one text (92,331 grocery products, some 3,000 texts). Hundreds of equal
vectors in an approximate index crowd each other out of the graph; so the index holds each distinct vector
once, with the items that share it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue
from agent.errors import IndexMismatchError, NotFittedError

Progress = Callable[[int, int | None], None]
BuildAction = Literal["unchanged", "updated", "built", "rebuilt"]


@dataclass(frozen=True, slots=True)
class Hit:
    """The items that share one vector, in catalogue order, and its cosine to the query, −1 to 1."""

    item_ids: tuple[str, ...]
    similarity: float


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did.

    Attributes:
        action: `unchanged` (recognised by its hash), `updated` in place, `built` from nothing, or
            `rebuilt` because what was there could not be used.
        reason: why, in words.
        n_entries: distinct vectors in the index now, standing for `n_items` items.
        n_added: entries written.
        n_removed: entries deleted.
        n_without_text: items that cannot be found because they have no text.
    """

    action: BuildAction
    reason: str
    n_entries: int
    n_items: int
    n_added: int = 0
    n_removed: int = 0
    n_without_text: int = 0
    seconds: float = 0.0


class ItemIndex(Protocol):
    """Nearest items to a vector. Similarities are cosines: higher is better."""

    @property
    def embedder(self) -> str:
        """Name of the embedder of the vectors; empty while the index is."""
        ...

    @property
    def item_count(self) -> int:
        """Items that can be found."""
        ...

    def count(self) -> int:
        """Entries: distinct vectors."""
        ...

    def build(self, catalogue: Catalogue, *, progress: Progress | None = None) -> BuildReport:
        """Makes the index hold exactly the items of `catalogue`; only what changed is written.

        Raises:
            NotFittedError: the catalogue has no vectors.
        """
        ...

    def add(self, item_ids: Sequence[str], vectors: NDArray[np.float32], *, embedder: str) -> None:
        """Adds items to what is there; an item that is there already moves to its new vector.

        Raises:
            IndexMismatchError: another embedder or dimension than the index holds.
        """
        ...

    def query(self, vector: NDArray[np.float32], n: int) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """The `n` nearest items and their `(n,)` float32 cosines, best first; fewer when there are fewer.

        Items of one vector stand in catalogue order; equal similarities in order of their first item's id.

        Raises:
            IndexMismatchError: `vector` has another dimension than the index.
        """
        ...

    def query_groups(self, vectors: NDArray[np.float32], n: int) -> list[list[Hit]]:
        """For each row of `vectors`, the `n` nearest entries with all their items, best first.

        For callers with an order of their own among items of the same text.
        """
        ...

    def close(self) -> None:
        """Frees what is held; calling it twice is harmless."""
        ...


@dataclass(frozen=True)
class Entries:
    """What an index should hold: one entry per distinct vector.

    Attributes:
        members: item ids of each entry, in catalogue order, by the entry's key: a hash of its vector.
        vectors: `(len(members), dim)` float32, unit rows, in the order of `members`.
        embedder: who made the vectors.
        n_without_text: items left out because they have no vector.
    """

    members: dict[str, tuple[str, ...]]
    vectors: NDArray[np.float32]
    embedder: str
    n_without_text: int = 0

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.vectors.shape[1])

    @property
    def n_items(self) -> int:
        """Items behind the entries."""
        return sum(len(items) for items in self.members.values())


def content_hash(members: Mapping[str, tuple[str, ...]], *, embedder: str, dim: int) -> str:
    """Changes whenever an entry, its items, the embedder or the dimension does."""
    digest = hashlib.blake2b(json.dumps([embedder, dim]).encode(), digest_size=16)
    for key in sorted(members):
        line = "\x1f".join((key, *members[key])) + "\x1e"
        digest.update(line.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def compute_entries(catalogue: Catalogue) -> Entries:
    """The entries of an embedded catalogue.

    Raises:
        NotFittedError: it has no vectors.
    """
    if catalogue.vectors is None:
        raise NotFittedError("expected a catalogue with vectors, got one without; run: driftrec index")
    row_keys = vector_keys(catalogue.vectors)
    row_of = {key: row for row, key in enumerate(row_keys)}
    members: dict[str, list[str]] = {}
    rows = catalogue.text_row.tolist()
    for item_id, row in zip(catalogue.item_ids, rows, strict=True):
        if row >= 0:
            members.setdefault(row_keys[row], []).append(item_id)
    return Entries(
        members={key: tuple(items) for key, items in members.items()},
        vectors=catalogue.vectors[[row_of[key] for key in members]],
        embedder=catalogue.embedder,
        n_without_text=sum(1 for row in rows if row < 0),
    )


def vector_keys(vectors: NDArray[np.float32]) -> list[str]:
    """A name for each row: equal rows, and only they, share one."""
    rows = np.ascontiguousarray(vectors, dtype=np.float32) + np.float32(0.0)  # −0.0 becomes 0.0
    return [hashlib.blake2b(row.tobytes(), digest_size=12).hexdigest() for row in rows]


def expand(hits: Sequence[Hit], n: int) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """The first `n` items of `hits`, with their similarities."""
    item_ids: list[str] = []
    similarities: list[float] = []
    for hit in hits:
        taken = hit.item_ids[: n - len(item_ids)]
        item_ids.extend(taken)
        similarities.extend([hit.similarity] * len(taken))
        if len(item_ids) >= n:
            break
    return tuple(item_ids), np.array(similarities, dtype=np.float32)


def merge_items(
    current: Mapping[str, tuple[str, ...]], keys: Sequence[str], item_ids: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """`current` (items by entry) after each of `item_ids` moved to the entry in `keys`; empty ones go."""
    moved = set(item_ids)
    merged = {key: tuple(item for item in items if item not in moved) for key, items in current.items()}
    for key, item_id in zip(keys, item_ids, strict=True):
        merged[key] = (*merged.get(key, ()), item_id)
    return {key: items for key, items in merged.items() if items}


def check_vectors(vectors: NDArray[np.float32], *, dim: int) -> None:
    """Refuses queries or additions that are not `(n, dim)`; `dim` 0 accepts any width.

    Raises:
        IndexMismatchError: another shape.
    """
    if vectors.ndim != 2 or (dim and vectors.shape[1] != dim):
        raise IndexMismatchError(
            f"expected vectors of shape (n, {dim or 'dim'}), got {vectors.shape}; they come from another "
            "embedder than the index: run driftrec index"
        )


def check_embedder(ours: str, theirs: str) -> None:
    """Refuses to mix the vectors of two embedders; an empty index takes any.

    Raises:
        IndexMismatchError: both have a name, and not the same.
    """
    if ours and theirs != ours:
        raise IndexMismatchError(
            f"the index holds vectors of {ours!r}, got vectors of {theirs!r}; run: driftrec index"
        )
