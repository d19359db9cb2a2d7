"""Counts over one's own events: what was taken most, what the stored values sum to, how regularly it came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.dialogue.talk.answers import Sentence
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.phrases import say
from agent.interests.evidence import day_name
from agent.interests.words import percent

_ROWS: Final = 8
# Day 0 of the log, 1970-01-01, was a Thursday: weeks begin on Mondays.
_TO_MONDAY: Final = 3


def count(
    ctx: ToolContext,
    rows: NDArray[np.int64],
    what: str,
    mode: str,
    days: NDArray[np.generic],
    facts: dict[str, object],
) -> list[Sentence]:
    """The counted answer for some of the person's events, oldest first; at least one.

    Args:
        days: day numbers, in order, of all events in the time that is asked about.
    """
    if mode == "most":
        return _most(ctx, rows, what, facts)
    if mode == "spent":
        return [_spent(ctx, rows, what, facts)]
    return [_regular(ctx, rows, what, mode, days, facts)]


def _most(ctx: ToolContext, rows: NDArray[np.int64], what: str, facts: dict[str, object]) -> list[Sentence]:
    """Things by how often they were taken, most first; sizes and brands of one thing are one."""
    log = ctx.host.log
    groups: dict[str, list[int]] = {}
    for row in rows:
        if log.item[row] >= 0:
            groups.setdefault(ctx.title(int(log.item[row])), []).append(int(row))
    ordered = sorted(groups.items(), key=lambda pair: (-len(pair[1]), -pair[1][-1]))
    facts["most"] = {"things": len(groups), "counts": [len(members) for _, members in ordered[:_ROWS]]}
    lead = say(ctx, "most_lead", n=f"{len(rows):,}", what=what, things=f"{len(groups):,}")
    sentences = [Sentence(lead, (*ctx.marks(rows[::-1]), "fact:most"))]
    for title, members in ordered[:_ROWS]:
        text = say(ctx, "most_row", n=f"{len(members):,}", title=title, day=ctx.day(members[-1]))
        sentences.append(Sentence(text, (*ctx.marks(members[::-1]), "fact:most"), row=True))
    return sentences


def _spent(ctx: ToolContext, rows: NDArray[np.int64], what: str, facts: dict[str, object]) -> Sentence:
    """The sum of the values stored with purchases; that there are none where there are none."""
    log = ctx.host.log
    bought = np.array([log.events[int(log.event[row])] == "purchase" for row in rows], np.bool_)
    valued = rows[bought & ~np.isnan(log.value[rows])]
    total = float(log.value[valued].sum())
    facts["spent"] = {"events": len(rows), "with_value": len(valued), "sum": round(total, 2)}
    if not len(valued):
        text = say(ctx, "spent_none", n=f"{len(rows):,}", what=what)
        return Sentence(text, (*ctx.marks(rows[::-1]), "fact:spent"))
    text = say(ctx, "spent", n=f"{len(valued):,}", what=what, total=f"{total:,.2f}")
    return Sentence(text, (*ctx.marks(valued[::-1]), "fact:spent"), aside=True)


def _regular(
    ctx: ToolContext,
    rows: NDArray[np.int64],
    what: str,
    mode: str,
    days: NDArray[np.generic],
    facts: dict[str, object],
) -> Sentence:
    """In how many of the days, weeks or months of the person's history such an event stands."""
    first, last = int(days[0]), int(days[-1])
    hit = len(np.unique(_units(ctx.host.log.day[rows], mode)))
    ends = _units([first, last], mode)
    whole = int(ends[1] - ends[0]) + 1
    facts["regular"] = {"unit": mode, "with": hit, "of": whole}
    text = say(
        ctx,
        f"regular_{mode}",
        n=f"{hit:,}",
        of=f"{whole:,}",
        share=percent(hit / whole),
        what=what,
        first=day_name(first),
        last=day_name(last),
    )
    return Sentence(text, (*ctx.marks(rows[::-1]), "fact:regular"))


def _units(days: Sequence[int] | NDArray[np.generic], mode: str) -> NDArray[np.int64]:
    """The number of the day, week or month that each day number lies in."""
    numbers = np.asarray(days, np.int64)
    if mode == "daily":
        return numbers
    if mode == "weekly":
        return (numbers + _TO_MONDAY) // 7
    return numbers.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
