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
_PERCENT = re.compile(r"(?<=\d)(?:\s*％|\s+%|\s*per\s?cent\b)", re.IGNORECASE)
_MONTHS = "january february march april may june july august september october november december".split()
_MONTH = re.compile(rf"\b({'|'.join(_MONTHS)}),?\s+(\d{{4}})\b", re.IGNORECASE)
# A begin with its date; the same words without one could tell of a move.
_BEGIN: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"\b(?:first\s+seen|since|start(?:s|ed|ing)?)\s+(?:(?:in|from)\s+)?\d{4}(?:-\d{1,2})?\b",
        re.IGNORECASE,
    ),
    "zh": re.compile(
        r"(?:开始于|始于|自从|自|从)?\s*\d{4}(?:-\d{1,2}|年(?:\s*\d{1,2}月)?)?\s*(?:开始|以来|起)?"
    ),
}
# Of the largest facet alone, and of the others alone, within one clause.
_LARGEST: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"\b(?:first|largest|lead(?:s|ing)?|main(?:ly)?|most(?:ly)?|primar(?:y|ily)|top)\b", re.IGNORECASE
    ),
    "zh": re.compile("最?主要|最大"),
}
_LATER: dict[Language, re.Pattern[str]] = {
    "en": re.compile(r"\b(?:then|next|followed\s+by|further|others?|another)\b", re.IGNORECASE),
    "zh": re.compile("其次|然后|接着|接下来|再次|之后|此外|另外|还"),
}
_CLAUSE: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"(?<!\bthen)(?<!\bnext)[,;]|\band\b|(?=\b(?:then|next|followed\s+by)\b)", re.IGNORECASE
    ),
    "zh": re.compile("[，,；;、和与及]|(?=其次|然后|接着|接下来|再次)"),
}
# Nothing that denies, compares, sums up or moves: the facts are a name, a share and a month.
_WORDS_EN = frozenset(
    """
    a about activity an and are around as at by come comes consumer customer for has have he her his household
    household's i in include includes including interest interested interests into is it its makes making of
    on people person person's place she share shares shown so the their them there these they this up user
    user's we which who whose with you your
    """.split()
)
_WORDS_ZH = tuple(
    sorted(
        """
        这个人 这位 用户 兴趣 关注 活动 占比 份额 占 有 是 为 的 在 和 与 及 以及 也 他 她 他们 你 您 其 该 了
        """.split(),
        key=lambda word: (-len(word), word),
    )
)


def check_summary(text: str, facets: Sequence[Facet], language: Language) -> str:
    """What of a summary may be shown; empty when it does not follow from the facets.

    A sentence that names no facet and no figure tells nothing and is cut. Of the rest every word must be
    known, every figure must be that of the facet it stands beside, the largest facet must come first, the
    others by falling share, in each sentence too, and two at least must be named (or the only one). What is
    called the largest must be it, and what is said to come next must be another.

    Args:
        text: on one line.
        facets: those the summary was asked for, the largest first.
        language: of the summary.
    """
    if not text or len(text) > _MOST_LETTERS or _MARKS.search(text):
        return ""
    told = [part for part in _SENTENCE.split(_mask(text, facets)) if _TOKEN.search(part)]
    named = list(dict.fromkeys(facet for part in told for facet in _named(part, facets)))
    if len(named) < min(2, len(facets)) or not named or named[0] is not facets[0] or not _falls(named):
        return ""
    if not all(_follows(_plain(part), facets, language) for part in told):
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


def _named(sentence: str, facets: Sequence[Facet]) -> list[Facet]:
    return [_facet(mark, facets) for mark in _MARKS.findall(sentence)]


def _falls(named: Sequence[Facet]) -> bool:
    shares = [round(100 * facet.share) for facet in named]
    return shares == sorted(shares, reverse=True)


def _plain(sentence: str) -> str:
    """`sentence` with its figures as the facts write them: `12%` and `2012-05`."""
    sentence = _PERCENT.sub("%", sentence)
    return _MONTH.sub(lambda found: f"{found[2]}-{_MONTHS.index(found[1].casefold()) + 1:02d}", sentence)


def _follows(sentence: str, facets: Sequence[Facet], language: Language) -> bool:
    if not _figures_belong(sentence, facets) or not _falls(_named(sentence, facets)):
        return False
    rest = _FIGURE.sub(" ", _BEGIN[language].sub(" ", sentence))
    return _words_known(_MARKS.sub(" ", rest), language) and _ranks_agree(rest, language)


def _ranks_agree(sentence: str, language: Language) -> bool:
    """Whether only the largest facet is called that, and only others are said to come after one.

    A clause that names no facet speaks of the one before it; at the beginning, of the one behind it.
    """
    marks: list[str] = []
    waiting = ""
    for part in _CLAUSE[language].split(sentence):
        clause, waiting = waiting + part, ""
        marks = _MARKS.findall(clause) or marks[-1:]
        if not marks:
            waiting = clause
            continue
        largest = [mark == chr(_FIRST) for mark in marks]
        if _LARGEST[language].search(clause) and not all(largest):
            return False
        if _LATER[language].search(clause) and any(largest):
            return False
    return True


def _figures_belong(sentence: str, facets: Sequence[Facet]) -> bool:
    """Whether each figure is one of the facet before it; of the one behind it where a figure comes first."""
    tokens = _TOKEN.findall(sentence)
    leads = not _MARKS.match(tokens[0])
    return _belong(reversed(tokens) if leads else tokens, facets)


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
    rest = _LATER[language].sub(" ", _LARGEST[language].sub(" ", sentence))
    if language == "zh":
        for phrase in _WORDS_ZH:
            rest = rest.replace(phrase, " ")
        return not re.search(r"[^\W\d_]", rest)
    return all(word.casefold().replace("’", "'") in _WORDS_EN for word in _WORD.findall(rest))
