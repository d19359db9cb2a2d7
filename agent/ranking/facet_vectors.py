"""Retrieval by meaning: each facet asks the item vectors, and gets its part of the list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from agent.data.index import Hit
from agent.data.log import Catalogue, InteractionLog
from agent.ranking.history import Context, FacetQuery, decay, user_counts
from agent.ranking.source import Arrays, fitted, load_arrays, save_arrays


class VectorIndex(Protocol):
    """What this source needs of an item index."""

    def query_groups(self, vectors: NDArray[np.float32], n: int) -> Sequence[Sequence[Hit]]:
        """For each row of `vectors` the `n` nearest texts, nearest first, each with its items."""
        ...


@dataclass(frozen=True)
class FacetVectorSource:
    """Nearest items of each facet, merged by quota.

    The r-th item of a facet with quota q scores `q / r`, an item of several facets its best: sorting by it
    hands out places as D'Hondt's method hands out seats, so any top n holds the facets in proportion
    to their quotas. Equal similarity (products with one text) is broken by popularity, then by item code.
    Without facets in the context the decayed centroid of the user's history is the one question.

    Attributes:
        depth: items of all facets together.
        index: asked when given, once for all facets; else exact search over the distinct texts.
    """

    depth: int = 200
    half_life_days: float = 60.0
    index: VectorIndex | None = None
    name: str = "facet-vectors"
    arrays: Arrays | None = None
    catalogue: Catalogue | None = None

    def fit(self, log: InteractionLog, catalogue: Catalogue, *, now_ms: int) -> Self:
        """See `Source.fit`; vectors come from the catalogue, without them every score is 0."""
        counts = user_counts(log, now_ms=now_ms, since_ms=None)
        # Items by text, the popular first: a text's items are then one slice, in the order wanted.
        order = np.lexsort((np.arange(len(counts)), -counts, catalogue.text_row))
        n_texts = 0 if catalogue.vectors is None else len(catalogue.vectors)
        bounds = np.searchsorted(catalogue.text_row[order], np.arange(n_texts + 1))
        arrays: dict[str, NDArray[Any]] = {"counts": counts, "order": order, "bounds": bounds}
        return replace(self, arrays=arrays, catalogue=catalogue)

    def score(self, contexts: Sequence[Context]) -> NDArray[np.float32]:
        """See `Source.score`; never negative."""
        counts = fitted(self.name, self.arrays)["counts"]
        out = np.zeros((len(contexts), len(counts)), np.float32)
        if self.catalogue is None or self.catalogue.vectors is None or not len(self.catalogue.vectors):
            return out
        for row, context in enumerate(contexts):
            queries = [query for query in context.facets or self._centroid(context) if query.quota > 0]
            queries = [query for query in queries if query.vector.any()]
            if not queries:
                continue
            part = np.array([query.quota for query in queries], np.float32)
            part /= part.sum()
            units = np.stack([_unit(query.vector) for query in queries])
            # No facet needs more places than its part of the depth: further ones could never be taken.
            wanted = np.ceil(self.depth * part).astype(np.int64) + 1
            for share, codes in zip(part, self._nearest(units.astype(np.float32), wanted), strict=True):
                places = np.arange(1, len(codes) + 1, dtype=np.float32)
                out[row, codes] = np.maximum(out[row, codes], share / places)
        return out

    def save(self, folder: Path) -> None:
        """See `Source.save`; vectors are not repeated in it."""
        save_arrays(folder, self.name, self.arrays)

    def load(self, folder: Path, *, catalogue: Catalogue) -> Self:
        """See `Source.load`."""
        return replace(self, arrays=load_arrays(folder, self.name), catalogue=catalogue)

    def _centroid(self, context: Context) -> tuple[FacetQuery, ...]:
        wishes = context.wishes()
        if self.catalogue is None or not len(wishes):
            return ()
        weight = context.weight[wishes] * context.emphasis_of(wishes)
        weight *= decay(context.now_ms - context.timestamp_ms[wishes], self.half_life_days)
        vector = (weight @ self.catalogue.item_vectors(context.item[wishes])).astype(np.float32)
        return (FacetQuery("centroid", vector, 1.0, 1.0),) if vector.any() else ()

    def _nearest(self, units: NDArray[np.float32], wanted: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """For each row of `units` its item codes, nearest first, at most as many as `wanted`."""
        assert self.catalogue is not None and self.catalogue.vectors is not None
        arrays = fitted(self.name, self.arrays)
        if self.index is None:
            # One product for all facets: a call per facet spends its time on waking threads.
            similarity = units @ self.catalogue.vectors.T
            for row, n in zip(similarity, wanted, strict=True):
                yield _nearest_texts(row, arrays["order"], arrays["bounds"], n=int(n))
            return
        known = self.catalogue.item_codes
        for hits, n in zip(self.index.query_groups(units, int(wanted.max())), wanted, strict=True):
            first = [known[hit.item_ids[0]] for hit in hits if hit.item_ids[0] in known]
            texts = self.catalogue.text_row[np.array(first, np.int64)]
            yield _items_of_texts(texts, arrays["order"], arrays["bounds"], n=int(n))


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vector at length 1; one that has decayed to almost nothing keeps its direction."""
    scaled = vector / np.abs(vector).max()
    unit: NDArray[np.float32] = scaled / np.linalg.norm(scaled)
    return unit


def _nearest_texts(
    similarity: NDArray[np.float32], order: NDArray[np.int64], bounds: NDArray[np.int64], *, n: int
) -> NDArray[np.int64]:
    """The first `n` items of the texts in falling similarity; `order[bounds[t]:bounds[t + 1]]` has text t."""
    n_texts = min(n, len(similarity))
    texts = np.argpartition(-similarity, n_texts - 1)[:n_texts]
    texts = texts[np.argsort(-similarity[texts], kind="stable")]
    return _items_of_texts(texts, order, bounds, n=n)


def _items_of_texts(
    texts: NDArray[np.int64] | NDArray[np.int32],
    order: NDArray[np.int64],
    bounds: NDArray[np.int64],
    *,
    n: int,
) -> NDArray[np.int64]:
    """The first `n` items of `texts`, text by text, of each the popular ones first."""
    pieces, found = [np.empty(0, np.int64)], 0
    for text in texts:
        pieces.append(order[bounds[text] : bounds[text + 1]])
        found += len(pieces[-1])
        if found >= n:
            break
    codes: NDArray[np.int64] = np.concatenate(pieces)[:n]
    return codes
