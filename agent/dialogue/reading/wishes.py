"""Reading a wish for a list: how many, of what, and what it must not be."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from agent.dialogue.reading.wish_numbers import count, limits, people
from agent.dialogue.reading.wish_qualities import RELATIVE, qualities, without_qualities
from agent.dialogue.reading.wish_words import WISH_WORDS
from agent.dialogue.sentences.aims import Aims, read_aims
from agent.dialogue.sentences.families import family
from agent.dialogue.sentences.goods_zh import unreadable, without_han
from agent.dialogue.sentences.lexicon import HAN, content_words
from agent.dialogue.sentences.mentions import Names, says_all, usual_words
from agent.dialogue.sentences.refusals import complains, contained, refused, wants_new
from agent.dialogue.talk.attributes import ItemFacts, Measure, brand_of, measure
from agent.dialogue.talk.constraints import Constraint, word_pattern
from agent.interests.words import Language
from agent.llm.fence import fence

_CHILD: Final = re.compile(
    r"\bfor (?:a|an|my|the|our|his|her|small|young)?\s?(?:\w+ )?(?:child|kids?|children|toddler|baby|son|daughter|boy|girl|niece|nephew)\b"
    r"|\bkid[- ]friendly\b|适合(?:小?孩子?|儿童|宝宝|小朋友)|给(?:我的?|[一二三四五六七八九十两\d]{1,2}岁的?)?(?:小?孩子?|儿童|宝宝|小朋友|儿子|女儿)",
    re.IGNORECASE,
)
_MAKER: Final = r"(?:brand|maker|publisher|manufacturer)s?"
# What the item spoken of is made by; “a private brand” or “the brand Acme” is a name of its own.
_THIS_BRAND: Final = re.compile(
    rf"\b(?:not|no|nothing|without|other than|different from|except|anything but)\b.{{0,20}}\b(?:this|that|the same|their|its)\s{_MAKER}\b"
    rf"|\b(?:another|different|other)\s{_MAKER}\b"
    r"|(?:不要|别|不是|除了)(?:这|那)(?:个|家)?(?:牌子|品牌|厂商|出版社)|(?:换|别的|其他|其它)(?:一?[个家种])?(?:别的)?(?:牌子|品牌|厂商|出版社)",
    re.IGNORECASE,
)
# “Only cheese” and “some cheese”: what is named may be a category, or a word that the items say.
_ONLY: Final = re.compile(
    r"\b(?:only|nothing but)\s+(?:show |give |recommend |suggest |list |want )?(?:me )?(?:some |the |any )?"
    r"(?P<word>[^,.;!?]+?)(?=$|[,.;!?]| please\b| and\b(?! [a-z]+\W*$)| this time\b| from now on\b| for now\b)"
    r"|只(?:想)?(?:要|看|买|推荐|显示|想要)(?:一?[点些])?(?P<zh>[^，。；！？,]{1,12}?)(?:类的?|的|吧|就好|就行)?(?=$|[，。；！？,])",
    re.IGNORECASE,
)
_DETERMINER: Final = (
    r"(?:some |an? |any |the |a few |more |\d{1,2} |(?:two|three|four|five|six|seven|eight|nine|ten) )?"
)
_SOME: Final = re.compile(
    r"(?:^|[,.:;!?–—]\s)\W*(?:(?:please|and|ok|so|now|then|well|hi|hey) )*(?:(?:can|could) you )?"
    r"(?:recommend|suggest|give me|show me|i want|i need|i'?d like|i said|i meant|got any|got|any|do you have|have you got|what about|how about|need|find me)\s+"
    rf"(?:me )?{_DETERMINER}(?P<word>[^\W\d_]+(?: [^\W\d_]+)?)\W*(?:please|then|instead)?\W*$"
    r"|^\W*(?:那么?|好的?|嗯|请)?(?:给我|帮我|我)?(?:再)?(?:推荐|来|给|换成|换|想买|想要|想喝|想吃|有没有)(?:一?[点些]|几[个样款])?(?P<zh>[^，。；！？,]{1,10}?)(?:类的?|的|吧|吗|呢)*\W*$"
    r"|^\W*(?P<asked>[^，。；！？,]{1,8}?)(?:有(?:什么|没有)?(?:好的)?推荐|有吗|有没有)(?:的|吗)?\W*$",
    re.IGNORECASE,
)
# “Anything with chocolate”: the word that all of them must say.
_WITH: Final = re.compile(
    rf"\b(?:something|anything|things?|stuff|ideas?|items?|products?)\s+(?:with|containing|made (?:of|from|with))\s+{_DETERMINER}(?P<word>[^\W\d_]+(?: [^\W\d_]+)?)(?=\W*$|[,.;!?]| (?:in it|please|and|but|for)\b)"
    r"|^(?!.*不含).*(?:含有?|加了|带)(?P<zh>[^，。；！？,的]{1,8})的(?:东西)?(?:吗|吧)?\W*$",
    re.IGNORECASE,
)
_EITHER: Final = re.compile(r"\s*(?:\bor\b|\band\b|/|、|或者?|和|还是)\s*", re.IGNORECASE)
# Words after “give me some …” that name no kind of thing.
_NO_SORT: Final = frozenset(
    "nice cool great advice tips tip hint hints inspiration joke help kidding reasons reason examples example food groceries goods favourites favorites 好 好的 新 合适 实用 不错 特别".split()
)
# Of more words nobody makes a filter.
_MOST_WORDS: Final = 3


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
        for word in qualities(question):
            problems.append(self._say("no_measure").format(word=fence(word)))
        question = without_qualities(question)
        found, rest = self._negated(question, problems)
        found += self._measures(rest, problems)
        aims = read_aims(rest, self.catalogue_language)
        if _CHILD.search(question):
            entry = Constraint("audience", "child")
            if entry.allows(self.items).any():
                found.append(entry)
            else:
                problems.append(self._say("no_child"))
        if wants_new(question):
            found.append(Constraint("new_only"))
        # Who complains of what was recommended wants no list of it.
        said = () if complains(question) else self._said(aims.rest, self._places(aims.rest), problems, aims)
        notes = self._aimed(aims, found, child=bool(_CHILD.search(question)), wanted=bool(said))
        if size := people(question):
            notes = (*notes, self._say("no_people").format(word=fence(size)))
        contents = [entry.value for entry in found if entry.kind == "not"]
        notes = (*notes, *(note for word in contents if (note := self._contents(word))))
        return Wishes(count(question), (*found, *said), tuple(problems), notes)

    def _contents(self, word: str) -> str:
        """What is said of leaving out what things contain, which their names need not say; else empty."""
        members = family(word)
        if not members and not contained(word):
            return ""
        key = "by_family" if members else "by_word"
        return self._say(key).format(word=fence(word), names=", ".join(members[:3]))

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
        if wants_new(question) or limits(question):
            return places
        only = _ONLY.search(question) or _WITH.search(question)
        match = only or _SOME.search(question)
        said = next((part for part in match.groupdict().values() if part), "") if match else ""
        aimed = bool(aims.receiver or aims.occasion)
        words = content_words(self._as_listed(question if match is None and aimed else said))
        if not 1 <= len(words) <= _MOST_WORDS or _names_no_sort(words):
            return places
        if (either := self._either(said)) is not None:
            return [either]
        if places and says_all(words, places[0].value):
            return places
        entry = Constraint("says", " ".join(words))
        if only and entry.allows(self.items).any():
            return [entry]
        if match and not places and self._in_names(entry):
            return [entry]
        if match and places:
            problems += [self._unknown("no_word", word) for word in words if self._unheard(word, places[0])]
        elif match and not aimed:
            problems.append(self._unknown("no_word", entry.value))
        return places

    def _unheard(self, word: str, place: Constraint) -> bool:
        """Whether neither the category found nor any item says a word: “unicorn meat” is more than meat."""
        said = says_all([word], place.value) or Constraint("says", word).allows(self.items).any()
        return not said

    def _as_listed(self, said: str) -> str:
        """A name in the words of the catalogue: “soda” as soft drinks; Chinese that it cannot match is left out."""
        if without_han(self.items.catalogue) and re.search("[A-Za-z]{2}", said):
            said = HAN.sub(" ", said)
        words = said.casefold().split()
        usual = usual_words(words, self.names)
        return " ".join(said.split()) if list(usual) == words else " ".join(usual)

    def _unknown(self, key: str, word: str) -> str:
        key = "not_readable" if unreadable([word], self.items.catalogue) else key
        return self._say(key).format(word=fence(word))

    def _either(self, said: str) -> Constraint | None:
        """“Fruit or vegetables”: what says the one or the other; None where fewer than two are named."""
        parts = [" ".join(content_words(part)) for part in _EITHER.split(said)]
        if len(parts) < 2 or not all(part and self._in_names(Constraint("says", part)) for part in parts):
            return None
        return Constraint("says", " or ".join(parts))

    def _in_names(self, entry: Constraint) -> bool:
        """Whether a title or a category says the word of a constraint, not only some text."""
        pattern = word_pattern(entry.value)
        catalogue = self.items.catalogue
        names = (*self.names.categories, *(title.casefold() for title in catalogue.titles))
        return any(pattern.search(name) for name in names)

    def _negated(self, question: str, problems: list[str]) -> tuple[list[Constraint], str]:
        """What must not be listed, and the question without it."""
        if match := _THIS_BRAND.search(question):
            brand = next(
                (name for code in self.shown if (name := brand_of(self.items.extras.get(code, {})))), ""
            )
            if not brand:
                problems.append(self._say("no_brand"))
                return [], question
            rest = f"{question[: match.start()]} {question[match.end() :]}"
            return [Constraint("not", brand, "brand")], rest
        found: list[Constraint] = []
        rest = question
        for (start, end), said, by_brand in refused(question):
            rest = f"{rest[:start]}{' ' * (end - start)}{rest[end:]}"
            word = said if by_brand else self._as_listed(said)
            entry = Constraint("not", word, "brand" if by_brand else "")
            if not by_brand and entry.allows(self.items).all():
                problems.append(self._unknown("no_word_out", word))
            else:
                found.append(entry)
        return found, rest

    def _measures(self, question: str, problems: list[str]) -> list[Constraint]:
        found: list[Constraint] = []
        for kind, what, limit in limits(question):
            if self._known(what, problems):
                found.append(Constraint(kind, f"{limit:g}", what))  # type: ignore[arg-type]
        if found:
            return found
        for pattern, (what, kind) in RELATIVE.items():
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


def _names_no_sort(words: Sequence[str]) -> bool:
    """Whether the words after “give me some …” name no kind of thing: “nice”, “cheaper”."""
    return bool(_NO_SORT & set(words)) or any(re.search(pattern, " ".join(words)) for pattern in RELATIVE)
