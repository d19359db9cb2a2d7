"""Whole numbers as people write them: 5, five, twenty-five, a dozen, 五, 二十五."""

from __future__ import annotations

import re
from typing import Final

_ONES: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORDS: Final = {
    **{word: number for number, word in enumerate(_ONES) if number},
    **{word: 10 * number for number, word in enumerate(_TENS, start=2)},
    "couple": 2, "few": 3, "dozen": 12, "hundred": 100,
}  # fmt: skip
_ZH: Final = dict(zip("一二三四五六七八九", range(1, 10), strict=True)) | {"两": 2, "几": 3}
_TEENS: Final = "|".join(sorted((*_WORDS,), key=len, reverse=True))
# One number, as a pattern: digits, words, Chinese numerals below a thousand.
NUMBER_EN: Final = (
    rf"(?:\d{{1,3}}|(?:{'|'.join(_TENS)})[- ](?:{'|'.join(_ONES[1:10])})|(?:a )?(?:{_TEENS})(?: of)?)"
)
NUMBER_ZH: Final = r"(?:\d{1,3}|[一二两三四五六七八九十百几]{1,5})"


def read_number(text: str) -> int | None:
    """The number that `text` says; None when it says none.

    >>> [read_number(text) for text in ("5", "five", "Twenty-five", "a dozen", "a couple of", "a few")]
    [5, 5, 25, 12, 2, 3]
    >>> [read_number(text) for text in ("五", "十", "十二", "二十五", "一百二十", "几", "many")]
    [5, 10, 12, 25, 120, 3, None]
    """
    folded = re.sub(r"^a | of$", "", text.strip().casefold())
    if folded.isdecimal():
        return int(folded)
    if re.fullmatch(r"[一二两三四五六七八九十百几]+", folded):
        return _read_zh(folded)
    parts = re.split(r"[- ]", folded)
    if not all(part in _WORDS for part in parts):
        return None
    return sum(_WORDS[part] for part in parts)


def _read_zh(text: str) -> int:
    total, digit = 0, 0
    for character in text:
        factor = {"十": 10, "百": 100}.get(character)
        if factor:
            total, digit = total + (digit or 1) * factor, 0
        else:
            digit = _ZH[character]
    return total + digit
