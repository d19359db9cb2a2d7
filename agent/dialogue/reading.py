"""From a question to the typed arguments of its tool. What cannot be read becomes a question back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.dialogue.answers import Draft, Sentence
from agent.dialogue.context import ToolContext
from agent.dialogue.item_choice import by_words, choose, likeliest
from agent.dialogue.lexicon import HAN, content_words
from agent.dialogue.mentions import (
    Topic,
    find_places,
    find_topic,
    means_both,
    means_shown,
    normal,
    says_all,
)
from agent.dialogue.periods import Period, find_periods, without_periods
from agent.dialogue.phrases import say
from agent.dialogue.read_search import EVENT_WORDS, events_of
from agent.dialogue.tell_history import describe, matching_rows
from agent.dialogue.tell_person import moment_of, windows_of
from agent.dialogue.tool_args import (
    AsOfArgs,
    ConstraintArgs,
    EventsArgs,
    ItemArgs,
    ListArgs,
    PairArgs,
    SteerArgs,
    TopicArgs,
    UndoArgs,
    WindowArgs,
    WithdrawArgs,
)
from agent.dialogue.wishes import WishReader

_FACETS_NAMED: Final = 6
_LESS: Final = re.compile(r"\bless\b|\bfewer\b|少", re.IGNORECASE)
_LISTED: Final = re.compile(r"\brecommend|\bsuggest|\blist\b|推荐|列表", re.IGNORECASE)
_EVERY: Final = re.compile(r"\b(?:all|every|ever|each|any)\b|全部|所有|每次|曾经", re.IGNORECASE)
_RECEIVER: Final = re.compile(
    r"\b(?:for|to) (?:my|a|the|our|some)\s?\w+\b"
    r"|\b(?:gifts?|presents?|kid|child|someone|somebody|account|myself|mine)\b"
    r"|(?:给|帮|替|为)(?:我)?(?:的)?\w{2}|礼物|送(?:给)?(?:人|朋友|他|她|我\w{0,2})?的?",
    re.IGNORECASE,
)
_SHOW: Final = re.compile(r"\b(?:which|what|show|list)\b|哪些|什么|查看|显示|列出", re.IGNORECASE)
_SLOTS: Final = (
    (r"\bprice|\bcheap|\bexpensive|\bcost|价|便宜", "price"),
    (r"\blength|\bshort|\blong\b|\bduration|\bpages|\bminutes|长|短|页", "length"),
    (r"\byear|\bnew(?:er)?\b|\bold(?:er)?\b|年", "year"),
    (r"\bsize|\bsmall|\bbig|规格|大小", "size"),
    (r"\bbrand|\bmaker|\bpublisher|牌|厂商|出版社", "not"),
    (r"\bbrand|\bmaker|\bpublisher|牌|厂商|出版社", "brand"),
    (r"\bcategor|\btype\b|类", "category"),
    (r"\bdomain|领域", "domain"),
    (r"\bchild|\bkid|孩|儿童", "audience"),
    (r"\bhad before|\bnew to me|没.过", "new_only"),
)


def periods_of(ctx: ToolContext) -> list[Period]:
    """The spans of time in the question."""
    return find_periods(ctx.question, ctx.now)


def ask_back(ctx: ToolContext, key: str, **values: object) -> Draft:
    """A question back in place of an answer."""
    return Draft((Sentence(say(ctx, key, **values), claim=False),))


def named_items(ctx: ToolContext, *, plain: bool = True) -> list[str] | Draft:
    """Ids of the items a question names by place or title, in its order; a place that is not there asks back.

    Args:
        plain: False leaves out titles of a single word, which may as well be a topic.
    """
    places = find_places(ctx.question, len(ctx.state.listed))
    found: list[tuple[int, str]] = []
    titles = ctx.names.find_titles(ctx.question)
    inside = [span for span, _ in titles]
    for spot, place in places:
        if any(start <= spot < end for start, end in inside):
            continue  # “Nine Doors” is a title, not the ninth
        if not ctx.state.listed:
            return ask_back(ctx, "no_list")
        if place > len(ctx.state.listed):
            return ask_back(ctx, "no_place", n=len(ctx.state.listed), place=place)
        found.append((spot, ctx.state.listed[place - 1]))
    for (start, end), codes in titles:
        span = ctx.question[start:end]
        if plain or len(span.split()) > 1 or len(HAN.findall(span)) > 3:
            found.append((start, ctx.host.catalogue.item_ids[choose(ctx, codes)]))
    return list(dict.fromkeys(item for _, item in sorted(found)))


def read_item(ctx: ToolContext) -> ItemArgs | Draft:
    """The item a question is about: by place, title, words of a title, or the one spoken of last."""
    named = named_items(ctx)
    if isinstance(named, Draft):
        return named
    words = content_words(ctx.question)
    if named and find_places(ctx.question, 99):
        return ItemArgs(item_id=named[0])
    if len(words) == 1 and not HAN.search(words[0]) and (likely := likeliest(ctx, words[0])):
        return ItemArgs(item_id=likely[0], others=tuple(likely[1:]))
    if named:
        longest = max(named, key=lambda item: len(ctx.host.catalogue.titles[ctx.code(item)]))
        return ItemArgs(item_id=longest)
    if (said := by_words(ctx, words)) is not None:
        return ItemArgs(item_id=said)
    spoken = [*ctx.state.focus, *ctx.state.listed]
    if spoken and (means_shown(ctx.question) or not content_words(ctx.question)):
        return ItemArgs(item_id=spoken[0])
    if words:
        shown = say(ctx, "comma").join(label for _, label in ctx.facets[:_FACETS_NAMED]) or "–"
        return ask_back(ctx, "no_such", word=ctx.marked(" ".join(words)), shown=shown)
    return ask_back(ctx, "no_item" if ctx.state.listed else "no_list")


def read_explained(ctx: ToolContext) -> ItemArgs | TopicArgs | Draft:
    """What “why …?” is about: an item, or the interest or category whose name is all that is said of it."""
    words = content_words(ctx.question)
    if not words or find_places(ctx.question, 99):
        return read_item(ctx)
    if isinstance(named := named_items(ctx, plain=False), Draft) or named:
        return named if isinstance(named, Draft) else read_item(ctx)
    topic = find_topic(ctx.question, ctx.names, ctx.facets)
    if topic is None or not says_all(words, topic.name):
        return read_item(ctx)
    if topic.kind == "category" and normal(topic.name) in ctx.care.declared - ctx.state.named:
        return read_item(ctx)
    return TopicArgs(kind=topic.kind, target=topic.target, name=ctx.marked(topic.name))


def read_pair(ctx: ToolContext) -> PairArgs | Draft:
    """The two items to compare."""
    named = named_items(ctx)
    if isinstance(named, Draft):
        return named
    if len(named) < 2 and (means_both(ctx.question) or means_shown(ctx.question) or named):
        named = list(dict.fromkeys([*named, *ctx.state.focus, *ctx.state.listed]))
    if len(named) < 2:
        return ask_back(ctx, "two_items")
    return PairArgs(first=named[0], second=named[1])


def read_list(ctx: ToolContext) -> ListArgs:
    """Length and conditions of a list."""
    spoken = [ctx.code(item) for item in dict.fromkeys((*ctx.state.focus, *ctx.state.listed))]
    reader = WishReader(ctx.host.items, ctx.names, ctx.language, spoken)
    wishes = reader.read(ctx.question)
    constraints = tuple(
        ConstraintArgs(kind=entry.kind, value=entry.value, what=entry.what) for entry in wishes.constraints
    )
    return ListArgs(k=wishes.k, constraints=constraints, problems=wishes.problems)


def read_as_of(ctx: ToolContext) -> AsOfArgs | Draft:
    """The moment, and whether the profile or a list is wanted."""
    moment = moment_of(periods_of(ctx), ctx.now)
    if moment is None:
        return ask_back(ctx, "no_date")
    return AsOfArgs(moment=moment, what="list" if _LISTED.search(ctx.question) else "profile")


def read_windows(ctx: ToolContext) -> WindowArgs:
    """The two windows to compare."""
    start_ms, split_ms, end_ms = windows_of(periods_of(ctx))
    return WindowArgs(start_ms=start_ms, split_ms=split_ms, end_ms=end_ms)


def read_what_if(ctx: ToolContext) -> EventsArgs | Draft:
    """The events to think away: of an item, of words, of a span of time."""
    periods = periods_of(ctx)
    named = named_items(ctx, plain=False)
    if isinstance(named, Draft):
        return named
    if named:
        rows = np.concatenate([ctx.rows_of_item(ctx.code(item)) for item in named])
        name = say(ctx, "comma").join(ctx.title(ctx.code(item)) for item in named)
        if periods:
            rows = np.intersect1d(rows, matching_rows(ctx, (), periods, ()))
    else:
        rest = without_periods(ctx.question, periods)
        words = [word for word in content_words(rest) if not EVENT_WORDS.fullmatch(word)]
        if not words and not periods and ctx.state.focus and means_shown(ctx.question):
            code = ctx.code(ctx.state.focus[0])
            rows, name = ctx.rows_of_item(code), ctx.title(code)
        elif not words and not periods:
            return ask_back(ctx, "no_event")
        else:
            events = events_of(rest) if periods else ()
            rows, name = matching_rows(ctx, words, periods, events), describe(ctx, words, periods)
    ids = tuple(int(ctx.host.log.interaction_id[row]) for row in np.unique(rows))
    return EventsArgs(interaction_ids=ids, name=name)


def read_gift(ctx: ToolContext) -> EventsArgs | Draft:
    """The events that were not for the person: of a day, of an item (its latest day unless all are meant)."""
    periods = periods_of(ctx)
    found = _meant(ctx, periods)
    if isinstance(found, Draft):
        return found
    rows, name = found
    if not len(rows):
        return ask_back(ctx, "no_event")
    note = ""
    if not periods:
        rows = _bought(ctx, rows)
        days = ctx.host.log.day[rows]
        if not _EVERY.search(ctx.question) and len(np.unique(days)) > 1:
            rows = rows[days == days.max()]
            note = say(ctx, "only_last", day=ctx.day(int(rows[-1])))
    ids = tuple(int(ctx.host.log.interaction_id[row]) for row in np.unique(rows))
    item = int(ctx.host.log.item[rows[-1]])
    alone = item >= 0 and bool((ctx.host.log.item[rows] == item).all())
    less_of = ctx.host.catalogue.item_ids[item] if alone and _LESS.search(ctx.question) else ""
    return EventsArgs(interaction_ids=ids, name=name, note=note, less_of=less_of)


def _meant(ctx: ToolContext, periods: Sequence[Period]) -> tuple[NDArray[np.int64], str] | Draft:
    """Rows of the events that a gift may mean, and what they are called."""
    named = named_items(ctx, plain=False)
    if isinstance(named, Draft):
        return named
    in_time = matching_rows(ctx, (), periods, ())
    rest = _RECEIVER.sub(" ", without_periods(ctx.question, periods))
    words = [word for word in content_words(rest) if not EVENT_WORDS.fullmatch(word)]
    if named:
        rows = np.concatenate([ctx.rows_of_item(ctx.code(item)) for item in named])
        name = say(ctx, "comma").join(ctx.title(ctx.code(item)) for item in named)
        return np.intersect1d(rows, in_time), name
    if words:
        return matching_rows(ctx, words, periods, ()), describe(ctx, words, periods)
    if periods:
        return in_time, describe(ctx, (), periods)
    if not ctx.state.focus:
        return ask_back(ctx, "no_event")
    code = ctx.code(ctx.state.focus[0])
    return ctx.rows_of_item(code), ctx.title(code)


def _bought(ctx: ToolContext, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of the events that are purchases; all of them where none is: what was only viewed was no gift."""
    log = ctx.host.log
    bought = [name in ("purchase", "add-to-cart") for name in log.events]
    chosen = rows[np.array(bought, np.bool_)[log.event[rows]]]
    return chosen if len(chosen) else rows


