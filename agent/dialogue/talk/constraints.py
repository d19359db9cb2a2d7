"""What the lists of a talk must fulfil: said once, kept until withdrawn, visible at any time."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from agent.dialogue.sentences.families import family
from agent.dialogue.sentences.lexicon import HAN, stem
from agent.dialogue.sentences.mentions import normal
from agent.dialogue.talk.attributes import ItemFacts
from agent.interests.words import Language, short_title
from agent.llm.fence import fence

ConstraintKind = Literal[
    "category",
    "domain",
    "says",
    "not",
    "at_most",
    "below",
    "at_least",
    "above",
    "audience",
    "new_only",
    "near",
]

Embed = Callable[[str], "NDArray[np.float32] | None"]

# How many of a catalogue's texts count as near in meaning to some words: this part, and at least so many.
_NEAR_SHARE: Final = 0.01
_NEAR_LEAST: Final = 20
# How much of a value is shown: it may come from a question or from the catalogue.
_VALUE_CHARS: Final = 60
# How an item shows that it is for a child; matched as words (Chinese: as parts).
_CHILD: Final = re.compile(
    r"\b(?:kids?|child|children|children's|kid's|toddlers?|bab(?:y|ies)|infants?|juvenile|junior|"
    r"picture books?|toys?)\b"
    r"|儿童|孩子|小朋友|少儿|幼儿|宝宝|婴儿|亲子|绘本|童话|玩具"
)
# Which limit each kind sets, and how a value is held to it.
_SIDES: Final[Mapping[str, tuple[str, Callable[[float, float], bool]]]] = {
    "at_most": ("upper", operator.le),
    "below": ("upper", operator.lt),
    "at_least": ("lower", operator.ge),
    "above": ("lower", operator.gt),
}
_WORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "category": "only {value}",
        "domain": "only the domain {value}",
        "says": "only what says “{value}”",
        "near": "near “{value}” in meaning",
        "not": "nothing with “{value}”",
        "not_title": "without “{value}”",
        "not_brand": "not from the brand “{value}”",
        "at_most": "{what} at most {value}",
        "at_least": "{what} at least {value}",
        "below": "{what} under {value}",
        "above": "{what} over {value}",
        "audience": "for a child",
        "new_only": "only what you have not had",
        "price": "price",
        "length": "length",
        "year": "year",
        "size": "size",
    },
    "zh": {
        "category": "只看“{value}”",
        "domain": "只看领域“{value}”",
        "says": "只看含有“{value}”的",
        "near": "按含义接近“{value}”的",
        "not": "不含“{value}”",
        "not_title": "不要“{value}”",
        "not_brand": "不要品牌“{value}”",
        "at_most": "{what}不超过{value}",
        "at_least": "{what}不低于{value}",
        "below": "{what}低于{value}",
        "above": "{what}高于{value}",
        "audience": "适合孩子",
        "new_only": "只要没有过的",
        "price": "价格",
        "length": "长度",
        "year": "年份",
        "size": "规格",
    },
}


@dataclass(frozen=True, slots=True)
class Constraint:
    """One condition on what is listed.

    Attributes:
        kind: what is asked; the newest of a kind replaces the one before, and limits of one measure on one
            side do; words that must not occur add up.
        value: category, domain, word or number.
        what: the measure that `at_most`, `below` (strictly), `at_least` and `above` (strictly) speak of; of
            `not`, whether its value is a brand or the whole name of a thing (“title”).
    """

    kind: ConstraintKind
    value: str = ""
    what: str = ""

    @property
    def slot(self) -> str:
        """Constraints of one slot replace each other."""
        if self.kind == "not":
            return f"not:{self.value.casefold()}"
        if self.kind in ("says", "near"):
            # What lists are held to by a word, a category or an occasion is one wish: the newer one holds.
            return "category:"
        if self.kind in _SIDES:
            return f"{_SIDES[self.kind][0]}:{self.what}"
        return f"{self.kind}:{self.what}"

    def shown(self, language: Language) -> str:
        """The constraint in words."""
        words = _WORDS[language]
        key = f"{self.kind}_{self.what}" if self.kind == "not" and self.what else self.kind
        return words[key].format(value=fence(self.value, _VALUE_CHARS), what=words.get(self.what, self.what))

    def allows(self, items: ItemFacts) -> NDArray[np.bool_]:
        """`(n_items,)`, which items fulfil it; an item without a price fulfils no limit of price."""
        catalogue = items.catalogue
        if self.kind == "category":
            wanted = self.value.casefold()
            has = (any(name.casefold() == wanted for name in names) for names in catalogue.categories)
            return np.fromiter(has, np.bool_, len(catalogue))
        if self.kind == "domain":
            return np.fromiter((name == self.value for name in catalogue.domains), np.bool_, len(catalogue))
        if self.kind == "says":
            return items.saying(word_pattern(self.value))
        if self.kind == "not" and self.what == "title":
            same = (short_title(title).casefold() == self.value.casefold() for title in catalogue.titles)
            return ~np.fromiter(same, np.bool_, len(catalogue))
        if self.kind == "not":
            return ~items.saying(word_pattern(" or ".join((self.value, *family(self.value)))))
        if self.kind == "audience":
            return items.saying(_CHILD)
        allowed = np.full(len(catalogue), self.kind == "new_only", np.bool_)
        if self.kind in _SIDES:
            holds, limit = _SIDES[self.kind][1], float(self.value)
            for code, value in items.measured(self.what).items():  # type: ignore[arg-type]
                allowed[code] = holds(value, limit)
        return allowed


def word_pattern(word: str) -> re.Pattern[str]:
    """Finds a word or name, also in the plural; Chinese as a part of longer words; of “tea or milk” either.

    >>> [bool(word_pattern("tea or milk").search(text)) for text in ("green teas", "oat milk", "steak")]
    [True, True, False]
    """
    either = word.split(" or ")
    if len(either) > 1:
        return re.compile("|".join(word_pattern(part).pattern for part in either))
    if HAN.search(word):
        return re.compile(re.escape(word.casefold()))
    parts = [_forms(part) for part in normal(word).split()]
    between = r"\W+"
    return re.compile(rf"\b{between.join(parts)}\b")


def _forms(word: str) -> str:
    """A word in the singular and the plural: “candy” is no part of “candles”."""
    if word.endswith(("y", "ies")) and len(word) > 3:
        return rf"{re.escape(stem(word))}(?:y|ie)\w{{0,2}}"
    return rf"{re.escape(stem(word))}\w{{0,3}}"


def merge(current: Sequence[Constraint], added: Sequence[Constraint]) -> tuple[Constraint, ...]:
    """`current` with `added`: a new one takes the slot of an older one."""
    kept = {entry.slot: entry for entry in current}
    for entry in added:
        kept.pop(entry.slot, None)
        kept[entry.slot] = entry
    return tuple(kept.values())


def combined_mask(
    constraints: Sequence[Constraint], items: ItemFacts, embed: Embed | None = None
) -> NDArray[np.bool_] | None:
    """`(n_items,)`, which items fulfil all of them; None without constraints on items.

    Args:
        embed: gives the vector of a text; without one a constraint by meaning leaves every item in.
    """
    chosen = [entry for entry in constraints if entry.kind != "new_only"]
    if not chosen:
        return None
    mask = np.ones(len(items.catalogue), np.bool_)
    for entry in chosen:
        if entry.kind == "near":
            vector = None if embed is None else embed(entry.value)
            mask &= near_mask(vector, items)
        else:
            mask &= entry.allows(items)
    return mask


def near_mask(vector: NDArray[np.float32] | None, items: ItemFacts) -> NDArray[np.bool_]:
    """`(n_items,)`, the items whose texts are among the nearest to a vector; all of them without vectors."""
    catalogue = items.catalogue
    if vector is None or catalogue.vectors is None:
        return np.ones(len(catalogue), np.bool_)
    similarity = catalogue.vectors @ vector
    n = max(_NEAR_LEAST, int(_NEAR_SHARE * len(similarity)))
    floor = np.sort(similarity)[-min(n, len(similarity))]
    near = similarity >= floor
    rows = catalogue.text_row
    found: NDArray[np.bool_] = (rows >= 0) & near[np.maximum(rows, 0)]
    return found
