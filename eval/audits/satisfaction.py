"""`python -m eval satisfaction`: what people's own feedback says about the lists they got.

Pin and more are approval, less and mute are disapproval; what was undone counts as neither, but the undoing
is counted. Which list was in front of a person is not recorded, so one sitting (one UTC day of one person)
stands for it. People who say nothing are not in here: this is no rate of satisfaction of everybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import select

from agent.data.feedback import load_feedback
from agent.data.store import Store
from agent.data.tables import feedback as feedback_table
from agent.schema import Feedback, to_plain
from agent.workspace import Workspace
from eval.measures.proportions import rate, show
from eval.measures.statistics import Interval, bootstrap_mean

APPROVAL = frozenset({"pin", "more"})
DISAPPROVAL = frozenset({"less", "mute"})


@dataclass(frozen=True, slots=True)
class SatisfactionSummary:
    """Feedback of a workspace, summed up.

    Attributes:
        counts: how often each action was given, undone ones included.
        by_kind: approval and disapproval that stand, per kind of target.
        per_person: mean over people of the share of approval among their approval and disapproval, 0–1.
        per_sitting: the same over sittings.
        undone: share of all actions that were taken back, 0–1.
    """

    n_people: int
    n_sittings: int
    counts: dict[str, int]
    by_kind: dict[str, tuple[int, int]]
    per_person: Interval
    per_sitting: Interval
    undone: Interval

    def to_dict(self) -> dict[str, Any]:
        """The summary as JSON-ready data."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    def to_markdown(self) -> str:
        """A table, or one line when nobody has said anything."""
        if not self.n_people:
            return "Nobody has given feedback in this workspace yet.\n"
        actions = ", ".join(f"{name} {count}" for name, count in sorted(self.counts.items()))
        kinds = ", ".join(
            f"{kind} {up} for and {down} against" for kind, (up, down) in sorted(self.by_kind.items())
        )
        lines = [
            "| feedback | value |",
            "|---|---|",
            f"| people, sittings | {self.n_people}, {self.n_sittings} |",
            f"| actions | {actions} |",
            f"| by target | {kinds or '–'} |",
            f"| share of approval per person | {show(self.per_person)} |",
            f"| share of approval per sitting | {show(self.per_sitting)} |",
            f"| share taken back | {show(self.undone)} |",
            "",
            "Approval: pin, more; disapproval: less, mute. 95 % intervals over people and over sittings. "
            "Only people who said something are counted.",
        ]
        return "\n".join(lines) + "\n"


def summarise_workspace(name: str) -> SatisfactionSummary:
    """The feedback of everybody in a workspace.

    Raises:
        WorkspaceNotFoundError: no such workspace.
    """
    place = Workspace.find(name)
    with Store.open(place.store_path) as store:
        with store.read() as connection:
            users = connection.execute(select(feedback_table.c.user_id).distinct()).scalars().all()
        given = [entry for user in sorted(users) for entry in load_feedback(store, user)]
    return summarise_feedback(given)


def summarise_feedback(given: Sequence[Feedback], *, seed: int = 0) -> SatisfactionSummary:
    """The summary of any feedback; `seed` is of the resampling."""
    acts = [entry for entry in given if entry.action != "undo"]
    opinions = [entry for entry in acts if not entry.undone and entry.action in APPROVAL | DISAPPROVAL]
    by_kind: dict[str, tuple[int, int]] = {}
    for entry in opinions:
        up, down = by_kind.get(entry.target_kind, (0, 0))
        approves = entry.action in APPROVAL
        by_kind[entry.target_kind] = (up + approves, down + (not approves))
    return SatisfactionSummary(
        n_people=len({entry.user_id for entry in given}),
        n_sittings=len({_sitting(entry) for entry in given}),
        counts=dict(Counter(entry.action for entry in given)),
        by_kind=by_kind,
        per_person=_mean_share(opinions, [str(entry.user_id) for entry in opinions], seed=seed),
        per_sitting=_mean_share(opinions, [_sitting(entry) for entry in opinions], seed=seed),
        undone=rate(sum(entry.undone for entry in acts), len(acts)),
    )


def _mean_share(opinions: Sequence[Feedback], groups: Sequence[str], *, seed: int) -> Interval:
    """Mean over groups of the share of approval in each, with a bootstrap interval over groups."""
    shares: dict[str, list[bool]] = {}
    for entry, group in zip(opinions, groups, strict=True):
        shares.setdefault(group, []).append(entry.action in APPROVAL)
    return bootstrap_mean(np.array([np.mean(values) for values in shares.values()], np.float64), seed=seed)


def _sitting(entry: Feedback) -> str:
    return f"{entry.user_id}\0{entry.created:%Y-%m-%d}"
