"""Events, items, and what a user said: what comes in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from agent.schema.plain import ItemId, UserId, to_plain

FeedbackAction = Literal["pin", "mute", "rename", "less", "more", "gift", "undo"]
FeedbackTarget = Literal["facet", "category", "item", "interaction", "feedback"]


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
class Feedback:
    """One thing a user said about their profile or lists; append-only.

    Attributes:
        created: when it was given, UTC: a look back at an earlier moment leaves it out.
        target: facet key, category, item id, interaction id or feedback id, by `target_kind`.
        value: the new label of a `rename`; the day (ISO) of a `gift` of an item, empty for every day.
        undone: taken back by a later `undo`.
        utterance: the same for all that came of one sentence, which one `undo` takes back; empty alone.
    """

    feedback_id: int
    user_id: UserId
    created: datetime
    action: FeedbackAction
    target_kind: FeedbackTarget
    target: str
    value: str = ""
    undone: bool = False
    utterance: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The feedback as JSON-ready data."""
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
