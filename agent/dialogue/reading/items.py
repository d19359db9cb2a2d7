"""From a question to the typed arguments of its tool. What cannot be read becomes a question back."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

from agent.dialogue.reading.wish_numbers import count
from agent.dialogue.reading.wishes import WishReader
from agent.dialogue.sentences.lexicon import HAN, content_words, stem
from agent.dialogue.sentences.mentions import (
    find_places,
    find_topic,
    means_both,
    means_shown,
    normal,
    says_all,
    usual_words,
)
from agent.dialogue.sentences.periods import Period, find_periods, moment_of, windows_of
from agent.dialogue.sentences.refusals import complains
from agent.dialogue.sentences.stance import supposes
from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.item_choice import by_words, choose, likeliest
from agent.dialogue.talk.phrases import say
from agent.dialogue.talk.steer_words import steer_say
from agent.dialogue.talk.tool_args import (
    AsOfArgs,
    ConstraintArgs,
    ItemArgs,
    ListArgs,
    PairArgs,
    TopicArgs,
    WindowArgs,
    WithdrawArgs,
)
from agent.interests.words import short_title

FACETS_NAMED: Final = 6
# What comes after the entries shown: “more please”, “anything else?”, “再来几个”.
_FURTHER: Final = re.compile(
    r"\b(?:more|others?|further|else|the next (?:\d|one|two|three|few|five|ten)\w*|different (?:ones|things|items))\b"
    r"(?! (?:expensive|affordable|recent|like|than|should|to buy))"
    r"|^\W*next\W*$|\bnext (?:\w+ )?(?:ones|page|few|items)\b"
    r"|(?:再|多|继续|还要|还有)[^不]{0,6}(?:几|些|点|个|推荐|吗|别的)|换一批|换(?:几|些|点|别)|别的|其他的?|更多|下一批",
    re.IGNORECASE,
)
_LIST: Final = r"(?:lists?|suggestions?|recommendations?|ideas?|selection|results?|choices?)"
_REFUSED_LIST: Final = re.compile(
    rf"\b(?:like|want|fancy|happy|convinced|hate|dislike)\b.{{0,24}}\b{_LIST}\b(?!.*\binstead\b)"
    rf"|\b{_LIST} (?:is|are) (?:bad|boring|useless|wrong|no good|not good)\b"
    r"|不(?:太)?喜欢.{0,4}(?:列表|推荐|清单|结果)|(?:列表|推荐|清单)(?:不好|没意思|太差|不行)",
    re.IGNORECASE,
)
_SEASONAL: Final = re.compile(r"\bseason(?:al|ally)?\b|\b(?:the|by) seasons\b|季节", re.IGNORECASE)
_SURE: Final = re.compile(
    r"\bhow (?:sure|certain|confident)\b|\bconfidence\b|把握|多(?:大|少)信心|确定吗|有多确定", re.IGNORECASE
)
_SURE_WORDS: Final = frozenset({"certain", "confident", "confidence", "把握", "信心", "确定", "大把握"})
_DENIES: Final = re.compile(
    r"n['’]?t\b|\bnot?\b|\bhate|\bdislike|\bbad\b|\bboring\b|\buseless\b|\bwrong\b|不|差|没", re.IGNORECASE
)
_LISTED: Final = re.compile(r"\brecommend|\bsuggest|\blist\b|推荐|列表", re.IGNORECASE)
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
# What is said of constraints besides what they are about.
_FRAME: Final = frozenset(
    stem(word)
    for word in """
    rule rules filter filters constraint constraints restriction restrictions condition conditions limit limits limited
    limiting restrict restricting narrow narrowing filtering restricted told false alarm fine ok okay kidding allowed
    goes morning normal default original matters doesn dont today current showing recommending giving listing
    clear clears drop both bother
    """.split()
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
        shown = say(ctx, "comma").join(label for _, label in ctx.facets[:FACETS_NAMED]) or "–"
        return ask_back(ctx, "no_such", word=ctx.marked(" ".join(words)), shown=shown)
    return ask_back(ctx, "no_item" if ctx.state.listed else "no_list")


def read_explained(ctx: ToolContext) -> ItemArgs | TopicArgs | Draft:
    """What “why …?” is about: an item, or the interest or category whose name is all that is said of it."""
    words = content_words(ctx.question)
    if _SURE.search(ctx.question) and set(words) <= _SURE_WORDS and not find_places(ctx.question, 99):
        # How sure I am is known of what is in the list, not of what was looked up.
        spoken = [*ctx.state.focus, *ctx.state.listed][:1]
        if not spoken or spoken[0] not in ctx.state.listed:
            return ask_back(ctx, "no_item" if ctx.state.listed else "no_list")
        return ItemArgs(item_id=spoken[0])
    if not words or find_places(ctx.question, 99):
        return read_item(ctx)
    if isinstance(named := named_items(ctx, plain=False), Draft) or named:
        return named if isinstance(named, Draft) else read_item(ctx)
    topic = find_topic(ctx.question, ctx.names, ctx.facets)
    if topic is None or not says_all(words, topic.name):
        return read_item(ctx)
    if topic.kind == "category" and (own := _interest_saying(ctx, words)):
        return own
    if normal(topic.name) != " ".join(words) and " ".join(words) in ctx.names.titles:
        return read_item(ctx)  # a thing of just that name goes before an interest that has it among others
    if topic.kind == "category" and normal(topic.name) in ctx.care.declared - ctx.state.named:
        return read_item(ctx)
    return TopicArgs(kind=topic.kind, target=topic.target, name=ctx.marked(topic.name))


def _interest_saying(ctx: ToolContext, words: Sequence[str]) -> TopicArgs | None:
    """“Water” of somebody with an interest “Bottled water” and nothing else that says it is that interest."""
    saying = [(key, label) for key, label in ctx.facets if says_all(words, label)]
    if len(saying) != 1:
        return None
    key, label = saying[0]
    return TopicArgs(kind="facet", target=key, name=ctx.marked(label))


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
    reader = WishReader(ctx.host.items, ctx.names, ctx.language, spoken, ctx.host.language)
    wishes = reader.read(ctx.question)
    constraints = tuple(
        ConstraintArgs(kind=entry.kind, value=entry.value, what=entry.what) for entry in wishes.constraints
    )
    notes = wishes.notes
    constraints += _set_out(ctx)
    further = bool(_FURTHER.search(ctx.question)) and not constraints
    if complains(ctx.question) and not constraints:
        further, notes = True, (*notes, say(ctx, "list_refused"))
    if _REFUSED_LIST.search(ctx.question) and not constraints and _DENIES.search(ctx.question):
        further, notes = True, (*notes, say(ctx, "list_refused"))
    if constraints and supposes(ctx.question):
        # Who asks what would happen wants an answer, not a filter that stays.
        constraints, notes = (), (*notes, steer_say(ctx, "no_filter"))
    return ListArgs(
        k=wishes.k, constraints=constraints, problems=wishes.problems, further=further, notes=notes
    )


# “Swap the second”, “6号不要了”: things of the list that are not to be in it.
_SET_OUT: Final = re.compile(
    r"\b(?:swap|replace|exchange|skip|drop|remove)\b|\bi (?:already |still )?(?:have|got|own)\b|\b(?:no|not|don'?t (?:want|need|like)) (?:the|number|#)"
    r"|不要|换掉|换一个|换成别的|已经有|去掉|不用",
    re.IGNORECASE,
)


def _set_out(ctx: ToolContext) -> tuple[ConstraintArgs, ...]:
    """The things that are named by their place in the list to be left out of it."""
    if not _SET_OUT.search(ctx.question):
        return ()
    spots = [place for _, place in find_places(ctx.question, len(ctx.state.listed))]
    listed = [ctx.state.listed[place - 1] for place in spots if place <= len(ctx.state.listed)]
    titles = [short_title(ctx.host.catalogue.titles[ctx.code(item)]) for item in listed]
    return tuple(ConstraintArgs(kind="not", value=title, what="title") for title in titles)


# What is said of one span when it is what now is held against.
_AGAINST: Final = re.compile(
    r"\bcompared? (?:to|with|against)\b|\b(?:versus|vs)\b|\bdifferent (?:from|to|than)\b"
    r"|\bthan (?:in|back|during|last)\b"
    r"|与.+相比|和.+(?:相比|比起来|不同|不一样)|跟.+(?:相比|比|不同|不一样)|比起",
    re.IGNORECASE,
)


def read_as_of(ctx: ToolContext) -> AsOfArgs | Draft:
    """The moment, and whether the profile or a list is wanted."""
    moment = moment_of(periods_of(ctx), ctx.now)
    if moment is None:
        return ask_back(ctx, "no_date")
    what: Literal["list", "profile"] = "list" if _LISTED.search(ctx.question) else "profile"
    return AsOfArgs(moment=moment, what=what, k=count(ctx.question) if what == "list" else None)


def read_windows(ctx: ToolContext) -> WindowArgs:
    """The two windows to compare."""
    periods = periods_of(ctx)
    start_ms, split_ms, end_ms = windows_of(periods, ctx.host.log.zone)
    if len(periods) == 1 and periods[0].relation == "in" and _AGAINST.search(ctx.question):
        # “Compared to last spring”: that spring, and what came after it.
        start_ms, split_ms, end_ms = periods[0].start_ms, periods[0].end_ms, None
    seasonal = bool(_SEASONAL.search(ctx.question))
    return WindowArgs(start_ms=start_ms, split_ms=split_ms, end_ms=end_ms, seasonal=seasonal)


def read_withdraw(ctx: ToolContext) -> WithdrawArgs:
    """Which constraints to withdraw, or that they are only to be shown."""
    question, held = ctx.question, ctx.state.constraints
    bare = usual_words(content_words(_FRAME_ZH.sub(" ", question)), ctx.names)
    words = {stem(part) for word in bare for part in word.split()} - _FRAME
    named = [entry for entry in held if words & {stem(word) for word in normal(entry.value).split()}]
    han = [entry for entry in held if HAN.search(entry.value) and entry.value in question]
    named = list(dict.fromkeys((*named, *han)))
    if named and not _ASKED.search(question):
        return WithdrawArgs(slots=tuple(entry.slot for entry in named))
    if not _DROP.search(question):
        return WithdrawArgs()
    wanted = [slot for pattern, slot in _SLOTS if re.search(pattern, question, re.IGNORECASE)]
    named = [entry for entry in held if entry.what in wanted or (not entry.what and entry.kind in wanted)]
    if not wanted and not words:
        # “That filter” is the newest; whoever names nothing and no number means all.
        named = list(held[-1:] if _ONE.search(question) else held)
    return WithdrawArgs(slots=tuple(entry.slot for entry in named))


_FRAME_ZH: Final = re.compile(
    r"条件|限制|筛选|过滤|规则|原来|原样|原本|推荐|列表|清单|最初|最开始|开始|一开始|回到|恢复|都行|随便|解除|取消"
)
_ASKED: Final = re.compile(
    r"^\W*(?:what|which|is|are|do|does|why|any)\b|(?:哪些|什么|吗|还有)\W*$", re.IGNORECASE
)
_ONE: Final = re.compile(
    r"\b(?:that|this|the|the last|latest|it) (?:filter|constraint|rule|condition|limit|restriction)\b|(?:这|那|刚才那?|上一?)个(?:条件|限制|筛选)",
    re.IGNORECASE,
)
_DROP: Final = re.compile(
    r"\b(?:drop|remove|clear|lift|forget|delete|withdraw|reset|cancel|anything goes|again|no longer|no more|ok|okay|fine|back|"
    r"stop|quit|without|everything|not only|matter|no (?:restrictions?|filters?|limits?))\b"
    r"|取消|去掉|去除|清除|移除|删除|解除|不用|不要|放开|忘掉|可以|算了|都行|随便|别|不再|不只|回到|恢复",
    re.IGNORECASE,
)
