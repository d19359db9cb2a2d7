"""A small made-up world: items in clear groups, users whose taste is planted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from agent.data.log import DAY_MS, Catalogue, InteractionLog
from tests.columns import columns_of_catalogue, columns_of_log

GROUPS = ("Cheese", "Bread", "Fish", "Wine", "Tea", "Soap")
PER_GROUP = 5
FIRST_DAY = 17_167  # 2017-01-01


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """Thirty items in six groups; vectors of a group lie close together, groups far apart."""
    rng = np.random.default_rng(7)
    centres = np.eye(len(GROUPS), 16, dtype=np.float32)
    vectors, titles, categories = [], [], []
    for number, group in enumerate(GROUPS):
        for item in range(PER_GROUP):
            vector = centres[number] + rng.normal(0, 0.08, 16).astype(np.float32)
            vectors.append(vector / np.linalg.norm(vector))
            titles.append(f"{group} kind {item}, {100 + item} g")
            categories.append(("Shop", group))
    n_items = len(titles)
    return columns_of_catalogue(
        titles,
        item_ids=tuple(f"i{code:02d}" for code in range(n_items)),
        categories=tuple(categories),
        domains=("shop",) * n_items,
        vectors=np.array(vectors, np.float32),
        embedder="made-up",
    )


Plan = Sequence[Sequence[int]]


@pytest.fixture(scope="session")
def make_log() -> Callable[..., InteractionLog]:
    """Builds the log of one user from a plan: for each day, the item codes taken (empty: no session)."""

    def build(plan: Plan, *, weights: Sequence[float] | None = None) -> InteractionLog:
        item = np.array([code for day in plan for code in day], np.int32)
        day = np.array([number for number, codes in enumerate(plan) for _ in codes], np.int64)
        n = len(item)
        weight = np.ones(n, np.float32) if weights is None else np.array(weights, np.float32)
        return columns_of_log(
            np.zeros(n),
            item,
            (FIRST_DAY + day) * DAY_MS + 36_000_000,
            weight=weight,
            user_ids=("ann",),
            n_items=len(GROUPS) * PER_GROUP,
        )

    return build


@pytest.fixture(scope="session")
def random_plan() -> Callable[..., list[list[int]]]:
    """Days drawn from group probabilities, one phase after another: `[(n_days, {group: weight}), …]`."""

    def build(phases: Sequence[tuple[int, dict[str, float]]], seed: int = 0) -> list[list[int]]:
        rng = np.random.default_rng(seed)
        plan = []
        for n_days, taste in phases:
            names, weights = list(taste), np.array(list(taste.values()))
            for _ in range(n_days):
                picks = rng.choice(len(names), size=rng.integers(2, 6), p=weights / weights.sum())
                plan.append(
                    [GROUPS.index(names[pick]) * PER_GROUP + int(rng.integers(PER_GROUP)) for pick in picks]
                )
        return plan

    return build
