"""`make bench`: the figures that the project promises, measured on this machine and printed as a table.

Absolute times depend on the machine and on what else it does; each row names its target on two cores.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from agent.agent import Agent
from agent.data.datasets import GROCERY_TOML, prepare_grocery
from agent.workspace import NAMED_FOLDER, Workspace
from eval.bench.grocery_ranking import run_protocol
from eval.figures import publish
from eval.rows import BENCH_WORKSPACE, Row, to_markdown

_USERS = 200
_RERANKED_USERS = 8
_SEED = 0


def run_bench(*, model: str, only: str | None, as_json: bool, keep: bool, readme: Path | None = None) -> int:
    """Measures, prints, and returns 1 when a target is missed, else 0.

    Args:
        model: language model for the worded and reranked rows; `none` leaves them out, and says so.
        only: a part's name to measure that alone.
        keep: reuse the workspace of the last run; first-time rows are then left out.
        readme: a Markdown file whose text between `<!-- bench -->` and `<!-- /bench -->` becomes the table.
    """
    console = Console(stderr=True)
    parts: dict[str, Callable[[], Iterator[Row]]] = {
        "ingest": lambda: _ingest_rows(keep=keep),
        "index": lambda: _index_rows(keep=keep),
        "interests": _interest_rows,
        "latency": lambda: _latency_rows(model),
        "words": lambda: _word_rows(model),
        "scoring": lambda: _scoring_rows(model),
        "ranking": _ranking_rows,
    }
    if only is not None and only not in parts:
        console.print(f"no part {only!r}; there are: {', '.join(parts)}")
        return 2
    rows: list[Row] = []
    for name, measure in parts.items():
        if only in (None, name) or name in ("ingest", "index"):
            console.print(f"measuring {name} …")
            rows += list(measure())
    if as_json:
        sys.stdout.write(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=2) + "\n")
    else:
        _print(rows)
    if readme is not None:
        publish(readme, "bench", to_markdown(rows), command='make bench ARGS="--readme README.md"')
    return int(any(row.met is False for row in rows))


def _print(rows: list[Row]) -> None:
    table = Table(title=f"driftrec bench, {len(os.sched_getaffinity(0))} cores", title_justify="left")
    for column in ("what", "measured", "target", ""):
        table.add_column(column)
    for row in rows:
        mark = {True: "met", False: "MISSED", None: ""}[row.met]
        table.add_row(row.what, row.figure, row.target, mark)
    Console(width=130).print(table)


@contextmanager
def _opened(model: str = "none") -> Iterator[Agent]:
    with Agent.open(BENCH_WORKSPACE, model=model) as agent:
        yield agent


def _run_cli(*arguments: str) -> tuple[float, float, Any]:
    """Seconds, peak memory in MB and parsed output of one command in its own process."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "agent.cli", *arguments, "-w", BENCH_WORKSPACE, "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"driftrec {' '.join(arguments)} failed with {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024, json.loads(output)


def _ingest_rows(*, keep: bool) -> Iterator[Row]:
    place = Workspace(NAMED_FOLDER / BENCH_WORKSPACE)
    if place.settings_path.is_file() and not keep:
        shutil.rmtree(place.root)
    place.create(GROCERY_TOML)
    files = prepare_grocery(place.raw_dir, offline=False)
    arguments = ("ingest", "--items", str(files.items), "--interactions", str(files.interactions))
    if not keep:
        seconds, megabytes, reports = _run_cli(*arguments)
        rows = sum(report["rows_read"] for report in reports)
        yield Row(f"ingest of {rows:,} rows", f"{seconds:.1f} s", "≤ 60 s", seconds <= 60)
        yield Row("  peak memory", f"{megabytes:,.0f} MB", "≤ 2,048 MB", megabytes <= 2048)
    seconds, _, reports = _run_cli(*arguments)
    changed = sum(report["stored"] for report in reports if not report["already_done"])
    yield Row(
        "ingest of the same files again", f"{seconds:.1f} s, {changed} stored", "0 stored", changed == 0
    )


def _index_rows(*, keep: bool) -> Iterator[Row]:
    if not keep:
        seconds, _, report = _run_cli("index")
        what = f"index of {report['n_items']:,} items ({report['n_entries']:,} texts), first time"
        yield Row(what, f"{seconds:.1f} s", "≤ 300 s", seconds <= 300)
    seconds, _, report = _run_cli("index")
    fine = report["action"] == "unchanged" and seconds <= 15
    yield Row("index again, nothing changed", f"{seconds:.1f} s", "seconds", fine)


