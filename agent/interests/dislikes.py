"""Rejections as changes of their own: what a person has turned down, since when, and what they took back."""

from __future__ import annotations

import numpy as np

from agent.data.log import Catalogue, InteractionLog
from agent.interests.frame import FacetFrame
from agent.interests.sessions import moment
from agent.schema import DislikeChange, DislikeKind, ItemId
from agent.settings import InterestSettings


def compute_dislikes(
    log: InteractionLog,
    catalogue: Catalogue,
    frame: FacetFrame,
    settings: InterestSettings,
    *,
    split_ms: int,
    end_ms: int,
) -> tuple[DislikeChange, ...]:
    """Every item of one user's `log` that was disliked or rated low before `end_ms`, newest first.

    Args:
        split_ms: a rejection at or after it is new, an earlier one lasting; milliseconds UTC.
        end_ms: events at or after it do not count.
    """
    past = log.before(end_ms)
    rejected = np.flatnonzero((past.item >= 0) & (past.weight < 0))
    found = []
    for item in dict.fromkeys(past.item[rejected].tolist()):
        rows = rejected[past.item[rejected] == item]
        weighted = np.flatnonzero((past.item == item) & (past.weight != 0))
        kind: DislikeKind = "new" if past.timestamp_ms[rows[0]] >= split_ms else "lasting"
        if past.weight[weighted[-1]] > 0:
            kind = "withdrawn"
        found.append(
            DislikeChange(
                item_id=ItemId(catalogue.item_ids[item]),
                title=catalogue.titles[item],
                kind=kind,
                since=moment(int(past.timestamp_ms[rows[0]]), log.zone),
                rated_low=all(past.events[code] == "rate" for code in past.event[rows]),
                interaction_ids=tuple(int(number) for number in past.interaction_id[rows]),
                facet=_nearest_facet(catalogue, frame, item, settings),
            )
        )
    return tuple(sorted(found, key=lambda entry: (entry.since, entry.item_id), reverse=True))


def _nearest_facet(catalogue: Catalogue, frame: FacetFrame, item: int, settings: InterestSettings) -> str:
    code = np.array([item], np.int32)
    spot = int(frame.facet_of(code)[0])
    if spot < 0 and frame.n_facets and catalogue.vectors is not None:
        similarity = catalogue.item_vectors(code)[0] @ frame.centroids.T
        if similarity.max() >= 1.0 - settings.distance_threshold:
            spot = int(similarity.argmax())
    return frame.keys[spot] if spot >= 0 else ""
