"""How many answers of a talk get a short from the language model, and how many shorts were cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.agent import Agent
from agent.dialogue.talk.answers import Answer

# Questions whose answers are long enough to be summed up, or were thought to be.
QUESTIONS: Final = (
    "Why the first one?",
    "Why number 2?",
    "Why number 3?",
    "What changed about me?",
    "Why not milk?",
    "Compare 1 and 2",
    "为什么推荐第二个？",
    "我最近有什么变化？",
)
USERS: Final = 5
_LEADS: Final = ("In short: ", "简而言之：")


@dataclass(frozen=True, slots=True)
class Shorts:
    """What became of the shorts over all questions."""

    questions: int
    kept: int
    cut: int
    failed: int

    @property
    def line(self) -> str:
        """The counts in words."""
        none = self.questions - self.kept - self.cut - self.failed
        asked = self.questions - none
        share = f"{self.kept / asked:.0%}" if asked else "–"
        return (
            f"Shorts by the model, over {self.questions} questions: {self.kept} kept ({share} of {asked} "
            f"asked for), {self.cut} cut, {self.failed} failed; {none} answers are short enough without."
        )


def judge(answer: Answer) -> str:
    """`kept`, `cut`, `failed` or `none`."""
    if any(sentence.text.startswith(_LEADS) for sentence in answer.sentences):
        return "kept"
    if answer.cut:
        return "cut"
    return "failed" if "without a summary" in answer.note else "none"


def count_shorts(agent: Agent, first_user: str, questions: Sequence[str] = QUESTIONS) -> Shorts:
    """Asks every question of `USERS` people: the given one, and others spread evenly over the workspace."""
    known = agent.session.users_with_sessions()
    others = [user for user in known[:: max(len(known) // USERS, 1)] if user != first_user]
    found = Counter[str]()
    for user in [first_user, *others][:USERS]:
        talk = agent.chat(user, keep=False)
        talk.ask("recommend five things")
        found.update(judge(talk.ask(question)) for question in questions)
    return Shorts(found.total(), found["kept"], found["cut"], found["failed"])
