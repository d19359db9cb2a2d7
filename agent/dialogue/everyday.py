"""What people call goods in everyday English, and what a catalogue calls them."""

from __future__ import annotations

from collections.abc import Sequence

from agent.dialogue.lexicon import EVERYDAY
from agent.dialogue.mentions import Names


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
