"""The check of evidence: what a sentence cites must exist, belong to the person, and be there at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agent.dialogue.talk.answers import Cut, Sentence
from agent.dialogue.talk.host import Host


@dataclass(frozen=True)
class EvidenceBook:
    """Everything that may be cited in one answer.

    Attributes:
        facts: the figures of this answer.
    """

    host: Host
    facts: Mapping[str, Any]

    @cached_property
    def _interactions(self) -> frozenset[int]:
        return frozenset(self.host.log.interaction_id.tolist())

    @cached_property
    def _facets(self) -> frozenset[str]:
        return frozenset(facet.key for facet in self.host.profile().facets)

    @cached_property
    def _feedback(self) -> frozenset[int]:
        return frozenset(entry.feedback_id for entry in self.host.feedback())

    @cached_property
    def _versions(self) -> frozenset[int]:
        return frozenset(entry.version for entry in self.host.versions())

    def holds(self, mark: str) -> bool:
        """Whether what `mark` cites exists: an interaction, facet, feedback or version of this very user."""
        if mark.startswith("#"):
            return mark[1:].isdigit() and int(mark[1:]) in self._interactions
        kind, _, name = mark.partition(":")
        if kind == "item":
            return name in self.host.catalogue.item_codes
        if kind == "fact":
            return name in self.facts
        if kind == "facet":
            return name in self._facets
        if kind in ("feedback", "version"):
            known = self._feedback if kind == "feedback" else self._versions
            return name.isdigit() and int(name) in known
        return False


def check_sentences(
    sentences: Iterable[Sentence], book: EvidenceBook
) -> tuple[tuple[Sentence, ...], tuple[Cut, ...]]:
    """The sentences that stand, and those that were cut: a claim needs evidence, and all of it must exist."""
    kept: list[Sentence] = []
    cut: list[Cut] = []
    for sentence in sentences:
        missing = [mark for mark in sentence.evidence if not book.holds(mark)]
        if missing:
            cut.append(Cut(sentence.text, f"cites {missing[0]}, which does not exist"))
        elif sentence.claim and not sentence.evidence:
            cut.append(Cut(sentence.text, "a claim without evidence"))
        else:
            kept.append(sentence)
    return tuple(kept), tuple(cut)
