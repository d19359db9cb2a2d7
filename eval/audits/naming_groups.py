"""Groups of items whose category is known, noisy as facets are, and the names that need no model.

A group is eight different titles: six of the category, two that are not. It is named under two conditions.
`shown`: the categories of the eight are there to see, as in the product; the majority then mostly is the
answer. `hidden`: the true category is struck from all of them, for the template and for the model alike, so
that the name has to come from titles and from what the items are besides (department, other genres or tags).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from agent.data.datasets import prepare_grocery
from agent.interests.words import FacetExamples, short_title
from agent.workspace import NAMED_FOLDER, Workspace
from eval.data.datasets import PRESETS, shared_folder
from eval.errors import DataSetMissingError

DATA = ("grocery", "stackexchange-small", "ml-latest-small", "movietweetings-100k")
_OF_CATEGORY, _NOISE = 6, 2
_LEAST_TITLES = 24
# On more than this part of the items, or without meaning: no name for a group.
_TOO_COMMON = 0.25
_NO_NAMES = frozenset({"miscellaneous", "imax", "short", "news", "other"})
_STOP = frozenset(
    "a an and at by de des el for from in is it la le of on or the to what with how why".split()
)


@dataclass(frozen=True, slots=True)
class Item:
    """A title, cut as facets cut it, and its categories."""

    title: str
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Eight items of which six have the category `truth`."""

    data: str
    domain: str
    truth: str
    items: tuple[Item, ...]

    def categories(self, *, hidden: bool) -> list[tuple[str, int]]:
        """The categories in sight with their counts, most frequent first, ties by name."""
        counts = Counter(
            name for item in self.items for name in item.categories if not (hidden and name == self.truth)
        )
        return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))

    def examples(self, *, hidden: bool) -> FacetExamples:
        """The group as a facet to be named."""
        return FacetExamples(
            titles=tuple((item.title, 1) for item in self.items),
            categories=tuple((readable(name), count) for name, count in self.categories(hidden=hidden)),
            n_interactions=len(self.items),
            domain=self.domain,
        )


def load_groups(n_per_data: int, *, seed: int = 0, data: Sequence[str] = DATA) -> list[Group]:
    """`n_per_data` groups of each data set, each of another category; fewer where there are fewer.

    Raises:
        DataSetMissingError: shared data are not on this machine.
    """
    return [group for name in data for group in make_groups(name, load_items(name), n_per_data, seed=seed)]


def make_groups(name: str, items: Sequence[Item], n: int, *, seed: int) -> list[Group]:
    """Up to `n` groups, of categories drawn at random among those with enough different titles."""
    by_category: dict[str, list[Item]] = {}
    for item in items:
        for category in item.categories:
            by_category.setdefault(category, []).append(item)
    usable = sorted(
        category
        for category, members in by_category.items()
        if _LEAST_TITLES <= len(members) <= _TOO_COMMON * len(items) and category.casefold() not in _NO_NAMES
    )
    rng = np.random.default_rng(seed)
    chosen = sorted(rng.choice(len(usable), size=min(n, len(usable)), replace=False).tolist())
    domain = PRESETS[name].domain if name in PRESETS else ""
    return [_draw(name, domain, usable[spot], items, by_category[usable[spot]], rng) for spot in chosen]


def _draw(
    name: str,
    domain: str,
    truth: str,
    items: Sequence[Item],
    members: Sequence[Item],
    rng: np.random.Generator,
) -> Group:
    own = [members[spot] for spot in rng.choice(len(members), size=_OF_CATEGORY, replace=False)]
    others = [item for item in items if truth not in item.categories]
    noise = [others[spot] for spot in rng.choice(len(others), size=_NOISE, replace=False)]
    mixed = own + noise
    return Group(name, domain, truth, tuple(mixed[spot] for spot in rng.permutation(len(mixed))))


def load_items(name: str) -> list[Item]:
    """The different titles of a data set, in order of appearance, with their categories."""
    if name == "grocery":
        frame = pl.read_parquet(prepare_grocery(Workspace(NAMED_FOLDER / name).raw_dir).items)
    else:
        path: Path = shared_folder() / name / "items.csv"
        if not path.is_file():
            raise DataSetMissingError(
                f"expected {name}/items.csv in shared/data beside the checkout or in "
                "$DRIFTREC_SHARED_DATA, found none"
            )
        frame = pl.read_csv(path, infer_schema=False)
    found: dict[str, Item] = {}
    for title, categories in frame.select("title", "categories").iter_rows():
        if title and categories:
            short = short_title(title)
            found.setdefault(short.casefold(), Item(short, tuple(filter(None, categories.split("|")))))
    return list(found.values())


def majority_category(group: Group, *, hidden: bool) -> str:
    """The template: the category in sight that most items carry; without any, the title words."""
    categories = group.categories(hidden=hidden)
    return readable(categories[0][0]) if categories else title_words(group)


def title_words(group: Group) -> str:
    """The words that occur in most titles, two at most; without a word in two titles, the first title."""
    counts: Counter[str] = Counter()
    for item in group.items:
        counts.update(set(_words(item.title)))
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    often = [word for word, count in ordered if count > 1][:2]
    return " ".join(often) if often else group.items[0].title


def readable(category: str) -> str:
    """A tag as words: `quantum-gate` is `quantum gate`."""
    return category.replace("-", " ") if category.islower() else category


def _words(text: str) -> Iterator[str]:
    for word in text.casefold().replace("/", " ").split():
        bare = word.strip(".,:;!?()[]'\"")
        if len(bare) > 2 and bare not in _STOP:
            yield bare


def overlap(label: str, truth: str) -> float:
    """F1 of the words of a label and of the true category, compared by their first four letters; 0–1.

    >>> overlap("Frozen pizzas", "Frozen pizza and snacks")
    0.8
    """
    said, true = ({word[:4] for word in _words(text)} for text in (label, truth))
    both = len(said & true)
    return 2 * both / (len(said) + len(true)) if both else 0.0


def counts_by_data(groups: Sequence[Group]) -> Mapping[str, int]:
    """How many groups each data set gave."""
    return Counter(group.data for group in groups)
