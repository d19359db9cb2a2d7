"""The fast path and the slow: how far a profile has gone from its stored version, and when words are due."""

from __future__ import annotations

from math import isclose

from agent.data.days import day_start_ms
from agent.interests.sessions import compute_recency_shares
from agent.interests.state import UserState
from agent.schema import Profile
from agent.settings import InterestSettings


def same_content(stored: Profile, draft: Profile) -> bool:
    """Whether two profiles rest on the same events and say the same; words and version numbers aside."""
    if (stored.window, stored.n_interactions, stored.dislikes) != (
        draft.window,
        draft.n_interactions,
        draft.dislikes,
    ):
        return False
    if len(stored.facets) != len(draft.facets):
        return False
    return all(
        (old.key, old.label, old.marks, old.evidence) == (new.key, new.label, new.marks, new.evidence)
        and isclose(old.share, new.share, abs_tol=1e-9)
        for old, new in zip(stored.facets, draft.facets, strict=True)
    )


def compute_change(stored: Profile | None, state: UserState, settings: InterestSettings) -> float:
    """How far the user's shares are from those of `stored`, 0–1: half the sum of absolute differences.

    Facets the version does not show count as one. Without a version it is 1; without sessions, 0.
    """
    if not state.sessions.n_sessions:
        return 0.0
    if stored is None:
        return 1.0
    newest_ms = day_start_ms(int(state.sessions.days[-1]) + 1, state.sessions.zone)
    shares = compute_recency_shares(state.sessions, newest_ms, settings.half_life_days)
    now = dict(zip(state.frame.keys, shares.tolist(), strict=True))
    shown = {facet.key: facet.share for facet in stored.facets}
    moved = sum(abs(share - now.get(key, 0.0)) for key, share in shown.items())
    rest_now = sum(share for key, share in now.items() if key not in shown)
    return float(0.5 * (moved + abs(rest_now - stored.other_share)))
