"""The vocabulary: frozen value types that every room shares. Nothing here computes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NewType, overload

UserId = NewType("UserId", str)
ItemId = NewType("ItemId", str)

ChangeKind = Literal["new", "rising", "stable", "fading", "dropped", "returned"]
StageStatus = Literal["ran", "skipped", "degraded", "failed"]
WordedBy = Literal["model", "facts"]


def to_plain(value: Any) -> Any:
    """`value` as JSON-ready data: dataclasses to dicts, tuples to lists, datetimes to ISO 8601."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): to_plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(entry) for entry in value]
    return value


@dataclass(frozen=True, slots=True)
class Interaction:
    """One event of one user. `item_id` is None for a search, which has `query` instead.

    `timestamp` is aware, UTC. `value` is the rating, price or duration that came with it, if any.
    """

    interaction_id: int
    user_id: UserId
    timestamp: datetime
    event: str
    item_id: ItemId | None = None
    query: str | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be recommended. `text` is what is embedded; empty means title and categories."""

    item_id: ItemId
    title: str
    description: str = ""
    categories: tuple[str, ...] = ()
    domain: str = ""
    text: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The interactions of one session (one UTC day) that support a facet or a recommendation."""

    day: str
    interaction_ids: tuple[int, ...]
    titles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facet:
    """One interest of one user at a moment.

    Attributes:
        key: stable within the user's frame (`f3`); the same facet keeps it in every version.
        share: recency-weighted share of activity, 0–1; with `other_share` a profile's shares sum to 1.
        n_sessions: sessions in which the facet was active.
        evidence: newest session first, every supporting interaction.
        item_ids: the facet's items, most used first.
        worded_by: `model` when a language model named it, `facts` when its own item words did.
    """

    key: str
    label: str
    description: str
    share: float
    n_sessions: int
    first_seen: datetime
    last_seen: datetime
    evidence: tuple[Evidence, ...]
    item_ids: tuple[ItemId, ...]
    worded_by: WordedBy = "facts"


@dataclass(frozen=True, slots=True)
class Profile:
    """An immutable version of one user's interests.

    Attributes:
        version: from 1, per user; `parent` is the version before, or None.
        moment: only events strictly before it count, UTC.
        window: first and last event that counted.
        facets: the ones that matter most, by share, descending.
        other_share: share of activity outside `facets`.
        dislikes: titles or categories of what the user rejected.
        note: what the profile rests on when that is little.
    """

    user_id: UserId
    version: int
    parent: int | None
    moment: datetime
    window: tuple[datetime, datetime] | None
    facets: tuple[Facet, ...]
    other_share: float
    n_interactions: int
    n_sessions: int
    dislikes: tuple[str, ...] = ()
    summary: str = ""
    worded_by: WordedBy = "facts"
    prompt_hash: str = ""
    model: str = "none"
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The profile as JSON-ready data."""
        plain: dict[str, Any] = to_plain(self)
        return plain


@dataclass(frozen=True, slots=True)
class FacetChange:
    """How one facet moved between two windows of one user.

    Attributes:
        share_before: mean share per session in the earlier window, 0–1.
        share_after: the same in the later window.
        effect: difference of shares over its standard deviation under shuffled days.
        p_value: two-sided, whole days shuffled.
        q_value: after Benjamini–Hochberg over the user's facets.
        crowd: True when the change vanishes once the population's own shift is taken out.
        intervals: when the facet was active, `(first, last)` per spell.
    """

    key: str
    label: str
    kind: ChangeKind
    share_before: float
    share_after: float
    effect: float
    p_value: float
    q_value: float
    crowd: bool
    evidence_before: tuple[Evidence, ...]
    evidence_after: tuple[Evidence, ...]
    intervals: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True, slots=True)
class Migration:
    """The computed diff between two windows of one user, and its story.

    Attributes:
        before: first and last moment of the earlier window, `after` of the later.
        drift_score: total movement, in standard deviations of the same under shuffled days.
        p_value: of the drift score; `abstained` is True when nothing beyond chance can be told.
        changes: strongest evidence first; stable facets last.
        story: two to five sentences; `worded_by="facts"` marks a plain rendering of the facts.
        rejected: stories of the model that failed the check, with the reason, for the record.
    """

    user_id: UserId
    before: tuple[datetime, datetime] | None
    after: tuple[datetime, datetime] | None
    n_sessions_before: int
    n_sessions_after: int
    drift_score: float
    p_value: float
    abstained: bool
    changes: tuple[FacetChange, ...]
    story: str = ""
    worded_by: WordedBy = "facts"
    rejected: tuple[str, ...] = ()
    prompt_hash: str = ""
    model: str = "none"
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The migration as JSON-ready data."""
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
