"""The scan of all users: who moved how far between the halves of their history. No model, nothing stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from agent.data.log import Catalogue, InteractionLog
from agent.interests.frame import form_frame
from agent.interests.migration import compute_drift
from agent.interests.sessions import compute_session_shares
from agent.interests.windows import halve
from agent.schema import UserId
from agent.settings import InterestSettings


@dataclass(frozen=True, slots=True)
class Drift:
    """One line of a scan: how far a user moved between the halves of their history."""

    user_id: UserId
    n_sessions: int
    drift_score: float
    p_value: float


def scan_users(
    logs: Iterable[tuple[UserId, InteractionLog]],
    catalogue: Catalogue,
    settings: InterestSettings,
    *,
    min_sessions: int,
    moment_ms: int,
) -> list[Drift]:
    """The drift of every user with that many days or more, largest first.

    Args:
        logs: of each user the interactions that count.
        moment_ms: at which is asked: a season that was due by then and did not come is none.
    """
    found = []
    for user_id, log in logs:
        if len(np.unique(log.day)) < min_sessions:
            continue
        sessions = compute_session_shares(log, form_frame(log, catalogue, settings))
        windows = halve(sessions)
        if windows is None:
            continue
        drift = compute_drift(sessions, windows, settings, log=log, catalogue=catalogue, moment_ms=moment_ms)
        if drift is not None:
            found.append(Drift(user_id, sessions.n_sessions, *drift))
    return sorted(found, key=lambda entry: (-entry.drift_score, entry.user_id))
