"""Why an item is recommended: a reason in words and the user's own events that it rests on. No model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue, InteractionLog
from agent.interests.evidence import day_name
from agent.interests.frame import FacetFrame
from agent.interests.words import Language, percent, season_when, short_title
from agent.schema import Evidence, Facet, FacetChange

# Cosine from which an item of the user's own history is called close.
_CLOSE = 0.5
_OWN_ITEMS = 3
_EVENTS_PER_ITEM = 3

_VERBS: dict[Language, dict[str, str]] = {
    "en": {
        "purchase": "bought",
        "view": "viewed",
        "rate": "rated",
        "like": "liked",
        "follow": "followed",
        "add-to-cart": "put in the cart",
    },
    "zh": {
        "purchase": "购买",
        "view": "浏览",
        "rate": "评分",
        "like": "点赞",
        "follow": "关注",
        "add-to-cart": "加入购物车",
    },
}
_COLLABORATIVE = frozenset({"ease", "item-knn", "als", "transitions"})
_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "again": "{verb} {times}, last on {day}",
        "once": "once",
        "times": "{n} times",
        "close": "close to {title}, {verb} on {day}",
        "like_you": "people with a history like this one take it",
        "network": "in touch with people this history is in touch with",
        "popular": "popular with everyone at the moment",
        "facet": "part of the interest “{label}” ({share} now)",
        "moved": "part of the interest “{label}”, {kind} ({before} → {after})",
        "season": "part of the interest “{label}”, which comes with the season: {when}",
        "nothing": "nothing in this history speaks for or against it",
        "join": "; ",
        "stop": ".",
    },
    "zh": {
        "again": "{verb}过{times}，最近一次在{day}",
        "once": "一次",
        "times": "{n}次",
        "close": "与{day}{verb}的《{title}》相近",
        "like_you": "有相似记录的人也会选择它",
        "network": "与这份记录中的联系人有往来",
        "popular": "目前大家都在选择",
        "facet": "属于兴趣“{label}”（现在占{share}）",
        "moved": "属于兴趣“{label}”，{kind}（{before} → {after}）",
        "season": "属于随季节而来的兴趣“{label}”：{when}",
        "nothing": "这份记录中没有支持或反对它的内容",
        "join": "；",
        "stop": "。",
    },
}
_KINDS_ZH = {
    "new": "新出现",
    "rising": "上升",
    "fading": "下降",
    "dropped": "停止",
    "returned": "回归",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """What answers for one recommendation."""

    text: str
    facets: tuple[str, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class ReasonContext:
    """What reasons are read from: one user's history before the moment, their facets and changes.

    `taken` is how often each item was taken by anybody before the moment, `(n_items,)`.
    """

    log: InteractionLog
    catalogue: Catalogue
    frame: FacetFrame
    facets: Mapping[str, Facet]
    changes: Mapping[str, FacetChange]
    taken: NDArray[np.int64]
    language: Language


def explain_item(context: ReasonContext, item: int, sources: Mapping[str, float]) -> Reason:
    """The reason for one item.

    Args:
        item: item code.
        sources: share of each source in the item's score.
    """
    own = np.flatnonzero((context.log.item == item) & (context.log.weight > 0))
    parts: list[str] = []
    words = _WORDS[context.language]
    if len(own):
        rows = own
        parts.append(_again(context, own))
    else:
        rows = _close_events(context, item)
        if len(rows):
            parts.append(_close(context, int(rows[0])))
    lead = max(sources, key=lambda name: (sources[name], name), default="")
    # Collaborative sources also reach items by text alone: people are only cited where there are any.
    if lead in _COLLABORATIVE and not len(own) and context.taken[item] > 0:
        parts.append(words["like_you"])
    if lead == "friends-of-friends" and not len(own):
        parts.append(words["network"])
    key = _facet_key(context, item)
    if key in context.facets:
        parts.append(_facet_words(context, key))
    if not parts:
        parts = [words["popular"], words["nothing"]] if "popular" in lead else [words["nothing"]]
    text = words["join"].join(parts) + words["stop"]
    facets = (key,) if key in context.facets else ()
    return Reason(text[:1].upper() + text[1:], facets, _evidence(context, rows))


def _verb(context: ReasonContext, row: int) -> str:
    event = context.log.events[int(context.log.event[row])]
    return _VERBS[context.language].get(event, f"“{event}”")


def _day(context: ReasonContext, row: int) -> str:
    return day_name(int(context.log.day[row]))


def _again(context: ReasonContext, rows: NDArray[np.int64]) -> str:
    """How often and when last, of the weightiest kind of event among `rows`."""
    words = _WORDS[context.language]
    heaviest = rows[int(context.log.weight[rows].argmax())]
    rows = rows[context.log.event[rows] == context.log.event[heaviest]]
    times = words["once"] if len(rows) == 1 else words["times"].format(n=len(rows))
    last = int(rows[-1])
    return words["again"].format(verb=_verb(context, last), times=times, day=_day(context, last))


def _close(context: ReasonContext, row: int) -> str:
    title = short_title(context.catalogue.titles[int(context.log.item[row])])
    words = _WORDS[context.language]
    return words["close"].format(title=title, verb=_verb(context, row), day=_day(context, row))


def _facet_words(context: ReasonContext, key: str) -> str:
    words, facet, change = _WORDS[context.language], context.facets[key], context.changes.get(key)
    if change is None or change.kind == "stable":
        return words["facet"].format(label=facet.label, share=percent(facet.share))
    if change.season is not None:
        when = season_when(change.season, context.language)
        return words["season"].format(label=facet.label, when=when)
    kind = _KINDS_ZH[change.kind] if context.language == "zh" else change.kind
    return words["moved"].format(
        label=facet.label, kind=kind, before=percent(change.share_before), after=percent(change.share_after)
    )


def _facet_key(context: ReasonContext, item: int) -> str:
    """Key of the facet an item belongs to, or would join; empty when none is near."""
    frame = context.frame
    position = int(frame.facet_of(np.array([item], np.int32))[0])
    if position >= 0:
        return frame.keys[position]
    if context.catalogue.vectors is None or not frame.n_facets or context.catalogue.text_row[item] < 0:
        return ""
    similarity = frame.centroids @ context.catalogue.vectors[context.catalogue.text_row[item]]
    best = int(similarity.argmax())
    return frame.keys[best] if similarity[best] >= _CLOSE else ""


def _close_events(context: ReasonContext, item: int) -> NDArray[np.int64]:
    """Rows of the user's events on the items closest to `item` by text; the closest first, newest first."""
    catalogue, log = context.catalogue, context.log
    empty = np.empty(0, np.int64)
    if catalogue.vectors is None or catalogue.text_row[item] < 0:
        return empty
    liked = np.flatnonzero((log.item >= 0) & (log.weight > 0))
    if not len(liked):
        return empty
    items = np.unique(log.item[liked])
    similarity = catalogue.item_vectors(items) @ catalogue.vectors[catalogue.text_row[item]]
    best = np.argsort(-similarity, kind="stable")[:_OWN_ITEMS]
    rows = [
        liked[log.item[liked] == items[spot]][::-1][:_EVENTS_PER_ITEM]
        for spot in best
        if similarity[spot] >= _CLOSE
    ]
    return np.concatenate(rows) if rows else empty


def _evidence(context: ReasonContext, rows: NDArray[np.int64]) -> tuple[Evidence, ...]:
    """The events of `rows`, grouped by session, newest first: all that the reason counts."""
    by_day: dict[int, list[int]] = {}
    for row in np.sort(rows)[::-1]:
        by_day.setdefault(int(context.log.day[row]), []).append(int(row))
    return tuple(
        Evidence(
            day=day_name(day),
            interaction_ids=tuple(int(context.log.interaction_id[row]) for row in members),
            titles=tuple(dict.fromkeys(context.catalogue.titles[context.log.item[row]] for row in members)),
        )
        for day, members in by_day.items()
    )
