"""The population model: what everyone takes and when, so that one person's shift is told from the crowd's."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from agent.data.log import Catalogue, InteractionLog
from agent.interests.frame import FacetFrame
from agent.settings import InterestSettings

PERIOD_DAYS = 30
# Weight, in interactions, of what the topics say of a thin period against its own counts.
_SMOOTHING = 50.0
# Others, in one period of each window, below which nothing is called everyone's.
_LEAST_OTHERS = 10
# Part of the user's activity in a category from which the category is a facet's own.
_OWN_PART = 0.5
# Of a period in which everyone takes hardly anything but what is left out, nothing can be told.
_LEAST_BESIDE = 1e-3


@dataclass(frozen=True, slots=True)
class PopulationModel:
    """Soft topics over all users, and the population's category shares through time.

    Non-negative matrix factorisation of users × categories, V ≈ W H (Lee & Seung 1999, doi 10.1038/44565).

    Attributes:
        categories: column names.
        user_topics: `W`, float32 `(n_users, n_topics)`, rows sum to 1 (0 for users without events).
        topic_categories: `H`, float32 `(n_topics, n_categories)`, rows sum to 1.
        first_day: UTC day number at which period 0 begins; periods last `PERIOD_DAYS`.
        period_shares: float32 `(n_periods, n_categories)`, each user with equal voice, rows sum to 1.
        period_voices: float32 `(n_periods, n_categories)`, the users' shares in a period, summed over them.
        period_takers: int32 `(n_periods, n_categories)`, users who took of a category in a period.
        period_events: int64 `(n_periods,)`, interactions that count.
        period_active: int64 `(n_periods,)`, users with any.
    """

    categories: tuple[str, ...]
    user_topics: NDArray[np.float32]
    topic_categories: NDArray[np.float32]
    first_day: int
    period_shares: NDArray[np.float32]
    period_voices: NDArray[np.float32]
    period_takers: NDArray[np.int32]
    period_events: NDArray[np.int64]
    period_active: NDArray[np.int64]

    def period_of(self, days: NDArray[np.int64]) -> NDArray[np.int64]:
        """Period number of each UTC day, clipped to the periods known."""
        last = max(len(self.period_shares) - 1, 0)
        return np.clip((days.astype(np.int64) - self.first_day) // PERIOD_DAYS, 0, last)

    def save(self, path: Path) -> None:
        """Writes the model to an `.npz` file."""
        np.savez_compressed(
            path,
            categories=np.array(self.categories, dtype=np.str_),
            user_topics=self.user_topics,
            topic_categories=self.topic_categories,
            first_day=self.first_day,
            period_shares=self.period_shares,
            period_voices=self.period_voices,
            period_takers=self.period_takers,
            period_events=self.period_events,
            period_active=self.period_active,
        )

    @classmethod
    def load(cls, path: Path) -> PopulationModel:
        """Reads what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(
                tuple(str(name) for name in stored["categories"]),
                stored["user_topics"],
                stored["topic_categories"],
                int(stored["first_day"]),
                stored["period_shares"],
                stored["period_voices"],
                stored["period_takers"],
                stored["period_events"],
                stored["period_active"],
            )


def item_category_matrix(catalogue: Catalogue) -> tuple[sparse.csr_matrix, tuple[str, ...]]:
    """`(n_items, n_categories)` float32 sparse: an item's weight spread over its categories, rows sum to 1.

    Of nested categories (department, then category) all count alike; an item without any has an empty row.
    """
    return _membership(catalogue, catalogue.categories)


def _membership(
    catalogue: Catalogue, categories: Sequence[tuple[str, ...]]
) -> tuple[sparse.csr_matrix, tuple[str, ...]]:
    names = catalogue.category_names
    column = {name: position for position, name in enumerate(names)}
    rows, columns, values = [], [], []
    for row, item_names in enumerate(categories):
        for name in item_names:
            rows.append(row)
            columns.append(column[name])
            values.append(1.0 / len(item_names))
    shape = (len(catalogue), len(names))
    return sparse.csr_matrix((np.array(values, np.float32), (rows, columns)), shape=shape), names


