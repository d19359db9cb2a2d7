"""How much of the past still counts for somebody whose interests have moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.data.days import day_name
from agent.data.log import DAY_MS, InteractionLog
from agent.interests.changepoints import find_splits
from agent.interests.frame import FacetFrame
from agent.interests.sessions import SessionShares
from agent.schema import Migration

# What follows was chosen on grocery households of even number, in windows before the test period. What it
# gains for those of odd number, and what the same would cost people who have not moved, is printed by
# `python -m eval migration --only ahead`.
_HALF_LIFE_DAYS = 120.0
# Chapters that end as surely as this (log odds) are over: 7 % of the households have one.
_SURE_LOG_ODDS = 4.0
_OLD_CHAPTER = 0.1
# Decay must leave something to rank by, however long ago it was.
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Emphasis:
    """How much each interaction of a log still counts, and why.

    Attributes:
        weights: `(n_interactions,)` float32, above 0, at most 1.
        fades: whether everything counts less with its age.
        chapter_day: day number before which things count a tenth; None where no chapter ended.
    """

    weights: NDArray[np.float32]
    fades: bool
    chapter_day: int | None


def compute_emphasis(
    log: InteractionLog, sessions: SessionShares, migration: Migration, *, frame: FacetFrame
) -> Emphasis | None:
    """How much each interaction still counts; None: all count fully.

    A gradual move, one that the overall test calls beyond chance, lets everything fade with a half-life of
    120 days beside what the sources do by themselves. An abrupt one, a change point of high odds, puts what
    lies before it at a tenth: a few sessions of the new chapter are enough to see it. What comes with the
    season makes no chapter and does not fade: its time comes again.

    Args:
        log: one user's interactions, the ones `sessions` was computed from.
        migration: between the halves of the history.
        frame: the one of `sessions`.
    """
    seasonal = [frame.keys.index(change.key) for change in migration.changes if change.season is not None]
    rest = sessions.without(seasonal)
    sure = [split.session for split in find_splits(rest.shares) if split.log_odds > _SURE_LOG_ODDS]
    if not len(log) or (migration.abstained and not sure):
        return None
    weights = np.ones(len(log), np.float32) if migration.abstained else fade(log.timestamp_ms)
    chapter_day = int(rest.days[sure[-1]]) if sure else None
    if chapter_day is not None:
        weights[log.day < chapter_day] *= np.float32(_OLD_CHAPTER)
    if seasonal:
        weights[np.isin(frame.facet_of(log.item), seasonal)] = 1.0
    return Emphasis(weights, not migration.abstained, chapter_day)


def describe_emphasis(emphasis: Emphasis) -> str:
    """Why some of a log counts less, for the record of a list: the interests moved, or a chapter ended.

    The halves of a history can hold the same mix where a change point is sure: nothing has moved then between
    them, nothing fades by its age, and only what lies before that day counts less.
    """
    if emphasis.fades or emphasis.chapter_day is None:
        return "the older ones count less, for the interests have moved"
    return f"those before {day_name(emphasis.chapter_day)} count a tenth, for a chapter ended there"


def fade(timestamp_ms: NDArray[np.int64]) -> NDArray[np.float32]:
    """`(n,)` float32, above 0: 1 for the newest, half for each 120 days before it; `timestamp_ms` ascend."""
    if not len(timestamp_ms):
        return np.ones(0, np.float32)
    age_days = (timestamp_ms[-1] - timestamp_ms) / DAY_MS
    left: NDArray[np.float32] = np.maximum(0.5 ** (age_days / _HALF_LIFE_DAYS), _LEAST).astype(np.float32)
    return left
