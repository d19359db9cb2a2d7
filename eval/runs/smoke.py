"""A small planted data set, so that the whole harness runs in a minute with nothing to fetch.

Two tastes and a favourite that comes again; texts that tell the tastes apart; a few items that are new
after T. It proves that the machinery works, and says nothing about how well anything recommends.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from agent.data.log import DAY_MS, Catalogue, InteractionLog
from eval.data.datasets import Dataset, Preset, prepare
from eval.runs.run import Plan

N_USERS, N_ITEMS, N_DAYS = 90, 60, 240
SMOKE_PLAN = Plan(data=("smoke",), tasks=("new", "any"), n_windows=2, max_users=0)
_NEW_ITEMS = 6
# Of 2016: what lies near 1970 would be read as seconds by an ingest.
_FIRST_DAY = 16_800


def smoke_data(seed: int = 0) -> Mapping[str, Dataset]:
    """The planted data set, by its name `smoke`."""
    rng = np.random.default_rng(seed)
    half, events = N_ITEMS // 2, []
    for user in range(N_USERS):
        own = (user % 2) * half
        # A third of the users change their taste half-way.
        later = half - own if user % 3 == 0 else own
        favourite = own + int(rng.integers(half - _NEW_ITEMS // 2))
        for day in np.sort(rng.uniform(0, N_DAYS, 40)):
            base = own if day < N_DAYS / 2 else later
            item = base + int(rng.integers(half)) if rng.random() < 0.9 else int(rng.integers(N_ITEMS))
            if _is_new(item) and day < 0.85 * N_DAYS:
                continue
            events.append((user, item, float(day)))
        events += [(user, favourite, float(day)) for day in range(int(rng.integers(12)), N_DAYS, 12)]
    events.sort(key=lambda event: event[2])
    catalogue = _catalogue(rng)
    preset = Preset("planted", 1, 0.8, repeats=True)
    return {"smoke": prepare("smoke", _log(events), catalogue, preset)}


def _is_new(item: int) -> bool:
    """The last items of each half appear only after T."""
    half = N_ITEMS // 2
    return item % half >= half - _NEW_ITEMS // 2


def _log(events: list[tuple[int, int, float]]) -> InteractionLog:
    n = len(events)
    return InteractionLog(
        user=np.array([event[0] for event in events], np.int32),
        item=np.array([event[1] for event in events], np.int32),
        timestamp_ms=np.array([int((_FIRST_DAY + event[2]) * DAY_MS) for event in events], np.int64),
        event=np.zeros(n, np.int16),
        value=np.full(n, np.nan, np.float32),
        weight=np.ones(n, np.float32),
        interaction_id=np.arange(1, n + 1, dtype=np.int64),
        user_ids=tuple(f"u{number:03d}" for number in range(N_USERS)),
        events=("purchase",),
        n_items=N_ITEMS,
    )


def _catalogue(rng: np.random.Generator) -> Catalogue:
    """Items of two topics: vectors near one of two directions, as texts of a topic are."""
    topic: NDArray[np.int64] = np.arange(N_ITEMS) // (N_ITEMS // 2)
    directions = np.eye(2, 16, dtype=np.float32)
    vectors = directions[topic] + 0.25 * rng.normal(size=(N_ITEMS, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = ("garden", "kitchen")
    return Catalogue(
        item_ids=tuple(f"i{number:03d}" for number in range(N_ITEMS)),
        titles=tuple(f"{names[t]} thing {n}" for n, t in enumerate(topic)),
        descriptions=("",) * N_ITEMS,
        categories=tuple((names[t],) for t in topic),
        domains=("planted",) * N_ITEMS,
        texts=tuple(f"{names[t]} thing {n}" for n, t in enumerate(topic)),
        text_row=np.arange(N_ITEMS, dtype=np.int32),
        vectors=vectors.astype(np.float32),
        embedder="planted",
    )
