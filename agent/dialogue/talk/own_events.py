"""Which of one's own events are meant: by words, by meaning, by time and by kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.dialogue.sentences.goods_zh import unreadable
from agent.dialogue.sentences.periods import Period
from agent.dialogue.talk.constraints import word_pattern
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.phrases import KIND_NAMES, say

# Cosine from which an item counts as near what was asked for.
_NEAR: Final = 0.5
_ANCHORS: Final = 200


def found_rows(
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
    keep = in_time(ctx, periods) & _of_kind(ctx, events)
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


def in_time(ctx: ToolContext, periods: Sequence[Period]) -> NDArray[np.bool_]:
    """`(n_events,)` whether an event lies in one of the spans of time; every one without any."""
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
    keep = in_time(ctx, periods) & _of_kind(ctx, events) & (log.item >= 0)
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


def describe(
    ctx: ToolContext, words: Sequence[str], periods: Sequence[Period], events: Sequence[str] = ()
) -> str:
    """What is looked for, in words."""
    parts = [ctx.marked(" ".join(words))] if words else []
    parts += [KIND_NAMES[ctx.language].get(name, name) for name in events]
    parts += [period.shown if period.relation == "in" else period.text for period in periods]
    return say(ctx, "comma").join(parts) or say(ctx, "search_all")