def fit_population(
    log: InteractionLog, catalogue: Catalogue, settings: InterestSettings
) -> PopulationModel | None:
    """The population model of `log`, or None when items have no categories or there are no events."""
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    membership, names = _membership(catalogue, catalogue.leaf_categories)
    counts = (log.item >= 0) & (log.weight > 0)
    if not names or not counts.any():
        return None
    used = log.take(counts)
    ones = np.ones(len(used), np.float32)
    user_item = sparse.csr_matrix((ones, (used.user, used.item)), shape=(log.n_users, len(catalogue)))
    user_category = (user_item @ membership).tocsr()
    n_topics = min(settings.n_topics, len(names), max(int((user_category.getnnz(axis=1) > 0).sum()), 1))
    # Logarithms keep heavy buyers from owning the topics.
    damped = user_category.copy()
    damped.data = np.log1p(damped.data)
    model = NMF(n_components=n_topics, init="nndsvda", max_iter=1000, tol=1e-3, random_state=settings.seed)
    # Where the topics tell everything, rounding makes the squared error left a little less than nought.
    # Topics that are not quite at their best tell a crowd as well.
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        user_topics = _rows_to_one(np.asarray(model.fit_transform(damped), np.float32))
    topic_categories = _rows_to_one(np.asarray(model.components_, np.float32))

    first_day = int(used.day.min())
    period = (used.day - first_day) // PERIOD_DAYS
    n_periods = int(period.max()) + 1
    # One voice per user and period: weight each event by one over the user's events in the period.
    slot = used.user.astype(np.int64) * n_periods + period
    slots, inverse, sizes = np.unique(slot, return_inverse=True, return_counts=True)
    voice = (1.0 / sizes[inverse]).astype(np.float32)
    slot_item = sparse.csr_matrix((voice, (inverse, used.item)), shape=(len(slots), len(catalogue)))
    by_slot = (slot_item @ membership).tocsr()
    to_period = sparse.csr_matrix(
        (np.ones(len(slots), np.float32), (slots % n_periods, np.arange(len(slots)))),
        shape=(n_periods, len(slots)),
    )
    seen = by_slot.copy()
    seen.data = np.ones_like(seen.data)
    voices = np.asarray((to_period @ by_slot).todense(), np.float32)
    takers = np.asarray((to_period @ seen).todense(), np.float32).astype(np.int32)
    events = np.bincount(period, minlength=n_periods)
    active = np.bincount(slots % n_periods, minlength=n_periods)
    shares = _smoothed(voices, events, topic_categories)
    return PopulationModel(
        names, user_topics, topic_categories, first_day, shares, voices, takers, events, active
    )


def _smoothed(
    voices: NDArray[np.float32], events: NDArray[np.int64], topic_categories: NDArray[np.float32]
) -> NDArray[np.float32]:
    """`(n_periods, n_categories)` shares; a thin period is pulled towards what its topics say of it."""
    observed = _rows_to_one(voices)
    expected = _in_topics(observed, topic_categories)
    weight = events[:, None]
    smooth = (weight * observed + _SMOOTHING * expected) / (weight + _SMOOTHING)
    return _rows_to_one(smooth.astype(np.float32))


def leave_out(
    population: PopulationModel | None, log: InteractionLog, catalogue: Catalogue, user_id: str
) -> PopulationModel | None:
    """`population` as it is without one user: whoever is compared with everyone must not be of them.

    A category that nobody else took in a period has a share of 0 there; a period with nobody else has the
    mean shares of the others, and so shows no shift.

    Args:
        log: the one that the population was fitted on.
    """
    code = log.user_codes.get(user_id)
    if population is None or code is None:
        return population
    own = log.take(log.rows_of(code))
    own = own.take((own.item >= 0) & (own.weight > 0))
    period = population.period_of(own.day.astype(np.int64))
    n_periods = len(population.period_shares)
    events = np.bincount(period, minlength=n_periods)
    voices = np.zeros_like(population.period_voices, np.float64)
    column = {name: position for position, name in enumerate(population.categories)}
    for item, place in zip(own.item, period, strict=True):
        names = catalogue.leaf_categories[item]
        for name in names:
            voices[place, column[name]] += 1.0 / (len(names) * events[place])
    takers = population.period_takers - (voices > 0)
    # What nobody else took is nought, not the rounding of a difference.
    rest = np.where(takers > 0, np.maximum(population.period_voices - voices, 0.0), 0.0).astype(np.float32)
    left = population.period_events - events
    shares = _smoothed(rest, left, population.topic_categories)
    empty = ~rest.any(axis=1)
    if empty.any() and not empty.all():
        shares[empty] = shares[~empty].mean(axis=0)
    return replace(
        population,
        period_shares=shares,
        period_voices=rest,
        period_takers=takers,
        period_events=left,
        period_active=population.period_active - (events > 0),
    )


