"""A table's figures, JSON-ready: means with intervals, groups, comparisons with the best tuned baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.measures.statistics import Comparison, bootstrap_mean, bootstrap_ratio, compare_rows
from eval.rankers.ours import FUSED, OUR_SOURCES
from eval.runs.protocol import SECONDS, TOKENS, Outcome

MAIN = "NDCG@10"
# What a pool of candidates is for, and how many times the best single source's it is meant to be.
POOL, POOL_TARGET = "recall@50", 1.3
# What a language model adds is told against the same product without one, on the same people.
PLAIN_PRODUCT = "whole product, no LLM"
_WITH_INTERVAL = (
    *(MAIN, "recall@10", "recall@50", "cold: NDCG@10", "cold: recall@50", "cold: recall@10"),
    *(f"again: {MAIN}", f"first time: {MAIN}", SECONDS, TOKENS),
)


def summarise(
    facts: Mapping[str, Any], outcomes: Sequence[Outcome], groups: Mapping[str, NDArray[np.bool_]]
) -> dict[str, Any]:
    """One table. Rows that did not run are in it, with the reason.

    The reference of all comparisons is the baseline with the best mean on the very users that are
    reported: a choice in its favour, so that "better" means more than it has to.
    """
    ran = [outcome for outcome in outcomes if outcome.status == "ran"]
    warm = groups["warm"]
    values = {outcome.name: outcome.values[MAIN][warm] for outcome in ran}
    baselines = [o.name for o in ran if o.group == "baseline" and not _part(o.values[MAIN][warm])]
    reference = max(baselines, key=lambda name: _nanmean(values[name]), default="")
    return {
        **facts,
        "reference": reference,
        "rows": [_row(outcome, groups) for outcome in outcomes],
        "comparisons": [_plain(c) for c in compare_rows(values, reference=reference)] if reference else [],
        "by_group": _by_group(ran, groups, reference) if reference else [],
        "within_product": _within_product(ran, groups),
        "pool": _pool(ran, warm),
    }


def _row(outcome: Outcome, groups: Mapping[str, NDArray[np.bool_]]) -> dict[str, Any]:
    warm = groups["warm"]
    metrics = {name: _mean(values[warm], name) for name, values in outcome.values.items()}
    return {
        "name": outcome.name,
        "group": outcome.group,
        "status": outcome.status,
        "note": outcome.note,
        "metrics": metrics,
        "groups": {
            name: _plain_number(_nanmean(outcome.values[MAIN][mask]))
            for name, mask in groups.items()
            if MAIN in outcome.values
        },
        "figures": {name: _plain_number(value) for name, value in outcome.figures.items()},
        "reliability": [list(entry) for entry in outcome.reliability],
    }


def _mean(values: NDArray[np.float64], name: str) -> dict[str, Any]:
    if name not in _WITH_INTERVAL:
        return {"mean": _plain_number(_nanmean(values)), "n": int((~np.isnan(values)).sum())}
    found = bootstrap_mean(values)
    return {
        "mean": _plain_number(found.mean),
        "low": _plain_number(found.low),
        "high": _plain_number(found.high),
        "n": found.n,
    }


def _by_group(
    ran: Sequence[Outcome], groups: Mapping[str, NDArray[np.bool_]], reference: str
) -> list[dict[str, Any]]:
    """Our rows against the reference, group by group; Holm over the rows within a group."""
    found = []
    base = next(outcome for outcome in ran if outcome.name == reference)
    ours = [outcome for outcome in ran if outcome.group == "ours"]
    for name, mask in groups.items():
        if name == "warm" or mask.sum() < 2 or not ours:
            continue
        values = {reference: base.values[MAIN][mask]}
        values |= {outcome.name: outcome.values[MAIN][mask] for outcome in ours}
        found += [{"group": name, **_plain(c)} for c in compare_rows(values, reference=reference)]
    return found


def _within_product(ran: Sequence[Outcome], groups: Mapping[str, NDArray[np.bool_]]) -> list[dict[str, Any]]:
    """The product's other rows against the plain one, over all and by group."""
    product = [outcome for outcome in ran if outcome.group == "product"]
    if PLAIN_PRODUCT not in [outcome.name for outcome in product] or len(product) < 2:
        return []
    found = []
    for name, mask in groups.items():
        values = {outcome.name: outcome.values[MAIN][mask] for outcome in product}
        if (~np.isnan(values[PLAIN_PRODUCT])).sum() >= 2:
            compared = compare_rows(values, reference=PLAIN_PRODUCT)
            found += [{"group": name, **_plain(entry)} for entry in compared]
    return found


def _plain(comparison: Comparison) -> dict[str, Any]:
    gap = comparison.difference
    return {
        "row": comparison.row,
        "reference": comparison.reference,
        "mean": _plain_number(gap.mean),
        "low": _plain_number(gap.low),
        "high": _plain_number(gap.high),
        "n": gap.n,
        "relative": _plain_number(comparison.relative),
        "p": comparison.p_value,
        "holm": comparison.holm,
        "detectable": _plain_number(comparison.detectable),
        "users_needed": comparison.users_needed,
        "verdict": comparison.verdict,
    }


def _pool(ran: Sequence[Outcome], warm: NDArray[np.bool_]) -> dict[str, Any] | None:
    """How many more of the items to find are among our first fifty than among the best single source's.

    The single source is the best on the very users that are reported. `hindsight` is the ratio of one who
    learns afterwards which single source was best for each user: no choice among them by user gets above it.
    None where a row is missing.
    """
    # A catalogue of fewer than fifty items has no such figure.
    values = {
        o.name: o.values[POOL][warm] for o in ran if POOL in o.values and not _part(o.values[POOL][warm])
    }
    single = [o.name for o in ran if o.name in values and (o.group == "baseline" or o.name in OUR_SOURCES)]
    best = max(single, key=lambda name: _nanmean(values[name]), default="")
    if FUSED not in values or not best:
        return None
    found = bootstrap_ratio(values[FUSED], values[best])
    best_of_each = np.max([values[name] for name in single], axis=0)
    return {
        "row": FUSED,
        "reference": best,
        "ratio": _plain_number(found.mean),
        "low": _plain_number(found.low),
        "high": _plain_number(found.high),
        "hindsight": _plain_number(float(best_of_each.mean() / values[best].mean())),
        "target": POOL_TARGET,
    }


def _part(values: NDArray[np.float64]) -> bool:
    """Whether a row was asked for some of the users only: it cannot be what all others are held against."""
    return bool(np.isnan(values).any())


def _nanmean(values: NDArray[np.float64]) -> float:
    kept = values[~np.isnan(values)]
    return float(kept.mean()) if len(kept) else float("nan")


def _plain_number(value: float) -> float | None:
    """JSON has no NaN: an undefined figure is null."""
    return None if math.isnan(value) or math.isinf(value) else float(value)
