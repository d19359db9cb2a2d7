"""A tiny data set made by hand, and recommenders that cheat, for the tests of the harness."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from agent.data.log import DAY_MS, InteractionLog
from agent.ranking.popular import PopularitySource
from eval.data.datasets import Preset, prepare
from eval.rankers.recommenders import Record, SourceFitted
from tests.columns import columns_of_catalogue, columns_of_log

PRESET = Preset("test", 1, 0.85)


def tiny_log():
    """User 10 has items 0–4 before day 90, 5 and 0 after; user 9 four items before; user 2 none after."""
    rows = [(0, item, 10 + item) for item in range(5)] + [(0, 5, 95), (0, 0, 96)]
    rows += [(1, item, 20 + item) for item in range(4)] + [(1, 5, 97)]
    rows += [(2, item, 30 + item) for item in range(6)]
    return log_of(rows, user_ids=("10", "9", "2"), n_items=6)


def log_of(rows, *, user_ids, n_items, values=None):
    """A log of `(user, item, day)`."""
    order = sorted(range(len(rows)), key=lambda place: rows[place][2])
    rows = [rows[place] for place in order]
    n = len(rows)
    value = np.full(n, np.nan, np.float32) if values is None else np.array(values, np.float32)[order]
    return columns_of_log(
        [r[0] for r in rows],
        [r[1] for r in rows],
        [int(r[2] * DAY_MS) for r in rows],
        value=value,
        interaction_id=np.arange(n, dtype=np.int64),
        user_ids=tuple(user_ids),
        events=("rate" if values is not None else "purchase",),
        n_items=n_items,
    )


def catalogue_of(n_items):
    """Items with a text of their own and no vectors."""
    names = [f"thing {number}" for number in range(n_items)]
    return columns_of_catalogue(names, categories=(("all",),) * n_items)


def dataset_of(log, preset=PRESET):
    return prepare("tiny", log, catalogue_of(log.n_items), preset)


@dataclass
class Cheat:
    """Answers with the labels it was handed from outside: what a perfect row would score."""

    question: object
    labels: object
    note: str = ""
    record: Record = field(default_factory=Record)

    def rank(self, rows, *, depth, allowed):
        return [self.labels.known[row][:depth].astype(np.int64) for row in rows]


@dataclass(frozen=True)
class OracleRow:
    exam: object
    name: str = "oracle"
    group: str = "baseline"

    def fit(self, question):
        # The labels were read before the vault shut: only a test can do that.
        return Cheat(question, self.exam)


@dataclass(frozen=True)
class LeakyRow:
    """Popularity over the whole log, the future included: what a leak looks like."""

    whole: InteractionLog
    name: str = "leaky"
    group: str = "baseline"

    def fit(self, question):
        end = int(self.whole.timestamp_ms[-1]) + 1
        return SourceFitted(question, PopularitySource().fit(self.whole, question.catalogue, now_ms=end))


@dataclass(frozen=True)
class FutureRow:
    """Reads from the whole data set what each user did that the question does not tell."""

    dataset: object
    name: str = "future"
    group: str = "baseline"

    def fit(self, question):
        return Seer(question, self.dataset.log)


@dataclass
class Seer:
    question: object
    log: InteractionLog
    note: str = ""
    record: Record = field(default_factory=Record)

    def rank(self, rows, *, depth, allowed):
        lists = []
        for row in rows:
            user = int(self.question.users[row])
            known = set(self.question.train.interaction_id.tolist())
            mine = self.log.rows_of(user)
            ids, items = self.log.interaction_id[mine].tolist(), self.log.item[mine].tolist()
            new = dict.fromkeys(i for n, i in zip(ids, items, strict=True) if n not in known)
            lists.append(np.array([i for i in new if allowed[i]][:depth], np.int64))
        return lists


@dataclass(frozen=True)
class PeekingRow:
    """Tries to read the labels while it ranks."""

    exam: object
    name: str = "peeking"
    group: str = "baseline"

    def fit(self, question):
        return self.exam.labels


@dataclass(frozen=True)
class LateRow:
    """Asks the sealed log for events after T."""

    name: str = "late"
    group: str = "baseline"

    def fit(self, question):
        source = PopularitySource().fit(question.train, question.catalogue, now_ms=question.cut_ms + 1)
        return SourceFitted(question, source)


@dataclass(frozen=True)
class BrokenRow:
    name: str = "broken"
    group: str = "baseline"

    def fit(self, question):
        raise RuntimeError("out of order")
