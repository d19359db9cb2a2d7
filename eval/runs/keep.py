"""Rows on disk: each under a key of all that decides it, so that a run resumes and repeats for nothing."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.rankers.recommenders import DEPTH
from eval.runs.protocol import Outcome


def row_key(*parts: object) -> str:
    """20 hex digits of `parts`, which must be JSON-ready."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:20]


@dataclass(frozen=True)
class RowCache:
    """Outcomes in a folder, one `.json` and one `.npz` each; a broken one counts as absent."""

    folder: Path

    def load(self, key: str) -> Outcome | None:
        """The outcome under that key, or None."""
        try:
            plain: dict[str, Any] = json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8"))
            # Opened here: NumPy does not close a file that it finds to be no archive.
            with (self.folder / f"{key}.npz").open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
            return None
        try:
            return self._outcome(plain, arrays)
        except (KeyError, TypeError):
            return None

    def _outcome(self, plain: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Outcome:
        return Outcome(
            name=plain["name"],
            group=plain["group"],
            status=plain["status"],
            note=plain["note"],
            values={name: arrays[f"v{place}"] for place, name in enumerate(plain["metrics"])},
            figures=plain["figures"],
            lists=arrays.get("lists", np.empty((0, DEPTH), np.int32)),
            reliability=tuple((float(a), float(b), int(n)) for a, b, n in plain["reliability"]),
        )

    def save(self, key: str, outcome: Outcome) -> None:
        """Keeps an outcome; the `.json` comes last, and with it the pair is whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, NDArray[Any]] = {f"v{n}": value for n, value in enumerate(outcome.values.values())}
        partial = self.folder / f".{key}.npz.part"
        with partial.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, lists=outcome.lists, **arrays)
        partial.replace(self.folder / f"{key}.npz")
        plain = {
            "name": outcome.name,
            "group": outcome.group,
            "status": outcome.status,
            "note": outcome.note,
            "metrics": list(outcome.values),
            "figures": outcome.figures,
            "reliability": outcome.reliability,
        }
        partial = self.folder / f".{key}.json.part"
        partial.write_text(json.dumps(plain, ensure_ascii=False), encoding="utf-8")
        partial.replace(self.folder / f"{key}.json")


def over_windows(
    users: list[NDArray[np.int64]], outcomes: list[Outcome]
) -> tuple[NDArray[np.int64], Outcome]:
    """Different users, sorted, and one outcome: each user's values averaged over the windows they are in.

    Figures of the row are averaged, counts of failures summed. A row that did not run in some window did
    not run.
    """
    if len(outcomes) == 1:
        return users[0], outcomes[0]
    for outcome in outcomes:
        if outcome.status != "ran":
            return np.unique(np.concatenate(users)), outcome
    everybody, inverse = np.unique(np.concatenate(users), return_inverse=True)
    values = {}
    for name in outcomes[0].values:
        # Left out in a window with too few candidates: see `telling`.
        if any(name not in outcome.values for outcome in outcomes):
            continue
        column = np.concatenate([outcome.values[name] for outcome in outcomes])
        there = ~np.isnan(column)
        total = np.bincount(inverse[there], weights=column[there], minlength=len(everybody))
        count = np.bincount(inverse[there], minlength=len(everybody))
        values[name] = np.divide(total, count, out=np.full(len(everybody), np.nan), where=count > 0)
    figures = {
        name: float(np.mean([outcome.figures.get(name, np.nan) for outcome in outcomes]))
        for name in outcomes[0].figures
    }
    for name in ("users without a list", "users failed", "tokens", "degraded", "fit s", "rank s"):
        figures[name] = float(sum(outcome.figures.get(name, 0.0) for outcome in outcomes))
    notes = " | ".join(dict.fromkeys(outcome.note for outcome in outcomes if outcome.note))
    table = tuple(entry for outcome in outcomes for entry in outcome.reliability)
    return everybody, replace(outcomes[-1], values=values, figures=figures, note=notes, reliability=table)
