"""The planted item: in everybody's future, and in nothing that may be learned from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue, InteractionLog

CANARY_ID = "canary-that-only-a-leak-can-find"
# Moments after T at which everybody takes it; a split into more windows would leave some without it.
MOMENTS = 12


def with_canary(
    log: InteractionLog, catalogue: Catalogue, *, quantile: float
) -> tuple[InteractionLog, Catalogue]:
    """Both with one more item, the last, that every user takes after T, again and again.

    It has no text and no category. Whoever reads the future of this log, as a model fitted on it or as the
    next events of a user, comes upon it; what is learned from is made of `without_canary`.

    Args:
        log: whole; an empty one gets no event.
        catalogue: of its items.
        quantile: of event times, where the test part begins.
    """
    more = replace(
        catalogue,
        item_ids=(*catalogue.item_ids, CANARY_ID),
        titles=(*catalogue.titles, CANARY_ID),
        descriptions=(*catalogue.descriptions, ""),
        categories=(*catalogue.categories, ()),
        domains=(*catalogue.domains, ""),
        texts=(*catalogue.texts, ""),
        text_row=np.append(catalogue.text_row, np.int32(-1)),
    )
    wider = replace(log, n_items=log.n_items + 1)
    return (_plant(wider, start_of_test(log, quantile)) if len(log) else wider), more


def without_canary(log: InteractionLog) -> InteractionLog:
    """The events that happened; the item's code, the last, stays free."""
    return log.take(log.item != log.n_items - 1)


def start_of_test(log: InteractionLog, quantile: float) -> int:
    """T, UTC milliseconds: that quantile of the times of all events."""
    return int(np.ceil(np.quantile(log.timestamp_ms, quantile)))


def planted_share(log: InteractionLog, users: NDArray[np.int64], moments_ms: NDArray[np.int64]) -> float:
    """Share of `users` who take the planted item at or after their moment, 0–1."""
    rows = log.item == log.n_items - 1
    last = np.full(log.n_users, np.iinfo(np.int64).min)
    np.maximum.at(last, log.user[rows], log.timestamp_ms[rows])
    return float((last[users] >= moments_ms).mean()) if len(users) else 0.0


def _plant(log: InteractionLog, start_ms: int) -> InteractionLog:
    """At T, at even steps up to the last event of all, and beside each user's own last event."""
    users = np.unique(log.user).astype(np.int64)
    own = np.zeros(log.n_users, np.int64)
    np.maximum.at(own, log.user, log.timestamp_ms)
    steps = np.linspace(start_ms, int(log.timestamp_ms[-1]), MOMENTS).astype(np.int64)
    user = np.concatenate([np.repeat(users, MOMENTS), users])
    moment = np.concatenate([np.tile(steps, len(users)), np.maximum(own[users], start_ms)])
    n, rated = len(user), log.value[~np.isnan(log.value)]
    # Where things are rated, it is liked best of all: a leak through ratings is one too.
    value = float(rated.max()) if len(rated) else float("nan")
    first = int(log.interaction_id.max()) + 1
    whole = replace(
        log,
        user=np.concatenate([log.user, user.astype(log.user.dtype)]),
        item=np.concatenate([log.item, np.full(n, log.n_items - 1, log.item.dtype)]),
        timestamp_ms=np.concatenate([log.timestamp_ms, moment]),
        event=np.concatenate([log.event, np.zeros(n, log.event.dtype)]),
        value=np.concatenate([log.value, np.full(n, value, log.value.dtype)]),
        weight=np.concatenate([log.weight, np.ones(n, log.weight.dtype)]),
        interaction_id=np.concatenate([log.interaction_id, np.arange(first, first + n)]),
    )
    return whole.take(np.argsort(whole.timestamp_ms, kind="stable").astype(np.int64))
