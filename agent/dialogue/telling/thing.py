"""What one's history holds of a kind of thing: when last, how much before and after, and what that shows."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.data.days import moment
from agent.dialogue.sentences.goods_zh import unreadable
from agent.dialogue.sentences.periods import Period
from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.own_events import describe, matching_rows
from agent.dialogue.talk.phrases import say
from agent.dialogue.talk.tool_args import ThingArgs
from agent.dialogue.telling.items import DEPTH, cited_ids
from agent.interests.words import percent

# Given up: nothing for so many times the usual gap, and for so many days.
_TIMES_GAP: Final = 3
_LEAST_DAYS: Final = 30


def tell_thing(ctx: ToolContext, given: ThingArgs) -> Draft:
    """The answer from the person's own events; nothing is supposed beyond them."""
    name = ctx.marked(" ".join(given.words))
    if unreadable(given.words, ctx.host.catalogue):
        return Draft((Sentence(say(ctx, "search_unreadable", what=name), claim=False),))
    zone = ctx.host.log.zone
    periods = [
        Period(moment(span.start_ms, zone), moment(span.end_ms, zone), span.text, span.relation)
        for span in given.spans
    ]
    rows = matching_rows(ctx, given.words, periods, ())
    if given.what == "cause":
        return _cause(ctx, given.item_id, rows, describe(ctx, given.words, periods))
    facts: dict[str, object] = {"thing": {"words": list(given.words), "events": len(rows)}}
    if not len(rows):
        key = "premise_none" if given.what == "premise" else "thing_none"
        return Draft((Sentence(say(ctx, key, what=name), ("fact:thing",)),), facts)
    last = int(rows[-1])
    marks = (*ctx.marks(rows[::-1]), "fact:thing")
    title = ctx.title(int(ctx.host.log.item[last])) if ctx.host.log.item[last] >= 0 else name
    if given.what == "premise":
        text = say(
            ctx, "premise", n=len(rows), what=name, title=title, verb=ctx.verb(last), day=ctx.day(last)
        )
        return Draft((Sentence(text, marks),), facts)
    lead = say(ctx, "thing_last", n=len(rows), what=name, title=title, verb=ctx.verb(last), day=ctx.day(last))
    sentences = [Sentence(lead, marks), _gap(ctx, rows, facts), *_shares(ctx, rows, facts)]
    return Draft(tuple(sentences), facts)


def _gap(ctx: ToolContext, rows: NDArray[np.int64], facts: dict[str, object]) -> Sentence:
    """Whether the time since the last one is long against the usual gap."""
    days = np.unique(ctx.host.log.day[rows])
    since = int(ctx.host.log.day[-1] - days[-1])
    usual = float(np.median(np.diff(days))) if len(days) > 1 else 0.0
    facts["gap"] = {"since": since, "usual": usual}
    if not usual:
        return Sentence(say(ctx, "gap_once", since=since), ("fact:gap",))
    stopped = since > max(_TIMES_GAP * usual, _LEAST_DAYS)
    text = say(ctx, "gap_stopped" if stopped else "gap_on", since=since, usual=f"{usual:g}")
    return Sentence(text, ("fact:gap",), aside=True)


def _shares(ctx: ToolContext, rows: NDArray[np.int64], facts: dict[str, object]) -> list[Sentence]:
    """Its part of the events in the two windows that a change of interests is told by."""
    found = ctx.host.migration()
    if not found.before or not found.after:
        return []
    parts: list[tuple[int, int]] = []
    stamps = ctx.host.log.timestamp_ms
    for window in (found.before, found.after):
        inside = (stamps >= _ms(window[0])) & (stamps < _ms(window[1]))
        parts.append((int(inside[rows].sum()), int(inside.sum())))
    facts["shares"] = parts
    (n_before, all_before), (n_after, all_after) = parts
    text = say(
        ctx,
        "thing_shares",
        split=f"{found.after[0]:%Y-%m-%d}",
        n_before=n_before,
        before=percent(n_before / max(all_before, 1)),
        n_after=n_after,
        after=percent(n_after / max(all_after, 1)),
    )
    return [Sentence(text, ("fact:shares",), aside=True)]


def _ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)


def _cause(ctx: ToolContext, item_id: str, rows: NDArray[np.int64], what: str) -> Draft:
    """Whether events are among those that are cited for an item."""
    title = ctx.title(ctx.code(item_id), whole=True)
    entry = next((one for one in ctx.host.recommend(ctx.query(DEPTH)) if one.item_id == item_id), None)
    cited = [] if entry is None else [int(row) for row in ctx.rows_of_ids(cited_ids(entry))]
    both = [row for row in cited if row in set(rows.tolist())]
    facts: dict[str, object] = {"cause": {"cited": len(cited), "asked": len(rows), "both": len(both)}}
    marks = (f"item:{item_id}", *ctx.marks(both or cited), "fact:cause")
    key = "cause_none" if not cited else "cause_yes" if both else "cause_no"
    text = say(ctx, key, title=title, n=len(cited), both=len(both), what=what, asked=len(rows))
    return Draft((Sentence(text, marks),), facts, (item_id,))