def read_forget(ctx: ToolContext) -> EventsArgs | Draft:
    """The events to forget: all of an item, of words, or of a span of time."""
    found = read_what_if(ctx)
    if isinstance(found, Draft) or found.interaction_ids:
        return found
    return ask_back(ctx, "no_event")


def read_topic(ctx: ToolContext, *, facet_only: bool = False) -> SteerArgs | Draft:
    """The interest, category or item that a wish for more or less is about.

    Args:
        facet_only: only interests can be pinned; an item or category stands for the interest it is in.
    """
    named = named_items(ctx, plain=False)
    if isinstance(named, Draft):
        return named
    topic: Topic | None = None
    if not named:
        topic = find_topic(without_periods(ctx.question, periods_of(ctx)), ctx.names, ctx.facets)
        if topic is None and ctx.state.focus and not content_words(ctx.question):
            named = [ctx.state.focus[0]]
    if facet_only:
        return _facet_of(ctx, named, topic)
    if topic is not None:
        # The nearest category may be one that is not to be named: then the person's own words stand for it.
        unsaid = topic.kind == "category" and normal(topic.name) in ctx.care.declared - ctx.state.named
        name = " ".join(content_words(ctx.question)) if unsaid else topic.name
        return SteerArgs(kind=topic.kind, target=topic.target, name=ctx.marked(name))
    if not named and (single := by_words(ctx, content_words(ctx.question))):
        named = [single]
    if named:
        return SteerArgs(kind="item", target=named[0], name=ctx.title(ctx.code(named[0])))
    return _no_topic(ctx)


