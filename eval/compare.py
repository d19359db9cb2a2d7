"""`python -m eval compare RUN RUN`: the same row in two runs, paired by user."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.errors import EvalError
from eval.statistics import Comparison, compare_rows, holm
from eval.summary import MAIN


def compare_runs(first: Path, second: Path, *, metric: str = MAIN) -> list[tuple[str, Comparison]]:
    """`(table, comparison)` of every row that both runs have, second against first, warm users of both.

    Holm's correction is over all rows of a table. Runs of different data or split have no users in common
    to speak of, and then nothing is compared.

    Raises:
        EvalError: no table with common users and rows.
    """
    found: list[tuple[str, Comparison]] = []
    for path in sorted(first.glob("*.npz")):
        other = second / path.name
        if other.is_file():
            found += [(path.stem, entry) for entry in _compare_tables(path, other, metric)]
    if not found:
        raise EvalError(
            f"expected tables of the same data and task with common users in {first.name!r} and "
            f"{second.name!r}, found none"
        )
    return found


def _compare_tables(first: Path, second: Path, metric: str) -> list[Comparison]:
    before, after = _load(first), _load(second)
    common, here, there = np.intersect1d(before["user ids"], after["user ids"], return_indices=True)
    warm = before["group: warm"][here] & after["group: warm"][there]
    if not len(common) or not warm.any():
        return []
    ending = f": {metric}"
    names = [key.removesuffix(ending) for key in before if key.endswith(ending) and key in after]
    pairs = []
    for name in names:
        old, new = before[name + ending][here][warm], after[name + ending][there][warm]
        (entry,) = compare_rows({"before": old, "after": new}, reference="before")
        pairs.append((name, entry))
    adjusted = holm([entry.p_value for _, entry in pairs])
    return [
        replace(entry, row=f"{name}, second run", reference="first run", holm=value)
        for (name, entry), value in zip(pairs, adjusted, strict=True)
    ]


def _load(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
