"""A user's frame: their items grouped into facets, once, so that two moments are compared in one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from agent.data.log import Catalogue, InteractionLog
from agent.settings import InterestSettings

# Pairwise distances of n texts take 4 n² bytes; beyond this many the least used texts join the nearest facet.
MAX_CLUSTERED_TEXTS = 2_000

# How much shared categories pull two items together, against cosine of their texts (weight 1).
CATEGORY_PULL = 0.3


@dataclass(frozen=True, slots=True)
class FacetFrame:
    """Which items of one user belong to which facet.

    Attributes:
        keys: name of each facet, stable for the user (`f0`, `f1`, …), in order of founding.
        items: int32 item codes the user touched, ascending.
        facet: int32, for each of `items` the position of its facet in `keys`; -1 without text.
        centroids: `(n_facets, dim)` float32, unit rows.
    """

    keys: tuple[str, ...]
    items: NDArray[np.int32]
    facet: NDArray[np.int32]
    centroids: NDArray[np.float32]

    @property
    def n_facets(self) -> int:
        """Number of facets."""
        return len(self.keys)

    def facet_of(self, item_codes: NDArray[np.int32]) -> NDArray[np.int32]:
        """The facet position of each item; -1 for items the frame does not hold."""
        if not len(self.items):
            return np.full(len(item_codes), -1, np.int32)
        spot = np.minimum(np.searchsorted(self.items, item_codes), len(self.items) - 1)
        return np.where(self.items[spot] == item_codes, self.facet[spot], -1).astype(np.int32)


def category_overlap(catalogue: Catalogue, codes: NDArray[np.int32]) -> NDArray[np.float32]:
    """`(n, n)` float32 overlap of the items' category sets, 0–1: Jaccard weighted by rarity."""
    names: dict[str, int] = {}
    rows, columns = [], []
    for row, code in enumerate(codes):
        for name in set(catalogue.categories[code]):
            rows.append(row)
            columns.append(names.setdefault(name, len(names)))
    if not names:
        return np.zeros((len(codes), len(codes)), np.float32)
    member = np.zeros((len(codes), len(names)), np.float32)
    member[rows, columns] = 1.0
    weight = np.array([catalogue.category_rarity[name] for name in names], np.float32)
    shared = (member * weight) @ member.T
    size = member @ weight
    union = size[:, None] + size[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def _cluster(
    vectors: NDArray[np.float32], overlap: NDArray[np.float32], threshold: float
) -> NDArray[np.int32]:
    """Cluster number from 0 of each row; average linkage, in order of first appearance."""
    if len(vectors) == 1:
        return np.zeros(1, np.int32)
    similarity = (vectors @ vectors.T + CATEGORY_PULL * overlap) / (1.0 + CATEGORY_PULL * (overlap > 0))
    distance = np.clip(1.0 - similarity, 0.0, 2.0)
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method="average")
    raw = fcluster(tree, threshold, criterion="distance")
    _, first, inverse = np.unique(raw, return_index=True, return_inverse=True)
    order = np.empty(len(first), np.int32)
    order[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return order[inverse.reshape(-1)]


def form_frame(log: InteractionLog, catalogue: Catalogue, settings: InterestSettings) -> FacetFrame:
    """The facets of one user, from all of `log` (which holds that user only).

    Distinct item texts are clustered by average linkage on cosine distance of their vectors, pulled
    together by shared categories; the number of facets follows from the threshold. Disliked items and
    searches found no facets.

    Args:
        log: one user's interactions.
        catalogue: with vectors.
        settings: distance threshold.
    """
    liked = log.item[(log.item >= 0) & (log.weight > 0)]
    items, counts = np.unique(liked, return_counts=True)
    items = items.astype(np.int32)
    text = catalogue.text_row[items] if len(items) else np.empty(0, np.int32)
    dim = 0 if catalogue.vectors is None else catalogue.vectors.shape[1]
    facet = np.full(len(items), -1, np.int32)
    if catalogue.vectors is None or not (text >= 0).any():
        return FacetFrame((), items, facet, np.zeros((0, dim), np.float32))

    has_text = text >= 0
    texts, first, inverse = np.unique(text[has_text], return_index=True, return_inverse=True)
    use = np.bincount(inverse, weights=counts[has_text]).astype(np.float64)
    vectors = catalogue.vectors[texts]
    chosen = np.sort(np.argsort(-use, kind="stable")[:MAX_CLUSTERED_TEXTS])
    examples = items[has_text][first[chosen]]
    cluster = np.full(len(texts), -1, np.int32)
    cluster[chosen] = _cluster(
        vectors[chosen], category_overlap(catalogue, examples), settings.distance_threshold
    )
    n_facets = int(cluster.max()) + 1
    centroids = compute_centroids(vectors, use, cluster, n_facets)
    left = cluster < 0
    if left.any():
        cluster[left] = np.argmax(vectors[left] @ centroids.T, axis=1)
        centroids = compute_centroids(vectors, use, cluster, n_facets)
    facet[has_text] = cluster[inverse]
    keys = tuple(f"f{number}" for number in range(n_facets))
    return recentre(FacetFrame(keys, items, facet, centroids), log, catalogue)


def recentre(frame: FacetFrame, log: InteractionLog, catalogue: Catalogue) -> FacetFrame:
    """`frame` with each centroid the mean direction of what `log` took in that facet, as often as taken.

    A facet that the log does not touch keeps its centroid. A frame that was kept and read back asks the
    same questions as the one just formed, to the last bit.
    """
    if catalogue.vectors is None or not frame.n_facets:
        return frame
    items, counts = np.unique(log.item[(log.item >= 0) & (log.weight > 0)], return_counts=True)
    moved = compute_centroids(
        catalogue.item_vectors(items), counts.astype(np.float64), frame.facet_of(items), frame.n_facets
    )
    untouched = ~moved.any(axis=1)
    moved[untouched] = frame.centroids[untouched]
    return FacetFrame(frame.keys, frame.items, frame.facet, moved)


def facet_members(
    frame: FacetFrame, position: int, catalogue: Catalogue, settings: InterestSettings
) -> NDArray[np.bool_]:
    """`(n_items,)`, which items of the catalogue are of a facet: its own, and those that would join it."""
    member = np.zeros(len(catalogue), np.bool_)
    if catalogue.vectors is not None and len(catalogue.vectors):
        near = np.flatnonzero(
            catalogue.vectors @ frame.centroids[position] >= 1.0 - settings.distance_threshold
        )
        nearest = (catalogue.vectors[near] @ frame.centroids.T).argmax(axis=1)
        of_text = np.zeros(len(catalogue.vectors) + 1, np.bool_)  # the last is for items without text
        of_text[near[nearest == position]] = True
        member = of_text[catalogue.text_row]
    # What the user has taken belongs where it was put, whatever is nearest by now.
    member[frame.items] = frame.facet == position
    return member


def compute_centroids(
    vectors: NDArray[np.float32], weights: NDArray[np.float64], cluster: NDArray[np.int32], n_facets: int
) -> NDArray[np.float32]:
    """`(n_facets, dim)` float32 weighted mean direction of each cluster, unit rows; -1 is left out."""
    total = np.zeros((n_facets, vectors.shape[1]), np.float32)
    order = np.argsort(cluster, kind="stable")
    order = order[cluster[order] >= 0]
    if len(order):
        found, starts = np.unique(cluster[order], return_index=True)
        weighted = vectors[order] * weights[order, None].astype(np.float32)
        total[found] = np.add.reduceat(weighted, starts, axis=0)
    norm = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(np.divide(total, norm, out=total, where=norm > 0), np.float32)


def extend_frame(
    frame: FacetFrame, log: InteractionLog, catalogue: Catalogue, settings: InterestSettings
) -> FacetFrame:
    """`frame` with the items of `log` it does not hold yet; facets keep their keys, none is lost.

    A new item joins the facet whose centroid is within the distance threshold, the nearest one; what
    fits none is clustered and founds new facets.
    """
    liked = log.item[(log.item >= 0) & (log.weight > 0)]
    if catalogue.vectors is None or np.isin(liked, frame.items).all():
        return frame
    fresh = form_frame(log, catalogue, settings)
    unknown = ~np.isin(fresh.items, frame.items)
    items = fresh.items[unknown]
    vectors = catalogue.item_vectors(items)
    facet = np.full(len(items), -1, np.int32)
    has_text = catalogue.text_row[items] >= 0
    if frame.n_facets:
        similarity = vectors @ frame.centroids.T
        near = has_text & (similarity.max(axis=1) >= 1.0 - settings.distance_threshold)
        facet[near] = similarity[near].argmax(axis=1)
    keys, centroids = list(frame.keys), frame.centroids
    founders = np.flatnonzero(has_text & (facet < 0))
    if len(founders):
        old = fresh.facet[unknown][founders]
        for position in np.unique(old):
            facet[founders[old == position]] = len(keys)
            keys.append(f"f{len(keys)}")
            centroids = np.vstack([centroids.reshape(-1, vectors.shape[1]), fresh.centroids[position][None]])
    all_items = np.concatenate([frame.items, items])
    order = np.argsort(all_items, kind="stable")
    return FacetFrame(
        tuple(keys),
        all_items[order],
        np.concatenate([frame.facet, facet])[order],
        np.asarray(centroids, np.float32),
    )
