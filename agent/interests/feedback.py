"""What a user's feedback amounts to: a pure fold over everything they said and did not take back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from agent.data.log import InteractionLog
from agent.schema import FacetMark, Feedback

Wished = Literal["facet", "category", "item"]
Wish = tuple[Wished, str]
# Said more often, "more" and "less" change nothing further: no word may own the list.
MAX_STEPS: Final = 3


@dataclass(frozen=True, slots=True)
class FeedbackState:
    """The feedback in force.

    Attributes:
        labels: facet key → the user's own name for it.
        pinned: facet keys.
        muted: what must never appear.
        steps: "more" counted up, "less" down, −3 to 3; what comes to 0 is left out.
        gifts: interaction ids that do not count.
        gift_items: `(item_id, day)` whose events do not count; day empty for every day.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    pinned: frozenset[str] = frozenset()
    muted: frozenset[Wish] = frozenset()
    steps: Mapping[Wish, int] = field(default_factory=dict)
    gifts: frozenset[int] = frozenset()
    gift_items: frozenset[tuple[str, str]] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.labels or self.pinned or self.muted or self.steps or self.gifts or self.gift_items)

    def facet_keys(self) -> frozenset[str]:
        """Every facet that something was said about."""
        wished = {target for kind, target in (*self.muted, *self.steps) if kind == "facet"}
        return frozenset({*self.labels, *self.pinned, *wished})

    def marks(self, key: str) -> tuple[FacetMark, ...]:
        """What a facet is marked with in the profile."""
        step = self.steps.get(("facet", key), 0)
        found: tuple[tuple[FacetMark, bool], ...] = (
            ("pinned", key in self.pinned),
            ("muted", ("facet", key) in self.muted),
            ("more", step > 0),
            ("less", step < 0),
            ("renamed", key in self.labels),
        )
        return tuple(mark for mark, holds in found if holds)

    def renamed(self, names: Mapping[str, str]) -> FeedbackState:
        """The same, for a frame in which facets have other keys; what is said of facets it lacks is left out.

        Args:
            names: key here → key there.
        """

        def there(wish: Wish) -> Wish | None:
            kind, target = wish
            if kind != "facet":
                return wish
            return ("facet", names[target]) if target in names else None

        return FeedbackState(
            labels={names[key]: label for key, label in self.labels.items() if key in names},
            pinned=frozenset(names[key] for key in self.pinned if key in names),
            muted=frozenset(wish for entry in self.muted if (wish := there(entry)) is not None),
            steps={wish: n for entry, n in self.steps.items() if (wish := there(entry)) is not None},
            gifts=self.gifts,
            gift_items=self.gift_items,
        )


def effective_feedback(given: Iterable[Feedback]) -> FeedbackState:
    """The state that `given` leads to; what was undone counts as never said, and nothing else is lost.

    Of two that contradict each other the later holds: a pin ends a mute of the same facet, a mute ends
    a pin, the last name is the name. "More" and "less" add up.
    """
    listed = sorted(given, key=lambda entry: entry.feedback_id)
    undone = {int(entry.target) for entry in listed if entry.action == "undo"}
    labels: dict[str, str] = {}
    pinned: set[str] = set()
    muted: set[Wish] = set()
    steps: dict[Wish, int] = {}
    gifts: set[int] = set()
    gift_items: set[tuple[str, str]] = set()
    for entry in listed:
        if entry.feedback_id in undone or entry.undone or entry.action == "undo":
            continue
        if entry.action == "gift":
            if entry.target_kind == "interaction":
                gifts.add(int(entry.target))
            else:
                gift_items.add((entry.target, entry.value))
            continue
        wish = _wish(entry)
        if entry.action == "rename":
            labels[entry.target] = entry.value
        elif entry.action == "pin":
            pinned.add(entry.target)
            muted.discard(wish)
        elif entry.action == "mute":
            muted.add(wish)
            pinned -= {entry.target} if wish[0] == "facet" else set()
        else:
            step = steps.get(wish, 0) + (1 if entry.action == "more" else -1)
            steps[wish] = max(-MAX_STEPS, min(MAX_STEPS, step))
    return FeedbackState(
        labels=labels,
        pinned=frozenset(pinned),
        muted=frozenset(muted),
        steps={wish: step for wish, step in steps.items() if step},
        gifts=frozenset(gifts),
        gift_items=frozenset(gift_items),
    )


def _wish(entry: Feedback) -> Wish:
    if entry.target_kind in ("facet", "category", "item"):
        return entry.target_kind, entry.target
    raise ValueError(
        f"feedback {entry.feedback_id}: expected {entry.action!r} of a facet, category or item, "
        f"got {entry.target_kind!r}"
    )


def gift_rows(log: InteractionLog, state: FeedbackState, item_codes: Mapping[str, int]) -> NDArray[np.bool_]:
    """`(n_interactions,)`, which interactions of one user's `log` were gifts."""
    gone = np.isin(log.interaction_id, list(state.gifts))
    for item_id, day in state.gift_items:
        mine = log.item == item_codes.get(item_id, -2)
        gone |= mine if not day else mine & (log.day == day_number(day))
    return gone


def day_number(day: str) -> int:
    """Number of the day that an ISO date names, in whatever zone days are counted.

    >>> day_number("2017-01-01")
    17167
    """
    return (date.fromisoformat(day) - date(1970, 1, 1)).days
