"""The typed arguments of every tool: what code reads from a question, validated before the tool runs."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.dialogue.talk.constraints import ConstraintKind

CountMode = Literal["most", "spent", "daily", "weekly", "monthly"]
COUNT_MODES: Final = frozenset({"most", "spent", "daily", "weekly", "monthly"})
SearchMode = Literal["list", "oldest", "count", "first", "last"] | CountMode
# How many events a search lists at most, however many are asked for.
MOST_ROWS: Final = 50


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
    """A list: its length, new conditions, and wishes that cannot be met, in words.

    `further` asks for what comes after the entries already shown; `notes` is what the person should know
    about how the wish was read.
    """

    k: int | None = Field(None, ge=1, le=50)
    constraints: tuple[ConstraintArgs, ...] = ()
    problems: tuple[str, ...] = ()
    further: bool = False
    notes: tuple[str, ...] = ()


class AsOfArgs(ToolArgs):
    """A moment in the past, and what is wanted as of it."""

    moment: datetime
    what: Literal["profile", "list"] = "profile"
    k: int | None = Field(None, ge=1, le=50)


class WindowArgs(ToolArgs):
    """Begin, split and end of a comparison, milliseconds since 1970; None leaves it to the default.

    `seasonal` asks only for what comes and goes with the season.
    """

    start_ms: int | None = None
    split_ms: int | None = None
    end_ms: int | None = None
    seasonal: bool = False


class SpanArgs(ToolArgs):
    """A span of time, milliseconds since 1970, and whether it, what is before, or what is since is meant."""

    start_ms: int
    end_ms: int
    text: str
    relation: Literal["in", "before", "since"] = "in"


class SearchArgs(ToolArgs):
    """What to look for in one's own events; `limit` is how many of them to show, None for a few.

    `judged` asks whether it is much or enough: that is counted, not judged.
    """

    words: tuple[str, ...] = ()
    spans: tuple[SpanArgs, ...] = ()
    events: tuple[str, ...] = ()
    mode: Literal[
        "list", "oldest", "count", "first", "last", "most", "spent", "daily", "weekly", "monthly"
    ] = "list"
    limit: int | None = Field(None, ge=1, le=50)
    judged: bool = False


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


class SteerStep(ToolArgs):
    """One thing to be pinned or muted, or of which less or more is wanted.

    `twins` are further items of the same name, other sizes and brands, of which the same is wanted.
    """

    action: Literal["pin", "mute", "less", "more"]
    kind: Literal["facet", "category", "item"]
    target: str = Field(min_length=1)
    name: str
    twins: tuple[str, ...] = ()


class SteerArgs(ToolArgs):
    """What to see more or less of, or what to pin or mute.

    `twins` are further items of the same name, `also` further wishes of the same sentence, done with it;
    `then` is the list wished for besides, `not_done` a wish of the same sentence that is left alone; where
    `sure` is False they are told first what it would be done to.
    """

    kind: Literal["facet", "category", "item"]
    target: str = Field(min_length=1)
    name: str
    twins: tuple[str, ...] = ()
    also: tuple[SteerStep, ...] = ()
    then: ListArgs | None = None
    not_done: str = ""
    sure: bool = True


class AboutArgs(ToolArgs):
    """Whether all that is kept is asked for, or only the feedback in force."""

    what: Literal["all", "feedback"] = "all"


class UndoArgs(ToolArgs):
    """Which feedback to take back; None is the last change of the talk.

    `feedback_ids` are the steps of what the words are about, `name` says in words which, `note` what of
    the words is about nothing in force; `everything` says that no change is to be left.
    """

    feedback_id: int | None = Field(None, ge=1)
    feedback_ids: tuple[int, ...] = ()
    name: str = ""
    note: str = ""
    everything: bool = False


class WithdrawArgs(ToolArgs):
    """Slots of the constraints to withdraw; None only shows them."""

    slots: tuple[str, ...] | None = None


class TalkArgs(ToolArgs):
    """Which fixed reply is meant."""

    what: Literal[
        "hello", "thanks", "help", "unclear", "empty", "what_mute", "what_pin", "what_less", "what_more",
        "what_gift", "what_undo", "what_forget", "what_filter", "what_confidence", "what_interest",
    ] = "help"  # fmt: skip


class ThingArgs(ToolArgs):
    """A kind of thing, by words and times, and what is asked of it.

    `change`: when it was taken last and how much of it before and after; `premise`: what the history holds
    of it; `cause`: whether it is among what is cited for the item spoken of.
    """

    what: Literal["change", "premise", "cause"]
    words: tuple[str, ...]
    spans: tuple[SpanArgs, ...] = ()
    item_id: str = ""
