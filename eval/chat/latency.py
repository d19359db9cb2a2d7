"""`python -m eval chat-latency`: how long a talk lets one wait, for first words and for the whole."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.agent import Agent
from agent.dialogue.chat import ChatSession
from agent.dialogue.talk.answers import Answer
from eval.chat.summaries import count_shorts

# Promised seconds to the first words: of an answer by tools alone, and of one that first asks the model.
TOOLS_S: Final = 1.0
MODEL_S: Final = 4.0
# The last question is one that no rule reads: with a model, the model is asked which tool is meant.
QUESTIONS: Final = (
    "What do you recommend?",
    "Why the second one?",
    "Prove it",
    "Why not milk?",
    "Compare 1 and 2",
    "What changed about me?",
    "Show me as I was in spring",
    "What would you recommend without my March purchases?",
    "When did I last buy bananas?",
    "Less of number 1",
    "Undo",
    "What do you know about me?",
    "我最近有什么变化？",
    "The usual, please, my dear",
)


@dataclass(frozen=True, slots=True)
class Wait:
    """One question's waits in seconds: `first_s` to the first words, `all_s` to the last.

    `cpu_s` is processor time of this process until the last word; the model runs in a process of its own.
    """

    question: str
    routed_by: str
    first_s: float
    all_s: float
    cpu_s: float


def measure(talk: ChatSession, questions: Sequence[str]) -> list[Wait]:
    """Asks in order; the talk keeps what earlier answers left, as in a real one."""
    waits: list[Wait] = []
    for question in questions:
        cpu = time.process_time()
        answer: Answer = talk.ask(question)
        spent = time.process_time() - cpu
        waits.append(Wait(question, answer.routed_by, answer.first_s, answer.seconds, spent))
    return waits


def run_latency(*, workspace: str, user_id: str, model: str, rounds: int) -> tuple[str, int]:
    """The table in Markdown, with a model what became of its shorts, and the exit code.

    The code is 1 when a median of first words is over what is promised.
    """
    rows: dict[str, list[Wait]] = {}
    with Agent.open(workspace, model=model) as agent:
        for _ in range(rounds):
            for wait in measure(agent.chat(user_id, keep=False), QUESTIONS):
                rows.setdefault(wait.question, []).append(wait)
        shorts = [] if model == "none" else ["", count_shorts(agent, user_id).line]
    lines = [
        f"User {user_id} of {workspace}, {model}, talks held: {rounds}. Seconds, median over talks (worst).",
        "",
        "| question | routed by | first words | whole answer | CPU | |",
        "|---|---|---|---|---|---|",
        *(_row(question, waits) for question, waits in rows.items()),
        *shorts,
    ]
    return "\n".join(lines), int(any(_first(waits) > _promised(waits) for waits in rows.values()))


def _promised(waits: Sequence[Wait]) -> float:
    return MODEL_S if waits[0].routed_by == "model" else TOOLS_S


def _first(waits: Sequence[Wait]) -> float:
    return statistics.median(wait.first_s for wait in waits)


def _row(question: str, waits: Sequence[Wait]) -> str:
    promised, first = _promised(waits), _first(waits)
    whole = [wait.all_s for wait in waits]
    return (
        f"| {question} | {waits[0].routed_by} | {first:.2f} ({max(wait.first_s for wait in waits):.2f}) "
        f"| {statistics.median(whole):.2f} ({max(whole):.2f}) "
        f"| {statistics.median(wait.cpu_s for wait in waits):.2f} "
        f"| ≤ {promised:g}: {'met' if first <= promised else 'missed'} |"
    )
