"""One row on one question: fit, rank while the labels are locked away, look for the canary, score."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agent.errors import DriftrecError, MissingExtraError
from eval.data.splits import Exam, Labels, Question, segments
from eval.errors import LeakError
from eval.measures.beyond import Background, beyond_accuracy, concentration, coverage
from eval.measures.calibration import calibration_error, reliability
from eval.measures.metrics import accuracy
from eval.rankers.recommenders import DEPTH, Fitted, Lists, Recommender, time_single_calls

Status = Literal["ran", "not installed", "failed"]
_TIMED_USERS = 50
# Parts of the labels that have a value of their own, by the first word of the metric.
COLD, AGAIN, FIRST_TIME = "cold", "again", "first time"
# What the list of each user took, where rows are asked one by one.
SECONDS, TOKENS = "seconds a list", "tokens a list"
_ORDER_BLIND = ("recall", "precision", "F1", "hit rate")
_CHUNK = 256


@dataclass(frozen=True)
class Outcome:
    """What one row did on one question.

    Attributes:
        values: `(n_users,)` per metric, NaN where a user has no value; `cold: …` are over cold items alone.
        figures: of the whole row: coverage, concentration, seconds, latency, tokens, degraded counts, ECE.
        lists: `(n_users, DEPTH)` int32 codes among known items, −1 pads; anything can be recomputed.
        reliability: `(stated, observed, n)` per bin, where the row states a confidence.
    """

    name: str
    group: str
    status: Status
    note: str
    values: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    lists: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, DEPTH), np.int32))
    reliability: tuple[tuple[float, float, int], ...] = ()


def run_row(question: Question, exam: Exam, known: Background, row: Recommender) -> Outcome:
    """The outcome of one row. A row that fails is an outcome too; a leak is none and ends the run.

    Raises:
        LeakError: the row read what it must not, or ranked the canary.
    """
    try:
        with exam.vault.closed():
            answers = _answer(question, row)
        for found in (answers.lists, answers.cold):
            check_canary(row.name, found, exam.labels)
        return _scored(question, exam.labels, known, row, answers)
    except LeakError:
        raise
    except MissingExtraError as error:
        return Outcome(row.name, row.group, "not installed", str(error))
    except Exception as error:
        # Whatever a third party's model does, it must not cost the other rows; the table says it failed.
        return Outcome(row.name, row.group, "failed", f"{type(error).__name__}: {error}")


@dataclass(frozen=True)
class _Answers:
    """What a row said before anybody looked at the labels; times in seconds, `single` in milliseconds.

    `stated` is the confidence of each item of `lists`, by row of the question: later calls have others.
    """

    fitted: Fitted
    lists: Lists
    cold: Lists
    stated: Mapping[int, NDArray[np.float64]]
    n_failed: int
    fit_s: float
    rank_s: float
    single: NDArray[np.float64]


def _answer(question: Question, row: Recommender) -> _Answers:
    start = time.perf_counter()
    fitted = row.fit(question)
    fit_s = time.perf_counter() - start
    try:
        lists, failed = _ranked(fitted, question, question.known_item | _canary(question))
        stated = dict(fitted.record.confidences)
        cold = _cold_lists(fitted, question)
        rank_s = time.perf_counter() - start - fit_s
        return _Answers(fitted, lists, cold, stated, failed, fit_s, rank_s, _latency(fitted, question))
    finally:
        if fitted.record.close is not None:
            fitted.record.close()


def _scored(
    question: Question, labels: Labels, known: Background, row: Recommender, answers: _Answers
) -> Outcome:
    record, lists = answers.fitted.record, answers.lists
    n_items, n_cold = int(question.known_item.sum()), int(question.cold_item.sum())
    values = telling(accuracy(lists, labels.known, depth=DEPTH), n_candidates=n_items)
    if question.task == "any":
        values |= _by_consumption(question, labels, lists)
    values |= beyond_accuracy(lists, labels.known, question.catalogue, known)
    cold = telling(accuracy(answers.cold, labels.cold, depth=DEPTH), n_candidates=n_cold)
    values |= {f"cold: {name}": value for name, value in cold.items()}
    warm = np.flatnonzero(segments(question)["warm"])
    if record.asked is not None:
        warm = np.intersect1d(warm, np.flatnonzero(record.asked))
        values = {name: np.where(record.asked, value, np.nan) for name, value in values.items()}
    if record.spent:
        values |= _spent(record.spent, n_users=len(question.users))
    figures = _figures(answers, [lists[user] for user in warm], n_items=n_items)
    table = _reliability(answers.stated, lists, labels, warm)
    if table:
        figures["ECE"] = calibration_error(table)
    return Outcome(
        name=row.name,
        group=row.group,
        status="ran",
        note="; ".join([answers.fitted.note, *(f"{text} ({n}×)" for text, n in record.notes.items())]),
        values=values,
        figures=figures,
        lists=padded(lists),
        reliability=tuple((entry.stated, entry.observed, entry.n) for entry in table),
    )


def _spent(spent: Mapping[int, tuple[float, int]], *, n_users: int) -> dict[str, NDArray[np.float64]]:
    both = np.full((2, n_users), np.nan)
    for row, cost in spent.items():
        both[:, row] = cost
    return {SECONDS: both[0], TOKENS: both[1]}


def _figures(answers: _Answers, shown: Lists, *, n_items: int) -> dict[str, float]:
    record = answers.fitted.record
    return {
        "coverage": coverage(shown, n_items=n_items),
        "concentration": concentration(shown, n_items=n_items),
        "fit s": answers.fit_s,
        "rank s": answers.rank_s,
        "p50 ms": float(np.percentile(answers.single, 50)),
        "p95 ms": float(np.percentile(answers.single, 95)),
        "users without a list": float(sum(len(items) == 0 for items in shown)),
        "users failed": float(answers.n_failed),
        "tokens": float(record.tokens),
        "degraded": float(record.degraded),
    }


def check_canary(name: str, lists: Lists, labels: Labels) -> None:
    """Looks for the planted item in every list.

    Raises:
        LeakError: it is there. It has no text and no event before T: only the future speaks for it.
    """
    found = sum(int((items == labels.canary).any()) for items in lists)
    if found:
        raise LeakError(
            f"row {name!r} ranked the canary for {found} of {len(lists)} users: "
            "it has seen events after T; no figure of this run is worth anything"
        )


def padded(lists: Lists, *, depth: int = DEPTH) -> NDArray[np.int32]:
    """`(n_users, depth)` int32 item codes, −1 behind the end of a list."""
    out = np.full((len(lists), depth), -1, np.int32)
    for row, items in enumerate(lists):
        out[row, : min(len(items), depth)] = items[:depth]
    return out


def _canary(question: Question) -> NDArray[np.bool_]:
    """The canary is always allowed: a leak has to be able to show itself."""
    mask = np.zeros(len(question.catalogue), bool)
    mask[-1] = True
    return mask


def _ranked(fitted: Fitted, question: Question, allowed: NDArray[np.bool_]) -> tuple[Lists, int]:
    """Lists of every user, and for how many ranking failed: those are empty, and count as zeros."""
    lists: Lists = []
    failed = 0
    for start in range(0, len(question.users), _CHUNK):
        rows = range(start, min(start + _CHUNK, len(question.users)))
        try:
            lists += fitted.rank(rows, depth=DEPTH, allowed=allowed)
        except LeakError:
            raise
        except DriftrecError as error:
            fitted.record.note(f"ranking failed: {error}")
            lists += [np.empty(0, np.int64)] * len(rows)
            failed += len(rows)
    return lists, failed


def _cold_lists(fitted: Fitted, question: Question) -> Lists:
    """Lists among the items that nobody had before T; empty ones when there is no such item."""
    if not question.cold_item.any():
        return [np.empty(0, np.int64)] * len(question.users)
    return _ranked(fitted, question, question.cold_item | _canary(question))[0]


def _latency(fitted: Fitted, question: Question) -> NDArray[np.float64]:
    if fitted.record.milliseconds:
        return np.array(fitted.record.milliseconds)
    rows: Sequence[int] = range(0, len(question.users), max(len(question.users) // _TIMED_USERS, 1))
    return time_single_calls(fitted, rows, depth=10, allowed=question.known_item)


def telling(values: dict[str, NDArray[np.float64]], *, n_candidates: int) -> dict[str, NDArray[np.float64]]:
    """The metrics that say something: who lists k of at most k candidates finds all of them, in any order.

    A single candidate has no order at all: then nobody has a value.
    """
    if n_candidates == 1:
        values = {name: np.full_like(value, np.nan) for name, value in values.items()}
    if n_candidates == 0:
        return values
    blind = {name for name in values if name.partition("@")[0] in _ORDER_BLIND}
    return {
        name: value
        for name, value in values.items()
        if name not in blind or int(name.partition("@")[2]) < n_candidates
    }


def _by_consumption(question: Question, labels: Labels, lists: Lists) -> dict[str, NDArray[np.float64]]:
    """The same lists held against the items that the user had before, and against the others."""
    train = question.train
    had = [np.isin(items, train.item[train.rows_of(int(user))]) for user, items in _asked(question, labels)]
    parts = {
        AGAIN: [items[mask] for items, mask in zip(labels.known, had, strict=True)],
        FIRST_TIME: [items[~mask] for items, mask in zip(labels.known, had, strict=True)],
    }
    return {
        f"{part}: {name}": value
        for part, wanted in parts.items()
        for name, value in accuracy(lists, wanted, depth=DEPTH).items()
        if name == "NDCG@10"
    }


def _asked(question: Question, labels: Labels) -> list[tuple[int, NDArray[np.int32]]]:
    return list(zip(question.users.tolist(), labels.known, strict=True))


def _reliability(
    stated: Mapping[int, NDArray[np.float64]], lists: Lists, labels: Labels, warm: NDArray[np.int64]
) -> list[Any]:
    pairs = [(stated[int(u)], lists[u], labels.known[u]) for u in warm if int(u) in stated]
    if not pairs:
        return []
    values = np.concatenate([confidence[:10] for confidence, _, _ in pairs])
    taken = np.concatenate([np.isin(items[:10], wanted) for _, items, wanted in pairs])
    return list(reliability(values, taken))
