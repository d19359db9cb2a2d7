"""Sentences about a change that was made or spoken of: keep it, drop it, let it back in, turn it round."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from agent.dialogue.sentences.stance import DENIAL
from agent.dialogue.sentences.tool_names import ToolName

_AND: Final = r"(?:(?:oh|ah|ok|okay|well|just|please|no|nah|nope|whatever|never mind)[,.!]? )*"
_DROPS: Final = re.compile(
    rf"^(?!\W*please (?:erase|delete))(?:[^,.;!?]{{0,30}}[,.;!–—-]\s*)?\W*{_AND}forget (?:about )?(?:it|that)(?: then| please| now)?\W*$"
    r"|^\W*(?:当我没说|没事了?|不说这个了?)(?:吧|啦)?\W*$",
    re.IGNORECASE,
)
_TAKING_BACK: Final = r"(?:undo(?:ing)?|revert(?:ing)?|restor(?:e|ing)|reset(?:ting)?|(?:tak|bring|put|roll)(?:e|ing)? (?:[\w ]{1,30} )?back)\b"
_KEPT: Final = re.compile(
    rf"\b{DENIAL} (?:ever |again |just |go |please |yet |start |even |really )*{_TAKING_BACK}"
    r"|(?:别|不要|不用|不必|无需|不需要|没必要|没让你|没叫你|没要你|没说要?)(?:再|帮我|给我|又)?(?:把.{1,20}?)?(?:撤销|撤回|还原|恢复)",
    re.IGNORECASE,
)
_ASKS_WHY: Final = re.compile(r"^\W*(?:(?:so|and|but),? )*(?:why|how come)\b|为什么|为何|为啥", re.IGNORECASE)
_NOT_LET: Final = re.compile(r"\b(?:don['’]?t|do not|never|not|no|stop|without)\b|别|不", re.IGNORECASE)
# What was hidden or left out may come again; the first group is plainly such a wish, the second may be another.
_LET_BACK: Final = re.compile(
    r"\b(?:put|bring|let) .{1,40} back\b(?: on| in)?|\b(?:re-?)?allow \w+"
    r"|可以(?:再|重新|又)?(?:要|有|推荐|推|显示|出现|吃|喝|抽|买)(?!过).{1,14}了\W*$|^(?!.*(?:价|钱|预算)).{1,14}(?:也|又|现在)?可以(?:再|重新|又)?(?:有|要|推荐|推|显示|出现)?了\W*$"
    r"|^\W*(?:请|帮我)?(?:把)?(?!刚才|上|全部|所有|都|一切|最初|原).{0,14}(?:恢复|放回来|要回来|加回来)(?!原|到|一下|吧)[^，。的]{0,14}\W*$",
    re.IGNORECASE,
)
_MAY_COME: Final = re.compile(
    r"\b(?:show|give|recommend|suggest|see|include|list|have)(?: me)? (?:[\w'’-]+ ){1,4}(?:again|after all)\b"
    r"|\b[\w'’-]+ (?:is|are) (?:fine|ok(?:ay)?|good|welcome|allowed)(?: again| now| after all| with me)*\W*$",
    re.IGNORECASE,
)
_SAYS_NO: Final = r"^\W*(?:(?:no|nope|wait|actually|sorry|hm+|oh|ok(?:ay)?|well|but|that['’]?s too (?:harsh|much|hard)|too (?:harsh|much|hard))\W+)*"
_I_MEAN: Final = (
    r"(?:i (?:mean|meant|said|want(?:ed)?)|rather|make it|let['’]?s say|just|only)? ?(?:just |only )?"
)
_OF_IT: Final = r"(?: of (?:it|that|this|them|those))?"
_BUT_NOT: Final = r"(?:[\s,.;]*(?:and |but )?not (?:never|none|nothing|all|never again|at all|completely|(?:no|less|more|fewer)(?: at all)?))?"
_TURNS: Final[Mapping[ToolName, str]] = {
        "less": rf"^(?:[^,.;!?]{{1,25}}[,.;!]\s*)?{_SAYS_NO[1:]}{_I_MEAN}(?:(?:a (?:bit|little) )?(?:less|fewer)){_OF_IT}(?: please)?{_BUT_NOT}\W*$"
                 r"|^\W*(?:等等|不对?|不是|哦|啊|那|算了|说错了)*[，,。\s]*(?:我)?(?:是|只是|的意思是)?(?:说|要|想)?少(?:推荐|推|给|来|看)?一?[点些](?:就(?:行|好|可以))?(?:了|吧)?(?:[，,。\s]*(?:不是|而不是|别|不要).{0,8})?\W*$",
        "more": rf"{_SAYS_NO}{_I_MEAN}(?:(?:a (?:bit|little) )?more){_OF_IT}(?: please)?(?:[\s,.;]*not (?:less|fewer))?\W*$"
                 r"|^\W*(?:等等|不对?|不是|哦|啊|那|算了|说错了)*[，,。\s]*(?:我)?(?:是|只是|的意思是)?(?:说|要|想)?多(?:推荐|推|给|来|看)?一?[点些](?:就(?:行|好|可以))?(?:了|吧)?(?:[，,。\s]*(?:不是|而不是|别|不要).{0,8})?\W*$",
        "mute": rf"{_SAYS_NO}{_I_MEAN}(?:(?:mute|hide|block|ban)(?: (?:it|that|this|them))|none of (?:it|that))(?: (?:after all|instead|completely|altogether|please|then|rather))*\W*$"
                 r"|^\W*(?:等等|不对?|不是|哦|啊|那|算了)*[，,。\s]*(?:还是|干脆|索性)?(?:都|全)?(?:屏蔽|隐藏|拉黑|别推荐?|不要推荐?)(?:掉|了)?(?:它|这个)?(?:吧|了)?\W*$",
}  # fmt: skip
_FURTHER: Final = re.compile(r"^\W*more(?: please)?\W*$", re.IGNORECASE)
_CORRECTS: Final = re.compile(
    r"^\W*(?:no|nope|wait|actually|sorry|not|i (?:mean|meant|said))\b|^\W*(?:等等|不对|不是|不[，,]|说错了|我(?:是说|的意思))",
    re.IGNORECASE,
)
_MINE: Final = re.compile(
    r"\b(?:it|they|that|those|these|this)(?: one)? (?:was|were|is|are) (?:all |actually |really )?(?:mine|for me|for myself)\b|\bi (?:ate|drank|used|had|took) (?:it|them|that) myself\b"
    r"|\bcount (?:it|them|that|those) (?:again|after all)\b"
    r"|是我(?:自己)?(?:吃|喝|用|买|要|抽)?(?:给自己)?的(?!礼物)|(?:其实)?不是.{1,8}的.{0,4}(?:恢复|算(?:回来|进去|上))",
    re.IGNORECASE,
)


def drops(text: str) -> bool:
    """Whether a sentence only lets a subject go.

    >>> drops("forget it"), drops("too much, forget it"), drops("forget it all about beer")
    (True, True, False)
    """
    return bool(_DROPS.match(text))


def keeps_changes(text: str) -> bool:
    """Whether a sentence says that nothing is to be taken back.

    >>> keeps_changes("please don't undo the beer"), keeps_changes("I never asked you to undo it")
    (True, True)
    >>> keeps_changes("undo the beer"), keeps_changes("why don't you undo it?"), keeps_changes("别撤销啤酒")
    (False, False, True)
    """
    return bool(_KEPT.search(text)) and not _ASKS_WHY.search(text)


def lets_back(text: str) -> bool | None:
    """True where a sentence lets something come again, None where it may, False else.

    >>> lets_back("put dog food back on"), lets_back("show beer again"), lets_back("don't show beer again")
    (True, None, False)
    >>> lets_back("可以要香烟了"), lets_back("香烟也可以了"), lets_back("不要香烟了")
    (True, True, False)
    """
    if _ASKS_WHY.search(text) or text.rstrip().endswith(("?", "？", "吗")):
        return False
    if _NOT_LET.search(text):
        return False
    return True if _LET_BACK.search(text) else None if _MAY_COME.search(text) else False


def asks_further(text: str) -> bool:
    """Whether a sentence is “more”, which asks for what comes next in a list.

    >>> asks_further("more please"), asks_further("more cheese")
    (True, False)
    """
    return bool(_FURTHER.match(text))


def turned_to(text: str) -> ToolName | None:
    """What is wanted of the thing spoken of last, by one who corrects what was done with it.

    >>> turned_to("no, I meant less, not never"), turned_to("不是，我是要多一点"), turned_to("还是屏蔽掉吧")
    ('less', 'more', 'mute')
    >>> turned_to("less beer"), turned_to("no, mute it after all"), turned_to("more please")
    (None, 'mute', None)
    """
    if asks_further(text):
        return None
    return next((tool for tool, pattern in _TURNS.items() if re.match(pattern, text, re.IGNORECASE)), None)


def is_correction(text: str) -> bool:
    """Whether a sentence begins by taking something back: then it is about what was said before.

    >>> is_correction("no, more"), is_correction("等等，我是说少一点"), is_correction("less beer")
    (True, True, False)
    """
    return bool(_CORRECTS.match(text))


def was_own(text: str) -> bool:
    """Whether a sentence says that what was set aside was the person's own after all.

    >>> was_own("no wait, they were mine"), was_own("不对，是我自己吃的"), was_own("was it mine?")
    (True, True, False)
    """
    return bool(_MINE.search(text)) and not text.rstrip().endswith(("?", "？"))
