"""Our own rows: the fused list as `Ranker` gives it, its ablations, and the sources that are ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from agent.data.log import DAY_MS
from agent.ranking.ease import EaseParams, EaseSource
from agent.ranking.facet_vectors import FacetVectorSource
from agent.ranking.ranker import Ranker
from agent.ranking.source import Source
from agent.ranking.windows import allowed_items, best_allowed
from agent.settings import RankingSettings
from eval.data.splits import Question
from eval.rankers.recommenders import Lists, Recommender, Record, SourceRow, fixed
from eval.rankers.tuning import choose

FUSED = "fused list, no LLM"
# Rows that are one source alone.
OUR_SOURCES = ("EASE with text and time, as published", "EASE with text and time, ours")
PUBLISHED = EaseParams(1000.0, 0.03, 180.0, 90.0, user_norm=0.0, trend=0.0)
# Sources that learn from who took what; without them text, popularity and the user's own repeats remain.
_COLLABORATIVE = ("ease", "item-knn", "als", "transitions", "friends-of-friends")


@dataclass
class RankerFitted:
    """Lists of a fitted ranker, and the confidence it stated for each item of the last call per user."""

    question: Question
    ranker: Ranker
    note: str
    keep: tuple[str, ...] | None = None
    record: Record = field(default_factory=Record)

    def rank(self, rows: Sequence[int], *, depth: int, allowed: NDArray[np.bool_]) -> Lists:
        """See `Fitted.rank`."""
        lists: Lists = []
        for row in rows:
            ranked = self.ranker.rank(
                self.question.context(row),
                depth,
                exclude_seen=self.question.task == "new",
                allowed=allowed,
            )
            for stage in ranked.stages:
                if stage.status == "degraded":
                    self.record.degraded += 1
                    self.record.note(f"{stage.name}: {stage.detail}")
            # What stands there in catalogue order, for want of anything that speaks for it, is no answer.
            meant = np.array([set(shares) != {"catalogue"} for shares in ranked.sources], bool)
            self.record.confidences[row] = np.asarray(ranked.confidence)[meant]
            lists.append(ranked.items.astype(np.int64)[meant])
        return lists


@dataclass(frozen=True)
class RankerRow:
    """The fused list, decided on windows before T; or only from some of its sources.

    Attributes:
        without: names of sources that take no part, neither in the decision nor in the list.
    """

    name: str = FUSED
    group: str = "ours"
    without: tuple[str, ...] = ()

    def fit(self, question: Question) -> RankerFitted:
        """See `Recommender.fit`."""
        ranker = _fit(question)
        if self.without:
            ranker = _less(ranker, self.without, question)
        decision = ranker.trained.decisions[question.task]
        return RankerFitted(question, ranker, decision.describe())


@dataclass
class PoolFitted:
    """Candidates of several sources in turn: the best of each, then the second of each, without repeats."""

    question: Question
    sources: tuple[Source, ...]
    note: str
    record: Record = field(default_factory=Record)

    def rank(self, rows: Sequence[int], *, depth: int, allowed: NDArray[np.bool_]) -> Lists:
        """See `Fitted.rank`; the order is that of the turns, so only its recall means anything."""
        lists: Lists = []
        for row in rows:
            context = self.question.context(row)
            mask = allowed & allowed_items(context, len(self.question.catalogue), task=self.question.task)
            tops = [best_allowed(s.score([context])[0], mask, depth=depth) for s in self.sources]
            lists.append(in_turn(tops, depth=depth))
        return lists


@dataclass(frozen=True)
class PoolRow:
    """The pool before fusion, at the size of the list."""

    name: str = "candidate pool, sources in turn"
    group: str = "ablation"

    def fit(self, question: Question) -> PoolFitted:
        """See `Recommender.fit`."""
        ranker = _fit(question)
        names = ", ".join(source.name for source in ranker.trained.sources)
        return PoolFitted(question, ranker.trained.sources, f"of {names}")


def in_turn(tops: Sequence[NDArray[np.int64]], *, depth: int) -> NDArray[np.int64]:
    """The lists' items in turn, each once, at most `depth`.

    >>> in_turn([np.array([1, 2]), np.array([1, 3])], depth=3).tolist()
    [1, 2, 3]
    """
    longest = max((len(top) for top in tops), default=0)
    turns = [int(top[place]) for place in range(longest) for top in tops if place < len(top)]
    return np.array(list(dict.fromkeys(turns))[:depth], np.int64)


def our_rows(*, ablations: bool = True) -> list[Recommender]:
    """Ours: the sources that are our own, the fused list and its ablations, none with a language model."""
    rows: list[Recommender] = [
        SourceRow(OUR_SOURCES[0], fixed(EaseSource(PUBLISHED)), "ours"),
        SourceRow(OUR_SOURCES[1], fixed(EaseSource()), "ours"),
        RankerRow(),
    ]
    if ablations:
        timeless = EaseParams(1000.0, 0.03, None, None, trend=0.0)
        rows += [
            PoolRow(),
            RankerRow("fused list, no collaborative sources", "ablation", _COLLABORATIVE),
            SourceRow("retrieval only", fixed(FacetVectorSource(depth=1000)), "ablation"),
            SourceRow("EASE with text, no time", fixed(EaseSource(timeless)), "ablation"),
        ]
    return rows


# Rows of one table rank by the same ranker: it is fitted for the first of them, whose time it is.
_last_fit: list[tuple[Question, Ranker]] = []


def _fit(question: Question) -> Ranker:
    """The ranker of a question, fitted once for all rows that are made of it."""
    if not _last_fit or _last_fit[0][0] is not question:
        ranker = Ranker.fit(
            question.train,
            question.catalogue,
            RankingSettings(horizon_days=_horizon(question)),
            now_ms=question.cut_ms,
            repeats=question.task == "any",
        )
        _last_fit[:] = [(question, ranker)]
    return _last_fit[0][1]


def _horizon(question: Question) -> float:
    """Days of the windows on which the fusion is decided: as long as the test part, at least one day."""
    span = (question.cut_ms - int(question.train.timestamp_ms[0])) / DAY_MS
    return float(max(min(question.horizon_days, span / 4.0), 1.0))


def _less(ranker: Ranker, without: tuple[str, ...], question: Question) -> Ranker:
    """The ranker without some of its sources: what remains of its decision, else the best single source left.

    That one is chosen on the windows on which the baselines are tuned.
    """
    trained, task = ranker.trained, question.task
    kept = {source.name: source for source in trained.sources if source.name not in without}
    decision = trained.decisions[task]
    weights = {name: weight for name, weight in decision.weights.items() if name in kept}
    reason = f"{decision.reason}; without {', '.join(without)}"
    if not weights:
        best, note = choose(question, kept)
        weights, reason = {best: 1.0}, f"without {', '.join(without)}: {note}"
    decisions = {**trained.decisions, task: replace(decision, weights=weights, reason=reason, segments=())}
    return replace(ranker, trained=replace(trained, sources=tuple(kept.values()), decisions=decisions))
