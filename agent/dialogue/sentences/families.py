"""Words for whole families of things, and the names of their members: who says “no dairy” means milk too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agent.dialogue.sentences.lexicon import stem
from agent.dialogue.sentences.mentions import normal

# What a word for a whole family leaves out besides itself. Names are all that is known of most items: rather
# too much is left out than too little.
_FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    name: tuple(members.split(","))
    for name, members in (
        ("dairy", "milk,cheese,yogurt,cream,creamer,butter,kefir,custard,milkshake"),
        ("alcohol", "beer,wine,liquor,ale,lager,vodka,whiskey,rum,gin,tequila,champagne,cider"),
        ("meat", "beef,pork,chicken,turkey,ham,bacon,sausage,lamb,veal,hot dog,steak,frankfurter,bologna,"
         "salami,pepperoni,hamburger"),
        ("nuts", "peanut,almond,cashew,walnut,pecan,pistachio,hazelnut"),
        ("sweets", "candy,chocolate,cookie,cake,donut,ice cream,pie,syrup,dessert"),
    )
}  # fmt: skip


def family(word: str) -> tuple[str, ...]:
    """What is left out with a word for a whole family, the commonest first; empty for any other word.

    >>> family("Nut")[0], family("cheese")
    ('peanut', ())
    """
    wanted = stem(normal(word))
    return next((members for name, members in _FAMILIES.items() if stem(name) == wanted), ())
