"""What a table stands on: backgrounds of its questions, groups of its users, and its facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.ranking.windows import Task
from eval.data.canary import planted_share, without_canary
from eval.data.datasets import Dataset
from eval.data.splits import Exam, Question, segments
from eval.measures.beyond import Background, background


class Grounds:
    """Backgrounds of the questions, made when first needed."""

    def __init__(self) -> None:
        self._known: dict[str, Background] = {}

    def of(self, question: Question) -> Background:
        """The background of a question."""
        if question.name not in self._known:
            self._known[question.name] = background(question)
        return self._known[question.name]


def groups_of(
    asked: Sequence[tuple[Question, Exam]], grounds: Grounds, codes: NDArray[np.int64]
) -> dict[str, NDArray[np.bool_]]:
    """Segments over all windows: a user belongs to a group when they do in their last window."""
    groups: dict[str, NDArray[np.bool_]] = {}
    for question, _ in asked:
        parts = segments(question)
        p_value = grounds.of(question).drift_p
        parts["drifted"] = parts["warm"] & (p_value < 0.05)
        parts["not drifted"] = parts["warm"] & (p_value >= 0.05)
        place = np.searchsorted(codes, question.users)
        for name, mask in parts.items():
            whole = groups.setdefault(name, np.zeros(len(codes), bool))
            whole[place] = mask
    return groups


def facts_of(
    dataset: Dataset,
    task: Task,
    asked: Sequence[tuple[Question, Exam]],
    groups: dict[str, NDArray[np.bool_]],
) -> dict[str, Any]:
    """What a table is about, JSON-ready."""
    first, _ = asked[0]
    labels = [
        len(part)
        for question, exam in asked
        for part, warm in zip(exam.labels.known, segments(question)["warm"], strict=True)
        if warm
    ]
    shares = [planted_share(dataset.log, question.users, question.moments_ms) for question, _ in asked]
    return {
        "data": dataset.name,
        "task": task,
        "rated": dataset.preset.rated,
        "windows": len(asked),
        "scheme": "leave-last-out" if first.name == "last" else "temporal",
        "cut_ms": [question.cut_ms for question, _ in asked],
        "horizon_days": first.horizon_days,
        "users": {name: int(mask.sum()) for name, mask in groups.items()},
        "items": int(first.known_item.sum()),
        "cold_items": int(first.cold_item.sum()),
        "events": len(first.train),
        "min_users": dataset.preset.min_users,
        "canary": {"users": min(shares)},
        "labels_per_user": float(np.mean(labels)) if labels else 0.0,
    }


def describe_data(dataset: Dataset) -> dict[str, Any]:
    """A data set as the manifest names it."""
    preset = asdict(dataset.preset)
    real = {"events": len(without_canary(dataset.log)), "items": len(dataset.catalogue) - 1}
    return {"digest": dataset.digest, "vectors": dataset.vector_digest, **real, **preset}


def repeat_share(dataset: Dataset) -> float:
    """Share of the events whose user had taken their item before, 0–1."""
    log = without_canary(dataset.log)
    pairs = np.unique(log.user.astype(np.int64) * log.n_items + log.item)
    return 1.0 - len(pairs) / max(len(log), 1)
