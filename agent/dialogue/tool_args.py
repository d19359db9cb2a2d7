"""The typed arguments of every tool: what code reads from a question, validated before the tool runs."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.dialogue.constraints import ConstraintKind


class ToolArgs(BaseModel):
    """Arguments of a tool that needs none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ItemArgs(ToolArgs):
    """One item of the catalogue, and others that the words may mean, the likeliest first."""

    item_id: str = Field(min_length=1)
    others: tuple[str, ...] = ()


class TopicArgs(ToolArgs):
    """An interest or category that the person asks about."""

    kind: Literal["facet", "category"]
    target: str = Field(min_length=1)
    name: str


class PairArgs(ToolArgs):
    """Two different items."""

    first: str = Field(min_length=1)
    second: str = Field(min_length=1)


class ConstraintArgs(ToolArgs):
    """One condition on a list; see `Constraint`."""

    kind: ConstraintKind
    value: str = ""
    what: str = ""


class ListArgs(ToolArgs):
    """A list: its length, new conditions, and wishes that cannot be met, in words."""

    k: int | None = Field(None, ge=1, le=50)
    constraints: tuple[ConstraintArgs, ...] = ()
    problems: tuple[str, ...] = ()


class AsOfArgs(ToolArgs):
    """A moment in the past, and what is wanted as of it."""

    moment: datetime
    what: Literal["profile", "list"] = "profile"
    k: int | None = Field(None, ge=1, le=50)


class WindowArgs(ToolArgs):
    """Begin, split and end of a comparison, milliseconds since 1970; None leaves it to the default."""

    start_ms: int | None = None
    split_ms: int | None = None
    end_ms: int | None = None


class SpanArgs(ToolArgs):
    """A span of time, milliseconds since 1970, and whether it, what is before, or what is since is meant."""

    start_ms: int
    end_ms: int
    text: str
    relation: Literal["in", "before", "since"] = "in"


class SearchArgs(ToolArgs):
    """What to look for in one's own events; `limit` is how many of them to show, None for a few."""

    words: tuple[str, ...] = ()
    spans: tuple[SpanArgs, ...] = ()
    events: tuple[str, ...] = ()
    mode: Literal["list", "oldest", "count", "first", "last"] = "list"
    limit: int | None = Field(None, ge=1, le=50)


class EventsArgs(ToolArgs):
    """Some of the person's own events, by interaction id, and what they are called.

    `confirmed` is set when the person has said yes to letting go of that many; `less_of` is the item of
    which less is wanted besides, empty for none.
    """

    interaction_ids: tuple[int, ...]
    name: str
    note: str = ""
    confirmed: bool = False
    less_of: str = ""


class SteerArgs(ToolArgs):
    """What to see more or less of, or what to pin or mute."""

    kind: Literal["facet", "category", "item"]
    target: str = Field(min_length=1)
    name: str


class UndoArgs(ToolArgs):
    """Which feedback to take back; None is the last change of the talk."""

    feedback_id: int | None = Field(None, ge=1)


class WithdrawArgs(ToolArgs):
    """Slots of the constraints to withdraw; None only shows them."""

    slots: tuple[str, ...] | None = None


class TalkArgs(ToolArgs):
    """Which fixed reply is meant."""

    what: Literal["hello", "thanks", "help", "unclear", "empty"] = "help"
