"""One item per title, and how far a list is ranked for that."""

from __future__ import annotations

from agent.data.log import Catalogue
from agent.ranking.ranker import Ranked

# How many times the list's length is ranked, so that enough different titles remain.
SPARE = 3


def one_per_title(catalogue: Catalogue, ranked: Ranked) -> tuple[list[int], int]:
    """Positions in the list, the best of each title first, and how many were left out.

    Shops sell one thing under many ids; a list that shows it five times helps nobody. When too little
    else is left, the others follow at the end.
    """
    first: dict[str, int] = {}
    others = []
    for spot, item in enumerate(ranked.items):
        if catalogue.titles[item] in first:
            others.append(spot)
        else:
            first[catalogue.titles[item]] = spot
    return [*first.values(), *others], len(others)