def _interest_rows() -> Iterator[Row]:
    with _opened() as agent:
        room = agent.session.interests
        start, cpu = time.perf_counter(), time.process_time()
        found = room.scan(min_sessions=2)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        what = f"facets and change test, all {room.log.n_users:,} households"
        yield Row(what, f"{seconds:.1f} s ({cpu:.1f} s of CPU)")
        alpha = agent.settings.interests.alpha
        tested = [entry for entry in found if entry.n_sessions >= 20]
        share = sum(entry.p_value < alpha for entry in tested) / len(tested)
        yield Row(f"  moved at p < {alpha:g}, of {len(tested):,} with 20 sessions or more", f"{share:.1%}")
        start = time.perf_counter()
        for user_id in room.log.user_ids:
            room.migration(user_id, tell=False)
        seconds = time.perf_counter() - start
        yield Row(
            f"facets and migration with evidence, all {room.log.n_users:,} households",
            f"{seconds:.0f} s",
            "≤ 300 s",
            seconds <= 300,
        )


def _sample(agent: Agent, n: int) -> list[str]:
    rng = np.random.default_rng(_SEED)
    users = agent.session.users_with_sessions()
    return [users[spot] for spot in rng.choice(len(users), size=min(n, len(users)), replace=False)]


def _latency_rows(model: str) -> Iterator[Row]:
    with _opened() as agent:
        start = time.perf_counter()
        agent.fit()
        yield Row(
            "fit of ranking and population (from the cache when kept)", f"{time.perf_counter() - start:.1f} s"
        )
        users = _sample(agent, _USERS)
        for user_id in users[:5]:
            agent.recommend(user_id, rerank=False)
        times = []
        for user_id in users:
            start = time.perf_counter()
            agent.recommend(user_id, rerank=False)
            times.append((time.perf_counter() - start) * 1000)
        p50, p95 = np.percentile(times, [50, 95])
        what = f"recommend without the LLM stage, {len(users)} users"
        yield Row(what, f"p50 {p50:.0f} ms, p95 {p95:.0f} ms", "p95 ≤ 50 ms", bool(p95 <= 50))
    if model == "none":
        yield Row("recommend with rerank of 20", "not measured: --model none")
        return
    with _opened(model) as agent:
        agent.recommend(users[0])
        seconds = []
        for user_id in users[1 : 1 + _RERANKED_USERS]:
            start = time.perf_counter()
            found = agent.recommend(user_id)
            seconds.append(time.perf_counter() - start)
            stage = next(stage for stage in found.stages if stage.name == "rerank")
            if stage.status != "ran":
                raise RuntimeError(f"the rerank stage was {stage.status}: {stage.detail}")
        median, worst = float(np.median(seconds)), max(seconds)
        what = f"recommend with rerank of 20 by {model}, {len(seconds)} users"
        yield Row(what, f"median {median:.1f} s, worst {worst:.1f} s", "worst ≤ 6 s", worst <= 6)


def _word_rows(model: str) -> Iterator[Row]:
    if model == "none":
        yield Row("profile in words", "not measured: --model none")
        return
    with _opened(model) as agent:
        if problem := agent.warm_model():
            raise RuntimeError(f"the model cannot be measured: {problem}")
        user_id = next(user for user in _sample(agent, 50) if not agent.history(user))
        start = time.perf_counter()
        (profile,) = agent.refresh([user_id])
        seconds = time.perf_counter() - start
        by_model = sum(facet.worded_by == "model" for facet in profile.facets)
        if not by_model:
            raise RuntimeError(f"the model named no facet of household {user_id}: nothing was measured")
        figure = f"{seconds:.1f} s, {by_model} of {len(profile.facets)} facets named by the model"
        yield Row(f"profile words for one household by {model}", figure, "≤ 30 s", seconds <= 30)


def _scoring_rows(model: str) -> Iterator[Row]:
    from eval.bench.llm import llm_rows

    return llm_rows(model)


def _ranking_rows() -> Iterator[Row]:
    with _opened() as agent:
        rows = run_protocol(agent.session.log, agent.session.catalogue)
    yield from (Row(row.what, row.figure, row.target, row.met) for row in rows)
