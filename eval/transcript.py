"""`python -m eval transcript`: a talk of ten turns, recorded as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent.agent import Agent
from agent.dialogue.answers import Answer

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


def record(agent: Agent, user_id: str, questions: Sequence[str]) -> list[Answer]:
    """The answers of one talk, which is not kept."""
    talk = agent.chat(user_id, keep=False)
    return [talk.ask(question) for question in questions]


def to_markdown(answers: Sequence[Answer]) -> str:
    """A talk as Markdown: the question in bold, the answer as it stands."""
    parts = []
    for answer in answers:
        parts.append(f"**{answer.question}**")
        parts.append("```text\n" + answer.text.replace("```", "'''") + "\n```")
    return "\n\n".join(parts)


def run_transcript(*, workspace: str, user_id: str, model: str, language: str) -> str:
    """The talk with one user of a workspace, as Markdown."""
    with Agent.open(workspace, model=model) as agent:
        return to_markdown(record(agent, user_id, QUESTIONS[language]))
