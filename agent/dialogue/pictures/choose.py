"""Which facets a picture shows, and how: their kinds, shares on both sides, colours, order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from agent.dialogue.pictures.style import KIND_COLOURS, KIND_ORDER, Kind
from agent.schema import FacetChange, FacetTimeline, Migration, Timeline

# More bands than this cannot be told apart, by eye or by label.
_MOST_SHOWN = 11
_MOST_CHANGED = 8
# Under one percent on both sides a changed facet is a line without width: the table has it.
_LEAST_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Shown:
    """One facet of a picture.

    Attributes:
        spot: its position among the timeline's facets.
        before: mean share per session in the earlier window, 0–1; `after` in the later. Without windows both
            are the share of all sessions.
    """

    spot: int
    facet: FacetTimeline
    kind: Kind
    before: float
    after: float
    change: FacetChange | None
    colour: str = ""

    @property
    def label(self) -> str:
        """The facet's name."""
        return self.facet.label

    @property
    def moved(self) -> bool:
        """Whether a change was found."""
        return self.kind not in ("stable", "untested")


@dataclass(frozen=True, slots=True)
class Choice:
    """The facets of a picture from the top of its stream to the bottom, and how many are left to `other`."""

    shown: tuple[Shown, ...]
    n_other: int

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that occur, in the order of the stream."""
        found = {entry.kind for entry in self.shown}
        return tuple(kind for kind in KIND_ORDER if kind in found)


def choose_facets(timeline: Timeline, migration: Migration) -> Choice:
    """The changed facets that are large enough to be seen, then the largest; eleven at most."""
    changes = {change.key: change for change in migration.changes}
    sides = [_inside(timeline, window) for window in (migration.before, migration.after)]
    everyone = [_show(spot, facet, changes, sides) for spot, facet in enumerate(timeline.facets)]
    changed = [entry for entry in everyone if entry.moved and max(entry.before, entry.after) >= _LEAST_SHARE]
    changed.sort(key=lambda entry: -max(entry.before, entry.after))
    chosen = {entry.spot: entry for entry in changed[:_MOST_CHANGED]}
    for entry in everyone:
        if len(chosen) >= _MOST_SHOWN:
            break
        chosen.setdefault(entry.spot, entry)
    ordered = sorted(chosen.values(), key=_stream_order)
    return Choice(tuple(_coloured(ordered)), len(everyone) - len(chosen))


def _inside(timeline: Timeline, window: tuple[datetime, datetime] | None) -> NDArray[np.bool_]:
    """Which sessions lie in a window; all of them without one."""
    if window is None:
        return np.ones(len(timeline.days), np.bool_)
    return np.array([window[0] <= day < window[1] for day in timeline.days], np.bool_)


def _show(
    spot: int, facet: FacetTimeline, changes: dict[str, FacetChange], sides: list[NDArray[np.bool_]]
) -> Shown:
    shares = np.array(facet.session_shares)
    before, after = (float(shares[side].mean()) if side.any() else 0.0 for side in sides)
    change = changes.get(facet.key)
    return Shown(spot, facet, change.kind if change else "untested", before, after, change)


def _stream_order(entry: Shown) -> tuple[int, float, str]:
    """By kind; within what grows and what stays the largest nearest to the middle, for an even picture."""
    place = KIND_ORDER.index(entry.kind)
    size = max(entry.before, entry.after)
    return place, size if place < KIND_ORDER.index("stable") else -size, entry.facet.key


def _coloured(ordered: list[Shown]) -> list[Shown]:
    """Neighbours of one kind take turns in its two tints."""
    turns: Counter[Kind] = Counter()
    found = []
    for entry in ordered:
        found.append(replace(entry, colour=KIND_COLOURS[entry.kind][turns[entry.kind] % 2]))
        turns[entry.kind] += 1
    return found
