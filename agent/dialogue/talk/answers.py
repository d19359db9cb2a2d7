"""What an answer is made of: sentences with the evidence they rest on, and what was cut from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agent.schema import WordedBy, to_plain

RoutedBy = Literal["rules", "examples", "model", "confirmation", "nothing"]

# How many interaction ids are printed after a sentence; the answer holds them all.
_IDS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer.

    Attributes:
        text: as shown, without its evidence.
        evidence: what it rests on: `#12` an interaction, `item:ID`, `facet:f3`, `feedback:5`, `version:2`,
            `fact:NAME` a figure computed for this answer and kept in `Answer.facts`.
        claim: False for words that state nothing about the person or the items (a greeting, a lead-in).
        row: whether it stands on a line of its own, as entries of a list do.
        aside: whether it holds only under a condition that it states: it must not be shortened.
    """

    text: str
    evidence: tuple[str, ...] = ()
    claim: bool = True
    row: bool = False
    aside: bool = False

    @property
    def shown(self) -> str:
        """The text with the interactions it cites, a few of them when there are many."""
        ids = [mark for mark in self.evidence if mark.startswith("#")]
        if not ids:
            return self.text
        more = f" +{len(ids) - _IDS_SHOWN}" if len(ids) > _IDS_SHOWN else ""
        return f"{self.text} [{', '.join(ids[:_IDS_SHOWN])}{more}]"


@dataclass(frozen=True, slots=True)
class Cut:
    """A sentence that was taken out of an answer, and why."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What a tool found: sentences in plain words, and the figures they cite.

    Attributes:
        facts: what `fact:NAME` stands for, JSON-ready.
        item_ids: items the answer is about, the most important first; the first is what “it” then means.
        listed: ids of a list that was shown, best first; what “number 2” then means.
        refused: True when the question was not answered on principle.
    """

    sentences: tuple[Sentence, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    item_ids: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    Attributes:
        tool: which tool answered; `args` what it was called with.
        routed_by: who chose the tool.
        worded_by: `model` when at least one sentence is the language model's.
        cut: claims that were taken out because nothing supported them.
        note: what the reader should know about the answer: a shortened question, a model that failed.
        seconds: until the last word; `first_s` until the first.
    """

    question: str
    tool: str
    args: Mapping[str, Any]
    sentences: tuple[Sentence, ...]
    routed_by: RoutedBy
    worded_by: WordedBy = "facts"
    cut: tuple[Cut, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    listed: tuple[str, ...] = ()
    note: str = ""
    refused: bool = False
    seconds: float = 0.0
    first_s: float = 0.0

    @property
    def text(self) -> str:
        """The answer as shown, evidence ids, cuts and note included."""
        return join(self.sentences) + cut_line(self.cut) + (f"\n({self.note})" if self.note else "")

    @property
    def evidence(self) -> tuple[str, ...]:
        """Everything the answer cites, each once, in order."""
        return tuple(dict.fromkeys(mark for entry in self.sentences for mark in entry.evidence))

    def to_dict(self) -> dict[str, Any]:
        """The answer as JSON-ready data, its text included."""
        plain: dict[str, Any] = to_plain(self)
        plain["text"] = self.text
        return plain


def join(sentences: Iterable[Sentence]) -> str:
    """The sentences as one text: prose runs on, entries of a list stand on lines of their own."""
    text = ""
    for entry in sentences:
        text += separator(text, entry) + entry.shown
    return text


def separator(before: str, entry: Sentence) -> str:
    """What stands between the text so far and the next sentence."""
    if not before:
        return ""
    if entry.row or before.rsplit("\n", 1)[-1].startswith("  "):
        return "\n"
    return "" if before.endswith(("。", "！", "？", "；")) else " "


def cut_line(cut: Iterable[Cut]) -> str:
    """One line that says what was cut, empty when nothing was."""
    reasons = [entry.reason for entry in cut]
    if not reasons:
        return ""
    first = dict.fromkeys(reasons)
    return f"\n[{len(reasons)} × cut: {'; '.join(first)}]"
