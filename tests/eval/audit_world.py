"""A made-up cinema for the audits: 160 films, 60 people, popular films more often; all from one seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from agent.ranking.rerank_prompts import title_line
from eval.data.datasets import Preset, prepare
from eval.data.splits import make_split
from tests.eval.worlds import catalogue_of, log_of

N_ITEMS, N_USERS = 160, 60
_FIRST = (
    "Silent",
    "Golden",
    "Broken",
    "Distant",
    "Hidden",
    "Burning",
    "Paper",
    "Crooked",
    "Frozen",
    "Velvet",
)
_SECOND = ("Harbour", "Garden", "Empire", "Mirror", "Orchard", "Railway", "Lantern", "Kingdom")
ARTICLES = ("The", "One")
_GENRES = ("Comedy", "Drama", "Thriller", "Western")


def titles():
    """160 titles of six words, no two of which begin with the same three."""
    beginnings = [(article, first, second) for article in ARTICLES for first in _FIRST for second in _SECOND]
    return tuple(
        f"{article} {first} {second} of {_FIRST[(number * 3 + 1) % 10]} {_SECOND[(number * 5 + 2) % 8]}"
        for number, (article, first, second) in enumerate(beginnings)
    )


def cinema():
    """The data set: 25 films each before T and 5 after."""
    random = np.random.default_rng(5)
    weight = 1.0 / np.arange(1, N_ITEMS + 1) ** 0.7
    rows = []
    for user in range(N_USERS):
        taken = random.permutation(random.choice(N_ITEMS, 30, replace=False, p=weight / weight.sum()))
        rows += [(user, int(item), 10 + place + user / 100) for place, item in enumerate(taken[:25])]
        rows += [(user, int(item), 60 + place + user / 100) for place, item in enumerate(taken[25:])]
    log = log_of(rows, user_ids=tuple(f"u{number:02d}" for number in range(N_USERS)), n_items=N_ITEMS)
    names = titles()
    genres = tuple((_GENRES[number % 4],) for number in range(N_ITEMS))
    catalogue = replace(catalogue_of(N_ITEMS), titles=names, texts=names, categories=genres)
    return prepare("cinema", log, catalogue, Preset("films", 1, 25 / 30))


def cinema_question():
    ((question, exam),) = make_split(cinema())
    return question, exam


def shown_titles(slates):
    """Every candidate title of every slate, as a model reads it."""
    return {title_line(candidate.title) for slate in slates.slates for candidate in slate.candidates}
