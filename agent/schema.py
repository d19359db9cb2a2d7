"""The vocabulary: frozen value types that every room shares. Nothing here computes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NewType, overload

UserId = NewType("UserId", str)
ItemId = NewType("ItemId", str)

ChangeKind = Literal["new", "rising", "stable", "fading", "dropped", "returned", "seasonal"]
DislikeKind = Literal["new", "lasting", "withdrawn"]
PeriodUnit = Literal["week", "month", "quarter", "year"]
StageStatus = Literal["ran", "skipped", "degraded", "failed"]
WordedBy = Literal["model", "facts", "person"]
FeedbackAction = Literal["pin", "mute", "rename", "less", "more", "gift", "undo"]
FeedbackTarget = Literal["facet", "category", "item", "interaction", "feedback"]
FacetMark = Literal["pinned", "muted", "renamed", "less", "more"]
TraceStage = Literal[
    "unknown item", "filtered", "seen", "disliked", "muted", "not retrieved", "below the cut", "listed"
]


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
        worded_by: `model` when a language model named it, `facts` when its own item words did, `person` when
            the user renamed it.
        marks: what the user asked for it, by feedback.
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
    marks: tuple[FacetMark, ...] = ()


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
class DislikeChange:
    """What became of one rejected item between two windows of one user.

    Attributes:
        kind: `new` in the later window, `lasting` from the earlier one, or `withdrawn`: liked since.
        since: the first rejection that counts.
        rated_low: True when a low rating said so, False when an explicit dislike did.
        interaction_ids: every rejection of the item, oldest first.
        facet: key of the facet the item belongs to or is nearest to; empty when none is near.
    """

    item_id: ItemId
    title: str
    kind: DislikeKind
    since: datetime
    rated_low: bool
    interaction_ids: tuple[int, ...]
    facet: str = ""


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """A moment at which one user's activity splits in two.

    Attributes:
        moment: begin of the first session after the change, UTC.
        session: position of that session among the sessions of both windows, from 0.
        log_odds: natural logarithm of the odds that there is a change here, against none
            between the neighbouring change points; the prior is in them.
    """

    moment: datetime
    session: int
    log_odds: float


@dataclass(frozen=True, slots=True)
class FacetTimeline:
    """One facet through time.

    Attributes:
        shares: mean share per session in each period of the timeline, 0–1; 0 without sessions.
        active: sessions of each period in which the facet was active.
        session_shares: its share of each session, 0–1, in the order of the timeline's days.
        intervals: when the interest was valid, `(first, last)` per spell; two or more for one that left
            and came back.
    """

    key: str
    label: str
    shares: tuple[float, ...]
    active: tuple[int, ...]
    session_shares: tuple[float, ...]
    intervals: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """One user's activity by facet, per session and per calendar period, UTC.

    Attributes:
        periods: `[begin, end)` of each calendar period from the first session to the last, gaps included.
        sessions: number of sessions in each period.
        days: begin of the day of each session, oldest first.
        facets: by share of all sessions, descending.
    """

    user_id: UserId
    unit: PeriodUnit
    periods: tuple[tuple[datetime, datetime], ...]
    sessions: tuple[int, ...]
    days: tuple[datetime, ...]
    facets: tuple[FacetTimeline, ...]

    def to_dict(self) -> dict[str, Any]:
        """The timeline as JSON-ready data."""
        plain: dict[str, Any] = to_plain(self)
        return plain


@dataclass(frozen=True, slots=True)
class Migration:
    """The computed diff between two windows of one user, and its story.

    Attributes:
        before: first and last moment of the earlier window, `after` of the later.
        drift_score: movement between the windows, in standard deviations of the same under shuffled days.
        p_value: that chance alone shows as much change, of either sort: between the windows, or an
            interlude across their border; `abstained` is True when it is not below alpha.
        changes: strongest evidence first; stable facets last.
        change_points: where the sessions split, oldest first; empty in an abstention, and when no single
            moment stands out (a gradual change has none).
        dislikes: what was rejected, newest first; told apart from the changes, which are tested.
        interlude: a chapter across the border of the windows in which the interests were others, before the
            former ones came back: begin and end, UTC; None when there is none beyond chance.
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
    change_points: tuple[ChangePoint, ...] = ()
    dislikes: tuple[DislikeChange, ...] = ()
    interlude: tuple[datetime, datetime] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The migration as JSON-ready data."""
        plain: dict[str, Any] = to_plain(self)
        return plain


@dataclass(frozen=True, slots=True)
class LlmCall:
    """One call of a language model, as the ledger keeps it.

    Attributes:
        created_ms: milliseconds since 1970, UTC, when the call began.
        kind: `complete`, `stream` or `score`.
        user_id: for whose sake; empty when for nobody in particular.
        cost: in the currency of the settings' prices.
        outcome: `ok`, `degraded`, `abandoned`, or the name of the error.
        cached: answered from what was kept; it cost nothing.
        estimated: the tokens are an upper bound, because the server gave no counts.
        metered: it counts against the limits of `llm.cost`.
    """

    created_ms: int
    kind: str
    stage: str
    user_id: str
    model: str
    prompt_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    cost: float = 0.0
    outcome: str = "ok"
    cached: bool = False
    estimated: bool = False
    metered: bool = False


@dataclass(frozen=True, slots=True)
class Feedback:
    """One thing a user said about their profile or lists; append-only.

    Attributes:
        created: when it was given, UTC: a look back at an earlier moment leaves it out.
        target: facet key, category, item id, interaction id or feedback id, by `target_kind`.
        value: the new label of a `rename`; the day (ISO) of a `gift` of an item, empty for every day.
        undone: taken back by a later `undo`.
    """

    feedback_id: int
    user_id: UserId
    created: datetime
    action: FeedbackAction
    target_kind: FeedbackTarget
    target: str
    value: str = ""
    undone: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The feedback as JSON-ready data."""
        plain: dict[str, Any] = to_plain(self)
        return plain


