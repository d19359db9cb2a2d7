"""`python -m eval run`: every row on every data set, kept as it goes, summed up at the end."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.ranking.windows import Task
from eval.data.datasets import EVAL_FOLDER, Dataset, Scheme, load_dataset
from eval.data.splits import Exam, Question, make_split
from eval.errors import EvalError
from eval.manifest import code_digest, make_manifest
from eval.rankers.baselines import baseline_rows
from eval.rankers.ours import our_rows
from eval.rankers.ratings import rating_errors
from eval.rankers.recommenders import Recommender
from eval.rankers.sequence import interpreter_versions
from eval.runs.grounds import Grounds, describe_data, facts_of, groups_of, repeat_share
from eval.runs.keep import RowCache, over_windows, row_key
from eval.runs.protocol import Outcome, run_row
from eval.runs.summary import summarise

RUNS = EVAL_FOLDER / "runs"
CACHE = EVAL_FOLDER / "cache"
# Below this share of repeated events there is nothing to foretell about repeats.
_FEW_REPEATS = 0.01
ProgressCallback = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Plan:
    """What to run.

    Attributes:
        data: names, workspaces or files; `items` is the item file of a single event file.
        tasks: `new`, `any`; `any` is left out where nobody takes the same item again.
        only: names of rows to run alone; empty for all.
        model: language model of the product's rows; `none` leaves them out, and says so.
        product_users: users whom the rows of the whole product are asked for.
    """

    data: tuple[str, ...]
    items: Path | None = None
    tasks: tuple[Task, ...] = ("new",)
    scheme: Scheme | None = None
    n_windows: int = 1
    max_users: int = 2000
    min_users: int | None = None
    only: tuple[str, ...] = ()
    ablations: bool = True
    model: str = "none"
    product: bool = False
    product_users: int = 200
    seed: int = 0


def run(
    plan: Plan,
    *,
    name: str = "",
    progress: ProgressCallback | None = None,
    datasets: Mapping[str, Dataset] | None = None,
    runs: Path | None = None,
    cache: Path | None = None,
) -> Path:
    """The folder of the run: manifest, one file of per-user values per table, and the summary.

    The same plan on the same code and data finds its rows in the cache; one that was interrupted goes on.

    Args:
        plan: what to run.
        name: of the run's folder.
        progress: called with (stage, rows done, rows).
        datasets: loaded already, by name; others are loaded by theirs.
        runs: where the run's folder goes.
        cache: where rows are kept.

    Raises:
        LeakError: a row has seen the future; nothing is summed up.
        EvalError: nothing to run.
    """
    manifest = make_manifest(asdict(plan), model=plan.model)
    folder = (runs or RUNS) / (name or f"{manifest['started'][:19].replace(':', '').replace(' ', '-')}")
    # Once: this process goes on with the code it has read, whatever is edited meanwhile.
    codes = {group: code_digest(group) for group in ("baseline", "SASRec", "ours", "product")}
    trained = interpreter_versions()
    codes["SASRec"] = row_key(codes["SASRec"], trained)
    manifest["versions"] |= {f"{name} (SASRec)": version for name, version in trained.items()}
    kept = _Kept(RowCache(cache or CACHE), codes)
    tables: list[dict[str, Any]] = []
    # All of them first: one that is missing is to be told now, not after the others have run.
    loaded = {
        data: (datasets or {}).get(data)
        or load_dataset(data, items=plan.items, min_users=plan.min_users, progress=progress)
        for data in plan.data
    }
    left_out = manifest["left out"] = list[str]()
    for data, dataset in _named_apart(loaded).items():
        manifest["data"][dataset.name] = describe_data(dataset)
        for task in plan.tasks:
            share = repeat_share(dataset) if task == "any" else 1.0
            if share < _FEW_REPEATS and not dataset.preset.repeats:
                left_out.append(f"{data}, any item: {share:.2%} of the events repeat an item")
                continue
            tables.append(_table(plan, dataset, task, folder=folder, kept=kept, progress=progress))
    manifest["took"] = kept.took()
    if not tables:
        told = "; ".join(left_out) or "no task was named"
        raise EvalError(f"expected a task that the data have, got {plan.tasks!r}: {told}")
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "manifest.json", manifest)
    _write(folder / "summary.json", {"manifest": manifest, "tables": tables})
    return folder


def _named_apart(loaded: Mapping[str, Dataset]) -> dict[str, Dataset]:
    """The data sets, those of one name told apart by their digest: a table is kept under its name."""
    times = Counter(dataset.name for dataset in loaded.values())
    found: dict[str, Dataset] = {}
    for place, (data, dataset) in enumerate(loaded.items()):
        name = dataset.name
        if times[name] > 1:
            name = f"{name}-{dataset.digest[:6]}"
        if name in {other.name for other in found.values()}:
            name = f"{name}-{place}"
        found[data] = replace(dataset, name=name)
    return found


def rows_of(plan: Plan, task: Task) -> list[Recommender]:
    """Every row of the plan, baselines first."""
    from eval.rankers.classic import ClassicRow
    from eval.rankers.product import product_rows
    from eval.rankers.sequence import SasRecRow

    rows = [*baseline_rows(task), ClassicRow(), SasRecRow(), *our_rows(ablations=plan.ablations)]
    if plan.product:
        rows += product_rows(plan.model, max_users=plan.product_users)
    if plan.only:
        unknown = sorted(set(plan.only) - {row.name for row in rows})
        if unknown:
            raise EvalError(f"expected rows among {[row.name for row in rows]!r}, got {unknown!r}")
        rows = [row for row in rows if row.name in plan.only]
    return rows


def _table(
    plan: Plan,
    dataset: Dataset,
    task: Task,
    *,
    folder: Path,
    kept: _Kept,
    progress: ProgressCallback | None,
) -> dict[str, Any]:
    """One table: every row over every window of one data set and task."""
    asked = make_split(
        dataset,
        scheme=plan.scheme,
        task=task,
        n_windows=plan.n_windows,
        max_users=plan.max_users,
        seed=plan.seed,
    )
    rows, stage = rows_of(plan, task), f"{dataset.name}, {task} items"
    grounds = Grounds()
    outcomes: list[list[Outcome]] = []
    for number, row in enumerate(rows):
        if progress is not None:
            progress(f"{stage}: {row.name}", number, len(rows))
        found = []
        for place, (question, exam) in enumerate(asked):
            key = row_key(
                *(kept.parts(plan, row), dataset.digest, dataset.vector_digest, asdict(dataset.preset)),
                *(task, place, repr(row)),
            )
            outcome = kept.rows.load(key)
            kept.n_found += outcome is not None
            kept.n_run += outcome is None
            if outcome is None:
                outcome = run_row(question, exam, grounds.of(question), row)
                if outcome.status == "ran":
                    kept.rows.save(key, outcome)
            found.append(outcome)
        outcomes.append(found)
    if progress is not None:
        progress(f"{stage}: done", len(rows), len(rows))
    return _sum_up(dataset, task, asked, outcomes, grounds, folder=folder)


def _clocks() -> tuple[float, float]:
    """Now by the clock, and seconds of CPU of this process and of those it has waited for."""
    used = os.times()
    return time.perf_counter(), used.user + used.system + used.children_user + used.children_system


@dataclass
class _Kept:
    """Rows on disk, the digests of the code they rest on, by group of rows, and what was not there yet."""

    rows: RowCache
    codes: Mapping[str, str]
    n_found: int = 0
    n_run: int = 0
    since: tuple[float, float] = field(default_factory=_clocks)

    def took(self) -> dict[str, float]:
        """Seconds by the clock and of CPU so far, and rows (each once per window) run and found on disk.

        A run that found rows was shorter than one that has to do them all.
        """
        clock, cpu = (now - then for now, then in zip(_clocks(), self.since, strict=True))
        return {
            "seconds": round(clock),
            "CPU seconds": round(cpu),
            "rows run": self.n_run,
            "rows kept before": self.n_found,
        }

    def parts(self, plan: Plan, row: Recommender) -> list[Any]:
        """What decides a row besides data and task; a change of ours leaves the baselines' rows valid."""
        key = next((name for name in (row.name, row.group) if name in self.codes), "ours")
        parts = [self.codes[key], plan.scheme, plan.n_windows, plan.max_users, plan.seed]
        return [*parts, plan.model, plan.product_users] if key == "product" else parts


