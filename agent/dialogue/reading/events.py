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
from agent.dialogue.reading.steer import clauses, wish_in
from agent.dialogue.sentences.lexicon import content_words
from agent.dialogue.sentences.mentions import means_shown, usual_words
from agent.dialogue.sentences.periods import Period, without_periods
from agent.dialogue.sentences.rules_en import KIN
from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.own_events import describe, matching_rows
from agent.dialogue.talk.phrases import say
from agent.dialogue.talk.steer_words import steer_say
from agent.dialogue.talk.tool_args import EventsArgs
from agent.llm.fence import fence

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
# For whom or what something was, and what only says that it does not count.
_RECEIVER: Final = re.compile(
    rf"\b(?:for|to) (?:(?:my|an?|the|our|some|his|her|their)\b|{KIN}|halloween|christmas|thanksgiving|easter)[^,.;!?]*?(?=$|[,.;!?]|\b(?:and|so|but|i)\b)"
    rf"|\b(?:my|our|the|his|her) {KIN}(?:['’]?s['’]?)?(?=\W|$)|\b(?:gifts?|presents?|kid|child|someone|somebody|account|myself|mine)\b"
    r"|\b(?:doesn['’]?t|don['’]?t|does not|do not) count\b.*|\b(?:ignore|stop|leave out) (?:that|it|those|them)\b|\b(?:that|it|they|those) (?:wasn|isn|weren|aren)['’]?t (?:for )?(?:me|mine)\b"
    r"|\bi (?:don['’]?t|do not|never) (?:eat|drink|use|like|smoke) (?:it|that|them|those|any)\b|^\W*so\b|\band also .*$"
    r"|(?:是)?(?:给|帮|替|为)(?:我)?(?:的)?(?:孩子|家人|公司|\w{2}?)(?:买|用|带|订|吃)?的?|公司|不是我.{0,3}的?|礼物|送(?:给)?(?:人|朋友|他|她|我\w{0,2})?的?",
    re.IGNORECASE,
)
# What holds at all times, not of one occasion.
_ALWAYS: Final = re.compile(
    r"\b(?:is|are)\b.{1,30}\b(?:for|mine|my)\b|\balways\b|是(?:给|帮|替|为).{1,8}的|(?<!不)是.{1,6}(?:用|吃|喝|抽)的",
    re.IGNORECASE,
)
_ONCE: Final = re.compile(
    r"\b(?:last|this) time\b|\b(?:just now|yesterday|once|latest|last|recent)\b|\b(?:gift|present)\b|这次|上次|上回|那次|刚|昨天|最近|礼物|第.个|第.次",
    re.IGNORECASE,
)
_EVERYTHING: Final = re.compile(
    r"\bforget (?:everything|all)(?: (?:about|of|you know|on|that).*)?\W*$|\b(?:delete|erase|wipe) (?:all )?(?:of )?my (?:data|history|profile|records)\b"
    r"|(?:忘|删|清空|抹).{0,4}(?:全部|所有|一切|数据|资料|信息)|(?:全部|所有|一切|数据|资料|信息).{0,4}(?:忘|删|清空|抹)",
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
        words = _words(ctx, rest)
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
    left = wish_in(clauses(ctx.question, "gift")[1])
    note = steer_say(ctx, "not_done", rest=fence(left)) if left and not _LESS.search(left) else ""
    if not periods:
        rows = _bought(ctx, rows)
        days = ctx.host.log.day[rows]
        always = _ALWAYS.search(ctx.question) and not _ONCE.search(ctx.question)
        if not (always or _EVERY.search(ctx.question)) and len(np.unique(days)) > 1:
            rows = rows[days == days.max()]
            note = " ".join(filter(None, (say(ctx, "only_last", day=ctx.day(int(rows[-1]))), note)))
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
    words = _words(ctx, rest)
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


def _words(ctx: ToolContext, text: str) -> tuple[str, ...]:
    """What events are called in `text`, in the words of the catalogue."""
    words = [word for word in content_words(text) if not EVENT_WORDS.fullmatch(word)]
    return usual_words(words, ctx.names)


def _bought(ctx: ToolContext, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of the events that are purchases; all of them where none is: what was only viewed was no gift."""
    log = ctx.host.log
    bought = [name in ("purchase", "add-to-cart") for name in log.events]
    chosen = rows[np.array(bought, np.bool_)[log.event[rows]]]
    return chosen if len(chosen) else rows


def read_forget(ctx: ToolContext) -> EventsArgs | Draft:
    """The events to forget: all of an item, of words, or of a span of time."""
    if _EVERYTHING.search(ctx.question) and not periods_of(ctx):
        return Draft((Sentence(steer_say(ctx, "forget_what"), claim=False),))
    found = read_what_if(ctx)
    if isinstance(found, Draft) or found.interaction_ids:
        return found
    return ask_back(ctx, "no_event")
