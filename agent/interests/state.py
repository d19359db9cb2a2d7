"""One user before a moment: everything that profiles, migrations and recommendations are computed from."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.data.log import InteractionLog
from agent.interests.feedback import FeedbackState
from agent.interests.frame import FacetFrame
from agent.interests.sessions import SessionShares
from agent.interests.words import FacetWords
from agent.schema import UserId

_NO_ITEMS = np.empty(0, np.int32)


@dataclass(frozen=True, slots=True)
class UserState:
    """One user before a moment: their log, frame, sessions and the words for each facet.

    Attributes:
        log: what counts: without gifts, and without what the caller left out.
        words: from the model or from facts; `shown` puts the user's own names over them.
        feedback: in force at the moment, in the keys of `frame`.
        gifts: item codes, sorted, of what was given away: it counts for nothing but was had.
    """

    user_id: UserId
    log: InteractionLog
    frame: FacetFrame
    sessions: SessionShares
    words: dict[str, FacetWords]
    moment_ms: int
    feedback: FeedbackState = dataclasses.field(default_factory=FeedbackState)
    gifts: NDArray[np.int32] = dataclasses.field(default_factory=lambda: _NO_ITEMS)

    @property
    def shown(self) -> dict[str, FacetWords]:
        """The words for each facet as the user wants to see them."""
        own = self.feedback.labels
        return {
            key: dataclasses.replace(entry, label=own[key], worded_by="person") if key in own else entry
            for key, entry in self.words.items()
        }