@dataclass(frozen=True, slots=True)
class FacetDelta:
    """One facet in two stored profile versions; a share or count is 0 where the facet is not shown."""

    key: str
    label_before: str
    label_after: str
    share_before: float
    share_after: float
    evidence_before: int
    evidence_after: int


@dataclass(frozen=True, slots=True)
class ProfileDiff:
    """What differs between two stored versions of one user.

    Attributes:
        added: facets that only `after` shows, by share; `removed` those that only `before` shows.
        kept: shown by both, the largest change of share first.
        renamed: keys among `kept` whose label changed.
        dislikes_added: titles or categories rejected since.
    """

    user_id: UserId
    before: int
    after: int
    moments: tuple[datetime, datetime]
    added: tuple[FacetDelta, ...]
    removed: tuple[FacetDelta, ...]
    kept: tuple[FacetDelta, ...]
    renamed: tuple[str, ...]
    n_interactions: tuple[int, int]
    dislikes_added: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The difference as JSON-ready data."""
        plain: dict[str, Any] = to_plain(self)
        return plain


@dataclass(frozen=True, slots=True)
class Observation:
    """What became of events that were observed one by one. No model took part.

    Attributes:
        stored: events that are new in the store.
        duplicates: events the store had already.
        rejected: what could not be used, each with its reason.
        waiting: stored events on items that the loaded catalogue does not hold: they count after a reload.
        change: how far the profile is from its newest stored version, 0–1 (total variation of shares); 1
            without a version.
        due: the change is large enough, and the last version old enough, for a new one to be worded.
    """

    user_id: UserId
    stored: int
    duplicates: int
    rejected: tuple[str, ...]
    waiting: int
    change: float
    due: bool
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The observation as JSON-ready data."""
        plain: dict[str, Any] = to_plain(self)
        return plain


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
