"""One embedded Chroma database with one collection of vectors under string keys. Explicit vectors only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agent.errors import StoreError

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

_COLLECTION = "items"
_BATCH = 500
# Recall at Chroma's defaults is poor on diffuse vectors. Fixed when the collection is made: a later change
# of ef_search only bites after a restart.
_HNSW = {"space": "cosine", "ef_search": 200, "max_neighbors": 32, "ef_construction": 200}


class ChromaFolder:
    """A collection in a folder of its own.

    Args:
        path: the folder.
        create: make the collection when it is not there.

    Raises:
        StoreError: Chroma cannot load the folder, or there is no collection in it.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        with _chroma_errors(path):
            self._client = _open_client(path)
            try:
                self._collection = _open_collection(self._client, create=create)
            except BaseException:
                self._client.close()
                raise

    def count(self) -> int:
        """Number of keys."""
        with _chroma_errors(self.path):
            return int(self._collection.count())

    def keys(self) -> set[str]:
        """Every key."""
        with _chroma_errors(self.path):
            return set(self._collection.get(include=[])["ids"])

    def put(
        self,
        keys: Sequence[str],
        vectors: NDArray[np.float32],
        *,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Writes `(len(keys), dim)` float32 vectors; `progress` gets the number written so far."""
        with _chroma_errors(self.path):
            for start in range(0, len(keys), _BATCH):
                stop = min(start + _BATCH, len(keys))
                self._collection.upsert(ids=list(keys[start:stop]), embeddings=vectors[start:stop])
                if progress is not None:
                    progress(stop)

    def delete(self, keys: Sequence[str]) -> None:
        """Removes keys; unknown ones are ignored."""
        with _chroma_errors(self.path):
            for start in range(0, len(keys), _BATCH):
                self._collection.delete(ids=list(keys[start : start + _BATCH]))

    def nearest(self, vectors: NDArray[np.float32], n: int) -> list[list[tuple[str, float]]]:
        """For each row, up to `n` keys with their cosine similarity, best first."""
        with _chroma_errors(self.path):
            found = self._collection.query(query_embeddings=vectors, n_results=n, include=["distances"])
        distances = found["distances"] or []
        return [
            [(key, 1.0 - distance) for key, distance in zip(keys, row, strict=True)]
            for keys, row in zip(found["ids"], distances, strict=True)
        ]

    def finds_itself(self) -> bool:
        """Whether some stored vectors are found by themselves; loads the graph, so proves that it loads."""
        with _chroma_errors(self.path):
            sample = self._collection.get(limit=8, include=["embeddings"])
        if not sample["ids"]:
            return True
        found = self.nearest(np.asarray(sample["embeddings"], dtype=np.float32), 1)
        return all(hits and hits[0][1] > 0.999 for hits in found)

    def close(self) -> None:
        """Frees the folder; calling it twice is harmless."""
        self._client.close()


def _open_client(path: Path) -> ClientAPI:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(path=str(path), settings=Settings(anonymized_telemetry=False))


def _open_collection(client: ClientAPI, *, create: bool) -> Collection:
    # embedding_function=None everywhere: the default one downloads a model at its first use.
    if create:
        return client.get_or_create_collection(
            _COLLECTION, configuration={"hnsw": _HNSW}, embedding_function=None
        )
    return client.get_collection(_COLLECTION, embedding_function=None)


@contextmanager
def _chroma_errors(path: Path) -> Iterator[None]:
    from chromadb.errors import ChromaError

    try:
        yield
    except (ChromaError, OSError, ValueError) as error:
        raise StoreError(f"Chroma cannot use {path}: {error}; run: driftrec index") from error
