"""Questions about one kind of thing in one's history: given up, still liked, wrongly supposed, or the cause."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import re
from typing import Final

from agent.dialogue.reading.search import EVENT_WORDS
from agent.dialogue.sentences.lexicon import content_words
from agent.dialogue.sentences.mentions import find_places, means_shown, says_all, usual_words
from agent.dialogue.sentences.periods import find_periods, without_periods
from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.phrases import say
from agent.dialogue.talk.tool_args import SpanArgs, ThingArgs

_TAKING: Final = (
    r"(?:buy|purchas|eat|drink|read|watch|us|lik|lov|enjoy|order|get|view|look|listen|car)(?:t?ing)"
)
_STILL: Final = r"(?:like|love|buy|eat|drink|read|watch|enjoy|use|get|order|into|fond of|interested in|care (?:about|for))"
_DROPPED: Final = (
    re.compile(
        rf"\b(?:i|i've|i'm|have i|did i|am i)\b[^,.;]{{0,16}}?\b(?:stop(?:ped)? {_TAKING}(?: at| to| about)?|quit {_TAKING}|g[ia]ven? up(?: on)?|"
        r"(?:gone|go|going|went) off|los(?:e|t|ing) (?:my |all )?interest in|(?:got|gotten|grown) tired of) (?P<what>[^,.;?!]+)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:am|have|do|did) i (?:been |really )?(?:{_TAKING}|buy|eat|drink|watch|read|get|take) (?:more|less|fewer) (?P<what>[^,.;?!]+?)"
        r"(?: (?:than (?:before|i used to|earlier|usual)|now(?:adays)?|lately|recently|these days))+\W*$",
        re.IGNORECASE,
    ),
    re.compile(
        r"\bis my (?P<what>(?!list\b)[\w'-]+(?: [\w'-]+)?) (?:going |gone )?(?:up|down|rising|falling|growing|increasing)\b",
        re.IGNORECASE,
    ),
    re.compile(r"我?对(?P<what>[^，。？的]{1,8})的?兴趣.{0,4}(?:下降|上升|减|增|变|淡|浓)"),
    re.compile(
        r"(?P<what>[^，。？我是]{1,8})(?:是不是|有没有)?(?:买|喝|吃|看)得?(?:比以前|比之前|更|变)?(?:多|少)了"
    ),
    re.compile(rf"\b(?:do|am|did) i still (?:\w+ )?{_STILL} (?P<what>[^,.;?!]+)", re.IGNORECASE),
    re.compile(
        r"我[^，。？]{0,6}?(?:不再|停止|不怎么|戒掉?)(?:购买|买|喝|吃|喜欢|看)?(?:了)?(?P<what>[^，。？?了吗的呢]{2,})"
    ),
    re.compile(r"我(?:现在)?还(?:喜欢|爱|买|喝|吃|看)(?P<what>[^，。？?]+?)吗"),
)
_PREMISE: Final = (
    re.compile(
        r"\b(?:why (?:do|would|are|did) you|how come you|what makes you|how can you) (?:\w+ )?(?:think|thinking|claim|claiming|believe|say|saying|assume|suppose|know|said|thought)"
        r"(?: that)? (?:i(?:'m| am)|i(?:'ve| have)(?: got)?|i own|i (?:eat|drink|smoke)|my)\b(?: an?\b| the\b)?(?P<what>[^,.;?!]+)",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?:为什么|为何|凭什么|怎么)(?:你|您)?(?:会)?(?:认为|觉得|以为|断定|说)我(?:是|有|养了?|在)?(?P<what>[^，。？?]+)"
    ),
)
# “I lost interest in knives, suggest something” is a wish.
_WISHES: Final = re.compile(r"\b(?:recommend|suggest|show me|give me)\b|推荐(?!过)", re.IGNORECASE)
_CAUSE: Final = (
    re.compile(
        r"\b(?:was|is) (?:it|this|that) (?:because of |due to |from )?(?P<what>[^?!;]+?) (?:that|which|what) (?:made|makes|led|leads|caused|got|had)\b",
        re.IGNORECASE,
    ),
    re.compile(r"\b(?:was|is) (?:it|this|that) (?:because of|due to) (?P<what>[^?!;]+)", re.IGNORECASE),
    re.compile(r"是(?:不是)?因为(?P<what>[^，。？?]+?)(?:才|所以|吗|$)"),
)


def read_thing(ctx: ToolContext) -> ThingArgs | Draft | None:
    """The kind of thing that a question is about in one of these ways; None for any other question."""
    question = ctx.question.replace("’", "'")
    for what, patterns in (("change", _DROPPED), ("premise", _PREMISE), ("cause", _CAUSE)):
        match = next((found for pattern in patterns if (found := pattern.search(question))), None)
        if match is None or (what != "cause" and _WISHES.search(question)):
            continue
        periods = find_periods(match["what"], ctx.now)
        rest = without_periods(match["what"], periods)
        words = tuple(word for word in content_words(rest) if not EVENT_WORDS.fullmatch(word))
        words = usual_words(words, ctx.names)
        if what == "premise" and any(says_all(words, label) for _, label in ctx.facets):
            return None  # an interest of that name is what it rests on: that is explained
        if not words or (what != "cause" and (find_places(rest, 99) or means_shown(rest))):
            return None
        spoken = (*ctx.state.focus, *ctx.state.listed)
        if what == "cause" and not spoken:
            return Draft((Sentence(say(ctx, "no_list"), claim=False),))
        return ThingArgs(
            what=what,
            words=words,
            spans=tuple(
                SpanArgs(start_ms=p.start_ms, end_ms=p.end_ms, text=p.text, relation=p.relation)
                for p in periods
            ),
            item_id=spoken[0] if what == "cause" else "",
        )
    return None
