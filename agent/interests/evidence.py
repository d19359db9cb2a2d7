"""Evidence: which interactions support a facet, grouped by session."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.data.days import day_name as day_name
from agent.data.log import Catalogue, InteractionLog
from agent.interests.sessions import SessionShares
from agent.schema import Evidence

_TITLES_SHOWN = 5


def collect_evidence(
    log: InteractionLog,
    catalogue: Catalogue,
    sessions: SessionShares,
    *,
    facet: int,
    sessions_mask: NDArray[np.bool_],
) -> tuple[Evidence, ...]:
    """Every interaction of `log` in that facet and those sessions, newest session first.

    Args:
        log: one user's interactions, the ones `sessions` was computed from.
        facet: position of the facet in the frame.
        sessions_mask: `(n_sessions,)`, which sessions count.
    """
    rows = np.flatnonzero((sessions.facet == facet) & (sessions.session >= 0))
    rows = rows[sessions_mask[sessions.session[rows]]]
    grouped: dict[int, list[int]] = {}
    for row in rows:
        grouped.setdefault(int(sessions.session[row]), []).append(int(row))
    found = []
    for session in sorted(grouped, reverse=True):
        members = grouped[session]
        titles = dict.fromkeys(catalogue.titles[log.item[row]] for row in members)
        found.append(
            Evidence(
                day=day_name(int(sessions.days[session])),
                interaction_ids=tuple(int(log.interaction_id[row]) for row in members),
                titles=tuple(list(titles)[:_TITLES_SHOWN]),
            )
        )
    return tuple(found)
