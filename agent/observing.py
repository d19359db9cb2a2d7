"""Events as they happen, and feedback as it is given: what the facade does with one user in a session."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.data.feedback import append_feedback, last_utterance, load_feedback
from agent.data.live import LiveEvent, append_events
from agent.errors import SettingsError, VersionConflictError
from agent.interests.live import compute_change
from agent.interests.profile import profile_from_json
from agent.interests.targets import TargetFinder
from agent.interests.threads import one_thread
from agent.llm.ledger import charged_to
from agent.schema import Feedback, FeedbackAction, FeedbackTarget, Observation, Profile, UserId
from agent.session import Session

_HOUR_MS = 3_600_000


def observe(session: Session, user_id: str, events: Iterable[LiveEvent | Mapping[str, Any]]) -> Observation:
    """Stores events of one user and lets them count from here on; no model, nothing is fitted."""
    start = time.perf_counter()
    appended = append_events(session.store, user_id, events, session.settings.interactions)
    waiting = session.live.add(user_id, appended)
    with one_thread():
        change, due = find_due(session, user_id)
    return Observation(
        user_id=UserId(user_id),
        stored=len(appended.interaction_id),
        duplicates=appended.duplicates,
        rejected=appended.rejected,
        waiting=waiting,
        change=change,
        due=due,
        seconds=time.perf_counter() - start,
    )


def find_due(session: Session, user_id: str) -> tuple[float, bool]:
    """How far the user's shares are from the stored version, and whether new words are due.

    They are when the change reaches `interests.refresh_change` and the newest version is at least
    `interests.refresh_hours` old; without a version, from `interests.min_sessions` sessions on.
    """
    settings, room = session.settings.interests, session.interests
    state = room.open_user(user_id)
    row = session.store.newest_version("profile", user_id)
    change = compute_change(profile_from_json(row.payload) if row else None, state, settings)
    if row is None:
        return change, state.sessions.n_sessions >= settings.min_sessions
    age_ms = time.time_ns() // 1_000_000 - row.created_ms
    return change, change >= settings.refresh_change and age_ms >= settings.refresh_hours * _HOUR_MS


def refresh_due(session: Session, user_ids: Sequence[str] | None) -> list[Profile]:
    """Words a new version for each user for whom it is due; the slow path, bounded by `refresh_hours`.

    None for `user_ids`: everybody with a version, and everybody observed in this session.
    """
    if user_ids is None:
        user_ids = sorted({*session.store.users_with_versions("profile"), *session.live.users()})
    found = []
    for number, user_id in enumerate(user_ids):
        session.progress("Words that are due", number, len(user_ids))
        if find_due(session, user_id)[1]:
            with charged_to(user_id):
                found.append(session.interests.refresh(user_id))
    session.progress("Words that are due", len(user_ids), len(user_ids))
    return found


def give_feedback(
    session: Session,
    user_id: str,
    action: FeedbackAction,
    target: str,
    *,
    target_kind: FeedbackTarget | None,
    value: str,
    utterance: str = "",
) -> Feedback:
    """Stores one feedback, and the frame its facet belongs to, so that the key stays the same facet's."""
    room = session.interests
    state = room.open_user(user_id)
    finder = TargetFinder(state, room.user_log(user_id), session.catalogue)
    found = finder.find(action, target, kind=target_kind, value=value)
    if found.kind == "facet":
        try:
            room.keep_frame(state)
        except VersionConflictError:  # another process stored a frame since: the key may be another's there
            return give_feedback(
                session, user_id, action, target, target_kind=target_kind, value=value, utterance=utterance
            )
    return append_feedback(
        session.store,
        user_id,
        action,
        target_kind=found.kind,
        target=found.name,
        value=found.value,
        utterance=utterance,
    )


def undo(session: Session, user_id: str, feedback_id: int | None) -> Feedback:
    """Takes one feedback back; when None is named, all that stands of what was said last.

    Returns:
        The undo of the latest one taken back.

    Raises:
        SettingsError: nothing to take back, or none of that number stands.
    """
    given = load_feedback(session.store, user_id)
    standing = [entry for entry in given if not entry.undone and entry.action != "undo"]
    numbers = last_utterance(given) if feedback_id is None else (feedback_id,)
    if not numbers or not set(numbers) <= {entry.feedback_id for entry in standing}:
        there = ", ".join(str(entry.feedback_id) for entry in standing[-10:]) or "none"
        raise SettingsError(
            f"expected feedback of user {user_id!r} that still stands, got {feedback_id!r}; "
            f"there is: {there} (driftrec feedback {user_id} --list)"
        )
    undone = [
        append_feedback(session.store, user_id, "undo", target_kind="feedback", target=str(number))
        for number in reversed(numbers)
    ]
    return undone[0]
