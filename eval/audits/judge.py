"""A language model as a judge of lists: grades of 1 to 5 with a reason, each pair seen in both orders.

Judges of this kind favour a position, so no list is graded once: it stands first in one question and second
in the other, and its grade is the mean. Source: Zheng et al. 2023, "Judging LLM-as-a-judge with MT-Bench and
Chatbot Arena", https://doi.org/10.48550/arXiv.2306.05685. What a judge says is never reported alone, see
`judging`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

from agent.errors import LlmError
from agent.llm.backend import Backend, LlmRequest
from agent.llm.prompts import render
from agent.ranking.rerank_prompts import RerankPrompts

Preference = Literal["first", "second", "neither"]
_MAX_REASON = 200


@dataclass(frozen=True, slots=True)
class Grades:
    """One answer of a judge: a grade of 1 to 5 for the list shown as A and as B, and why."""

    a: int
    b: int
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """Two lists for one person, graded in both orders.

    Attributes:
        first, second: mean grades, 1–5; None when neither order gave a usable answer.
        reasons: one per usable answer.
        stable: both orders gave usable answers and preferred the same list, or neither.
        problem: what was missing; grades then rest on one order, or there are none.
    """

    first: float | None
    second: float | None
    reasons: tuple[str, ...]
    stable: bool
    problem: str = ""

    @property
    def prefers(self) -> Preference | None:
        """The list with the higher mean grade; None without grades."""
        if self.first is None or self.second is None:
            return None
        return _preference(self.first, self.second)


def judge_schema() -> dict[str, Any]:
    """JSON schema of one answer: the reason first, so that the grades follow from it."""
    grade = {"type": "integer", "minimum": 1, "maximum": 5}
    return {
        "type": "object",
        "properties": {"reason": {"type": "string", "maxLength": _MAX_REASON}, "A": grade, "B": grade},
        "required": ["reason", "A", "B"],
        "additionalProperties": False,
    }


def read_grades(data: Mapping[str, Any] | None, text: str) -> Grades | None:
    """The grades of an answer; None for anything that is not a reason and two whole numbers from 1 to 5.

    >>> read_grades(None, '{"reason": "A fits", "A": 5, "B": 2}')
    Grades(a=5, b=2, reason='A fits')
    >>> read_grades({"reason": "", "A": 6, "B": 2}, "") is None
    True
    """
    found: Any = data if data is not None else _parse(text)
    if not isinstance(found, Mapping):
        return None
    a, b, reason = (found.get(name) for name in ("A", "B", "reason"))
    if not _is_grade(a) or not _is_grade(b) or not isinstance(reason, str):
        return None
    return Grades(a, b, reason)


def judge_pair(
    backend: Backend, person: RerankPrompts, first: Sequence[str], second: Sequence[str]
) -> Judgement:
    """Both lists graded for a person, once in either order. A failing model gives no grades, and says why."""
    problems: list[str] = []
    forward = _ask(backend, person, first, second, problems)
    backward = _ask(backend, person, second, first, problems)
    pairs = [(forward.a, forward.b)] if forward else []
    pairs += [(backward.b, backward.a)] if backward else []
    reasons = tuple(grades.reason for grades in (forward, backward) if grades)
    problem = "; ".join(dict.fromkeys(problems))
    if not pairs:
        return Judgement(None, None, (), False, problem)
    return Judgement(
        first=sum(one for one, _ in pairs) / len(pairs),
        second=sum(other for _, other in pairs) / len(pairs),
        reasons=reasons,
        stable=len(pairs) == 2 and len({_preference(*pair) for pair in pairs}) == 1,
        problem=problem,
    )


def _ask(
    backend: Backend,
    person: RerankPrompts,
    first: Sequence[str],
    second: Sequence[str],
    problems: list[str],
) -> Grades | None:
    prompt = render(
        f"judge_list.v1{'.zh' if person.language == 'zh' else ''}",
        facets=[{"label": label, "share": share} for label, share in person.facets],
        recent=person.recent,
        first=list(first),
        second=list(second),
    )
    request = LlmRequest(
        system=prompt.system,
        user=prompt.user,
        stage="judge",
        schema=judge_schema(),
        max_output_tokens=320,
        prompt_hash=prompt.hash,
    )
    try:
        answer = backend.complete(request)
    except LlmError as error:
        problems.append(f"{type(error).__name__}: {error}")
        return None
    grades = read_grades(answer.data, answer.text)
    if grades is None:
        problems.append(answer.note or f"expected a reason and two grades, got {answer.text[:80]!r}")
    return grades


def _is_grade(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5


def _preference(first: float, second: float) -> Preference:
    if first == second:
        return "neither"
    return "first" if first > second else "second"


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
