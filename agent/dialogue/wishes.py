"""Reading a wish for a list: how many, of what, and what it must not be."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from agent.dialogue.attributes import ItemFacts, Measure, brand_of, measure
from agent.dialogue.constraints import Constraint
from agent.dialogue.lexicon import content_words
from agent.dialogue.mentions import Names, says_all
from agent.interests.words import Language
from agent.llm.fence import fence

_COUNTS: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "a few": 3, "some": 5, "a couple": 2, "dozen": 12, "一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6,
    "七": 7, "八": 8, "九": 9, "十": 10,
}  # fmt: skip
_COUNT: Final = re.compile(
    r"\b(?:give|show|recommend|suggest|list|tell|need|want|get|top|me|another|only|just)\s+(?:me\s+)?(?:the\s+|my\s+)?(?:top\s+)?"
    r"(one|two|three|four|five|six|seven|eight|nine|ten|a few|a couple|\d{1,2})\b(?!\s*(?:dollars|euros|minutes|pages|years))"
    r"|([一两二三四五六七八九十]|\d{1,2})\s*(?:个|本|款|部|样|条|件|种)(?!月)",
    re.IGNORECASE,
)
_LIMITS: Final = (
    ("at_most", r"(?:under|below|less than|at most|up to|no more than|not more than|within|cheaper than|shorter than|max(?:imum)?)"),
    ("at_least", r"(?:over|above|more than|at least|longer than|min(?:imum)?)"),
)  # fmt: skip
_MONEY: Final = r"(?:dollars?|bucks|euros?|pounds?|usd|eur|yuan|rmb|元|块|€|£)"
_LENGTH: Final = r"(?:minutes?|mins?|pages?|hours?|分钟|页|小时)"
_CURRENCY: Final = r"[$€£¥]?\s*"
_ZH_NUMBER: Final = re.compile(r"[一二两三四五六七八九十百千]+|\d+(?:\.\d+)?")
_RELATIVE: Final[Mapping[str, tuple[Measure, str]]] = {
    r"\bcheaper\b|\bless expensive\b|\bmore affordable\b|\bcheap\b|便宜": ("price", "below"),
    r"\bpricier\b|\bmore expensive\b|更贵|贵一点": ("price", "above"),
    r"\bshorter\b|\bshort\b|\bquicker\b|短一?[些点]|更短|短的": ("length", "below"),
    r"\blonger\b|长一?[些点]|更长": ("length", "above"),
    r"\bnewer\b|\bmore recent\b|新一?[些点]的?(?!东西)|更新": ("year", "above"),
    r"\bolder\b|老一?[些点]|更早": ("year", "below"),
    r"\bsmaller\b|小一?[些点]|更小": ("size", "below"),
    r"\b(?:bigger|larger)\b(?! (?:place|share))|大一?[些点]|更大": ("size", "above"),
}
_CHILD: Final = re.compile(
    r"\bfor (?:a|an|my|the|our|his|her|small|young)?\s?(?:\w+ )?(?:child|kids?|children|toddler|baby|son|daughter|boy|girl|niece|nephew)\b"
    r"|\bkid[- ]friendly\b|适合(?:小?孩子?|儿童|宝宝|小朋友)|给(?:我的?)?(?:小?孩子?|儿童|宝宝|小朋友|儿子|女儿)",
    re.IGNORECASE,
)
_MAKER: Final = r"(?:brand|maker|publisher|manufacturer)s?"
_BRAND_NAMED: Final = re.compile(rf"\b{_MAKER}\b|牌子|品牌", re.IGNORECASE)
# What the item spoken of is made by; “a private brand” or “the brand Acme” is a name of its own.
_THIS_BRAND: Final = re.compile(
    rf"\b(?:not|no|nothing|without|other than|different from|except|anything but)\b.{{0,20}}\b(?:this|that|the same|their|its)\s{_MAKER}\b"
    rf"|\b(?:another|different|other)\s{_MAKER}\b"
    r"|(?:不要|别|不是|除了)(?:这|那)(?:个|家)?(?:牌子|品牌|厂商|出版社)|(?:换|别的|其他|其它)(?:一?[个家种])?(?:别的)?(?:牌子|品牌|厂商|出版社)",
    re.IGNORECASE,
)
_NOT: Final = re.compile(
    r"\b(?:but not|not from|nothing (?:with|from|by|about)|no|not|without|other than|except(?: for)?|but no|anything but)\s+"
    r"(?:any |more |the |a |an |brand |from |with |by |of |about )*(?P<word>[^,.;!?]+?)(?=$|[,.;!?]| please\b| in it\b| and\b| this time\b)"
    r"|(?:不要|不含|除了|别给我|非)(?P<zh>[^，。；！？,的]{1,12}?)(?:的|之外|以外)?(?=$|[，。；！？,])",
    re.IGNORECASE,
)
_NEW: Final = re.compile(
    r"\b(?:not|never|haven't|have not)\s+(?:\w+ )?(?:had|bought|seen|tried|read|watched)\b|\bnew (?:to|for) me\b|\bsomething new\b"
    r"|没(?:有)?(?:买|看|读|用|试)过|新东西|新鲜",
    re.IGNORECASE,
)
# “Only cheese” and “some cheese”: what is named may be a category, or a word that the items say.
_ONLY: Final = re.compile(
    r"\b(?:only|nothing but)\s+(?:show |give |recommend |suggest |list |want )?(?:me )?(?:some |the |any )?"
    r"(?P<word>[^,.;!?]+?)(?=$|[,.;!?]| please\b| and\b| this time\b| from now on\b| for now\b)"
    r"|只(?:想)?(?:要|看|买|推荐|显示|想要)(?:一?[点些])?(?P<zh>[^，。；！？,]{1,12}?)(?:类的?|的|吧|就好|就行)?(?=$|[，。；！？,])",
    re.IGNORECASE,
)
_SOME: Final = re.compile(
    r"^\W*(?:please )?(?:(?:can|could) you )?(?:recommend|suggest|give me|show me|i want|i need|i'?d like|got any|any)\s+"
    r"(?:me )?(?:some |an? |any |a few |more )?(?P<word>[^\W\d_]+(?: [^\W\d_]+)?)\W*(?:please)?\W*$"
    r"|^\W*(?:给我|请)?(?:推荐|来)(?:一?[点些])(?P<zh>[^，。；！？,]{1,8}?)(?:类的?|吧)?\W*$",
    re.IGNORECASE,
)
_NO_VALUE: Final = frozenset(
    {"things", "stuff", "items", "anything", "please", "in", "it"}
    | {f"{maker}{end}" for maker in ("brand", "maker", "publisher", "manufacturer") for end in ("", "s")}
)
# Of more words nobody makes a filter.
_MOST_WORDS: Final = 3
_UNNEGATED: Final = frozenset(
    {"ideas", "idea", "problem", "worries", "more", "matter", "longer", "sure", "this brand"}
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a question asks of a list.

    Attributes:
        k: its length, None when nothing was said.
        constraints: new conditions.
        problems: wishes that cannot be met, in words, with the reason.
    """

    k: int | None
    constraints: tuple[Constraint, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class WishReader:
    """Reads wishes against a catalogue.

    Attributes:
        shown: codes of the items spoken of, the one in focus first: what “this brand” and “shorter” refer to.
    """

    items: ItemFacts
    names: Names
    language: Language
    shown: Sequence[int] = ()

    def read(self, question: str) -> Wishes:
        """Everything that `question` asks of a list."""
        problems: list[str] = []
        found = self._negated(question, problems)
        rest = _NOT.sub(" ", question) if any(entry.kind == "not" for entry in found) else question
        found += self._measures(rest, problems)
        if _CHILD.search(question):
            entry = Constraint("audience", "child")
            if entry.allows(self.items).any():
                found.append(entry)
            else:
                problems.append(self._say("no_child"))
        if _NEW.search(question):
            found.append(Constraint("new_only"))
        found += self._said(rest, self._places(rest), problems)
        return Wishes(_count(question), tuple(found), tuple(problems))

    def _places(self, question: str) -> list[Constraint]:
        """Category or domain: a domain only when no category is named, one name may be both."""
        titles = self.names.find_titles(question)
        categories = [
            (spot, name)
            for spot, name in self.names.find_categories(question)
            # A category inside a longer title is a word of the title.
            if not any(
                start <= spot[0] and spot[1] <= end and end - start > spot[1] - spot[0]
                for (start, end), _ in titles
            )
        ]
        if categories:
            return [Constraint("category", categories[0][1])]
        words = {word for word in content_words(question)}
        domains = [real for name, real in self.names.domains.items() if name in words]
        return [Constraint("domain", domains[0])] if domains else []

    def _said(self, question: str, places: Sequence[Constraint], problems: list[str]) -> Sequence[Constraint]:
        """A word that all items of the list must say: “only cheese”; “some cheese” where a category says it.

        Args:
            question: without what it denies.
            places: the category or domain that it names; stands unless more is said than its name.
            problems: told when nothing says the word.
        """
        if _NEW.search(question) or _limits(question):
            return places
        only, some = _ONLY.search(question), _SOME.search(question)
        match = only or some
        words = content_words(match["word"] or match["zh"] or "") if match else []
        if not 1 <= len(words) <= _MOST_WORDS or any(re.search(p, " ".join(words)) for p in _RELATIVE):
            return places
        if places and says_all(words, places[0].value):
            return places
        entry = Constraint("says", " ".join(words))
        known = bool(entry.allows(self.items).any())
        if only and known:
            return [entry]
        if only and not places:
            problems.append(self._say("no_word").format(word=fence(entry.value)))
        elif known and not places and any(says_all(words, name) for name in self.names.categories.values()):
            return [entry]
        return places

    def _negated(self, question: str, problems: list[str]) -> list[Constraint]:
        if _THIS_BRAND.search(question):
            brand = next(
                (name for code in self.shown if (name := brand_of(self.items.extras.get(code, {})))), ""
            )
            if not brand:
                problems.append(self._say("no_brand"))
                return []
            return [Constraint("not", brand, "brand")]
        found: list[Constraint] = []
        for match in _NOT.finditer(question):
            word = (match.group("word") or match.group("zh") or "").strip(" 的")
            if (
                word
                and word.casefold() not in _UNNEGATED
                and len(word.split()) <= 4
                and not _NEW.search(match.group())
            ):
                what = "brand" if _BRAND_NAMED.search(match.group()) else ""
                entry = Constraint("not", _tidy(word), what)
                if entry.value:
                    found.append(entry)
        return found

    def _measures(self, question: str, problems: list[str]) -> list[Constraint]:
        found: list[Constraint] = []
        for kind, what, limit in _limits(question):
            if self._known(what, problems):
                found.append(Constraint(kind, f"{limit:g}", what))  # type: ignore[arg-type]
        if found:
            return found
        for pattern, (what, kind) in _RELATIVE.items():
            if not re.search(pattern, question, re.IGNORECASE) or not self._known(what, problems):
                continue
            values = [
                value
                for code in self.shown
                if (value := measure(self.items.extras.get(code, {}), what)) is not None
            ]
            if not values:
                values = list(self.items.measured(what).values())
            reference = values[0] if len(values) == 1 else float(median(values))
            found.append(Constraint(kind, f"{reference:g}", what))  # type: ignore[arg-type]
        return found

    def _known(self, what: Measure, problems: list[str]) -> bool:
        if self.items.measured(what):
            return True
        problems.append(self._say(f"no_{what}"))
        return False

    def _say(self, key: str) -> str:
        return _PROBLEMS[self.language][key]


def _limits(question: str) -> list[tuple[str, Measure, float]]:
    found: list[tuple[str, Measure, float]] = []
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


def _count(question: str) -> int | None:
    match = _COUNT.search(question)
    if not match:
        return None
    word = (match.group(1) or match.group(2)).lower()
    return max(1, min(50, int(word) if word.isdigit() else _COUNTS[word]))


def _tidy(word: str) -> str:
    word = re.sub(r"^(?:牌子|品牌)|(?:这个|那个)?(?:牌子|品牌)$", "", word)
    kept = [part for part in word.split() if part.casefold() not in _NO_VALUE]
    return " ".join(kept)


_PROBLEMS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "no_word": "Nothing in this catalogue says “{word}”, so I cannot choose by it.",
        "no_child": "No item here says that it is for a child, so I cannot choose by that.",
        "no_brand": "I do not know which brand you mean: the item in question names none. Say “not from NAME”.",
        "no_price": "No item of this catalogue states a price, so I cannot choose by it.",
        "no_length": "No item of this catalogue says how long it is, so I cannot choose by length.",
        "no_year": "No item of this catalogue states a year, so I cannot choose by age.",
        "no_size": "No item of this catalogue states a size, so I cannot choose by it.",
    },
    "zh": {
        "no_word": "这个目录里没有含“{word}”的物品，所以无法按它挑选。",
        "no_child": "这里没有物品注明适合孩子，所以无法按这一点挑选。",
        "no_brand": "不清楚您指的是哪个品牌：所说的物品没有注明品牌。请说“不要某某品牌”。",
        "no_price": "这个目录里没有物品注明价格，所以无法按价格挑选。",
        "no_length": "这个目录里没有物品注明长度，所以无法按长度挑选。",
        "no_year": "这个目录里没有物品注明年份，所以无法按年份挑选。",
        "no_size": "这个目录里没有物品注明规格，所以无法按规格挑选。",
    },
}  # fmt: skip
