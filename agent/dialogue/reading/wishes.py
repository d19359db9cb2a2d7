"""Reading a wish for a list: how many, of what, and what it must not be."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from agent.dialogue.reading.wish_numbers import count, limits
from agent.dialogue.reading.wish_words import WISH_WORDS
from agent.dialogue.sentences.aims import Aims, read_aims
from agent.dialogue.sentences.lexicon import content_words
from agent.dialogue.sentences.mentions import Names, says_all
from agent.dialogue.talk.attributes import ItemFacts, Measure, brand_of, measure
from agent.dialogue.talk.constraints import Constraint
from agent.interests.words import Language
from agent.llm.fence import fence

_RELATIVE: Final[Mapping[str, tuple[Measure, str]]] = {
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
# Comparisons that no field of a catalogue settles.
_UNMEASURED: Final = re.compile(
    r"\b(?:health|tast|spic|fanc|cris|crunch|light|juic|yumm|salt|sugar)ier\b|\b(?:sweet|fresh|quick|nic|rich|warm|cool|funn|strong|mild|soft|hard)er\b"
    r"|\b(?:healthy|tasty|nutritious|delicious|sustainable|ecological)\b|\b(?:more|less) (?:healthy|tasty|nutritious|delicious|exciting|interesting|sustainable|fattening|filling|sweet|salty|spicy)\b"
    r"|更?健康(?=一?[点些])|更(?:健康|好吃|美味|新鲜|甜|辣|营养)|(?:健康|营养|好吃)的",
    re.IGNORECASE,
)
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
    r"\b(?:but not|not from|nothing (?:with|from|by|about)|no|not|without|other than|except(?: for)?|but no|anything but|(?:don'?t|do not) (?:show|include|recommend|suggest|give)(?: me)?(?! (?:me|this|that|the|your|my|these|those|only|more|less)\b))\s+"
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
    r"(?:me )?(?:some |an? |any |a few |more |\d{1,2} |(?:two|three|four|five|six|seven|eight|nine|ten) )?(?P<word>[^\W\d_]+(?: [^\W\d_]+)?)\W*(?:please)?\W*$"
    r"|^\W*(?:给我|请)?(?:推荐|来)(?:一?[点些])(?P<zh>[^，。；！？,]{1,8}?)(?:类的?|吧)?\W*$",
    re.IGNORECASE,
)
_NO_VALUE: Final = frozenset(
    {"things", "stuff", "items", "anything", "please", "in", "it"}
    | {f"{maker}{end}" for maker in ("brand", "maker", "publisher", "manufacturer") for end in ("", "s")}
)
_DEGREE: Final = re.compile(r"(?:so|too|that|very|quite) (?!much\b|many\b)\w+", re.IGNORECASE)
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
        notes: what the person should know about how they were read.
    """

    k: int | None
    constraints: tuple[Constraint, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class WishReader:
    """Reads wishes against a catalogue.

    Attributes:
        shown: codes of the items spoken of, the one in focus first: what “this brand” and “shorter” refer to.
        catalogue_language: of the items, which an occasion is searched in.
    """

    items: ItemFacts
    names: Names
    language: Language
    shown: Sequence[int] = ()
    catalogue_language: Language = "en"

    def read(self, question: str) -> Wishes:
        """Everything that `question` asks of a list."""
        problems: list[str] = []
        if match := _UNMEASURED.search(question):
            problems.append(self._say("no_measure").format(word=fence(match.group().strip())))
        found = self._negated(question, problems)
        rest = _NOT.sub(" ", question) if any(entry.kind == "not" for entry in found) else question
        found += self._measures(rest, problems)
        aims = read_aims(rest, self.catalogue_language)
        if _CHILD.search(question):
            entry = Constraint("audience", "child")
            if entry.allows(self.items).any():
                found.append(entry)
            else:
                problems.append(self._say("no_child"))
        if _NEW.search(question):
            found.append(Constraint("new_only"))
        said = self._said(aims.rest, self._places(aims.rest), problems, aims)
        notes = self._aimed(aims, found, child=bool(_CHILD.search(question)), wanted=bool(said))
        return Wishes(count(question), (*found, *said), tuple(problems), notes)

    def _aimed(self, aims: Aims, found: list[Constraint], *, child: bool, wanted: bool) -> tuple[str, ...]:
        """What is said of whom and what it is for; an occasion becomes words to search by.

        Args:
            found: gains the occasion.
            child: a child is a condition on items, told as one.
            wanted: a kind of thing is named besides: then an occasion does not narrow it further.
        """
        notes: list[str] = []
        if aims.receiver and not child:
            notes.append(self._say("no_receiver").format(who=fence(aims.receiver)))
        if aims.search and not wanted:
            found.append(Constraint("near", aims.search))
            key = "near" if aims.search == aims.occasion else "near_as"
            notes.append(self._say(key).format(word=fence(aims.occasion), search=fence(aims.search)))
        elif aims.search:
            notes.append(self._say("near_not").format(word=fence(aims.occasion)))
        return tuple(notes)

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

    def _said(
        self, question: str, places: Sequence[Constraint], problems: list[str], aims: Aims
    ) -> Sequence[Constraint]:
        """A word that all items of the list must say: “only cheese”; “some cheese” where a category says it.

        Args:
            question: without what it denies.
            places: the category or domain that it names; stands unless more is said than its name.
            problems: told when nothing says the word.
            aims: where something is for somebody, what is left may be a bare name: “candy for my kids”.
        """
        if _NEW.search(question) or limits(question):
            return places
        only, some = _ONLY.search(question), _SOME.search(question)
        match = only or some
        words = content_words(match["word"] or match["zh"] or "") if match else []
        if match is None and (aims.receiver or aims.occasion):
            words = content_words(question)
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
                and not _DEGREE.match(word)
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
        for kind, what, limit in limits(question):
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
        return WISH_WORDS[self.language][key]


def _tidy(word: str) -> str:
    word = re.sub(r"^(?:牌子|品牌)|(?:这个|那个)?(?:牌子|品牌)$", "", word)
    kept = [part for part in word.split() if part.casefold() not in _NO_VALUE]
    return " ".join(kept)