def _sum_up(
    dataset: Dataset,
    task: Task,
    asked: Sequence[tuple[Question, Exam]],
    outcomes: Sequence[Sequence[Outcome]],
    grounds: Grounds,
    *,
    folder: Path,
) -> dict[str, Any]:
    users = [question.users for question, _ in asked]
    merged = [over_windows(users, list(found)) for found in outcomes]
    codes = merged[0][0]
    groups = groups_of(asked, grounds, codes)
    arrays: dict[str, NDArray[Any]] = {f"group: {name}": mask for name, mask in groups.items()}
    for _, outcome in merged:
        arrays |= {f"{outcome.name}: {metric}": value for metric, value in outcome.values.items()}
    ids = np.array([dataset.log.user_ids[code] for code in codes])
    title = f"{dataset.name}-{task}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{title}.npz").open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **{"user ids": ids, **arrays})
    facts = facts_of(dataset, task, asked, groups)
    # These have a catalogue of their own, which does not hold it.
    facts["canary"]["without"] = [o.name for _, o in merged if o.group == "product" and o.status == "ran"]
    if dataset.preset.rated and task == "new":
        question, exam = asked[-1]
        facts["ratings"] = [entry.to_dict() for entry in rating_errors(question, exam.labels)]
    return summarise(facts, [outcome for _, outcome in merged], groups)


def _write(path: Path, plain: dict[str, Any]) -> None:
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(plain, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
    partial.replace(path)
