"""Profiles, their versions, and facets through time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from agent.schema.events import Evidence
from agent.schema.plain import ItemId, UserId, WordedBy, to_plain

PeriodUnit = Literal["week", "month", "quarter", "year"]
FacetMark = Literal["pinned", "muted", "renamed", "less", "more"]


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
class OtherEvidence:
    """What supports a facet that a profile does not show, for it is not among those that matter most."""

    key: str
    interaction_ids: tuple[int, ...]


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
        other_evidence: of the facets that are not shown. With `facets` it holds every interaction in a facet,
            so a new version drops none that an older one cites, save what was since called a gift.
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
    other_evidence: tuple[OtherEvidence, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The profile as JSON-ready data."""
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
