"""What a tool works with: the user's window, the state of the talk, and names with care."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.data.days import moment
from agent.dialogue.sentences.mentions import Names
from agent.dialogue.talk.care import Care
from agent.dialogue.talk.constraints import Constraint, combined_mask
from agent.dialogue.talk.host import Host, ListQuery
from agent.interests.evidence import day_name
from agent.interests.words import Language, short_title
from agent.llm.fence import fence
from agent.schema import Facet, Feedback, FeedbackAction, FeedbackTarget, Profile

# How far places are followed: what stands lower has fallen out.
RANKED: Final = 200

_VERBS: dict[Language, dict[str, str]] = {
    "en": {
        "purchase": "bought", "view": "viewed", "rate": "rated", "like": "liked", "follow": "followed",
        "add-to-cart": "put in the cart", "dislike": "disliked", "search": "searched for",
    },
    "zh": {
        "purchase": "购买", "view": "浏览", "rate": "评分", "like": "点赞", "follow": "关注",
        "add-to-cart": "加入购物车", "dislike": "不喜欢", "search": "搜索",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pending:
    """What waits for a word of the person: the tool, and the question to be answered then.

    Attributes:
        other: the second of two tools of which one is to be chosen; empty where only a yes is awaited.
    """

    tool: str
    question: str
    other: str = ""


@dataclass(frozen=True, slots=True)
class TalkState:
    """What a talk remembers besides its words.

    Attributes:
        listed: ids of the last list, best first.
        focus: ids of the items spoken of last.
        constraints: what lists must fulfil until it is withdrawn.
        named: sensitive categories the person has named.
        before: for each change made in this talk, the numbers of its feedback and the ids of the list before
            it: what one “undo” takes back, and what it is held to.
        held_before: for each of those changes, its first number and the constraints its list was made under.
        known: number of the newest feedback this talk has seen; None before the first question.
        pending: a change that waits for confirmation.
        passed: ids of entries shown before those of `listed` that “more” does not show again.
        forgotten: the person asked to erase the talk; nothing of it is kept.
        just: numbers of the feedback that the turn before gave: what “no, more” turns round.
    """

    listed: tuple[str, ...] = ()
    focus: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    named: frozenset[str] = frozenset()
    before: tuple[tuple[tuple[int, ...], tuple[str, ...]], ...] = ()
    held_before: tuple[tuple[int, tuple[Constraint, ...]], ...] = ()
    pending: Pending | None = None
    forgotten: bool = False
    passed: tuple[str, ...] = ()
    known: int | None = None
    just: tuple[int, ...] = ()


@dataclass(frozen=True)
class ToolContext:
    """One question's view: who asks, what was said before, in which language the answer is.

    Attributes:
        utterance: what all feedback given for this question is kept under, so that one “undo” takes it back.
        changed: numbers of the feedback given or taken back for this question, filled in as it happens.
    """

    host: Host
    names: Names
    care: Care
    state: TalkState
    question: str
    language: Language
    list_length: int = 5
    utterance: str = ""
    changed: list[int] = field(default_factory=list, repr=False)

    @property
    def now(self) -> datetime:
        """The moment of the newest event of the workspace: what “last month” counts from."""
        return moment(self.host.now_ms, self.host.log.zone)

    def code(self, item_id: str) -> int:
        """Code of a known item."""
        return self.host.catalogue.item_codes[item_id]

    def title(self, code: int, *, whole: bool = False) -> str:
        """The item's title, in short unless `whole`, and neither when it is not to be named."""
        if self.care.hides_item(code, self.state.named):
            return self.care.line("item", self.language)
        title = self.host.catalogue.titles[code]
        title = fence(title if whole else short_title(title))
        return f"《{title}》" if self.language == "zh" else f"“{title}”"

    @staticmethod
    def marked(name: str) -> str:
        """A name that is no title, in quotation marks, on one line."""
        return f"“{fence(name)}”"

    def label(self, facet: Facet) -> str:
        """The interest's name, unless it is not to be named."""
        if self.hides(facet):
            return self.care.line("facet", self.language)
        return self.marked(facet.label)

    def hides(self, facet: Facet) -> bool:
        """Whether an interest stays unnamed."""
        codes = self.host.catalogue.item_codes
        named = self.state.named
        return self.care.hides_items((codes[item] for item in facet.item_ids if item in codes), named)

    @cached_property
    def profile(self) -> Profile:
        """The interests now."""
        return self.host.profile()

    @cached_property
    def facets(self) -> tuple[tuple[str, str], ...]:
        """`(key, label)` of each interest that may be named, the largest first."""
        return tuple((facet.key, facet.label) for facet in self.profile.facets if not self.hides(facet))

    def give(self, action: FeedbackAction, target: str, kind: FeedbackTarget, *, value: str = "") -> Feedback:
        """Appends one piece of feedback, as part of what this question asked for."""
        given = self.host.give_feedback(action, target, kind, value=value, utterance=self.utterance)
        self.changed.append(given.feedback_id)
        return given

    def take_back(self, number: int) -> Feedback:
        """Takes one piece of feedback back."""
        undone = self.host.undo(number)
        self.changed.append(undone.feedback_id)
        return undone

    def elsewhere(self) -> list[Feedback]:
        """Feedback of this person that did not come from this talk and that it has not seen, oldest first."""
        if self.state.known is None:
            return []
        return [
            entry
            for entry in self.host.feedback()
            if entry.feedback_id > self.state.known and entry.feedback_id not in self.changed
        ]

    def query(self, k: int | None = None, *, constraints: Sequence[Constraint] | None = None) -> ListQuery:
        """The list to make under the constraints of the talk; `k` defaults to the usual length."""
        held = self.state.constraints if constraints is None else tuple(constraints)
        mask = combined_mask(held, self.host.items, self.host.embed)
        shown = self.care.shown_mask(self.state.named)
        if shown is not None:
            mask = shown if mask is None else mask & shown
        new_only = any(entry.kind == "new_only" for entry in held)
        if new_only:
            # The same thing under another id is not new to the person.
            had = self.new_titles()
            mask = had if mask is None else mask & had
        return ListQuery(
            k=self.list_length if k is None else k,
            exclude_seen=True if new_only else None,
            item_mask=mask,
        )

    def new_titles(self) -> NDArray[np.bool_]:
        """`(n_items,)`, False for everything of a title that the person has had."""
        titles = self.host.catalogue.titles
        had = {titles[code] for code in np.unique(self.host.log.item[self.host.log.item >= 0])}
        return np.fromiter((title not in had for title in titles), np.bool_, len(titles))

    def rank(self, query: ListQuery, item_id: str) -> int | None:
        """An item's place in a long list under `query`, from 1; None beyond its end."""
        found = self.host.recommend(dataclasses.replace(query, k=RANKED, explain=False))
        return next((entry.rank for entry in found if entry.item_id == item_id), None)

    def verb(self, row: int) -> str:
        """What the person did in one of their events."""
        log = self.host.log
        event = log.events[int(log.event[row])]
        return _VERBS[self.language].get(event, event)

    def day(self, row: int) -> str:
        """ISO date of one of the person's events."""
        return day_name(int(self.host.log.day[row]))

    def rows_of_ids(self, ids: Iterable[int]) -> NDArray[np.int64]:
        """Row numbers in the person's log of those interactions; foreign ids have none."""
        return np.flatnonzero(np.isin(self.host.log.interaction_id, np.fromiter(ids, np.int64)))

    def rows_of_item(self, code: int) -> NDArray[np.int64]:
        """Row numbers of the person's events with an item, oldest first."""
        return np.flatnonzero(self.host.log.item == code)

    def marks(self, rows: Iterable[int]) -> tuple[str, ...]:
        """`#12` for each of those events."""
        return tuple(f"#{int(self.host.log.interaction_id[row])}" for row in rows)

    def keep(self, **changes: object) -> TalkState:
        """The state of the talk with changes."""
        return dataclasses.replace(self.state, **changes)  # type: ignore[arg-type]
