"""What was said before: kept whole for the reader, and within the context window for the language model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agent.dialogue.sentences.lexicon import HAN
from agent.interests.words import Language

# A turn in short: enough to know what was talked about.
_QUESTION_CHARS: Final = 80
_ANSWER_CHARS: Final = 160
_NAMES: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {"asked": "Earlier in this talk", "times": "{n} × {tool}", "last": "the last of them: {question}"},
    "zh": {"asked": "之前谈过", "times": "{tool}{n}次", "last": "其中最后一次：{question}"},
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer, as they are kept."""

    question: str
    answer: str
    tool: str


def estimate_tokens(text: str) -> int:
    """An upper estimate of the tokens of a text: one per Chinese character, one per three other characters.

    >>> estimate_tokens("What changed?"), estimate_tokens("有什么变化")
    (5, 5)
    """
    han = len(HAN.findall(text))
    return han + -(-(len(text) - han) // 3)


def summarise(turns: Sequence[Turn], budget: int, language: Language) -> tuple[str, int]:
    """What a model is told of the talk so far, and how many of the oldest turns are only summed up in it.

    The newest turns stand in their own words, shortened; older ones are counted by kind. The text never
    takes more than `budget` tokens; with a budget too small for anything it is empty.
    """
    recent: list[str] = []
    for kept, turn in enumerate(reversed(turns)):
        line = f"– {_short(turn.question, _QUESTION_CHARS)} → {_short(turn.answer, _ANSWER_CHARS)}"
        older = _summary(turns[: len(turns) - kept - 1], language)
        if estimate_tokens("\n".join([older, line, *recent])) > budget:
            break
        recent.insert(0, line)
    n_older = len(turns) - len(recent)
    older = _summary(turns[:n_older], language)
    text = "\n".join(filter(None, [older, *recent]))
    if estimate_tokens(text) > budget:
        return "", len(turns)
    return text, n_older


def _summary(turns: Sequence[Turn], language: Language) -> str:
    if not turns:
        return ""
    names = _NAMES[language]
    counts = Counter(turn.tool for turn in turns)
    parts = [
        names["times"].format(n=n, tool=tool)
        for tool, n in sorted(counts.items(), key=lambda p: (-p[1], p[0]))
    ]
    parts.append(names["last"].format(question=_short(turns[-1].question, _QUESTION_CHARS)))
    return f"{names['asked']}: {', '.join(parts)}."


def _short(text: str, limit: int) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"
