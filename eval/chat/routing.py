"""`python -m eval routing`: does a question reach the right tool?

The questions in `routing_questions.jsonl` come from the authors of the rules. Those of the part `dev` were
looked at while rules and examples were made (some of them are examples word by word). Those of the part
`test` were written before the rules that were to answer them, and were not. Of the last 91, every second one,
right or wrong, went over to `dev` once the first figures were taken. Both parts are reported. Where two tools
are close, the person is asked which: that counts as not right here, and is told in its own column.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agent.data.embedding import NON_LATIN_SHARE, non_latin_share, open_embedder
from agent.dialogue.router import Router
from agent.dialogue.sentences.examples import Encode
from agent.llm import open_backend
from agent.settings import LlmSettings

TARGET: Final = 0.95
_Z: Final = 1.96


@dataclass(frozen=True, slots=True)
class Question:
    """One question and the tool it needs; `part` is `dev` or `test`."""

    id: str
    language: str
    part: str
    tool: str
    question: str


@dataclass(frozen=True, slots=True)
class Routed:
    """Where one question went, by whom, and how long that took."""

    question: Question
    tool: str
    by: str
    seconds: float
    other: str | None = None

    @property
    def right(self) -> bool:
        """Whether it went to the tool it needs, without asking back."""
        return self.other is None and self.tool == self.question.tool

    @property
    def offered(self) -> bool:
        """Whether it was asked back between two tools, one of them the one it needs."""
        return self.other is not None and self.question.tool in (self.tool, self.other)


def load_questions() -> list[Question]:
    """The fixed questions, in order."""
    text = (resources.files("eval.chat") / "routing_questions.jsonl").read_text(encoding="utf-8")
    return [Question(**json.loads(line)) for line in text.splitlines()]


def route_all(questions: Sequence[Question], router: Router) -> list[Routed]:
    """Every question on its own, without a talk before it and without a catalogue to find titles in."""
    found = []
    for entry in questions:
        start = time.perf_counter()
        route = router.route(entry.question, "zh" if entry.language == "zh" else "en")
        found.append(Routed(entry, route.tool, route.by, time.perf_counter() - start, route.other))
    return found


def wilson(right: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share by Wilson's score: Wilson 1927, doi:10.1080/01621459.1927.10502953.

    >>> tuple(round(bound, 3) for bound in wilson(9, 10))
    (0.596, 0.982)
    """
    if n == 0:
        return 0.0, 1.0
    share, z = right / n, _Z
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * float(np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)))
    return centre - half, centre + half


def summarise(routed: Sequence[Routed]) -> list[dict[str, Any]]:
    """One row per part and language, and one for all: share right with its interval, and by whom."""
    groups: list[tuple[str, list[Routed]]] = [
        (
            f"{part}, {language}",
            [r for r in routed if (r.question.part, r.question.language) == (part, language)],
        )
        for part in ("dev", "test")
        for language in ("en", "zh")
    ]
    groups.append(("test", [r for r in routed if r.question.part == "test"]))
    groups.append(("all", list(routed)))
    rows = []
    for name, members in groups:
        right = sum(entry.right for entry in members)
        low, high = wilson(right, len(members))
        by_model = [entry for entry in members if entry.by == "model"]
        by_example = [entry for entry in members if entry.by == "examples"]
        rows.append(
            {
                "what": name,
                "questions": len(members),
                "right": right,
                "share": right / max(len(members), 1),
                "low": low,
                "high": high,
                "by examples": len(by_example),
                "of examples right": sum(entry.right for entry in by_example),
                "asked the model": len(by_model),
                "of these right": sum(entry.right for entry in by_model),
                "asked back": sum(entry.other is not None for entry in members),
                "of asked back offered": sum(entry.offered for entry in members),
            }
        )
    return rows


def table(rows: Sequence[dict[str, Any]], model: str) -> str:
    """The rows as a Markdown table."""
    lines = [
        f"| questions (model {model}) | n | right | 95 % | by examples: right | by the model: right "
        "| asked back: with the right one |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['what']} | {row['questions']} | {row['share']:.1%} | "
        f"{row['low']:.1%} to {row['high']:.1%} | "
        f"{row['by examples']}: {row['of examples right']} | "
        f"{row['asked the model']}: {row['of these right']} | "
        f"{row['asked back']}: {row['of asked back offered']} |"
        for row in rows
    ]
    return "\n".join(lines)


def encoder(*, offline: bool = False) -> Encode:
    """The sentence encoder of a workspace with English items: it reads no Chinese."""
    opened = open_embedder("minilm", offline=offline)

    def encode(texts: Sequence[str]) -> NDArray[np.float32] | None:
        return None if non_latin_share(texts) > NON_LATIN_SHARE else opened.encode(texts)

    return encode


def run_routing(*, model: str, as_json: bool, encode: Encode | None = None) -> tuple[str, int]:
    """The report, and exit code 1 when less than 95 % of all questions reached their tool."""
    backend = open_backend(LlmSettings().with_model(model), offline=False)
    try:
        routed = route_all(load_questions(), Router(backend, encode))
    finally:
        if backend is not None:
            backend.close()
    rows = summarise(routed)
    missed = [entry for entry in routed if not entry.right]
    code = int(rows[-1]["share"] < TARGET)
    if as_json:
        plain = {"model": model, "rows": rows, "missed": [asdict(entry) for entry in missed]}
        return json.dumps(plain, ensure_ascii=False, indent=2), code
    lines = [table(rows, model), ""]
    lines += [
        f"{entry.question.id} ({entry.question.part}): {entry.question.question!r} went to {entry.tool} by "
        f"{entry.by}{f' (or {entry.other}: asked back)' if entry.other else ''}, needs {entry.question.tool}"
        for entry in missed
    ]
    slow = max((entry.seconds for entry in routed if entry.by == "model"), default=0.0)
    lines.append(f"slowest choice by the model: {slow:.1f} s")
    return "\n".join(lines), code
