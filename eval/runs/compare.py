"""`python -m eval compare RUN RUN`: the same row in two runs, paired by user."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.errors import EvalError
from eval.measures.statistics import Comparison, compare_rows, holm
from eval.runs.protocol import AGAIN, COLD, FIRST_TIME
from eval.runs.summary import MAIN

_PARTS = tuple(f": {part}" for part in (COLD, AGAIN, FIRST_TIME))


def compare_runs(first: Path, second: Path, *, metric: str = MAIN) -> list[tuple[str, Comparison]]:
    """`(table, comparison)` of every row that both runs have, second against first, warm users of both.

    Holm's correction is over all rows of a table.

    Raises:
        EvalError: no table with common users and rows, or one of other data, split, windows or draw.
    """
    found: list[tuple[str, Comparison]] = []
    # Not whatever lies in the folders: a run of that name may have left tables of other data there.
    for table in _tables_alike(first, second):
        one, other = (folder / f"{table}.npz" for folder in (first, second))
        if one.is_file() and other.is_file():
            found += [(table, entry) for entry in _compare_tables(one, other, metric)]
    if not found:
        raise EvalError(
            f"expected tables of the same data and task with common users in {first.name!r} and "
            f"{second.name!r}, found none"
        )
    return found


def _tables_alike(first: Path, second: Path) -> list[str]:
    """The tables of both runs.

    Only what was asked about the same events, in the same split, of users drawn alike, makes pairs.
    """
    here, there = _asked(first), _asked(second)
    common = sorted(here.keys() & there.keys())
    if not common:
        raise EvalError(
            f"expected a table that both runs have, got {sorted(here)} in {first.name!r} and "
            f"{sorted(there)} in {second.name!r}"
        )
    for table in common:
        for what, value in here[table].items():
            if value != there[table][what]:
                raise EvalError(
                    f"{table}: expected runs of the same {what}, got {value!r} in {first.name!r} and "
                    f"{there[table][what]!r} in {second.name!r}; run both with the same options and data"
                )
    return common


def _asked(folder: Path) -> dict[str, dict[str, Any]]:
    """By table, what must be the same in two runs."""
    path = folder / "summary.json"
    if not path.is_file():
        raise EvalError(f"expected a finished run with {path.name}, found none in {str(folder)!r}")
    summary = json.loads(path.read_text(encoding="utf-8"))
    manifest, settings = summary["manifest"], summary["manifest"]["settings"]
    return {
        f"{table['data']}-{table['task']}": {
            "data": manifest["data"][table["data"]]["digest"],
            "split": table["scheme"],
            "moments T": table["cut_ms"],
            "test days": table["horizon_days"],
            "users drawn": settings["max_users"],
            "seed": settings["seed"],
        }
        for table in summary["tables"]
    }


def _compare_tables(first: Path, second: Path, metric: str) -> list[Comparison]:
    before, after = _load(first), _load(second)
    common, here, there = np.intersect1d(before["user ids"], after["user ids"], return_indices=True)
    warm = before["group: warm"][here] & after["group: warm"][there]
    if not len(common) or not warm.any():
        return []
    ending = f": {metric}"
    names = [key.removesuffix(ending) for key in before if key.endswith(ending) and key in after]
    # `row: cold: NDCG@10` ends like `row: NDCG@10`, and is of other items.
    names = [name for name in names if not name.endswith(_PARTS)]
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
