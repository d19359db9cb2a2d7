"""What a question speaks of: items by place, title or pronoun; interests, categories and domains by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, TypeVar

from agent.data.log import Catalogue
from agent.dialogue.sentences.lexicon import EVERYDAY, HAN, TOKEN, content_words, stem
from agent.interests.words import short_title

T = TypeVar("T")
TopicKind = Literal["facet", "category"]

_ORDINALS: Final = {
    "first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "fifth": 5,
    "5th": 5, "sixth": 6, "6th": 6, "seventh": 7, "7th": 7, "eighth": 8, "8th": 8, "ninth": 9, "9th": 9,
    "tenth": 10, "10th": 10, "last": -1,
    "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8,
    "九": 9, "十": 10, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "两": 2,
}  # fmt: skip
_ORDINAL_NAMES: Final = "|".join(
    name for name in _ORDINALS if name.endswith(("st", "nd", "rd", "th", "ond", "ird"))
)
_CARDINALS: Final = "one|two|three|four|five|six|seven|eight|nine|ten"
_PLACES: Final = (
    re.compile(r"#\s*(\d{1,3})\b"),
    re.compile(
        rf"\b(?:number|no\.?|nr\.?|item|rank|place|position)\s*#?(\d{{1,3}}|{_CARDINALS})\b", re.IGNORECASE
    ),
    re.compile(rf"\b({_ORDINAL_NAMES})\b(?! (?:half|time|quarter))", re.IGNORECASE),
    re.compile(r"\b(?:the )(last)(?: one| item| suggestion| recommendation|\s*[?.!]|$)", re.IGNORECASE),
    re.compile(r"\bwhy\s+(?:not\s+)?(\d{1,2})\b", re.IGNORECASE),
    re.compile(r"第\s*(\d{1,3}|[一二三四五六七八九十])(?!次|名)"),
    re.compile(r"(?<![\d月年-])(\d{1,2})号(?=不要|不用|别|为什么|为何|怎么|是什么|呢|多|少|换)"),
    re.compile(r"(?:^|\W)(\d{1,2})(?=\s*(?:or|and|vs\.?|versus|和|还是|与)\s*#?\d{1,2}\b)", re.IGNORECASE),
    re.compile(r"\d{1,2}\s*(?:or|and|vs\.?|versus|和|还是|与)\s*#?(\d{1,2})\b", re.IGNORECASE),
)
_LAST_ZH: Final = re.compile(r"最后(?:一)?(?:个|条|本|款)")
_FIRST_N: Final = re.compile(
    r"\b(?:first|top) (two|three|2|3)\b|前(两|二|三|2|3)(?:个|条|本|款)?", re.IGNORECASE
)
_BOTH: Final = re.compile(r"\bboth\b|\bthese two\b|\bthe two\b|\bthem\b|这两个|这两|它们|两者", re.IGNORECASE)
_PRONOUN: Final = re.compile(
    r"\b(?:this|that|it|these|those|its)\b|这个|那个|这本|那本|这款|那款|这条|它|这样的|这", re.IGNORECASE
)
_JOINED: Final = re.compile(r"\band\b|&|,|/|和|及|、", re.IGNORECASE)
_LONGEST_SPAN: Final = 12
_LONGEST_SPAN_ZH: Final = 30
_NO_NAME: Final = frozenset({"other", "misc", "none", "all", "new", "no", "books", "things"})


@dataclass(frozen=True, slots=True)
class Topic:
    """Something with a name: a facet by its key, or a category."""

    kind: TopicKind
    target: str
    name: str


@dataclass(frozen=True)
class Names:
    """Every name of a catalogue, ready to be found in a question."""

    catalogue: Catalogue

    @cached_property
    def titles(self) -> dict[str, tuple[int, ...]]:
        """Item codes by normalised title, whole and without size and brand."""
        found: dict[str, list[int]] = {}
        for code, title in enumerate(self.catalogue.titles):
            for form in dict.fromkeys((title, short_title(title))):
                found.setdefault(normal(form), []).append(code)
        found.pop("", None)
        return {name: tuple(codes) for name, codes in found.items()}

    @cached_property
    def categories(self) -> dict[str, str]:
        """Categories by normalised name."""
        return {normal(name): name for name in self.catalogue.category_names if normal(name) not in _NO_NAME}

    @cached_property
    def domains(self) -> dict[str, str]:
        """Domains by normalised name."""
        return {normal(name): name for name in self.catalogue.domains if name}

    def find_titles(self, question: str) -> list[tuple[tuple[int, int], tuple[int, ...]]]:
        """Where titles stand in the question, the longest where they overlap, and the items of that name."""
        return _longest(question, self.titles)

    def find_categories(self, question: str) -> list[tuple[tuple[int, int], str]]:
        """Where categories are named, in order; singular and plural are one."""
        exact = _longest(question, self.categories)
        if exact:
            return exact
        by_stem = {
            " ".join(stem(word) for word in name.split()): real for name, real in self.categories.items()
        }
        found = _longest(question, by_stem, stems=True)
        # “Cook” is but the stem of “cookies”, which is no singular of it.
        said = {spot: normal(question[slice(*spot)]).split()[-1] for spot, _ in found}
        return [(spot, name) for spot, name in found if name[-3:] != "ies" or stem(said[spot]) != said[spot]]

    def mask(self, question: str) -> str:
        """The question with the titles in it replaced, so that their words are not taken for commands."""
        for (start, end), _ in sorted(self.find_titles(question), reverse=True):
            span = question[start:end]
            if len(span.split()) > 1 or len(HAN.findall(span)) > 3:
                question = f"{question[:start]}ITEM{question[end:]}"
        return question


def normal(text: str) -> str:
    """Words in lower case with single spaces: what names are compared by.

    >>> normal("Chef's knife,  carbon STEEL"), normal("小熊的雨衣")
    ("chef's knife carbon steel", '小熊的雨衣')
    """
    return " ".join(TOKEN.findall(text.casefold().replace("’", "'")))


def _longest(
    question: str, names: Mapping[str, T], *, stems: bool = False
) -> list[tuple[tuple[int, int], T]]:
    folded = question.casefold().replace("’", "'")
    if len(folded) != len(question):  # some letters grow when folded: positions would not fit
        folded = question.lower() if len(question.lower()) == len(question) else question
    tokens = [(match.start(), match.end(), match.group()) for match in TOKEN.finditer(folded)]
    found: list[tuple[tuple[int, int], T]] = []
    spot = 0
    while spot < len(tokens):
        hit = 0
        for length in range(min(_LONGEST_SPAN, len(tokens) - spot), 0, -1):
            words = [token for _, _, token in tokens[spot : spot + length]]
            name = " ".join(stem(word) for word in words) if stems else " ".join(words)
            if name in names and (len(name) > 2 or HAN.search(name)) and name not in _NO_NAME:
                found.append(((tokens[spot][0], tokens[spot + length - 1][1]), names[name]))
                hit = length
                break
        if not hit and HAN.search(tokens[spot][2]):
            found += _longest_han(tokens[spot], names)
        spot += hit or 1
    return found


def _longest_han(token: tuple[int, int, str], names: Mapping[str, T]) -> list[tuple[tuple[int, int], T]]:
    start, _, text = token
    found: list[tuple[tuple[int, int], T]] = []
    spot = 0
    while spot < len(text):
        for length in range(min(_LONGEST_SPAN_ZH, len(text) - spot), 1, -1):
            if text[spot : spot + length] in names:
                found.append(((start + spot, start + spot + length), names[text[spot : spot + length]]))
                spot += length - 1
                break
        spot += 1
    return found


def find_places(question: str, n_listed: int) -> list[tuple[int, int]]:
    """`(position in the question, place from 1)` for every “number 2”, “the last one”, “第二个”.

    Places beyond the list are kept: the answer says that there are not so many.
    """
    found: dict[int, int] = {}
    for match in _FIRST_N.finditer(question):
        word = (match.group(1) or match.group(2)).lower()
        count = int(word) if word.isdigit() else _ORDINALS[word]
        found.update({match.start() + extra: extra + 1 for extra in range(count)})
    if found:
        return sorted(found.items())
    for pattern in _PLACES:
        for match in pattern.finditer(question):
            word = match.group(1).lower()
            number = int(word) if word.isdigit() else _ORDINALS[word]
            found.setdefault(match.start(1), n_listed if number == -1 else number)
    for match in _LAST_ZH.finditer(question):
        found.setdefault(match.start(), n_listed)
    return [(spot, number) for spot, number in sorted(found.items()) if number > 0]


def means_shown(question: str) -> bool:
    """Whether a pronoun points at what was shown before."""
    return bool(_PRONOUN.search(question))


def means_both(question: str) -> bool:
    """Whether the two items spoken of before are meant."""
    return bool(_BOTH.search(question))


def find_topic(question: str, names: Names, facets: Sequence[tuple[str, str]]) -> Topic | None:
    """The interest or category that a question names; None when it names none of them clearly.

    Args:
        facets: `(key, label)` of the user's interests, the largest first.
    """
    whole = f" {normal(question)} "
    han = bool(HAN.search(question))
    labelled = [
        (key, label)
        for key, label in facets
        if normal(label) and (f" {normal(label)} " in whole or (han and normal(label) in whole))
    ]
    if labelled:
        key, label = max(labelled, key=lambda pair: len(pair[1]))
        return Topic("facet", key, label)
    categories = [name for _, name in names.find_categories(question)]
    if categories:
        return _interest_led_by(categories[0], facets) or Topic("category", categories[0], categories[0])
    words = content_words(question)
    kinds = [everyday(word) for word in words]
    if kinds != words and (found := _nearest_topic(" ".join(kinds).split(), names, facets)):
        if says_all(" ".join(kinds).split(), found.name):
            return found
    return _nearest_topic(words, names, facets)


def _interest_led_by(category: str, facets: Sequence[tuple[str, str]]) -> Topic | None:
    """The interest whose name begins with a category: “bread” is “Bread, buns and rolls”."""
    wanted = [stem(word) for word in normal(category).split()]
    for key, label in facets:
        first, *others = _JOINED.split(label)
        if others and "/" not in label and [stem(word) for word in normal(first).split()] == wanted:
            return Topic("facet", key, label)
    return None


def everyday(word: str) -> str:
    """What shops call a thing that people call otherwise; the word itself where they agree.

    >>> everyday("soda"), everyday("cheese")
    ('soft drinks', 'cheese')
    """
    return EVERYDAY.get(word, word)


def usual_words(words: Sequence[str], names: Names) -> tuple[str, ...]:
    """The words with everyday names in the words of the catalogue, where it has things of that name.

    A word that names a category or a thing itself stays as it is.
    """
    found: list[str] = []
    for word in words:
        usual = EVERYDAY.get(word, "")
        known = bool(usual) and (usual in names.categories or usual in names.titles)
        itself = word in names.categories or word in names.titles
        found += usual.split() if known and not itself else [word]
    return tuple(dict.fromkeys(found))


def kind_topic(name: str, names: Names, facets: Sequence[tuple[str, str]]) -> Topic | None:
    """The interest or category that bears a name, or says all of its words; None when there is none."""
    if not (wanted := [stem(word) for word in normal(name).split()]):
        return None
    pairs = [Topic("facet", key, label) for key, label in facets]
    pairs += [Topic("category", category, category) for category in names.categories.values()]
    same = [topic for topic in pairs if [stem(word) for word in normal(topic.name).split()] == wanted]
    wider = [topic for topic in pairs if says_all(wanted, topic.name)]
    if same and same[0].kind == "category":
        return _interest_led_by(same[0].name, facets) or same[0]
    return next(iter(same), None) or min(wider, key=lambda topic: len(topic.name), default=None)


def is_wider(topic: Topic, words: Sequence[str]) -> bool:
    """Whether a name joins several kinds of which the words say the lesser part: “baking powder and soda”."""
    said = [stem(word) for word in normal(topic.name).split() if word not in ("and", "or", "other")]
    wanted = {stem(part) for word in words for part in (word, *everyday(word).split())}
    return bool(_JOINED.search(topic.name)) and 2 * sum(word in wanted for word in said) < len(said)


def _nearest_topic(words: Sequence[str], names: Names, facets: Sequence[tuple[str, str]]) -> Topic | None:
    if not (wanted := {stem(word) for word in words}):
        return None
    pairs: list[tuple[float, Topic]] = []
    for key, label in facets:
        pairs.append((shared_part(wanted, label), Topic("facet", key, label)))
    for name in names.categories.values():
        pairs.append((shared_part(wanted, name) - 0.01, Topic("category", name, name)))
    best = max(pairs, key=lambda pair: pair[0], default=(0.0, None))
    return best[1] if best[0] >= 0.5 else None


def says_all(words: Sequence[str], name: str) -> bool:
    """Whether a name says every one of the words, in the singular or the plural."""
    return shared_part({stem(word) for word in words}, name) > 0.9


def shared_part(wanted: set[str], label: str) -> float:
    """Part of the wanted words that a label says, a little less for a longer label."""
    folded = label.casefold()
    said = {stem(word) for word in normal(label).split()}
    hits = sum(
        1 for word in wanted if word in said or (HAN.search(word) and (word in folded or folded in word))
    )
    return hits / len(wanted) - 0.001 * len(label)
