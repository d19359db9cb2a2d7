"""What a wish leaves out: “nothing frozen and no meat”, “no meat, fish or eggs”, “不要含坚果的”."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from agent.dialogue.sentences.lexicon import content_words
from agent.dialogue.sentences.rules_en import WHEN

_MAKER: Final = r"(?:brand|maker|publisher|manufacturer)s?"
_BRAND_NAMED: Final = re.compile(rf"\b{_MAKER}\b|牌子|品牌", re.IGNORECASE)
# “Nothing new”, “nothing but cheese”, “nothing over 20 dollars” leave nothing out by a word.
_NOTHING: Final = r"nothing (?:with|from|by|about)|nothing(?! (?:but|else|special|new|over|under|above|below|more|less|longer|shorter|cheaper|in|on|at|of|like|to|like|wrong|happen\w*|matters?|i|is|was)\b)"
_ASKED: Final = r"(?:show|include|recommend|suggest|give|offer|list|put|add)"
_DENIED: Final = rf"(?:don'?t|do not|(?:should|must)(?:n'?t| not)) (?:{_ASKED}|need|buy|want)(?: me)?(?! (?:me|this|that|the (?:same|list)|your|my|these|those|only|more|less|to|it|them|any(?:thing|more))\b)"
_END: Final = (
    r"(?=$|[,.;!?]| (?:please|plz|pls|thanks|thx|in it|on (?:it|my list|the list)|and|or|nor|but|then|though|either|anymore|this time|"
    r"at home|this week|today|tonight|for now|to (?:an?|the|me|us|my)|right now|at the moment)\b)"
)
_NOT: Final = re.compile(
    rf"(?<!there is )(?<!there['’]s )(?<!there are )(?<!is there )(?<!are there )(?<!have )(?<!had )(?<!got )(?<!see )\b(?:but not(?! to\b)|not from|{_NOTHING}|no|not(?! to\b)|without|other than|except(?: for)?|but no|anything but|(?:skip|leave out)|{_DENIED})\s+"
    rf"(?:any |more |the |a |an |brand |from |with |by |of |about )*(?P<word>[^,.;!?]+?){_END}"
    r"|(?:不想?要|不含|别要|除了|别给我|非)(?:含有?|带)?(?!超过|高于|贵过|多于)(?P<zh>[^，。；！？,的了]{1,16}?)(?:的|了|吧|之外|以外)*(?=$|[，。；！？,])",
    re.IGNORECASE,
)
_LEADS: Final = re.compile(
    r"^\W*(?:(?:and|but|ok|also|then|please|so|now|well|oh),? )*(?:i'?m [^,.]{2,30}, )?(?:no|nothing|without|but no)\b(?! more\b)",
    re.IGNORECASE,
)
_PAST: Final = re.compile(rf"\b(?:{WHEN}|purchases|history|evidence)\b", re.IGNORECASE)
# “No meat, fish or eggs”: what follows the first of them.
_NEXT: Final = re.compile(
    rf"\s*(?:(?P<comma>,)|,? ?\b(?:and|or|nor)\b)\s*(?P<word>[a-z'’-]+(?: [a-z'’-]+)??){_END}", re.IGNORECASE
)
# “也不要香烟” names what stands before; “水果沙拉也不要”, “6号不要了”.
_BEFORE_ZH: Final = re.compile(
    r"^\W*(?:还有|那)?(?P<word>[^，。；！？,\d第]{1,24}?)(?:也|都|就)?(?:不想?要|别要)(?:了|啦|吧)?\W*$"
)
_NEW: Final = re.compile(
    r"\b(?:not|never|haven'?t|have not)\s+(?:\w+ )?(?:had|bought|seen|tried|read|watched)\b|\bnew (?:to|for) me\b|\b(?:something|anything|things?) new\b"
    r"|\b(?:don'?t|do not|never|not|other than) (?:\w+ )?(?:usually|normally|ever|always|often|typically)\b|\b(?:things?|something|anything|stuff|what) (?:that )?i (?:\w+ )?never (?:buy|get|eat|drink|have|order|watch|read)\b|\bbored (?:of|with|by)\b|\btired of the (?:usual|same)\b"
    r"|没(?:有)?(?:买|看|读|用|试)过|新东西|新鲜|(?:不要|别|除了|除去)(?:推荐|给我)?我?(?:以前|之前|已经|平时)?(?:买|看|读|用)过|平时(?:不|没)(?:怎么|常)?(?:买|看|吃)|换换口味",
    re.IGNORECASE,
)
_SPLIT_ZH: Final = re.compile(r"、|和|或者?|跟|以及")
# A speaker who turns down a wish or a fact, not a kind of thing: “no wait”, “no problem”, “not sure”.
_NO_KIND: Final = frozenset(
    """
    wait way thanks thank idea ideas problem problems worries more matter longer sure rush need doubt offence offense
    clue luck not without with for at in me i my first second third fourth fifth chance wonder kidding joke joking hurry one reason reasons point fun yet really bad good that this it so
    restrictions restriction filters filter limits limit conditions constraints changes change yes please sorry only
    because everything surprise surprises surprised stress pressure big hard interested much many enough
    """.split()
)
_NO_KIND_ZH: Final = re.compile(
    r"^(?:这|那|再|太|这么|那么|只|总|老|别|我|推荐|显示|给我|紧|是|用|去掉|丢|删|记|忘|常|紧张)"
)
_DEGREE: Final = re.compile(r"(?:so|too|that|very|quite) (?!much\b|many\b)\w+", re.IGNORECASE)
# Words that go with a kind without naming one.
_NO_VALUE: Final = frozenset(
    {"things", "stuff", "items", "anything", "foods", "products", "please", "in", "it", "pls", "plz"}
    | {f"{maker}{end}" for maker in ("brand", "maker", "publisher", "manufacturer") for end in ("", "s")}
)
# Of more words nobody makes a filter.
_MOST_WORDS: Final = 4
# Whoever says what ought to have been left out, or cannot believe that it was not, asks for no list of it.
_COMPLAINS: Final = re.compile(
    r"\b(?:can'?t|cannot|can not) believe\b|\bhow dare\b|\b(?:don'?t )?you dare\b|\bi (?:already |just )?(?:told|asked|said)\b.{0,10}\b(?:not|never)\b"
    r"|\b(?:should|must|need)(?:n'?t| not| never) (?:ever )?(?:have )?(?:show|recommend|suggest|offer|list|give)|\bnever (?:ever )?(?:show|recommend|suggest|offer|list|give)"
    r"|\b(?:keep|stop|quit)s? (?:on )?(?:show|recommend|suggest|offer|list|giv)ing\b"
    r"|(?:说|讲|告诉)过.{0,6}(?:别|不要)|怎么(?:还|又|老|总)(?:是|在)?(?:推荐|显示|给我)|居然(?:还)?推荐",
    re.IGNORECASE,
)
# What a thing contains is not said by its name.
_CONTENTS: Final = re.compile(
    r"^(?:dairy|lactose|sugar|salt|fat|gluten|alcohol|nuts?|peanuts?|soy|wheat|meat|caffeine|carbs?|additives|preservatives|坚果|糖|盐|酒精|麸质|乳制品|乳糖|咖啡因|脂肪)$",
    re.IGNORECASE,
)


def only_refuses(text: str) -> bool:
    """Whether an English sentence begins by leaving something out and is no question, nor about the past.

    >>> only_refuses("no dairy tho, im pregnant"), only_refuses("ok, nothing frozen and no meat")
    (True, True)
    >>> only_refuses("no wait"), only_refuses("without my March purchases"), only_refuses("no more beer")
    (False, False, False)
    """
    if text.rstrip().endswith("?") or not _LEADS.match(text) or _PAST.search(text):
        return False
    return next(refused(text), None) is not None


def wants_new(question: str) -> bool:
    """Whether only what one has not had is wanted.

    >>> wants_new("something I don't usually buy"), wants_new("不要我买过的"), wants_new("no cheese")
    (True, True, False)
    """
    return bool(_NEW.search(question))


def complains(question: str) -> bool:
    """Whether a sentence is about what was recommended against one's will.

    >>> complains("I can't believe you recommend me rice cakes"), complains("recommend me rice cakes")
    (True, False)
    """
    return bool(_COMPLAINS.search(question))


def contained(word: str) -> bool:
    """Whether a word names what things contain, which their names need not say."""
    return bool(_CONTENTS.match(word))


def refused(question: str) -> Iterator[tuple[tuple[int, int], str, bool]]:
    """Where a question leaves something out, the word for it, and whether a brand is meant.

    >>> [word for _, word, _ in refused("give me 7 ideas, nothing frozen and no meat")]
    ['frozen', 'meat']
    >>> [word for _, word, _ in refused("no meat, fish or eggs")], list(refused("no wait, show me some seafood"))
    (['meat', 'fish', 'eggs'], [])
    >>> [word for _, word, _ in refused("不要含坚果的")], [word for _, word, _ in refused("水果沙拉也不要")]
    (['坚果'], ['水果沙拉'])
    >>> [word for _, word, _ in refused("without onions and mushrooms please")], list(refused("we have no bread"))
    (['onions', 'mushrooms'], [])
    """
    found = list(_NOT.finditer(question))
    for match in found:
        word = (match["word"] or match["zh"] or "").strip(" 的")
        by_brand = bool(_BRAND_NAMED.search(match.group()))
        if not _names_kind(word) or wants_new(match.group()):
            continue
        for part in _SPLIT_ZH.split(word) if match["zh"] else [word]:
            yield match.span(), tidy(part.strip()), by_brand
        for span, further in _others(question, match.end()):
            yield span, tidy(further), by_brand
    if not found and (before := _BEFORE_ZH.search(question)) and _names_kind(before["word"].strip()):
        yield before.span(), tidy(before["word"].strip()), False


def _others(question: str, end: int) -> list[tuple[tuple[int, int], str]]:
    """The rest of a list of kinds: after a comma only where “or” or “and” closes the list."""
    found: list[tuple[tuple[int, int], str]] = []
    commas = True
    while (match := _NEXT.match(question, end)) and _plain(match["word"]):
        found.append((match.span(), match["word"]))
        commas = bool(match["comma"])
        end = match.end()
    return [] if commas else found


def _plain(word: str) -> bool:
    """Whether a piece of a list is nothing but names of kinds."""
    return content_words(word) == word.casefold().split() and _names_kind(word)


def _names_kind(word: str) -> bool:
    words = word.casefold().split()
    return (
        bool(words)
        and len(words) <= _MOST_WORDS
        and words[0] not in _NO_KIND
        and not _DEGREE.match(word)
        and not _NO_KIND_ZH.match(word)
        and bool(tidy(word))
    )


def tidy(word: str) -> str:
    """The name of a kind or brand without the words that go with it.

    >>> tidy("the frozen stuff"), tidy("store brand")
    ('frozen', 'store')
    """
    word = re.sub(r"^(?:牌子|品牌)|(?:这个|那个)?(?:牌子|品牌)$", "", word)
    kept = [part for part in word.split() if part.casefold() not in _NO_VALUE | {"the"}]
    return " ".join(kept)
