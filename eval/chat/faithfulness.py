"""`python -m eval faithfulness`: do the cited events matter more to a recommendation than others?

For each user, the top recommendations that cite events: the cited events are left out in memory and the list
is made again; the same with as many of the user's other positive events drawn at random. How far the item
falls, in log2 of its rank (from 2 to 8 is 2, from 20 to 80 too; out of the first 200 counts as rank 201), is
averaged per user and compared in pairs. Lists as they are hold much that the user takes again, whose evidence
is the user's own events with that very item; so lists of items new to the user, whose evidence is only close
to them, are measured apart. Source: DeYoung et al., "ERASER", ACL 2020,
doi:10.18653/v1/2020.acl-main.408 (comprehensiveness, against random deletion).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from agent.agent import Agent
from agent.chat_host import WorkspaceHost
from agent.dialogue.talk.host import ListQuery
from agent.dialogue.telling.items import cited_ids
from eval.measures.statistics import Interval, bootstrap_mean

DEPTH: Final = 200
_TOP: Final = 10
_ITEMS: Final = 3
_DRAWS: Final = 2

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class UserFaith:
    """One user: mean fall in log2 rank, and share of items that left the first ten, cited against random."""

    user_id: str
    n_items: int
    cited: float
    drawn: float
    cited_left: float
    drawn_left: float


@dataclass(frozen=True, slots=True)
class FaithReport:
    """All users measured, and those who could not be: no cited events, or too few others to draw from.

    `difference` is the mean paired difference of the falls, `left_difference` that of the shares that left.
    """

    users: tuple[UserFaith, ...]
    without_evidence: int
    too_few_others: int
    difference: Interval
    left_difference: Interval


def measure_user(host: WorkspaceHost, rng: np.random.Generator, *, new_only: bool) -> UserFaith | str:
    """One user's figures; `evidence` or `others` when there is nothing to delete or to draw from."""
    exclude_seen = True if new_only else None
    found = host.recommend(ListQuery(k=_TOP, exclude_seen=exclude_seen))
    log = host.log
    positive = log.interaction_id[(log.item >= 0) & (log.weight > 0)]
    rows: list[tuple[float, float, float, float]] = []
    problem = "evidence"
    for entry in found:
        ids = cited_ids(entry)
        if not ids:
            continue
        others = np.setdiff1d(positive, np.array(ids))
        if len(others) < len(ids):
            problem = "others"
            continue
        cited = _rank(host, entry.item_id, ids, exclude_seen)
        drawn = [
            _rank(
                host,
                entry.item_id,
                rng.choice(others, size=len(ids), replace=False).tolist(),
                exclude_seen,
            )
            for _ in range(_DRAWS)
        ]
        base = float(np.log2(entry.rank))
        rows.append(
            (
                float(np.log2(cited)) - base,
                float(np.mean(np.log2(drawn))) - base,
                float(cited > _TOP),
                float(np.mean([rank > _TOP for rank in drawn])),
            )
        )
        if len(rows) == _ITEMS:
            break
    if not rows:
        return problem
    means = np.mean(rows, axis=0)
    return UserFaith(host.user_id, len(rows), *(float(value) for value in means))


def _rank(host: WorkspaceHost, item_id: str, without: Sequence[int], exclude_seen: bool | None) -> int:
    query = ListQuery(k=DEPTH, exclude_seen=exclude_seen, without=frozenset(without), explain=False)
    found = host.recommend(query)
    return next((entry.rank for entry in found if entry.item_id == item_id), DEPTH + 1)


def measure(
    agent: Agent, *, n_users: int, seed: int, new_only: bool, progress: Progress | None = None
) -> FaithReport:
    """The report over `n_users` users with enough sessions, drawn at random; others stand in for misses."""
    rng = np.random.default_rng(seed)
    known = agent.session.users_with_sessions()
    order = [known[spot] for spot in rng.permutation(len(known))]
    users: list[UserFaith] = []
    missing = {"evidence": 0, "others": 0}
    for user_id in order:
        if len(users) == n_users:
            break
        got = measure_user(WorkspaceHost(agent, user_id), rng, new_only=new_only)
        if isinstance(got, str):
            missing[got] += 1
        else:
            users.append(got)
        if progress:
            progress(len(users), n_users)
    gaps = np.array([user.cited - user.drawn for user in users])
    left = np.array([user.cited_left - user.drawn_left for user in users])
    return FaithReport(
        tuple(users),
        missing["evidence"],
        missing["others"],
        bootstrap_mean(gaps, seed=seed),
        bootstrap_mean(left, seed=seed),
    )


def rows(report: FaithReport, what: str) -> list[str]:
    """The report as two rows of a Markdown table."""
    n = len(report.users)

    def mean(name: str) -> float:
        return float(np.mean([getattr(user, name) for user in report.users])) if n else float("nan")

    gap, left = report.difference, report.left_difference
    return [
        f"| {what}, {n} users: fall in log2 of the rank | {mean('cited'):.2f} | {mean('drawn'):.2f} | "
        f"{gap.mean:+.2f} ({gap.low:+.2f} to {gap.high:+.2f}) |",
        f"| {what}: share that leaves the first {_TOP} | {mean('cited_left'):.1%} | "
        f"{mean('drawn_left'):.1%} | {left.mean:+.1%} ({left.low:+.1%} to {left.high:+.1%}) |",
    ]


def run_faithfulness(
    *, workspace: str, n_users: int, seed: int, as_json: bool, progress: Progress | None = None
) -> tuple[str, int]:
    """The report, and exit code 1 when an interval of the difference of falls holds zero."""
    reports = {}
    with Agent.open(workspace, model="none") as agent:
        for what, new_only in (("lists as they are", False), ("items new to the user", True)):
            reports[what] = measure(agent, n_users=n_users, seed=seed, new_only=new_only, progress=progress)
    code = int(not all(report.difference.better for report in reports.values()))
    if as_json:
        return json.dumps({what: asdict(report) for what, report in reports.items()}, indent=2), code
    lines = [
        f"| up to {_ITEMS} items per user | cited left out | as many others | paired difference (95 %) |",
        "|---|---|---|---|",
    ]
    lines += [line for what, report in reports.items() for line in rows(report, what)]
    missing = "; ".join(
        f"{what}: {report.without_evidence} without cited events, {report.too_few_others} with too few others"
        for what, report in reports.items()
    )
    lines.append(f"\nUsers tried and left out: {missing}. Seed {seed}, {_DRAWS} draws per item.")
    return "\n".join(lines), code
