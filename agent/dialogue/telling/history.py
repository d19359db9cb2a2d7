"""Searching one's own events: by words, by meaning, by time and by kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.dialogue.sentences.goods_zh import unreadable
from agent.dialogue.sentences.periods import Period
from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.own_events import describe, found_rows, in_time, matching_rows
from agent.dialogue.talk.phrases import KIND_NAMES, say
from agent.dialogue.talk.tool_args import COUNT_MODES, SearchMode
from agent.dialogue.telling.counts import count

_ROWS: Final = 8


def search(
    ctx: ToolContext,
    words: Sequence[str],
    periods: Sequence[Period],
    events: Sequence[str],
    *,
    mode: SearchMode,
    limit: int | None = None,
    judged: bool = False,
) -> Draft:
    """The person's events that match words, spans of time and kinds; by meaning where words find none.

    Args:
        limit: how many to show, the newest (with mode `oldest` the oldest); None for a few.
        judged: the person asks whether it is much or enough: said to be theirs to judge.
    """
    missing = _missing_kinds(ctx, events)
    if missing and not words:
        return Draft((missing,), {"kinds": _kinds(ctx)})
    if unreadable(words, ctx.host.catalogue):
        text = say(ctx, "search_unreadable", what=ctx.marked(" ".join(words)))
        return Draft((Sentence(text, claim=False),))
    rows, how = found_rows(ctx, words, periods, events)
    near = how != "count"
    what = describe(ctx, words, periods, () if missing else events)
    facts: dict[str, object] = {"search": {"what": what, "n": len(rows), "how": how}}
    opening = [Sentence(say(ctx, "search_judged"), claim=False)] if judged else []
    if missing:
        opening, facts["kinds"] = [*opening, missing], _kinds(ctx)
    if not len(rows):
        none = Sentence(say(ctx, "search_none", what=what), ("fact:search",))
        return Draft((*opening, none), facts)
    if mode in COUNT_MODES and not near:
        days = ctx.host.log.day[in_time(ctx, periods)]
        return Draft((*opening, *count(ctx, rows, what, mode, days, facts)), facts)
    sentences = [*opening, *_told_rows(ctx, rows, words, what, how, mode, limit)]
    items = dict.fromkeys(int(ctx.host.log.item[row]) for row in rows[::-1] if ctx.host.log.item[row] >= 0)
    ids = tuple(ctx.host.catalogue.item_ids[item] for item in list(items)[:_ROWS])
    return Draft(tuple(sentences), facts, ids)


def _told_rows(
    ctx: ToolContext,
    rows: NDArray[np.int64],
    words: Sequence[str],
    what: str,
    how: str,
    mode: SearchMode,
    limit: int | None,
) -> list[Sentence]:
    """How many were found and how, the one that is asked for, and lines of them where a list is."""
    near = how != "count"
    marks = ctx.marks(rows[::-1])
    sentences = [
        Sentence(say(ctx, f"search_{how}", n=f"{len(rows):,}", what=what), (*marks, "fact:search")),
    ]
    if mode in ("first", "last") and not near:
        row = int(rows[0] if mode == "first" else rows[-1])
        text = say(ctx, f"search_{mode}", day=ctx.day(row), verb=ctx.verb(row), title=_name(ctx, row))
        sentences.insert(0, Sentence(text, ctx.marks([row])))
    if how == "near":
        # Of any kind and time, or only among those that were asked for.
        key = "search_unsaid_here" if len(matching_rows(ctx, words, (), ())) else "search_unsaid"
        sentences.insert(0, Sentence(say(ctx, key, what=ctx.marked(" ".join(words))), ("fact:search",)))
    if mode in ("list", "oldest") or near:
        ordered = rows if mode == "oldest" else rows[::-1]
        if limit is not None and len(rows) > 1:
            n = min(limit, len(rows))
            text = say(ctx, "search_oldest" if mode == "oldest" else "search_newest", n=n)
            sentences.append(Sentence(text, ("fact:search",)))
        sentences += _rows(ctx, ordered, limit or _ROWS, rest=limit is None)
    return sentences


def _kinds(ctx: ToolContext) -> dict[str, int]:
    """How many events of each kind the person has."""
    codes, counts = np.unique(ctx.host.log.event, return_counts=True)
    return {ctx.host.log.events[int(code)]: int(n) for code, n in zip(codes, counts, strict=True)}


def _missing_kinds(ctx: ToolContext, events: Sequence[str]) -> Sentence | None:
    """That the person has no event of the kinds asked for, and which they have; None when they have some."""
    own = _kinds(ctx)
    if not events or not own or any(name in own for name in events):
        return None
    names = KIND_NAMES[ctx.language]
    asked = say(ctx, "comma").join(names.get(name, name) for name in events)
    shown = say(ctx, "comma").join(
        say(ctx, "kind_count", n=f"{n:,}", name=names.get(name, name)) for name, n in own.items()
    )
    return Sentence(say(ctx, "search_no_kind", asked=asked, shown=shown), ("fact:kinds",))


def _rows(ctx: ToolContext, ordered: NDArray[np.int64], n: int, *, rest: bool) -> list[Sentence]:
    """One line for each of the first `n` events; with `rest` a line that counts the others."""
    listed = [int(row) for row in ordered]
    sentences: list[Sentence] = []
    for row in listed[:n]:
        value = float(ctx.host.log.value[row])
        rated = ctx.host.log.events[int(ctx.host.log.event[row])] == "rate"
        shown = f" ({value:g})" if rated and not np.isnan(value) else ""
        text = say(
            ctx, "search_row", day=ctx.day(row), verb=ctx.verb(row), title=_name(ctx, row), value=shown
        )
        sentences.append(Sentence(text, ctx.marks([row]), row=True))
    if rest and len(listed) > n:
        text = say(ctx, "search_more", n=len(listed) - n)
        sentences.append(Sentence(text, (*ctx.marks(listed[n:]), "fact:search"), row=True))
    return sentences


def _name(ctx: ToolContext, row: int) -> str:
    item = int(ctx.host.log.item[row])
    if item < 0:
        return ctx.marked(ctx.host.log.queries.get(int(ctx.host.log.interaction_id[row]), "–"))
    return ctx.title(item)
