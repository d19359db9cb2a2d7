"""Numbers in a wish: how many, and limits of price, length and year; English and Chinese."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import re
from typing import Final

from agent.dialogue.talk.attributes import Measure

_COUNTS: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "a few": 3, "some": 5, "a couple": 2, "dozen": 12, "一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6,
    "七": 7, "八": 8, "九": 9, "十": 10,
}  # fmt: skip
_COUNT: Final = re.compile(
    r"\b(?:give|show|recommend|suggest|list|tell|need|want|get|top|first|me|another|only|just)\s+(?:me\s+)?(?:the\s+|my\s+)?(?:top\s+)?"
    r"(one|two|three|four|five|six|seven|eight|nine|ten|a few|a couple|\d{1,2})\b(?!\s*(?:dollars|euros|minutes|pages|years))"
    r"|([一两二三四五六七八九十]|\d{1,2})\s*(?:个|本|款|部|样|条|件|种)(?!月)",
    re.IGNORECASE,
)
_LIMITS: Final = (
    ("at_most", r"(?:under|below|less than|at most|up to|no more than|not more than|within|cheaper than|shorter than|max(?:imum)?)"),
    ("at_least", r"(?:over|above|more than|at least|longer than|min(?:imum)?)"),
)  # fmt: skip
_MONEY: Final = r"(?:dollars?|bucks|euros?|pounds?|usd|eur|yuan|rmb|元|块|€|£)"
# “My budget is 20 bucks”, “20 dollars max”, “预算20块”: the unit may be left out after the word.
_BUDGET: Final = re.compile(
    rf"\bbudget\b(?: (?:of|is|was|about|around|roughly|only|just|it'?s|maybe|like))*\s*[:=]?\s*[$€£¥]?\s*(?P<n>\d+(?:\.\d+)?)"
    rf"|[$€£¥]?\s*\b(?P<max>\d+(?:\.\d+)?)\s*{_MONEY}? (?:budget|tops|max(?:imum)?|at most|or less)\b"
    r"|预算(?:是|大概|只有|最多|就|在)*\s*(?P<zh>[一二两三四五六七八九十百千]+|\d+(?:\.\d+)?)(?!\s*(?:元|块钱?)(?:以下|以内|之内))",
    re.IGNORECASE,
)
_PEOPLE: Final = re.compile(
    r"\bfor (?:about |around )?(?:\d{1,3}|two|three|four|five|six|seven|eight|nine|ten|a dozen)(?: (?:people|persons?|guests|friends|adults|of us|kids|children))?(?=\W*$|[,.;!?]| (?:people|persons?|guests|friends|adults|of us|kids|children|please|tonight|today|tomorrow)\b)"
    r"|[一二两三四五六七八九十\d]{1,3}(?:个人|人份|口人|位客人)",
    re.IGNORECASE,
)
_LENGTH: Final = r"(?:minutes?|mins?|pages?|hours?|分钟|页|小时)"
_CURRENCY: Final = r"[$€£¥]?\s*"
_ZH_NUMBER: Final = re.compile(r"[一二两三四五六七八九十百千]+|\d+(?:\.\d+)?")


def limits(question: str) -> list[tuple[str, Measure, float]]:
    """Kind of limit, measure and number of every limit that a question sets."""
    found: list[tuple[str, Measure, float]] = []
    for match in _BUDGET.finditer(question):
        found.append(("at_most", "price", _zh_number(match["n"] or match["max"] or match["zh"])))
    for kind, word in _LIMITS:
        for match in re.finditer(
            rf"\b{word}\s+(?P<cur>{_CURRENCY})(?P<n>\d+(?:\.\d+)?)\s*(?P<unit>{_MONEY}|{_LENGTH})?",
            question,
            re.IGNORECASE,
        ):
            length = bool(match.group("unit") and re.fullmatch(_LENGTH, match.group("unit"), re.IGNORECASE))
            found.append((kind, "length" if length else "price", float(match.group("n"))))
    pattern = rf"(?P<n>{_ZH_NUMBER.pattern})\s*(?P<unit>元|块钱?|分钟|页)(?P<side>以下|以内|之内|以上)"
    for match in re.finditer(pattern, question):
        measure_name: Measure = "length" if match.group("unit") in ("分钟", "页") else "price"
        side = "at_least" if match.group("side") == "以上" else "at_most"
        found.append((side, measure_name, _zh_number(match.group("n"))))
    pattern = rf"(?P<side>(?:别|不要|不|不能|不可)(?:超过|高于|贵过|多于)|低于|少于|不到|不足|最多|至多|超过|高于|至少|多于)\s*(?P<n>{_ZH_NUMBER.pattern})\s*(?P<unit>元|块钱?|分钟|页)(?!以|之)"
    for match in re.finditer(pattern, question):
        measure_name = "length" if match.group("unit") in ("分钟", "页") else "price"
        side = "at_least" if match.group("side") in ("超过", "高于", "至少", "多于") else "at_most"
        found.append((side, measure_name, _zh_number(match.group("n"))))
    for match in re.finditer(
        r"\b(?P<side>after|since|before)\s+(?P<n>(?:19|20)\d\d)\b", question, re.IGNORECASE
    ):
        side = "at_most" if match.group("side").lower() == "before" else "at_least"
        found.append((side, "year", float(match.group("n"))))
    return found


def _zh_number(text: str) -> float:
    """The number that Chinese numerals up to thousands spell.

    >>> _zh_number("五十"), _zh_number("一百二"), _zh_number("30")
    (50.0, 102.0, 30.0)
    """
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return float(text)
    total, digit = 0, 0
    for character in text:
        factor = {"十": 10, "百": 100, "千": 1000}.get(character)
        if factor:
            total += (digit or 1) * factor
            digit = 0
        else:
            digit = _COUNTS.get(character, 0)
    return float(total + digit)


def people(question: str) -> str:
    """How many people something is for, in the words of the person; empty when that is not said.

    >>> people("thanksgiving dinner for 8 people"), people("晚饭，四个人"), people("ideas for dinner")
    ('for 8 people', '四个人', '')
    """
    match = _PEOPLE.search(question)
    return match.group().strip() if match else ""


def count(question: str) -> int | None:
    """How many are wanted, between 1 and 50; None when nothing is said of it."""
    match = _COUNT.search(question)
    if not match:
        return None
    word = (match.group(1) or match.group(2)).lower()
    return max(1, min(50, int(word) if word.isdigit() else _COUNTS[word]))
