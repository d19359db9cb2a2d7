"""Titles in halves, made-up titles to compare with, and names that say nothing."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agent.data.log import Catalogue
from agent.interests.words import Language
from agent.llm.fence import DEFAULT_FENCE_CHARS, fence

MIN_TOKENS = 4
_ATTEMPTS = 200
_N_ATTRIBUTES = 3


@dataclass(frozen=True, slots=True)
class Halves:
    """A title cut in two; `first + second` is the title, so `second` begins with its space, if any."""

    first: str
    second: str

    @property
    def length(self) -> int:
        """Tokens of the second half."""
        return len(self.second.split()) if self.second.startswith(" ") else len(self.second)


def tokens_of(title: str) -> list[str]:
    """Words, or single characters where the title has no spaces.

    >>> tokens_of("The Wolf of Wall Street (2013)"), tokens_of("星际穿越")
    (['The', 'Wolf', 'of', 'Wall', 'Street', '(2013)'], ['星', '际', '穿', '越'])
    """
    words = title.split()
    return list(words[0]) if len(words) == 1 else words


def halve(title: str) -> Halves:
    """The title cut after the larger half of its tokens.

    >>> halve("The Wolf of Wall Street (2013)")
    Halves(first='The Wolf of', second=' Wall Street (2013)')
    """
    tokens = tokens_of(title)
    kept = (len(tokens) + 1) // 2
    space = " " if " " in title else ""
    return Halves(space.join(tokens[:kept]), space + space.join(tokens[kept:]))


def plain(text: str) -> str:
    """Letters and digits only, lower case, for comparing.

    >>> plain("  Wall-Street (2013)!")
    'wallstreet2013'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W_]+", "", folded)


def continues(answer: str, halves: Halves) -> bool:
    """Whether an answer goes on with the true second half, or repeats the whole title and does.

    >>> continues("wall street (2013), a film", halve("The Wolf of Wall Street (2013)"))
    True
    """
    said, rest = plain(answer), plain(halves.second)
    return bool(rest) and (said.startswith(rest) or said.startswith(plain(halves.first) + rest))


def long_titles(catalogue: Catalogue) -> list[str]:
    """Different titles of four tokens or more that a prompt shows whole, sorted."""
    found = {
        fenced
        for title, named in zip(catalogue.titles, catalogue.named.tolist(), strict=True)
        if named and (fenced := fence(title)) and len(fenced) < DEFAULT_FENCE_CHARS
    }
    return sorted(title for title in found if len(tokens_of(title)) >= MIN_TOKENS)


def make_up(titles: Sequence[str], n: int, *, random: np.random.Generator) -> list[str]:
    """Up to `n` titles that nobody has used, from the same words.

    A chain of words: each follows one that it follows in a real title, but the three around the middle never
    stand together in one. So neighbours fit as well as in real titles, and what a model knows of language
    helps as much, while what it knows of the catalogue does not.
    """
    following: dict[str, list[str]] = defaultdict(list)
    real = {plain(title) for title in titles}
    triples: set[tuple[str, ...]] = set()
    starts = []
    for title in titles:
        tokens = tokens_of(title)
        starts.append(tokens[0])
        for one, other in zip(tokens, [*tokens[1:], ""], strict=True):
            following[one].append(other)
        triples.update(zip(tokens, tokens[1:], tokens[2:], strict=False))
    found: dict[str, None] = {}
    spaced = any(" " in title for title in titles)
    for _ in range(_ATTEMPTS * n):
        if len(found) == n or not starts:
            break
        made = _chain(starts, following, random)
        title = (" " if spaced else "").join(made)
        middle = (len(made) + 1) // 2
        whole = len(made) >= MIN_TOKENS and len(title) < DEFAULT_FENCE_CHARS
        if whole and tuple(made[middle - 2 : middle + 1]) not in triples and plain(title) not in real:
            found[title] = None
    return list(found)


def _chain(starts: Sequence[str], following: dict[str, list[str]], random: np.random.Generator) -> list[str]:
    tokens = [starts[int(random.integers(len(starts)))]]
    while len(tokens) < 20:
        options = following[tokens[-1]]
        token = options[int(random.integers(len(options)))]
        if not token:
            break
        tokens.append(token)
    return tokens


def code_names(
    catalogue: Catalogue, *, attributes: bool, language: Language, random: np.random.Generator
) -> list[str]:
    """One name per item that says nothing of its title: a number by lot, and its categories if wanted."""
    numbers = random.permutation(len(catalogue)) + 1
    word = "物品" if language == "zh" else "Item "
    names = [f"{word}{number:05d}" for number in numbers]
    if not attributes:
        return names
    comma, form = ("、", "{}（{}）") if language == "zh" else (", ", "{} ({})")
    return [
        form.format(name, comma.join(categories[:_N_ATTRIBUTES])) if categories else name
        for name, categories in zip(names, catalogue.categories, strict=True)
    ]
