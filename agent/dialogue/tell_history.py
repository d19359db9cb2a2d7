"""Searching one's own events: by words, by meaning, by time and by kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from agent.dialogue.answers import Draft, Sentence
from agent.dialogue.constraints import word_pattern
from agent.dialogue.context import ToolContext
from agent.dialogue.goods_zh import unreadable
from agent.dialogue.periods import Period
from agent.dialogue.phrases import KIND_NAMES, say
from agent.dialogue.tell_counts import COUNT_MODES, CountMode, count

SearchMode = Literal["list", "oldest", "count", "first", "last"] | CountMode

_ROWS: Final = 8
MOST_ROWS: Final = 50
# Cosine from which an item counts as near what was asked for.
_NEAR: Final = 0.5
_ANCHORS: Final = 200


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
    rows, how = _found_rows(ctx, words, periods, events)
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
        days = ctx.host.log.day[_in_time(ctx, periods)]
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


def _found_rows(
    ctx: ToolContext, words: Sequence[str], periods: Sequence[Period], events: Sequence[str]
) -> tuple[NDArray[np.int64], str]:
    """Row numbers, oldest first, and how they were found: by all the words, some of them, or by meaning."""
    rows = matching_rows(ctx, words, periods, events)
    if not words or len(rows):
        return rows, "count"
    rows = _some_rows(ctx, words, periods, events)
    return (rows, "some") if len(rows) else (_near_rows(ctx, words, periods, events), "near")


def matching_rows(
    ctx: ToolContext, words: Sequence[str], periods: Sequence[Period], events: Sequence[str]
) -> NDArray[np.int64]:
    """Row numbers, oldest first, of the person's events that fit all that is given."""
    log = ctx.host.log
    keep = _in_time(ctx, periods) & _of_kind(ctx, events)
    if words:
        patterns = [word_pattern(word) for word in words]
        said: dict[int, bool] = {}
        for row in np.flatnonzero(keep):
            item = int(log.item[row])
            if item < 0:
                query = log.queries.get(int(log.interaction_id[row]), "").casefold()
                keep[row] = all(pattern.search(query) for pattern in patterns)
                continue
            if item not in said:
                said[item] = all(pattern.search(_text(ctx, item)) for pattern in patterns)
            keep[row] = said[item]
    return np.flatnonzero(keep)


def _text(ctx: ToolContext, item: int) -> str:
    catalogue = ctx.host.catalogue
    parts = (catalogue.titles[item], *catalogue.categories[item], catalogue.descriptions[item])
    return " ".join(parts).casefold()


def _in_time(ctx: ToolContext, periods: Sequence[Period]) -> NDArray[np.bool_]:
    stamps = ctx.host.log.timestamp_ms
    if not periods:
        return np.ones(len(stamps), np.bool_)
    keep = np.zeros(len(stamps), np.bool_)
    for period in periods:
        if period.relation == "before":
            keep |= stamps < period.start_ms
        elif period.relation == "since":
            keep |= stamps >= period.start_ms
        else:
            keep |= (stamps >= period.start_ms) & (stamps < period.end_ms)
    return keep


def _of_kind(ctx: ToolContext, events: Sequence[str]) -> NDArray[np.bool_]:
    log = ctx.host.log
    known = [code for code, name in enumerate(log.events) if name in events]
    # “What did I buy” where nothing is ever bought means whatever there is.
    if not events or not known or not np.isin(log.event, known).any():
        return np.ones(len(log), np.bool_)
    kept: NDArray[np.bool_] = np.isin(log.event, known)
    return kept


def _some_rows(
    ctx: ToolContext, words: Sequence[str], periods: Sequence[Period], events: Sequence[str]
) -> NDArray[np.int64]:
    """Events that match at least one of several words."""
    if len(words) < 2:
        return np.empty(0, np.int64)
    return np.unique(np.concatenate([matching_rows(ctx, [word], periods, events) for word in words]))


def needs_encoder(
    ctx: ToolContext, words: Sequence[str], periods: Sequence[Period], events: Sequence[str]
) -> bool:
    """Whether only the model behind the item vectors can find something: the catalogue has no such word."""
    if not words or unreadable(words, ctx.host.catalogue) or len(matching_rows(ctx, words, periods, events)):
        return False
    return not len(_some_rows(ctx, words, periods, events)) and _anchor(ctx, words) is None


def _near_rows(
    ctx: ToolContext, words: Sequence[str], periods: Sequence[Period], events: Sequence[str]
) -> NDArray[np.int64]:
    """Events on items close in meaning to the catalogue's items of those words, else to the words."""
    catalogue, log = ctx.host.catalogue, ctx.host.log
    keep = _in_time(ctx, periods) & _of_kind(ctx, events) & (log.item >= 0)
    rows = np.flatnonzero(keep)
    if catalogue.vectors is None or not len(rows):
        return np.empty(0, np.int64)
    target = _anchor(ctx, words)
    if target is None:
        target = ctx.host.embed(" ".join(words))
    if target is None:
        return np.empty(0, np.int64)
    similarity = catalogue.item_vectors(log.item[rows]) @ target
    return rows[similarity >= _NEAR]


def _anchor(ctx: ToolContext, words: Sequence[str]) -> NDArray[np.float32] | None:
    """Mean direction of the catalogue's items that say all the words; None when there are none."""
    catalogue = ctx.host.catalogue
    patterns = [word_pattern(word) for word in words]
    found: list[int] = []
    for code, title in enumerate(catalogue.titles):
        folded = title.casefold()
        if all(pattern.search(folded) for pattern in patterns) and catalogue.text_row[code] >= 0:
            found.append(code)
            if len(found) >= _ANCHORS:
                break
    if not found:
        return None
    mean = catalogue.item_vectors(np.array(found, np.int32)).mean(axis=0)
    norm = float(np.linalg.norm(mean))
    return None if norm == 0 else np.asarray(mean / norm, np.float32)


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


def describe(
    ctx: ToolContext, words: Sequence[str], periods: Sequence[Period], events: Sequence[str] = ()
) -> str:
    """What is looked for, in words."""
    parts = [ctx.marked(" ".join(words))] if words else []
    parts += [KIND_NAMES[ctx.language].get(name, name) for name in events]
    parts += [period.shown if period.relation == "in" else period.text for period in periods]
    return say(ctx, "comma").join(parts) or say(ctx, "search_all")


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
