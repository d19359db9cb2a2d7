"""Activity per session: the matrix that shares, migration and profile all read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.data.days import day_number
from agent.data.days import moment as moment
from agent.data.log import InteractionLog
from agent.interests.frame import FacetFrame


@dataclass(frozen=True, slots=True)
class SessionShares:
    """One user's activity, session by session (a session is a day).

    Attributes:
        days: int64 `(n_sessions,)`, day numbers, ascending (int32 would overflow as milliseconds).
        shares: float32 `(n_sessions, n_facets)`; a row is the session's activity by facet and sums to one.
        session: int32 `(n_interactions,)`, session of each interaction of the log; -1 when it does not count.
        facet: int32 `(n_interactions,)`, facet of each interaction of the log; -1 when it has none.
        zone: whose days `days` are.
    """

    days: NDArray[np.int64]
    shares: NDArray[np.float32]
    session: NDArray[np.int32]
    facet: NDArray[np.int32]
    zone: str = "UTC"

    @property
    def n_sessions(self) -> int:
        """Number of sessions with at least one interaction in a facet."""
        return len(self.days)

    def take(self, mask: NDArray[np.bool_]) -> SessionShares:
        """The sessions of `mask` only; interactions of the others count no more."""
        place = np.full(self.n_sessions + 1, -1, np.int32)
        place[:-1][mask] = np.arange(int(mask.sum()), dtype=np.int32)
        session = place[self.session]
        facet = np.where(session >= 0, self.facet, np.int32(-1))
        return SessionShares(self.days[mask], self.shares[mask], session, facet, self.zone)

    def without(self, columns: Collection[int]) -> SessionShares:
        """The sessions beside some facets: what lies in these counts no more, the shares sum to one again.

        Sessions that hold nothing else are gone.
        """
        if not columns:
            return self
        left = self.shares.copy()
        left[:, list(columns)] = 0.0
        total = left.sum(axis=1)
        kept = total > 0
        counts = ~np.isin(self.facet, list(columns))
        stripped = SessionShares(
            self.days,
            np.divide(left, total[:, None], out=left, where=kept[:, None]),
            np.where(counts, self.session, np.int32(-1)),
            np.where(counts, self.facet, np.int32(-1)),
            self.zone,
        )
        return stripped.take(kept)

    def between(self, start_ms: int, end_ms: int) -> NDArray[np.bool_]:
        """Which sessions lie on days from that of `start_ms` to before that of `end_ms`, whole days."""
        first, last = day_number(start_ms, self.zone), day_number(end_ms - 1, self.zone)
        mask: NDArray[np.bool_] = (self.days >= first) & (self.days <= last)
        return mask


def compute_session_shares(log: InteractionLog, frame: FacetFrame) -> SessionShares:
    """Session shares of one user's `log` in `frame`. Disliked interactions and searches do not count."""
    facet = np.where(log.weight > 0, frame.facet_of(log.item), -1).astype(np.int32)
    counts = facet >= 0
    days, inverse = np.unique(log.day[counts], return_inverse=True)
    session = np.full(len(log), -1, np.int32)
    session[counts] = inverse
    shares = np.zeros((len(days), frame.n_facets), np.float32)
    np.add.at(shares, (inverse, facet[counts]), log.weight[counts])
    if len(days):
        shares /= shares.sum(axis=1, keepdims=True)
    return SessionShares(days.astype(np.int64), shares, session, facet, log.zone)


def compute_recency_shares(
    sessions: SessionShares,
    moment_ms: int,
    half_life_days: float,
    *,
    emphasis: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """`(n_facets,)` float64 shares at a moment, sum 1: session shares weighted by 0.5^(age / half-life).

    Only sessions on days before the day of `moment_ms`, or on it, count; no sessions give zeros.

    Args:
        emphasis: `(n_sessions,)` above 0, a further factor of each session's weight; None: 1.
    """
    past = sessions.days <= day_number(moment_ms - 1, sessions.zone)
    if not past.any():
        return np.zeros(sessions.shares.shape[1])
    # Ages are taken from the newest session: a long absence must not underflow all weights to zero.
    weight = 0.5 ** ((sessions.days[past][-1] - sessions.days[past]) / half_life_days)
    if emphasis is not None:
        weight = weight * emphasis[past]
    shares: NDArray[np.float64] = weight @ sessions.shares[past].astype(np.float64) / weight.sum()
    return shares
