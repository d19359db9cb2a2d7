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
        n_left_out: events before the moment that are not in `log`: gifts, and what the caller left out.
        frame_version: of the stored frame that `frame` goes on from; 0 for none.
    """

    user_id: UserId
    log: InteractionLog
    frame: FacetFrame
    sessions: SessionShares
    words: dict[str, FacetWords]
    moment_ms: int
    feedback: FeedbackState = dataclasses.field(default_factory=FeedbackState)
    gifts: NDArray[np.int32] = dataclasses.field(default_factory=lambda: _NO_ITEMS)
    n_left_out: int = 0
    frame_version: int = 0

    @property
    def shown(self) -> dict[str, FacetWords]:
        """The words for each facet as the user wants to see them; no two labels are the same.

        The user's own names stay as given: of another facet of that name the key is added. It can come to
        that when one of two renames is taken back.
        """
        own = self.feedback.labels
        if not own:
            return self.words
        shown = {
            key: dataclasses.replace(entry, label=own[key], worded_by="person") if key in own else entry
            for key, entry in self.words.items()
        }
        taken: set[str] = set()
        for key in sorted(shown, key=lambda key: key not in own):
            if shown[key].label.casefold() in taken:
                shown[key] = dataclasses.replace(shown[key], label=f"{shown[key].label} ({key})")
            taken.add(shown[key].label.casefold())
        return shown
