"""From a question about one's own history to what to look for: words, times, kinds of event, how many."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from agent.dialogue.sentences.lexicon import content_words
from agent.dialogue.sentences.mentions import usual_words
from agent.dialogue.sentences.numbers import NUMBER_EN, NUMBER_ZH, read_number
from agent.dialogue.sentences.periods import Period, find_periods, without_periods
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.tool_args import MOST_ROWS, CountMode, SearchArgs, SearchMode, SpanArgs

_EVENTS: Final = (
    ("purchase", r"\b(?:buy|bought|purchas\w*|order\w*)\b|购买|买|订单"),
    ("view", r"\b(?:view\w*|look(?:ed)? at|see|seen|saw)\b|浏览|看过|看了|看"),
    ("rate", r"\b(?:rate|rated|ratings?)\b|评分|评过|评"),
    ("like", r"\b(?:liked|likes|favou?rited)\b|点赞"),
    (
        "search",
        r"\bsearch(?:ed|es)? for\b|\bsearches\b|\b(?:did|have) i search(?:ed)?\b"
        r"|搜(?:索)?(?:过|了|记录)|我的搜索",
    ),
)
EVENT_WORDS: Final = re.compile("|".join(pattern for _, pattern in _EVENTS), re.IGNORECASE)
# “Show me …” asks to see; what comes after it says whose and what.
_SEE: Final = re.compile(r"\b(?:let me |to )see\b|^\W*see\b|看一?看", re.IGNORECASE)
_COUNTING: Final = re.compile(r"\bhow (?:often|many)\b|几次|多少次|多少|多久", re.IGNORECASE)
_JUDGED: Final = re.compile(
    r"\b(?:too|very|that|so) (?:much|many|often|little|few)\b|\ba lot(?: of)?\b|\benough\b|\blots of\b"
    r"|太(?:多|少)|很多|多不多|不少|够(?:不够)?|(?<=[得是])多(?=了?[吗？?]|$)",
    re.IGNORECASE,
)
_CONSUMED: Final = re.compile(
    r"(?:eat|ate|drink|drank|drunk|consum|smok|us|cook|think|believ|feel)(?:s|e|es|ed|ing|en)?|吃|喝|抽"
)
_FIRST: Final = re.compile(
    r"\bfirst\b|\bwhen did i (?:start|begin)\b|第一次|最早|什么时候开始", re.IGNORECASE
)
_LAST: Final = re.compile(
    r"\blast\b|\bwhen\b|\bever\b|\balready\b|\bhave i\b|上次|最近一次|什么时候|何时|过吗|有没有",
    re.IGNORECASE,
)
_MOST: Final = re.compile(
    r"\bmost(?=\W*$| (?:this|often|frequently|bought|purchased|of|in|during|since|over|at)\b| {2})|\bmostly\b|最(?:多|常|经常)",
    re.IGNORECASE,
)
_SPENT: Final = re.compile(
    r"(?<!time )\b(?:spend|spent|spending)\b(?! (?:\w+ )?time)|\bhow much money\b(?: (?:goes|went)\b)?|\b(?:did|do|have) i (?:pay|paid)\b|花(?:了)?(?:多少|几)?(?:块|元)?钱|花费|花了多少",
    re.IGNORECASE,
)
_REGULAR: Final[tuple[tuple[CountMode, re.Pattern[str]], ...]] = (
    ("daily", re.compile(r"\b(?:every|each) (?:single )?day\b|\bdaily\W*$|每天|天天", re.IGNORECASE)),
    (
        "weekly",
        re.compile(r"\b(?:every|each) (?:single )?week\b|\bweekly\W*$|每个?(?:周|星期)", re.IGNORECASE),
    ),
    ("monthly", re.compile(r"\b(?:every|each) (?:single )?month\b|\bmonthly\W*$|每个?月", re.IGNORECASE)),
)
_WHEN: Final = re.compile(r"\bwhen\b|什么时候|何时|哪天", re.IGNORECASE)
# “It” and “that” as things, not in “is it true that …” or “that I bought”.
_POINTS: Final = re.compile(
    r"\b(?:buy|bought|had|have|get|got|ordered|see|seen|watch\w*|read|tried?) (?:it|that|this|one|those|these|them)\b(?! (?:year|month|week|day|morning|season|spring|summer|autumn|fall|winter|time)\b)"
    r"|(?:买|看|吃|喝)过?(?:它|这个|那个)|(?:它|这个|那个).{0,6}(?:买|看|吃|喝)",
    re.IGNORECASE,
)
_ELLIPTIC: Final = 4
# Where everything was bought says nothing of what.
_AT_SHOP: Final = re.compile(
    r"\b(?:at|in|from) (?:your|the|this|that|my) (?:store|shop|market|site|place)\b", re.IGNORECASE
)
_THINGS: Final = r"(?:purchases|orders|events|views|ratings|searches|likes|things|items|products|records)"
_SEVERAL: Final = (
    re.compile(
        rf"\b(?:last|latest|newest|(?:most )?recent|first|oldest|earliest|past)\s+(?P<n>{NUMBER_EN})\b",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?P<n>{NUMBER_EN})\s+(?:last|latest|newest|(?:most )?recent|first|oldest|earliest)\b",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?P<n>{NUMBER_EN})\s+(?:of my |of the )?(?:\w+ )?{_THINGS}\b", re.IGNORECASE),
    re.compile(rf"(?:最近|最后|最新|最早|前|头|上)的?(?P<n>{NUMBER_ZH})(?:次|个|件|样|条|笔|项|部|本)"),
    re.compile(rf"(?:最多|最常[买吃喝看]?)的?(?P<n>{NUMBER_ZH})(?:个|件|样|种)"),
    re.compile(
        rf"(?:最近|最后|最早)(?:购买|浏览|买|看|评)(?:的|了|过)的?(?P<n>{NUMBER_ZH})(?:次|个|件|样|条|笔|项|部|本)"
    ),
)
# Words that say which of the events: nothing to look for.
_ORDER: Final = re.compile(
    r"\b(?:oldest|earliest|newest|latest|most|recent)\b|最早|最近|最后|最新|前的?(?=\s|$)", re.IGNORECASE
)
_PLURAL: Final = re.compile(
    rf"\b(?:last|latest|newest|recent|first) (?:\w+ )?{_THINGS}\b|最近(?:的)?(?:购买|浏览|评分)记录",
    re.IGNORECASE,
)


def read_search(ctx: ToolContext) -> SearchArgs:
    """What to look for."""
    periods = find_periods(ctx.question, ctx.now)
    rest = without_periods(ctx.question, periods)
    limit, rest = _limit(rest)
    spans = tuple(
        SpanArgs(start_ms=p.start_ms, end_ms=p.end_ms, text=p.text, relation=p.relation) for p in periods
    )
    counted = _counted(rest)
    judged = bool(_JUDGED.search(rest)) and counted is None
    about = _AT_SHOP.sub(" ", _JUDGED.sub(" ", _ORDER.sub(" ", rest)))
    for pattern in (_MOST, _SPENT, *(pattern for _, pattern in _REGULAR)):
        about = pattern.sub(" ", about)
    words = tuple(word for word in content_words(about) if not EVENT_WORDS.fullmatch(word))
    words = usual_words(words, ctx.names) or _words_of_focus(ctx, periods)
    # “Do I eat too much cheese?” is about cheese; “do I drink too much?” has no other word.
    name = " ".join(words)
    if name not in ctx.names.categories and name not in ctx.names.titles:  # “soft drinks” are no drinking
        words = tuple(word for word in words if not _CONSUMED.fullmatch(word)) or words
    mode = counted or ("count" if judged else _mode(rest, limit))
    return SearchArgs(
        words=words,
        spans=spans,
        events=events_of(_SEE.sub(" ", rest)),
        mode=mode,
        limit=limit,
        judged=judged,
    )


def _words_of_focus(ctx: ToolContext, periods: Sequence[Period]) -> tuple[str, ...]:
    """“When did I last buy it?”, “how many times?” ask of what was spoken of, by its name."""
    elliptic = not periods and len(ctx.question.split()) <= _ELLIPTIC and _COUNTING.search(ctx.question)
    if not ctx.state.focus or not (_POINTS.search(ctx.question) or elliptic):
        return ()
    return tuple(content_words(ctx.host.catalogue.titles[ctx.code(ctx.state.focus[0])]))


def _counted(rest: str) -> CountMode | None:
    """The count that is asked for: the most taken, a sum, a rhythm; None for none of these."""
    if _SPENT.search(rest):
        return "spent"
    if _MOST.search(rest):
        return "most"
    return next((name for name, pattern in _REGULAR if pattern.search(rest)), None)


def _mode(rest: str, limit: int | None) -> SearchMode:
    several = limit is not None and limit > 1
    if _COUNTING.search(rest):
        # “When did I last buy milk, and how often?”: the last one is told with the count.
        return "last" if _WHEN.search(rest) and re.search(r"\blast\b|上次|最近", rest) else "count"
    if _PLURAL.search(rest) and not _WHEN.search(rest):
        several = True
    if _FIRST.search(rest):
        return "oldest" if several else "first"
    if several:
        return "list"
    return "last" if _LAST.search(rest) else "list"


def _limit(question: str) -> tuple[int | None, str]:
    """How many events are wanted, and the question without the number: it is no word to look for."""
    for pattern in _SEVERAL:
        match = pattern.search(question)
        if match and (number := read_number(match["n"])):
            start, end = match.span("n")
            return min(number, MOST_ROWS), f"{question[:start]} {question[end:]}"
    return None, question


def events_of(question: str) -> tuple[str, ...]:
    """The kinds of event a question speaks of; empty for any."""
    return tuple(name for name, pattern in _EVENTS if re.search(pattern, question, re.IGNORECASE))
