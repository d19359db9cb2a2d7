"""`python -m eval transcript`: a talk of ten turns, recorded as it comes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from agent.agent import Agent
from agent.dialogue.talk.answers import Answer

QUESTIONS: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "What do you know about me?",
        "Recommend something",
        "Why number 2?",
        "Prove it",
        "Less of number 1",
        "Undo",
        "What changed about me?",
        "Show me as I was in spring",
        "Only things I have not had",
        "Anything goes again",
    ),
    "zh": (
        "你知道我的哪些信息？",
        "给我推荐点东西",
        "第二个是怎么来的？",
        "证明一下这个理由是真的",
        "少推荐第一个",
        "撤销",
        "我的兴趣有什么变化？",
        "看看春天时的我",
        "只要没买过的",
        "所有条件都取消",
    ),
}
# What the README shows: the grocery demo's own words.
SHOWN: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "What do you recommend?",
        "Why the second one?",
        "Less of that, it was a gift",
        "Undo",
        "Why not milk?",
        "What changed about me?",
        "Show me as I was in spring",
        "What if I had never bought cheese?",
        "Only things I have not had",
        "What do you know about me?",
    ),
    "zh": QUESTIONS["zh"],
}


def record(agent: Agent, user_id: str, questions: Sequence[str]) -> list[Answer]:
    """The answers of one talk, which is not kept."""
    talk = agent.chat(user_id, keep=False)
    return [talk.ask(question) for question in questions]


def to_markdown(answers: Sequence[Answer]) -> str:
    """A talk as Markdown: a quotation per turn, the question in bold, the answer's lines as they stand."""
    return "\n\n".join(
        "\\\n".join(
            f"> {line}" for line in (f"**{answer.question}**", *map(_escaped, answer.text.splitlines()))
        )
        for answer in answers
    )


def _escaped(line: str) -> str:
    """A line that Markdown shows as it is: no list, no emphasis, no tag."""
    line = re.sub(r"([*_`<\\])", r"\\\1", line.strip())
    return re.sub(r"^(\d+)\.", r"\1\\.", line)


def run_transcript(*, workspace: str, user_id: str, model: str, language: str) -> str:
    """The talk with one user of a workspace, as Markdown."""
    with Agent.open(workspace, model=model) as agent:
        return to_markdown(record(agent, user_id, SHOWN[language]))
