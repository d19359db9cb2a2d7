"""The seam of the evaluation: what is asked of anything that ranks, and how a source of the product fits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agent.ranking.history import Context
from agent.ranking.source import Source
from agent.ranking.windows import allowed_items, best_allowed
from eval.data.splits import Question

Lists = list[NDArray[np.int64]]
# How long the lists are that are asked for.
DEPTH = 50
_BATCH = 128


@dataclass(slots=True)
class Record:
    """What ranking did and cost; filled while it runs.

    Attributes:
        notes: remarks, such as why a stage was degraded, and how often each was made.
        milliseconds: of each call, where calls are made one by one anyway.
        spent: seconds by the clock and tokens of the list of each user who was asked, by row of the question.
        confidences: stated probability of each listed item, by row of the question.
        asked: `(n_users,)` bool, who is asked; None for everybody. The others have no value, not a zero.
        close: frees what is held, after the row.
    """

    tokens: int = 0
    degraded: int = 0
    notes: dict[str, int] = field(default_factory=dict)
    milliseconds: list[float] = field(default_factory=list)
    spent: dict[int, tuple[float, int]] = field(default_factory=dict)
    confidences: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    asked: NDArray[np.bool_] | None = None
    close: Callable[[], None] | None = None

    def note(self, text: str) -> None:
        """Counts a remark."""
        self.notes[text] = self.notes.get(text, 0) + 1


class Fitted(Protocol):
    """Something that has learned from a question's train part."""

    @property
    def note(self) -> str:
        """What was chosen, and on what: printed beside the row."""
        ...

    @property
    def record(self) -> Record:
        """What ranking has done and cost so far."""
        ...

    def rank(self, rows: Sequence[int], *, depth: int, allowed: NDArray[np.bool_]) -> Lists:
        """For each row of the question the codes of at most `depth` different allowed items, best first.

        In the `new` task nothing the user has taken is listed. An empty list is allowed, and counts as zero.
        """
        ...


class Recommender(Protocol):
    """One row of the table before it has learned anything."""

    @property
    def name(self) -> str:
        """As printed."""
        ...

    @property
    def group(self) -> str:
        """`baseline`, `ours` or `ablation`."""
        ...

    def fit(self, question: Question) -> Fitted:
        """Learns from `question.train` and nothing else.

        Raises:
            MissingExtraError: a package that this row needs is not installed; the row is then reported as
                not installed.
        """
        ...


@dataclass
class SourceFitted:
    """Lists of one fitted source."""

    question: Question
    source: Source
    note: str = ""
    record: Record = field(default_factory=Record)

    def rank(self, rows: Sequence[int], *, depth: int, allowed: NDArray[np.bool_]) -> Lists:
        """See `Fitted.rank`."""
        lists: Lists = []
        for start in range(0, len(rows), _BATCH):
            contexts = [self.question.context(row) for row in rows[start : start + _BATCH]]
            for context, scores in zip(contexts, self.source.score(contexts), strict=True):
                mask = allowed & self._mask(context)
                lists.append(best_allowed(scores, mask, depth=depth))
        return lists

    def _mask(self, context: Context) -> NDArray[np.bool_]:
        return allowed_items(context, len(self.question.catalogue), task=self.question.task)


@dataclass(frozen=True)
class SourceRow:
    """A source of the product, or one written like it, as a row.

    Attributes:
        choose: the source to fit and why it was chosen, given the question (tuning looks at train only).
            Not in the representation, under which rows are kept: the digest of the code stands for it.
    """

    name: str
    choose: Callable[[Question], tuple[Source, str]] = field(repr=False)
    group: str = "baseline"

    def fit(self, question: Question) -> SourceFitted:
        """See `Recommender.fit`."""
        source, note = self.choose(question)
        fitted = source.fit(question.train, question.catalogue, now_ms=question.cut_ms)
        return SourceFitted(question, fitted, note)


def fixed(source: Source, note: str = "") -> Callable[[Question], tuple[Source, str]]:
    """A choice that needs no data."""
    return lambda question: (source, note)


def time_single_calls(
    fitted: Fitted, rows: Sequence[int], *, depth: int, allowed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """`(len(rows),)` milliseconds of one call per user, as a server would make them."""
    taken = []
    for row in rows:
        start = time.perf_counter()
        fitted.rank([row], depth=depth, allowed=allowed)
        taken.append((time.perf_counter() - start) * 1000.0)
    return np.array(taken)