def _facet_of(ctx: ToolContext, named: Sequence[str], topic: Topic | None) -> SteerArgs | Draft:
    if topic is not None and topic.kind == "facet":
        return SteerArgs(kind="facet", target=topic.target, name=ctx.marked(topic.name))
    for facet in ctx.profile.facets:
        of_item = any(item in facet.item_ids for item in named)
        codes = [ctx.code(item) for item in facet.item_ids]
        of_topic = topic is not None and any(
            topic.name in ctx.host.catalogue.categories[code] for code in codes
        )
        if (of_item or of_topic) and not ctx.hides(facet):
            return SteerArgs(kind="facet", target=facet.key, name=ctx.marked(facet.label))
    return _no_topic(ctx)


def _no_topic(ctx: ToolContext) -> Draft:
    shown = say(ctx, "comma").join(label for _, label in ctx.facets[:_FACETS_NAMED]) or "–"
    marks = tuple(f"facet:{key}" for key, _ in ctx.facets[:_FACETS_NAMED])
    return Draft((Sentence(say(ctx, "no_topic", shown=shown), marks, claim=False),))


def read_undo(ctx: ToolContext) -> UndoArgs:
    """Which feedback to take back."""
    match = re.search(r"(?:feedback|#|no\.?|number|第)\s*#?(\d+)", ctx.question, re.IGNORECASE)
    number = int(match.group(1)) if match else None
    return UndoArgs(feedback_id=number if number else None)


def read_withdraw(ctx: ToolContext) -> WithdrawArgs:
    """Which constraints to withdraw, or that they are only to be shown."""
    question, held = ctx.question, ctx.state.constraints
    folded = question.casefold()
    named = [entry for entry in held if entry.value and entry.value.casefold() in folded]
    if not named:
        wanted = [slot for pattern, slot in _SLOTS if re.search(pattern, question, re.IGNORECASE)]
        named = [entry for entry in held if entry.what in wanted or (not entry.what and entry.kind in wanted)]
        if _SHOW.search(question) and not _DROP.search(question):
            return WithdrawArgs()
        if not wanted:
            named = list(held)
    return WithdrawArgs(slots=tuple(entry.slot for entry in named))


_DROP: Final = re.compile(
    r"\b(?:drop|remove|clear|lift|forget|delete|withdraw|reset|cancel|anything goes|again|no longer)\b"
    r"|取消|去掉|去除|清除|移除|删除|解除|不用|不要|放开|忘掉|可以",
    re.IGNORECASE,
)
