"""What a list is worth beyond hits: how varied, how new, how popular, and how like the person it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue
from agent.interests.frame import form_frame
from agent.interests.migration import compute_drift, halve
from agent.interests.sessions import compute_session_shares
from agent.settings import InterestSettings
from eval.data.splits import Question

Lists = Sequence[NDArray[np.int64]]
# An item further from every facet than this belongs to none: as near as facets are grouped by default.
_BELONGS = 0.5
# Centroids `(n_facets, dim)` and shares of one person's facets.
_Facets = tuple[NDArray[np.float32], NDArray[np.float64]] | None


@dataclass(frozen=True)
class Background:
    """What the measures need to know of the train part.

    Attributes:
        user_share: `(n_items,)` share of the train users who took the item, 0–1.
        popular: codes of the items in order of that share, the most popular first.
        history_share: `(n_users,)` mean `user_share` of each asked user's items; NaN without history.
        facets: per asked user the facets' centroids `(n_facets, dim)` and shares; None without text.
        drift_p: `(n_users,)` p-value of the change between halves of the user's days; NaN with too few days.
    """

    user_share: NDArray[np.float64]
    popular: NDArray[np.int64]
    history_share: NDArray[np.float64]
    facets: tuple[_Facets, ...]
    drift_p: NDArray[np.float64]


def background(question: Question) -> Background:
    """The background of a question; facets cost some milliseconds per user."""
    train, width = question.train, len(question.catalogue)
    pair = np.unique(train.user.astype(np.int64) * width + train.item)
    counts = np.bincount(pair % width, minlength=width)
    n_users = max(len(np.unique(pair // width)), 1)
    share = counts / n_users
    bounds = np.searchsorted(pair // width, np.stack([question.users, question.users + 1])).T
    history = np.array([share[pair[a:b] % width].mean() if b > a else np.nan for a, b in bounds])
    popular = np.argsort(-counts, kind="stable")
    facets, drift_p = _facets(question)
    return Background(share, popular[counts[popular] > 0], history, tuple(facets), drift_p)


def beyond_accuracy(
    lists: Lists,
    relevant: Sequence[NDArray[np.int32]],
    catalogue: Catalogue,
    known: Background,
    *,
    k: int = 10,
) -> dict[str, NDArray[np.float64]]:
    """`(n_users,)` values of each measure over the first `k` of each list; NaN where there is none.

    - novelty: mean self-information `−log2(share of users who took it)` of the listed items, bits; higher is
      less known. (Vargas and Castells 2011, https://doi.org/10.1145/2043932.2043955.)
    - diversity: mean `1 − cosine` of the text vectors over pairs of listed items, 0–2.
    - serendipity: share of the k places that are hits which the popularity list of that length does not have.
      (Ge, Delgado-Battenfeld, Jannach 2010, https://doi.org/10.1145/1864708.1864761.)
    - popularity lift: mean share of users of the list over that of the history, minus 1.
      (Abdollahpouri and others 2020, "The connection between popularity bias, calibration, and fairness".)
    - facet distance: total variation between the person's facet shares and those of the list, 0–1; lower
      is better calibrated. (After Steck 2018, https://doi.org/10.1145/3240323.3240372, facets for genres.)
    """
    obvious = set(known.popular[:k].tolist())
    out = {
        name: np.full(len(lists), np.nan)
        for name in ("novelty", "diversity", "serendipity", "popularity lift", "facet distance")
    }
    for row, (items, wanted) in enumerate(zip(lists, relevant, strict=True)):
        top = items[:k]
        hits = set(top.tolist()) & set(wanted.tolist())
        out["serendipity"][row] = len(hits - obvious) / k
        if not len(top):
            continue
        seen = known.user_share[top] > 0
        if seen.any():
            out["novelty"][row] = float(-np.log2(known.user_share[top[seen]]).mean())
        if known.history_share[row] > 0:
            out["popularity lift"][row] = known.user_share[top].mean() / known.history_share[row] - 1.0
        if catalogue.vectors is not None:
            vectors = catalogue.item_vectors(top)
            out["diversity"][row] = list_diversity(vectors)
            out["facet distance"][row] = facet_distance(vectors, known.facets[row])
    return out


def list_diversity(vectors: NDArray[np.float32]) -> float:
    """Mean `1 − cosine` over pairs of the rows that have a vector; NaN for fewer than two.

    >>> list_diversity(np.array([[1, 0], [0, 1], [1, 0]], np.float32))  # pairs 1, 0 and 1
    0.6666666666666667
    """
    units = vectors[np.linalg.norm(vectors, axis=1) > 0].astype(np.float64)
    n = len(units)
    if n < 2:
        return float("nan")
    cosine = units @ units.T
    return float(1.0 - (cosine.sum() - np.trace(cosine)) / (n * (n - 1)))


def facet_distance(vectors: NDArray[np.float32], facets: _Facets) -> float:
    """Half the summed differences of facet shares of person and list; items near no facet count apart."""
    if facets is None or not len(facets[1]):
        return float("nan")
    centroids, shares = facets
    cosine = vectors @ centroids.T
    nearest, value = cosine.argmax(axis=1), cosine.max(axis=1)
    listed = np.bincount(nearest[value >= _BELONGS], minlength=len(shares)) / len(vectors)
    return float(0.5 * (np.abs(listed - shares).sum() + (1.0 - listed.sum())))


def coverage(lists: Lists, *, n_items: int, k: int = 10) -> float:
    """Share of the candidate items that are in anybody's first `k`, 0–1.

    >>> coverage([np.array([0, 1]), np.array([1, 2])], n_items=6, k=2)
    0.5
    """
    listed = np.unique(np.concatenate([items[:k] for items in lists])) if len(lists) else np.empty(0)
    return len(listed) / max(n_items, 1)


def concentration(lists: Lists, *, n_items: int, k: int = 10) -> float:
    """Gini coefficient of how often each candidate item is listed: 0 all alike, near 1 a few."""
    shown = np.concatenate([items[:k] for items in lists]) if len(lists) else np.empty(0, np.int64)
    counts = np.zeros(n_items)
    if len(shown):
        codes, times = np.unique(shown, return_counts=True)
        counts[: len(codes)] = times
    counts = np.sort(counts)
    total = counts.sum()
    if total == 0:
        return float("nan")
    return float((2 * np.arange(1, n_items + 1) - n_items - 1) @ counts / (n_items * total))


def _facets(question: Question) -> tuple[list[_Facets], NDArray[np.float64]]:
    """Facets of every asked user before T, and how likely chance moves them that far."""
    drift_p = np.full(len(question.users), np.nan)
    if question.catalogue.vectors is None:
        return [None] * len(question.users), drift_p
    settings, found = InterestSettings(), list[_Facets]()
    for row, user in enumerate(question.users):
        log = question.train.take(question.train.rows_of(int(user)))
        log = log.before(int(question.moments_ms[row]))
        frame = form_frame(log, question.catalogue, settings)
        if not frame.n_facets:
            found.append(None)
            continue
        facet = frame.facet_of(log.item)
        counts = np.bincount(facet[facet >= 0], minlength=frame.n_facets)
        found.append((frame.centroids, counts / max(counts.sum(), 1)))
        sessions = compute_session_shares(log, frame)
        windows = halve(sessions)
        drift = None
        if windows is not None:
            drift = compute_drift(
                sessions,
                windows,
                settings,
                log=log,
                catalogue=question.catalogue,
                moment_ms=int(question.moments_ms[row]),
            )
        if drift is not None:
            drift_p[row] = drift[1]
    return found, drift_p
