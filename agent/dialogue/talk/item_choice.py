"""Which item is meant where a name or a word fits several."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from agent.dialogue.sentences.mentions import usual_words
from agent.dialogue.talk.constraints import word_pattern
from agent.dialogue.talk.context import RANKED, ToolContext

# How many other items that a word may mean are named.
_ALSO_NAMED: Final = 2
# “Non-alcoholic” does not say “alcoholic”.
_DENIED: Final = re.compile(r"\bnon[- ]\w+")
_SIZE: Final = re.compile(r"\(.*?\)|,.*$")


def choose(ctx: ToolContext, codes: Sequence[int]) -> int:
    """The item meant among those of one name: one just shown, else the best placed, the most used."""
    item_ids = ctx.host.catalogue.item_ids
    spoken = [*ctx.state.focus, *ctx.state.listed]
    for item_id in spoken:
        if ctx.code(item_id) in codes:
            return ctx.code(item_id)
    if len(codes) > 1:
        # Twins of one title: who asks about “Cigarettes” means those in the list.
        deep = ctx.host.recommend(dataclasses.replace(ctx.query(RANKED), explain=False))
        placed = next((code for entry in deep if (code := ctx.code(entry.item_id)) in codes), None)
        if placed is not None:
            return placed
    own = {code: int((ctx.host.log.item == code).sum()) for code in codes}
    popular = dict(zip(codes, ctx.host.popularity(codes), strict=True))
    return max(codes, key=lambda code: (own[code], popular[code], item_ids[code]))


def by_words(ctx: ToolContext, words: Sequence[str]) -> str | None:
    """The item whose title says all the words: one just shown, one of the person's own, or any."""
    if not words:
        return None
    patterns = [word_pattern(word) for word in usual_words(words, ctx.names)]
    titles = ctx.host.catalogue.titles

    def says(code: int) -> bool:
        folded = titles[code].casefold()
        if "non" not in words:
            folded = _DENIED.sub(" ", folded)
        return all(pattern.search(folded) for pattern in patterns)

    spoken = [ctx.code(item) for item in (*ctx.state.focus, *ctx.state.listed)]
    own = [int(code) for code in np.unique(ctx.host.log.item[ctx.host.log.item >= 0])]
    for pool in (spoken, own, range(len(titles))):
        found = [code for code in pool if says(code)]
        if found:
            return ctx.host.catalogue.item_ids[choose(ctx, found)]
    return None


def _is_head(pattern: re.Pattern[str], title: str) -> bool:
    """Whether the word is what the thing is: the last one of its name, before size and brand."""
    name = _SIZE.sub("", title.casefold()).strip()
    return any(match.end() == len(name) for match in pattern.finditer(name))


def likeliest(ctx: ToolContext, word: str) -> list[str]:
    """Ids of the items that one word such as “milk” may mean, one per title, the likeliest first.

    Items just shown come first, then those that stand highest for the person, then what the person took most.
    """
    titles, item_ids = ctx.host.catalogue.titles, ctx.host.catalogue.item_ids
    pattern = word_pattern(" ".join(usual_words((word,), ctx.names)))
    found = [code for code, title in enumerate(titles) if pattern.search(_DENIED.sub(" ", title.casefold()))]
    if not found:
        return []
    heads = {code for code in found if _is_head(pattern, titles[code])}
    spoken = [ctx.code(item) for item in (*ctx.state.focus, *ctx.state.listed)]
    deep = ctx.host.recommend(dataclasses.replace(ctx.query(RANKED), explain=False))
    places = {ctx.code(entry.item_id): entry.rank for entry in deep}
    own = {code: int((ctx.host.log.item == code).sum()) for code in found}
    popular = dict(zip(found, ctx.host.popularity(found), strict=True))
    found.sort(
        key=lambda code: (
            code not in spoken,
            code not in heads,
            places.get(code, RANKED + 1),
            -own[code],
            -popular[code],
            code,
        )
    )
    known = [code for code in found if code in spoken or code in places or own[code]] or found[:1]
    if heads and not heads.intersection(known):
        # “Coffee” is no coffee creamer, even where a creamer is what the person takes.
        known = [next(code for code in found if code in heads), *known]
    # Where several items share a title, the best of them stands for it.
    one_each: dict[str, str] = {}
    for code in known:
        one_each.setdefault(titles[code], item_ids[code])
    return list(one_each.values())[: _ALSO_NAMED + 1]
