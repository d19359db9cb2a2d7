"""Qualities in a wish: those that a catalogue may state as numbers, and those that none states."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from agent.dialogue.talk.attributes import Measure

RELATIVE: Final[Mapping[str, tuple[Measure, str]]] = {
    r"\bcheaper\b|\bless expensive\b|\bmore affordable\b|\bcheap\b|\bnot (?:so|too|that|very) (?:expensive|pricey)\b|便宜": (
        "price",
        "below",
    ),
    r"\bpricier\b|\bmore expensive\b|更贵|贵一点": ("price", "above"),
    r"\bshorter\b|\bshort\b|\bquicker\b|短一?[些点]|更短|短的": ("length", "below"),
    r"\blonger\b|长一?[些点]|更长": ("length", "above"),
    r"\bnewer\b|\bmore recent\b|新一?[些点]的?(?!东西)|更新": ("year", "above"),
    r"\bolder\b|老一?[些点]|更早": ("year", "below"),
    r"\bsmaller\b|小一?[些点]|更小": ("size", "below"),
    r"\b(?:bigger|larger)\b(?! (?:place|share))|大一?[些点]|更大": ("size", "above"),
}
# Comparisons and qualities that no field of a catalogue settles; what someone may not eat among them.
_QUALITY: Final = r"(?:sweet|salty|spicy|savou?ry|sour|bitter|fruity|light|filling|fresh|crunchy|refreshing|hearty|comforting|fancy|mild|soft|warm|cold|hot|low[- ](?:fat|carb|sugar|salt|sodium|calorie))"
_DIET: Final = r"(?:vegetarian|vegan|gluten[- ]free|sugar[- ]free|lactose[- ]free|dairy[- ]free|nut[- ]free|alcohol[- ]free|non[- ]alcoholic|halal|kosher|diabetic|organic and healthy|edible)"
_UNMEASURED: Final = re.compile(
    r"\b(?:health|tast|spic|fanc|cris|crunch|light|juic|yumm|salt|sugar)ier\b|\b(?:sweet|fresh|quick|nic|rich|warm|cool|funn|strong|mild|soft|hard)er\b"
    r"|\b(?:healthy|tasty|nutritious|delicious|sustainable|ecological)\b|\b(?:more|less) (?:healthy|tasty|nutritious|delicious|exciting|interesting|sustainable|fattening|filling|sweet|salty|spicy)\b"
    rf"|\b(?:something|anything|stuff|things?|likes?|loves?|eats?|only|for|a bit|very|really|more|less) (?P<quality>{_QUALITY})(?= (?:food|foods|stuff|things?|dishes|snacks?|then|please|instead|today|tonight|and|or|but|for|to)\b|\W*$|[,.;!?])"
    rf"|\b(?P<diet>{_DIET})\b"
    r"|(?P<zh>更?健康(?=一?[点些])|更(?:健康|好吃|美味|新鲜|甜|辣|营养)|(?:健康|营养|好吃|清淡|重口味|酸甜|甜|咸|辣|解馋|素|清真|无糖|无盐|低[糖脂盐卡]|无麸质)(?=一?[点些]|的|食)|吃素|(?:不含|无)酒精|糖尿病人?|清真|吃的(?=吧|\W*$))",
    re.IGNORECASE,
)


def qualities(question: str) -> tuple[str, ...]:
    """What is asked of the things that no field settles, each once, in the words of the person.

    >>> qualities("something sweet then"), qualities("he likes spicy food"), qualities("适合糖尿病人的，无糖的")
    (('sweet',), ('spicy',), ('糖尿病人', '无糖'))
    >>> qualities("something cheaper, sweet potatoes"), qualities("light bulbs")
    ((), ())
    """
    found = (
        next((part for part in match.groupdict().values() if part), match.group())
        for match in _UNMEASURED.finditer(question)
    )
    return tuple(dict.fromkeys(word.strip() for word in found))


def without_qualities(question: str) -> str:
    """The question without them; a comparison that a measure reads as well stays."""
    return _UNMEASURED.sub(lambda match: match.group() if _compares(match.group()) else " ", question)


def _compares(words: str) -> bool:
    return any(re.search(pattern, words, re.IGNORECASE) for pattern in RELATIVE)
