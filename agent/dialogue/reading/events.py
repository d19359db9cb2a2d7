"""From a question to events of one's own: to think away, to set aside as a gift, to forget."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.dialogue.reading.items import ask_back, named_items, periods_of
from agent.dialogue.reading.search import EVENT_WORDS, events_of
from agent.dialogue.sentences.lexicon import content_words
from agent.dialogue.sentences.mentions import means_shown
from agent.dialogue.sentences.periods import Period, without_periods
from agent.dialogue.talk.answers import Draft
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.own_events import describe, matching_rows
from agent.dialogue.talk.phrases import say
from agent.dialogue.talk.tool_args import EventsArgs

_LESS: Final = re.compile(r"\bless\b|\bfewer\b|少", re.IGNORECASE)
_EVERY: Final = re.compile(r"\b(?:all|every|ever|each|any)\b|全部|所有|每次|曾经", re.IGNORECASE)
# Events that are thought in, not away: those cannot be tried.
_ADDED: Final = re.compile(
    r"\b(?:if|imagine|suppose|assume|pretend|say) (?:that )?(?:i|we) (?:had |were to |did |would |also |start(?:ed)? |now )*"
    r"(?:buy|buying|bought|eat|eating|ate|eaten|drink|drinking|drank|drunk|read|reading|watch|watching|watched|order|ordering|ordered|take|took|taken|get|got|gotten)\b(?! (?:out|away|back|off|rid)\b)"
    r"(?!.*\b(?:for (?:my|a|the|our|some)|gifts?|presents?|no|none|less|fewer|instead|nothing)\b)"
    r"|(?:如果|假如|要是|假设)我?(?:再|多|以后|也|又|开始)+(?:购?买|吃|喝|看)",
    re.IGNORECASE,
)
_AWAY: Final = re.compile(
    r"n['’]?t\b|\b(?:not|never|without|cannot|stop(?:ped)?|quit|nothing|no|less|fewer|didnt|hadnt|dont)\b|不|没|少|别",
    re.IGNORECASE,
)
_RECEIVER: Final = re.compile(
    r"\b(?:for|to) (?:my|a|the|our|some)\s?\w+\b"
    r"|\b(?:gifts?|presents?|kid|child|someone|somebody|account|myself|mine)\b"
    r"|(?:给|帮|替|为)(?:我)?(?:的)?\w{2}|礼物|送(?:给)?(?:人|朋友|他|她|我\w{0,2})?的?",
    re.IGNORECASE,
)


def read_what_if(ctx: ToolContext) -> EventsArgs | Draft:
    """The events to think away: of an item, of words, of a span of time."""
    if _ADDED.search(ctx.question) and not _AWAY.search(ctx.question):
        return ask_back(ctx, "what_if_added")
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