def _in_topics(shares: NDArray[np.float32], topic_categories: NDArray[np.float32]) -> NDArray[np.float32]:
    """`shares` as the topics can tell them: each row's non-negative least-squares mix of `topic_categories`.

    A thin period is then judged by the few topics it shows, not by the chance of each single category.
    """
    from scipy.optimize import nnls

    basis = topic_categories.T.astype(np.float64)
    mixes = np.array([nnls(basis, row.astype(np.float64))[0] for row in shares])
    return _rows_to_one((mixes @ topic_categories).astype(np.float32))


def _rows_to_one(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    total = matrix.sum(axis=1, keepdims=True)
    out = np.zeros_like(matrix)
    np.divide(matrix, total, out=out, where=total > 0)
    return out


def crowd_shares(
    population: PopulationModel,
    facet_categories: NDArray[np.float32],
    days: NDArray[np.int64],
    *,
    n_before: int,
    left_out: Collection[int] = (),
) -> NDArray[np.float32]:
    """`(n_sessions, n_facets)` float32: the population's share of a facet's categories when a session was.

    0 throughout, so that nothing is ascribed to them, where too few others are active in one of the windows,
    or take of the facet in the window in which it is the more frequent.

    Args:
        population: without the user.
        facet_categories: `(n_facets, n_categories)`, for each facet and category the part of the user's
            activity in that category which lies in the facet, 0–1.
        days: `(n_sessions,)` UTC day numbers; the first `n_before` are of the earlier window.
        left_out: facets that the user's own shares are told without: their categories count for nobody, the
            population's other shares sum to one again.
    """
    periods = population.period_of(days)
    parts = population.period_shares @ facet_categories.T
    beside = 1.0 - parts[:, list(left_out)].sum(axis=1, keepdims=True)
    parts = np.divide(parts, beside, out=np.zeros_like(parts), where=beside > _LEAST_BESIDE)
    crowd = np.asarray(parts[periods], np.float32)
    windows = periods[:n_before], periods[n_before:]
    if min(map(len, windows)) == 0:
        return np.zeros_like(crowd)
    active = min(int(population.period_active[window].max()) for window in windows)
    most = facet_categories.max(axis=1, initial=0.0, keepdims=True)
    own = (facet_categories > 0) & (facet_categories >= np.minimum(most, _OWN_PART))
    # In the busiest period alone: over a whole window they are more, so this is never too many.
    takers = np.stack([population.period_takers[window].max(axis=0) for window in windows])
    by_facet = np.where(own[None], takers[:, None, :], 0).max(axis=2, initial=0)
    later = crowd[n_before:].mean(axis=0) >= crowd[:n_before].mean(axis=0)
    enough = np.where(later, by_facet[1], by_facet[0]) >= _LEAST_OTHERS
    crowd[:, ~enough | (active < _LEAST_OTHERS)] = 0.0
    return crowd


def facet_category_parts(
    log: InteractionLog, catalogue: Catalogue, frame: FacetFrame, population: PopulationModel
) -> NDArray[np.float32]:
    """`(n_facets, n_categories)` float32: the part of a category, as the user has it, that is in a facet."""
    column = {name: position for position, name in enumerate(population.categories)}
    parts = np.zeros((frame.n_facets, len(column)), np.float32)
    facet = np.where(log.weight > 0, frame.facet_of(log.item), -1)
    items, inverse = np.unique(log.item[facet >= 0], return_inverse=True)
    counts = np.bincount(inverse)
    for item, position, count in zip(items, frame.facet_of(items), counts, strict=True):
        names = catalogue.leaf_categories[item]
        for name in names:
            if name in column:
                parts[position, column[name]] += count / len(names)
    total = parts.sum(axis=0, keepdims=True)
    np.divide(parts, total, out=parts, where=total > 0)
    return parts


def crowd_shift(
    shares: NDArray[np.float32], crowd: NDArray[np.float32], true_contrast: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The difference each facet would show had the user kept their level and moved with everyone."""
    level = shares.mean(axis=0, dtype=np.float64)
    typical = crowd.mean(axis=0, dtype=np.float64)
    ratio = np.divide(level, typical, out=np.zeros_like(level), where=typical > 0)
    shift: NDArray[np.float64] = (true_contrast.astype(np.float64) @ crowd.astype(np.float64)) * ratio
    return shift
