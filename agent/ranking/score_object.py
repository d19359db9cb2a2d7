"""The object of scores that a model answers with: one required integer per label, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

# Complete pairs only: the last number of a truncated answer may be half a number.
_PAIR = re.compile(r'"([A-Z]\d{1,3})"\s*:\s*(\d{1,3})\s*[,}]')


def score_schema(names: Sequence[str]) -> dict[str, object]:
    """JSON schema of one required integer 0–100 per label, nothing else."""
    return {
        "type": "object",
        "properties": {name: {"type": "integer", "minimum": 0, "maximum": 100} for name in names},
        "required": list(names),
        "additionalProperties": False,
    }


def read_scores(data: Mapping[str, object] | None, text: str, names: Sequence[str]) -> list[float]:
    """The score 0–100 of each label, NaN for what is missing or no such number.

    Args:
        data: the validated object, where there is one.
        text: the raw answer: taken as JSON, else searched for whole pairs (a truncated answer has some).
        names: labels, in the order of the result; others in the answer are ignored.

    >>> read_scores(None, '{"A1": 70, "A2": 101, "A3": 5', ["A1", "A2", "A3"])
    [70.0, nan, nan]
    """
    found = data if data is not None else _parse(text)
    return [_score_of(found.get(name)) for name in names]


def _parse(text: str) -> Mapping[str, object]:
    try:
        parsed = json.loads(text)
    except ValueError:
        return {label: int(number) for label, number in _PAIR.findall(text)}
    return parsed if isinstance(parsed, dict) else {}


def _score_of(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 100:
        return float("nan")
    return float(value)
