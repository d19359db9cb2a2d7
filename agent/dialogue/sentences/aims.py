"""For whom and for what something is wanted: “for my friend”, “for the barbecue”, “早餐吃的”."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agent.dialogue.sentences.lexicon import HAN, content_words
from agent.dialogue.sentences.rules_en import KIN
from agent.dialogue.sentences.rules_zh import KIN_ZH
from agent.interests.words import Language

_RECEIVER: Final = re.compile(
    rf"\bfor (?:an? |my |the |our |his |her |some )?(?:\w+ )?(?P<who>{KIN})(?:'s (?:birthday|party|wedding))?\b",
    re.IGNORECASE,
)
_RECEIVER_ZH: Final = re.compile(rf"(?:给|送给?|帮|替|为)(?:我的?)?(?P<who>{KIN_ZH})")
# What people take food, games and gifts for, as they say it, and as an English catalogue has it.
_OCCASIONS_ZH: Final[Mapping[str, str]] = {
    "早餐": "breakfast", "早饭": "breakfast", "午餐": "lunch", "午饭": "lunch", "中饭": "lunch",
    "晚餐": "dinner", "晚饭": "dinner", "夜宵": "late snack", "宵夜": "late snack", "下午茶": "afternoon tea",
    "烧烤": "barbecue", "野餐": "picnic", "聚会": "party", "派对": "party", "聚餐": "dinner party",
    "露营": "camping", "野营": "camping", "郊游": "picnic", "旅行": "travel", "生日": "birthday",
    "圣诞": "christmas", "火锅": "hot pot", "婚礼": "wedding", "请客": "dinner party", "看球": "game day snacks",
}  # fmt: skip
_OCCASION_ZH: Final = re.compile(rf"(?:{'|'.join(_OCCASIONS_ZH)})节?")
_OCCASION: Final = re.compile(
    r"\b(?:for|to (?:have|eat|drink|use|take) (?:at|for|on|to)) (?:an? |the |my |our |his |her |this |some |tonight'?s )?"
    r"(?P<what>[a-z][a-z'’-]*(?: [a-z][a-z'’-]*){0,2}?)"
    r"(?=$|[,.;!?]| please\b| (?:tonight|today|tomorrow|this|next|on|under|below|at|that|with|without|but|and|in|for)\b)",
    re.IGNORECASE,
)
# “For me”, “for 10 dollars”, “for once”: no occasion.
_NO_OCCASION: Final = re.compile(
    r"^(?:me|myself|you|us|now|once|sure|example|instance|free|fun|less|more|sale|good|ever|real|tonight|today|tomorrow|later|"
    r"a change|change|next time|later on|it|that|this|them|him|her|someone|somebody|anyone|everyone|"
    r"(?:gifts?|presents?|something|anything|the list|list|next|last|reasons?)\b.*|\w*(?:dollars?|euros?|bucks|pounds?)|(?:a )?(?:days?|weeks?|months?|years?).*)$",
    re.IGNORECASE,
)


_NEW_YEAR: Final = re.compile(r"new year['’]?s?(?: eve| day)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Aims:
    """What a wish is for.

    Attributes:
        rest: the wish without it.
        receiver: for whom, in the words of the person; empty for nobody named.
        occasion: for what, in the words of the person; empty for none.
        search: the occasion in words that the catalogue can be searched by; empty where there are none.
    """

    rest: str
    receiver: str = ""
    occasion: str = ""
    search: str = ""


def _is_occasion(said: str) -> bool:
    return bool(content_words(said) or _NEW_YEAR.match(said)) and not _NO_OCCASION.match(said)


def read_aims(question: str, catalogue_language: Language) -> Aims:
    """For whom and for what.

    >>> read_aims("candy for my kids", "en").receiver, read_aims("something for the barbecue", "en").search
    ('kids', 'barbecue')
    >>> read_aims("早餐吃的", "en").search, read_aims("早餐吃的", "zh").search
    ('breakfast', '早餐')
    """
    receiver = ""
    rest = question
    for pattern in (_RECEIVER, _RECEIVER_ZH):
        if match := pattern.search(rest):
            receiver = match["who"]
            rest = f"{rest[: match.start()]} {rest[match.end() :]}"
            break
    if match := _OCCASION_ZH.search(rest):
        said = match.group()
        search = said if catalogue_language == "zh" else _OCCASIONS_ZH[said.removesuffix("节")]
        rest = f"{rest[: match.start()]} {rest[match.end() :]}"
        return Aims(rest, receiver, said, search)
    match = next((m for m in _OCCASION.finditer(rest) if _is_occasion(m["what"])), None)
    if match is not None and not HAN.search(match["what"]):
        said = match["what"].strip()
        rest = f"{rest[: match.start()]} {rest[match.end() :]}"
        return Aims(rest, receiver, said, said)
    return Aims(rest, receiver)
