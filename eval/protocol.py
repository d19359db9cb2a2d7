"""One row on one question: fit, rank while the labels are locked away, look for the canary, score."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agent.errors import DriftrecError, MissingExtraError
from eval.beyond import Background, beyond_accuracy, concentration, coverage
from eval.calibration import calibration_error, reliability
from eval.errors import LeakError
from eval.metrics import accuracy
from eval.recommenders import Fitted, Lists, Recommender, time_single_calls
from eval.splits import Exam, Labels, Question, segments

Status = Literal["ran", "not installed", "failed"]
DEPTH = 50
_TIMED_USERS = 50
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
    except LeakError:
        raise
    except MissingExtraError as error:
        return Outcome(row.name, row.group, "not installed", str(error))
    except Exception as error:
        # Whatever a third party's model does, it must not cost the other rows; the table says it failed.
        return Outcome(row.name, row.group, "failed", f"{type(error).__name__}: {error}")
    labels = exam.labels
    for found in (answers.lists, answers.cold):
        check_canary(row.name, found, labels)
    return _scored(question, labels, known, row, answers)


@dataclass(frozen=True)
class _Answers:
    """What a row said before anybody looked at the labels; times in seconds, `single` in milliseconds."""

    fitted: Fitted
    lists: Lists
    cold: Lists
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
        cold = _cold_lists(fitted, question)
        rank_s = time.perf_counter() - start - fit_s
        return _Answers(fitted, lists, cold, failed, fit_s, rank_s, _latency(fitted, question))
    finally:
        if fitted.record.close is not None:
            fitted.record.close()


def _scored(
    question: Question, labels: Labels, known: Background, row: Recommender, answers: _Answers
) -> Outcome:
    record, lists = answers.fitted.record, answers.lists
    values = accuracy(lists, labels.known, depth=DEPTH)
    values |= beyond_accuracy(lists, labels.known, question.catalogue, known)
    cold = accuracy(answers.cold, labels.cold, depth=DEPTH)
    values |= {f"cold: {name}": value for name, value in cold.items()}
    warm = np.flatnonzero(segments(question)["warm"])
    if record.asked is not None:
        warm = np.intersect1d(warm, np.flatnonzero(record.asked))
        values = {name: np.where(record.asked, value, np.nan) for name, value in values.items()}
    figures = _figures(answers, [lists[user] for user in warm], n_items=int(question.known_item.sum()))
    table = _reliability(answers.fitted, lists, labels, warm)
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


def _reliability(fitted: Fitted, lists: Lists, labels: Labels, warm: NDArray[np.int64]) -> list[Any]:
    stated = fitted.record.confidences
    pairs = [(stated[int(u)], lists[u], labels.known[u]) for u in warm if int(u) in stated]
    if not pairs:
        return []
    values = np.concatenate([confidence[:10] for confidence, _, _ in pairs])
    taken = np.concatenate([np.isin(items[:10], wanted) for _, items, wanted in pairs])
    return list(reliability(values, taken))
