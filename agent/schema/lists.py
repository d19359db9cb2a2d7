"""Lists of recommendations, their stages, and where an item stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, overload

from agent.schema.events import Evidence
from agent.schema.plain import ItemId, UserId, to_plain

StageStatus = Literal["ran", "skipped", "degraded", "failed"]
TraceStage = Literal[
    "unknown item", "filtered", "seen", "disliked", "muted", "not retrieved", "below the cut", "listed"
]


@dataclass(frozen=True, slots=True)
class ItemTrace:
    """Where one item ended on the way to a list, and why.

    Attributes:
        rank: its place when it is listed, else None.
        stage: the stage that lost it, or `listed`.
        score: fused score; of an item that a filter took out, the one it would have had.
        cut_score: fused score of the last item listed.
        source_ranks: by source that says something about it, its rank among the items that may appear.
    """

    item_id: ItemId
    title: str
    rank: int | None
    stage: TraceStage
    detail: str
    score: float | None
    cut_score: float | None
    source_ranks: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """The trace as JSON-ready data."""
        plain: dict[str, Any] = to_plain(self)
        return plain


@dataclass(frozen=True, slots=True)
class StageReport:
    """What one stage of a response did: whether it ran, why not, how long, what it cost."""

    name: str
    status: StageStatus
    seconds: float = 0.0
    detail: str = ""
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One recommended item, and what answers for it.

    Attributes:
        rank: from 1.
        score: fused score, higher is better, comparable within one response only.
        confidence: probability, 0–1, that the user takes the item within the horizon; calibrated on
            held-out time where the workspace allows, else a rank-based figure (the response says which).
        sources: name of each source that proposed the item, with its share of the fused score.
        facets: keys of the facets it belongs to.
    """

    rank: int
    item_id: ItemId
    title: str
    score: float
    confidence: float
    reason: str = ""
    facets: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    sources: Mapping[str, float] = field(default_factory=dict)
    categories: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The recommendation as JSON-ready data."""
        plain: dict[str, Any] = to_plain(self)
        return plain


@dataclass(frozen=True, slots=True)
class RecommendationList(Sequence[Recommendation]):
    """The recommendations of one call, best first, with the stages that made them.

    `note` says honestly what the list rests on (an unknown user gets what is popular).
    """

    user_id: UserId
    recommendations: tuple[Recommendation, ...]
    as_of: datetime
    stages: tuple[StageReport, ...] = ()
    note: str = ""

    @overload
    def __getitem__(self, index: int) -> Recommendation: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Recommendation, ...]: ...
    def __getitem__(self, index: int | slice) -> Recommendation | tuple[Recommendation, ...]:
        """The recommendation at `index`, from 0."""
        return self.recommendations[index]

    def __len__(self) -> int:
        return len(self.recommendations)

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self.recommendations)

    def to_dict(self) -> dict[str, Any]:
        """The whole response as JSON-ready data."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    def to_json_list(self) -> list[dict[str, Any]]:
        """The plain form the field expects: `[{"item_id": …, "confidence": …, …}]`, best first."""
        return [entry.to_dict() for entry in self.recommendations]
