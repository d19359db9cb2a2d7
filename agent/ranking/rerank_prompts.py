"""What the reranking model is told of a person: leading interests and the last choices, the newest last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.interests.words import Language
from agent.llm.fence import fence
from agent.llm.prompts import Prompt, render


@dataclass(frozen=True, slots=True)
class RerankPrompts:
    """The prompts of one person, for both methods of `PromptReranker`.

    Attributes:
        facets: label and share in words (`14%`), largest first.
        recent: titles taken lately, the newest last.
        language: of the prompts.
    """

    facets: tuple[tuple[str, str], ...]
    recent: tuple[str, ...]
    language: Language = "en"

    def history(self) -> Prompt:
        """What stands before a title: the person's interests and last choices."""
        return render(self._name("rerank_history.v1"), facets=self._facets(), recent=self.recent)

    def prior(self) -> Prompt:
        """What stands before a title when nothing is known of the person."""
        return render(self._name("rerank_prior.v1"))

    def scores(self, titles: Sequence[str]) -> Prompt:
        """The question for one score per candidate; `titles` get the labels of `labels`, in that order."""
        candidates = [
            {"label": label, "title": title} for label, title in zip(labels(len(titles)), titles, strict=True)
        ]
        return render(
            self._name("rerank_scores.v1"), facets=self._facets(), recent=self.recent, candidates=candidates
        )

    def _facets(self) -> list[dict[str, str]]:
        return [{"label": label, "share": share} for label, share in self.facets]

    def _name(self, name: str) -> str:
        return f"{name}.zh" if self.language == "zh" else name


def labels(n: int) -> tuple[str, ...]:
    """`A1`, `A2`, …: opaque names for candidates, so that no id can be invented."""
    return tuple(f"A{number}" for number in range(1, n + 1))


def title_line(title: str) -> str:
    """A candidate's title as the model sees it: on one line, bounded, nothing structural; may be empty."""
    return fence(title)
