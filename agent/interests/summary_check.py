"""The mechanical check of a profile's summary: filler goes, and what stays must follow from the facets.

As with stories, a closed vocabulary: what it does not know, it rejects, and the plain facts speak instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agent.interests.story_check import label_pattern
from agent.interests.words import Language, percent
from agent.schema import Facet

_MOST_LETTERS = 600
# One character of Unicode's private use stands for each facet while the rest is read.
_FIRST = 0xE000
_MARKS = re.compile("[\ue000-\uf8ff]")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n")
_FIGURE = re.compile(r"<?\d+(?:\.\d+)?%|\d+(?:\.\d+)?")
_TOKEN = re.compile(f"{_MARKS.pattern}|{_FIGURE.pattern}")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
# Nothing that denies, compares, sums up or moves: the facts are a name, a share and a month.
_WORDS_EN = frozenset(
    """
    a about activity an and another are around as at by came come comes consumer customer first follow
    followed following follows for from further had has have he her his household household's i in include
    included includes including interest interested interests into is it its largest lead leading leads main
    mainly makes making month most mostly next of on other others part people person person's place
    primarily primary seen she share shares shown since so start started starting the their them then there
    these they this time to top up user user's was we were which who whose with you your
    """.split()
)
_WORDS_ZH = tuple(
    sorted(
        """
        这个人 这位 用户 最主要 主要 最大 兴趣 关注 活动 占比 份额 占 其次 然后 接着 接下来 再次 之后 此外
        另外 还有 还 有 始于 开始于 开始 自 从 起 以来 是 为 的 在 和 与 及 以及 也 他 她 他们
        你 您 其 该 年 月 了
        """.split(),
        key=lambda word: (-len(word), word),
    )
)


def check_summary(text: str, facets: Sequence[Facet], language: Language) -> str:
    """What of a summary may be shown; empty when it does not follow from the facets.

    A sentence that names no facet and no figure tells nothing and is cut. Of the rest every word must be
    known, every figure must be that of the facet it stands beside, the largest facet must come first, the
    others by falling share, and two at least must be named (or the only one).

    Args:
        text: on one line.
        facets: those the summary was asked for, the largest first.
        language: of the summary.
    """
    if not text or len(text) > _MOST_LETTERS or _MARKS.search(text):
        return ""
    told = [part for part in _SENTENCE.split(_mask(text, facets)) if _TOKEN.search(part)]
    named = list(dict.fromkeys(_facet(mark, facets) for part in told for mark in _MARKS.findall(part)))
    if len(named) < min(2, len(facets)) or not named or named[0] is not facets[0]:
        return ""
    shares = [round(100 * facet.share) for facet in named]
    if shares != sorted(shares, reverse=True):
        return ""
    if not all(_figures_belong(part, facets) and _words_known(part, language) for part in told):
        return ""
    joined = ("" if language == "zh" else " ").join(part.strip() for part in told)
    return _MARKS.sub(lambda mark: _facet(mark[0], facets).label, joined)


def _mask(text: str, facets: Sequence[Facet]) -> str:
    # Longest first: "Frozen pizza" is no "Pizza" with a stray word.
    for place, facet in sorted(enumerate(facets), key=lambda entry: -len(entry[1].label)):
        text = label_pattern(facet.label).sub(chr(_FIRST + place), text)
    return text


def _facet(mark: str, facets: Sequence[Facet]) -> Facet:
    return facets[ord(mark) - _FIRST]


def _figures_belong(sentence: str, facets: Sequence[Facet]) -> bool:
    """Whether each figure is one of the facet before it, or each of the facet behind it."""
    tokens = _TOKEN.findall(sentence)
    return _belong(tokens, facets) or _belong(reversed(tokens), facets)


def _belong(tokens: Iterable[str], facets: Sequence[Facet]) -> bool:
    known: set[str] = set()
    for token in tokens:
        if _MARKS.match(token):
            known = _figures(_facet(token, facets))
        elif token not in known:
            return False
    return True


def _figures(facet: Facet) -> set[str]:
    since = facet.first_seen
    return {percent(facet.share), f"{since:%Y}", f"{since:%m}", str(since.month)}


def _words_known(sentence: str, language: Language) -> bool:
    rest = _FIGURE.sub(" ", _MARKS.sub(" ", sentence))
    if language == "zh":
        for phrase in _WORDS_ZH:
            rest = rest.replace(phrase, " ")
        return not re.search(r"[^\W\d_]", rest)
    return all(word.casefold().replace("’", "'") in _WORDS_EN for word in _WORD.findall(rest))
