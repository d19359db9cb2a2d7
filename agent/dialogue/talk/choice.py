"""The short of an answer from a small model: it chooses which facts matter most, code joins them.

Small models copy facts well enough, but half of their sentences join them to something untrue. What they
choose by number cannot be untrue.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from agent.dialogue.talk.answers import Sentence
from agent.dialogue.talk.phrases import OPENERS
from agent.errors import LlmError
from agent.interests.words import Language
from agent.llm.backend import Backend, Completion, LlmRequest, Stream
from agent.llm.prompts import render

_LEAD: Final[dict[Language, str]] = {"en": "In short: ", "zh": "简而言之："}
# What follows the lead, the first reason and the second.
_JOIN: Final[dict[Language, tuple[str, str, str]]] = {
    "en": (" because ", ", and ", "."),
    "zh": ("，因为", "，而且", "。"),
}
# What a first fact says beyond what a short needs.
_TAIL: Final = " of what I would recommend to you now"
_NO_OTHER: Final = "none"
_UNDER: Final[dict[Language, str]] = {"en": "under ", "zh": "不到"}


def choose_short(
    backend: Backend,
    question: str,
    facts: Sequence[Sentence],
    language: Language,
    *,
    lead: bool,
    earlier: str,
) -> Sentence:
    """One sentence of up to two of the facts.

    Args:
        backend: chooses, by number.
        question: what the person asked.
        facts: at least three.
        language: of the facts.
        lead: the first fact is what the others are reasons for; without it the chosen ones stand alone.
        earlier: what was said before.

    Raises:
        LlmError: no choice came.
    """
    offered = list(facts[1:] if lead else facts)
    prompt = render(
        f"chat_short.v2{'.zh' if language == 'zh' else ''}",
        question=question,
        facts=[readable(fact.text.strip(), language) for fact in offered],
        earlier=earlier,
    )
    answer = _whole(
        backend.stream(
            LlmRequest(
                system=prompt.system,
                user=prompt.user,
                stage="chat_short",
                schema=choice_of(len(offered)),
                max_output_tokens=32,
                prompt_hash=prompt.hash,
            )
        )
    )
    if answer.data is None:
        raise LlmError(answer.note or f"expected the numbers of facts, got {answer.text[:60]!r}")
    numbers = dict.fromkeys(str(answer.data[key]) for key in ("first", "second"))
    chosen = [offered[int(number) - 1] for number in numbers if number != _NO_OTHER]
    return _joined([facts[0]] if lead else [], chosen, language)


def _whole(stream: Stream) -> Completion:
    """What a stream comes to; when the reader has heard enough, it is closed and the model stops."""
    try:
        while True:
            try:
                next(stream)
            except StopIteration as end:
                completion: Completion = end.value
                return completion
    finally:
        stream.close()


def choice_of(n: int) -> dict[str, Any]:
    """JSON schema of the choice among `n` facts."""
    numbers = [str(number) for number in range(1, n + 1)]
    return {
        "type": "object",
        "properties": {
            "first": {"type": "string", "enum": numbers},
            "second": {"type": "string", "enum": [*numbers, _NO_OTHER]},
        },
        "required": ["first", "second"],
        "additionalProperties": False,
    }


def readable(text: str, language: Language) -> str:
    """`text` with “<1%” in words: the fence around untrusted text would make another sign of it.

    >>> readable("It has <1% of it.", "en"), readable("占<1%。", "zh")
    ('It has under 1% of it.', '占不到1%。')
    """
    return re.sub(r"<(?=\d)", _UNDER[language], text)


def _joined(lead: Sequence[Sentence], chosen: Sequence[Sentence], language: Language) -> Sentence:
    because, and_, stop = _JOIN[language]
    reasons = (_clause(fact.text, language, first=not lead and not spot) for spot, fact in enumerate(chosen))
    text = and_.join(reasons)
    if lead:
        opening = _clause(lead[0].text, language, first=True).removesuffix(_TAIL)
        text = f"{opening}{because}{text}"
    marks = dict.fromkeys(mark for entry in (*lead, *chosen) for mark in entry.evidence)
    return Sentence(f"{_LEAD[language]}{text}{stop}", tuple(marks), row=True)


def _clause(text: str, language: Language, *, first: bool) -> str:
    """A sentence as a part of another: without its full stop, and small at its beginning where it can be."""
    plain = text.strip().rstrip(".。")
    word = plain.partition(" ")[0]
    if first or language == "zh" or word not in OPENERS:
        return plain
    return plain[:1].lower() + plain[1:]
