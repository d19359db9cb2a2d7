"""Greetings, thanks, what can be asked, what a command does; and what is refused."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import re
from typing import Any, Final

from agent.dialogue.talk import tool_args as args
from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.phrases import say

_THANKS: Final = re.compile(
    r"\bthank|\bthx\b|\bty\b|\bcheers\b|\bperfect\b|\bawesome\b|\bbye\b|\bgreat\b|\bcool\b|\bnice\b|\bhelpful\b|\bgood ?night\b|\bthat(?:['’]?s| is) (?:all|it)\b|^\W*ok|谢|再见|拜拜|好的|知道了|明白了|没事了|辛苦|^\W*(?:好|行|嗯)\W*$",
    re.IGNORECASE,
)
_ASKS: Final = re.compile(r"\b(?:what|how|help)\b|什么|怎么|帮", re.IGNORECASE)
_HELLO: Final = re.compile(
    r"^\W*(?:hi|hiya|howdy|greetings|hello|hey|good (?:morning|evening|day)|你好|您好|哈喽|嗨|早上好|晚上好)",
    re.IGNORECASE,
)


# What “what does mute do?” asks about.
_MEANINGS: Final[tuple[tuple[str, Any], ...]] = tuple(
    (rf"\b(?:do|does|mean|is|are|use|work)\b.*\b(?:{word})|(?:{chinese}).*(?:意思|什么|用|啥)", what)
    for word, chinese, what in (
        ("mut", "屏蔽", "what_mute"), ("pin", "置顶|固定", "what_pin"), ("less", "少推荐", "what_less"),
        ("more", "多推荐", "what_more"), ("gift", "礼物", "what_gift"), ("undo", "撤销", "what_undo"),
        ("forget", "忘", "what_forget"), ("filter|constraint", "筛选|条件|过滤", "what_filter"),
        ("confiden", "把握|置信", "what_confidence"), ("facet|interest", "兴趣", "what_interest"),
    )
)  # fmt: skip


def read_talk(ctx: ToolContext) -> args.TalkArgs:
    """Which fixed reply a sentence asks for."""
    if _HELLO.search(ctx.question) and not _ASKS.search(ctx.question):
        return args.TalkArgs(what="hello")
    for pattern, what in _MEANINGS:
        if re.search(pattern, ctx.question, re.IGNORECASE):
            return args.TalkArgs(what=what)
    return args.TalkArgs(what="thanks" if _THANKS.search(ctx.question) else "help")


def talk(ctx: ToolContext, given: args.TalkArgs) -> Draft:
    """A fixed reply: a greeting, what can be asked, or that nothing was understood."""
    return Draft((Sentence(say(ctx, given.what, help=say(ctx, "help")), claim=False),))


def refuse(ctx: ToolContext, given: args.ToolArgs) -> Draft:
    """The answer to a request for someone else's data."""
    return Draft((Sentence(say(ctx, "refused"), claim=False),), refused=True)
