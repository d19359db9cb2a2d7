"""Feedback in the store: rows are only ever added; taking one back is a row of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import func, select

from agent.data.store import Store
from agent.data.tables import feedback
from agent.schema import Feedback, FeedbackAction, FeedbackTarget, UserId


def append_feedback(
    store: Store,
    user_id: str,
    action: FeedbackAction,
    *,
    target_kind: FeedbackTarget,
    target: str,
    value: str = "",
    utterance: str = "",
) -> Feedback:
    """The feedback as stored, with its number and moment."""
    created_ms = time.time_ns() // 1_000_000
    row = {
        "user_id": user_id,
        "created_ms": created_ms,
        "action": action,
        "target_kind": target_kind,
        "target": target,
        "value": value,
        "utterance": utterance,
    }
    with store.write() as connection:
        (number,) = connection.execute(feedback.insert().values(**row)).inserted_primary_key or (0,)
    moment = datetime.fromtimestamp(created_ms / 1000, UTC)
    return Feedback(
        int(number), UserId(user_id), moment, action, target_kind, target, value, utterance=utterance
    )


def last_utterance(given: Sequence[Feedback]) -> tuple[int, ...]:
    """Numbers of all that stands of what was said last: one sentence may have meant several things.

    Args:
        given: everything the user said, oldest first.
    """
    standing = [entry for entry in given if not entry.undone and entry.action != "undo"]
    if not standing:
        return ()
    last = standing[-1]
    if not last.utterance:
        return (last.feedback_id,)
    return tuple(entry.feedback_id for entry in standing if entry.utterance == last.utterance)


def users_with_gifts(store: Store) -> frozenset[str]:
    """Ids of the users who ever called something a gift, taken back or not."""
    statement = select(feedback.c.user_id).where(feedback.c.action == "gift").distinct()
    with store.read() as connection:
        return frozenset(connection.execute(statement).scalars())


def gift_key(store: Store) -> int:
    """A number that changes whenever which interactions are gifts may have; 0 while nobody said so."""
    if not users_with_gifts(store):
        return 0
    newest = select(func.max(feedback.c.feedback_id)).where(feedback.c.action.in_(("gift", "undo")))
    with store.read() as connection:
        return int(connection.execute(newest).scalar_one())


def load_feedback(store: Store, user_id: str, *, before_ms: int | None = None) -> list[Feedback]:
    """Everything one user said, oldest first; what a later `undo` took back is marked `undone`.

    Args:
        before_ms: as it stood at that moment by the clock: what was said at or after it, an undo too, does
            not count; milliseconds UTC, None for all.
    """
    columns = (
        feedback.c.feedback_id,
        feedback.c.created_ms,
        feedback.c.action,
        feedback.c.target_kind,
        feedback.c.target,
        feedback.c.value,
        feedback.c.utterance,
    )
    statement = select(*columns).where(feedback.c.user_id == user_id).order_by(feedback.c.feedback_id)
    if before_ms is not None:
        statement = statement.where(feedback.c.created_ms < before_ms)
    with store.read() as connection:
        rows = connection.execute(statement).all()
    found = [
        Feedback(
            int(number),
            UserId(user_id),
            datetime.fromtimestamp(created_ms / 1000, UTC),
            action,
            kind,
            target,
            value,
            utterance=utterance,
        )
        for number, created_ms, action, kind, target, value, utterance in rows
    ]
    undone = {int(entry.target) for entry in found if entry.action == "undo"}
    return [replace(entry, undone=entry.feedback_id in undone) for entry in found]
