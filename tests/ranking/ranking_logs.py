"""Small logs and catalogues for the ranking tests, made by hand or planted with a known structure."""

from __future__ import annotations

import dataclasses

import numpy as np

from agent.data.log import DAY_MS
from tests.columns import columns_of_catalogue, columns_of_log

NOW_MS = 400 * DAY_MS


def make_log(events, *, n_users, n_items, n_days=400):
    """A log of `(user, item, day)` or `(user, item, day, weight)` tuples, in any order."""
    rows = sorted((float(e[2]), place, e) for place, e in enumerate(events))
    ordered = [e for _, _, e in rows]
    n = len(ordered)
    return columns_of_log(
        [e[0] for e in ordered],
        [e[1] for e in ordered],
        [int(e[2] * DAY_MS) for e in ordered],
        weight=np.array([e[3] if len(e) > 3 else 1.0 for e in ordered], np.float32),
        interaction_id=np.arange(n, dtype=np.int64),
        user_ids=tuple(f"u{i}" for i in range(n_users)),
        n_items=n_items,
    )


def make_catalogue(n_items, *, vectors=None, text_row=None):
    """A catalogue of `n_items`; with vectors it has one text per item unless `text_row` says otherwise."""
    names = tuple(f"item {i}" for i in range(n_items))
    if text_row is None:
        text_row = np.full(n_items, -1, np.int32) if vectors is None else np.arange(n_items, dtype=np.int32)
    embedder = "test" if vectors is not None else ""
    return columns_of_catalogue(names, text_row, vectors=vectors, embedder=embedder)


def unit_vectors(n, dim=8, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def planted_log(*, n_users=80, n_items=40, n_days=400, seed=0):
    """Two tastes: even users take items of the first half, odd users of the second, 10 % at random.

    Each user has a favourite that comes again every ten days or so.
    """
    rng = np.random.default_rng(seed)
    events, half = [], n_items // 2
    for user in range(n_users):
        base = (user % 2) * half
        favourite = base + int(rng.integers(half))
        for day in np.sort(rng.uniform(0, n_days, size=40)):
            item = int(rng.integers(n_items)) if rng.random() < 0.1 else base + int(rng.integers(half))
            events.append((user, item, float(day)))
        events += [(user, favourite, float(day)) for day in range(int(rng.integers(10)), n_days, 10)]
    return make_log(events, n_users=n_users, n_items=n_items)


def permuted(log, catalogue, *, seed=1):
    """The same data with users and items renumbered; also the new code of every old item."""
    rng = np.random.default_rng(seed)
    user, item = rng.permutation(log.n_users), rng.permutation(log.n_items)
    back = np.argsort(item)
    other = dataclasses.replace(
        log,
        user=user[log.user].astype(np.int32),
        item=item[log.item].astype(np.int32),
        user_ids=tuple(log.user_ids[i] for i in np.argsort(user)),
    )
    moved = dataclasses.replace(
        catalogue,
        item_ids=tuple(catalogue.item_ids[i] for i in back),
        titles=tuple(catalogue.titles[i] for i in back),
        text_row=catalogue.text_row[back],
    )
    return other, moved, user, item
