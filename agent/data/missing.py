"""Missing values, by the policy declared for each column.

`keep` leaves them missing (a column that must have a value then sends the row to quarantine), `mean`,
`median` and `mode` fill with that statistic of the whole file, `category` fills with "unknown", `drop`
leaves the row out and counts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from agent.errors import MappingError, SettingsError
from agent.settings import MissingPolicy

UNKNOWN: Final = "unknown"
_STATISTICS: Final = ("mean", "median", "mode")
_NUMBERS: Final[tuple[MissingPolicy, ...]] = ("keep", "mean", "median", "mode", "drop")
_NAMES: Final[tuple[MissingPolicy, ...]] = ("keep", "mode", "category", "drop")
_IDS: Final[tuple[MissingPolicy, ...]] = ("keep", "category", "drop")
_PLAIN: Final[tuple[MissingPolicy, ...]] = ("keep", "drop")

# A policy that would invent who, what or when is not offered.
INTERACTION_POLICIES: Final[Mapping[str, tuple[MissingPolicy, ...]]] = {
    "user_id": _IDS,
    "item_id": _IDS,
    "query": _IDS,
    "timestamp": _PLAIN,
    "event": _NAMES,
    "value": _NUMBERS,
    "key": _IDS,
}
ITEM_POLICIES: Final[Mapping[str, tuple[MissingPolicy, ...]]] = {
    "item_id": _PLAIN,
    "title": _IDS,
    "description": _NAMES,
    "categories": _NAMES,
    "domain": _NAMES,
    "text": _IDS,
    "extra": _PLAIN,
}


@dataclass(frozen=True, slots=True)
class MissingRules:
    """What to do about missing values: `fills` by column, and the columns whose absence drops the row."""

    fills: Mapping[str, str | float] = field(default_factory=dict)
    drops: tuple[str, ...] = ()


def check_policies(
    missing: Mapping[str, MissingPolicy], allowed: Mapping[str, tuple[MissingPolicy, ...]], room: str
) -> None:
    """Raises `SettingsError` for a column that is not ours or a policy that makes no sense for it."""
    for name, policy in missing.items():
        if name not in allowed:
            raise SettingsError(f"[{room}.missing] expected a column among {list(allowed)!r}, got {name!r}")
        if policy not in allowed[name]:
            raise SettingsError(
                f"[{room}.missing] {name}: expected one of {list(allowed[name])!r}, got {policy!r}"
            )


def needs_statistics(missing: Mapping[str, MissingPolicy]) -> tuple[str, ...]:
    """Columns whose policy needs a first pass over the file."""
    return tuple(name for name, policy in missing.items() if policy in _STATISTICS)


def compute_rules(
    missing: Mapping[str, MissingPolicy], frames: Callable[[], Iterable[pl.DataFrame]]
) -> MissingRules:
    """The rules that `missing` declares.

    Args:
        missing: policy by column.
        frames: gives the normalised frames of the whole file; called only when a statistic is needed.
            `value` is Float64, anything else text; null is missing.

    Raises:
        MappingError: a statistic is wanted of a column without a single value.
    """
    wanted = needs_statistics(missing)
    numbers: dict[str, list[NDArray[np.float64]]] = {name: [] for name in wanted}
    names: dict[str, Counter[str]] = {name: Counter() for name in wanted}
    for frame in frames() if wanted else ():
        for name in wanted:
            present = frame[name].drop_nulls()
            if present.dtype == pl.Float64:
                numbers[name].append(present.to_numpy())
            else:
                names[name].update(dict(present.value_counts().rows()))
    fills: dict[str, str | float] = {}
    for name, policy in missing.items():
        if policy == "category":
            fills[name] = UNKNOWN
        elif policy in _STATISTICS:
            fills[name] = _statistic(name, policy, numbers[name], names[name])
    return MissingRules(fills, tuple(name for name, policy in missing.items() if policy == "drop"))


def _statistic(
    name: str, policy: MissingPolicy, numbers: list[NDArray[np.float64]], names: Counter[str]
) -> str | float:
    values = np.concatenate(numbers) if numbers else np.zeros(0)
    if not len(values) and not names:
        raise MappingError(
            f"missing {name} = {policy!r} expects at least one value in the file, got none; "
            "declare 'keep' or 'drop', or check the mapping of the column"
        )
    if names:
        # Ties go to the smaller name, so that two readings of one file agree.
        return min(names, key=lambda entry: (-names[entry], entry))
    if policy == "mean":
        return float(values.mean())
    if policy == "median":
        return float(np.median(values))
    distinct, counts = np.unique(values, return_counts=True)
    return float(distinct[counts.argmax()])
