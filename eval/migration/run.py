"""`python -m eval migration`: every table of the migration protocol, without a language model."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.status import Status
from rich.table import Table

from agent.agent import Agent
from agent.interests.threads import one_thread
from agent.session import Session
from eval.data.datasets import OTHER, PRESETS, ProgressCallback, open_ingested
from eval.figures import publish
from eval.migration.adaptation import adaptation_rows
from eval.migration.ahead import ahead_rows
from eval.migration.alarms import Tick, alarm_rows, natural_row
from eval.migration.crowds import crowd_rows, natural_crowd_row
from eval.migration.histories import Histories, collect_histories
from eval.migration.planted import planted_rows, return_rows
from eval.migration.seasons import season_rows
from eval.migration.telling import telling_rows
from eval.rows import Row, to_markdown

DATA = ("grocery", "stackexchange-small", "movietweetings-100k")
PARTS = ("alarms", "planted", "returns", "telling", "seasons", "crowd", "adaptation", "ahead", "time")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        users: of each table; false alarms take four times as many histories, short planted ones twice.
        seed: of every draw.
        only: parts to measure; empty means all.
    """

    data: tuple[str, ...] = DATA
    users: int = 300
    seed: int = 0
    only: tuple[str, ...] = ()

    def wants(self, part: str) -> bool:
        """Whether that part is measured."""
        return not self.only or part in self.only


def measure(plan: Plan, agent: Agent, name: str, tick: Tick) -> Iterator[Row]:
    """The rows of one data set, in the order of `PARTS`."""
    session = agent.session
    # The statistic was chosen on users of even number: what is reported is measured on the others.
    histories = collect_histories(name, session.log, session.catalogue, session.settings.interests, parity=1)
    count, seed = plan.users, plan.seed
    if plan.wants("alarms"):
        yield from alarm_rows(histories, n_histories=4 * count, min_sessions=10, seed=seed, tick=tick)
        yield natural_row(histories, n_users=count, min_sessions=20, seed=seed, tick=tick)
    if plan.wants("planted"):
        yield from planted_rows(histories, n_users=count, seed=seed, tick=tick)
    if plan.wants("returns"):
        yield from return_rows(histories, n_users=count, seed=seed, tick=tick)
    if plan.wants("telling"):
        yield from telling_rows(histories, n_users=2 * count, min_sessions=20, seed=seed, tick=tick)
    if plan.wants("seasons"):
        yield from season_rows(histories, n_users=max(2 * count // 3, 5), seed=seed, tick=tick)
    if plan.wants("crowd"):
        yield natural_crowd_row(histories, session, n_users=count, seed=seed, tick=tick)
        yield from crowd_rows(histories, seed=seed, tick=tick)
    if plan.wants("adaptation"):
        yield from _adaptation(histories, session, plan, tick)
    if plan.wants("ahead"):
        yield from ahead_rows(histories, session, quantile=PRESETS.get(name, OTHER).quantile, tick=tick)
    if plan.wants("time"):
        yield _time_row(name, session)


def _adaptation(histories: Histories, session: Session, plan: Plan, tick: Tick) -> Iterator[Row]:
    if histories.name != "grocery":
        reason = "not measured: whose taste an item is of shows where people take the same things again"
        yield Row(f"{histories.name}: adaptation", reason)
        return
    yield from adaptation_rows(histories, session, n_users=max(plan.users // 4, 5), seed=plan.seed, tick=tick)


def _time_row(name: str, session: Session) -> Row:
    room = session.interests
    start, cpu = time.perf_counter(), time.process_time()
    found = room.scan(min_sessions=2)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    what = f"{name}: facets and change test of all {room.log.n_users:,} users, {len(found):,} tested"
    target = "≤ 180 s" if name == "grocery" else ""
    return Row(
        what,
        f"{seconds:.1f} s ({cpu:.1f} s of CPU)",
        target,
        seconds <= 180 if target else None,
    )


def run_migration(plan: Plan, *, as_json: bool = False, readme: Path | None = None) -> int:
    """Measures, prints, and returns 1 when a target is missed, else 0; 2 for an unknown part.

    Args:
        readme: a Markdown file whose text between `<!-- migration -->` and `<!-- /migration -->` becomes the
            table.
    """
    console = Console(stderr=True)
    if unknown := [part for part in plan.only if part not in PARTS]:
        console.print(f"no part {unknown[0]!r}; there are: {', '.join(PARTS)}")
        return 2
    start = time.perf_counter()
    rows: list[Row] = []
    with console.status("starting") as status:
        for name in plan.data:
            with open_ingested(name, progress=_reporter(status, name)) as agent:
                # One thread: waking a second one takes longer than products of this size.
                with one_thread():
                    for row in measure(plan, agent, name, _ticker(status)):
                        rows.append(row)
                        spent = time.perf_counter() - start
                        console.print(f"[{spent:5.0f} s] {row.what}: {row.figure}", style="dim")
    rows.append(Row("the whole protocol", f"{(time.perf_counter() - start) / 60:.1f} min", "≤ 15 min", None))
    if as_json:
        plain = {"seed": plan.seed, "users": plan.users, "rows": [asdict(row) for row in rows]}
        sys.stdout.write(json.dumps(plain, ensure_ascii=False, indent=2) + "\n")
    else:
        _print(rows, plan)
    if readme is not None:
        publish(readme, "migration", to_markdown(rows), command="python -m eval migration --readme README.md")
    return int(any(row.met is False for row in rows))


def _ticker(status: Status) -> Tick:
    def tick(what: str, done: int, total: int) -> None:
        status.update(f"{what}: {done} of {total}")

    return tick


def _reporter(status: Status, name: str) -> ProgressCallback:
    def report(stage: str, done: int, total: int | None) -> None:
        status.update(f"{name}: {stage} {done}" + (f" of {total}" if total else ""))

    return report


def _print(rows: Sequence[Row], plan: Plan) -> None:
    title = f"migration protocol, seed {plan.seed}, up to {plan.users} users a table; 95 % intervals"
    table = Table(title=title, title_justify="left", show_lines=True)
    for column in ("what", "measured", "target", ""):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(row.what, row.figure, row.target, {True: "met", False: "MISSED", None: ""}[row.met])
    Console(width=160).print(table)
