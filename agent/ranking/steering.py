"""What a user's feedback does to one list, and what carries over into a domain they have no events in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue
from agent.interests.feedback import Wish
from agent.interests.frame import facet_members
from agent.interests.state import UserState
from agent.ranking.history import FacetQuery
from agent.ranking.ranker import Steer
from agent.settings import InterestSettings

CARRIED = "carried-over"
# Of a pool's reach, per step of "more" or "less"; three steps at most, so the tilt stays within ±1.8.
_TILT_STEP = 0.6
# Of a facet's quota among the candidates, per step; within 1/4.1 and 4.1.
_QUOTA_STEP = 1.6
# A pinned facet asks for at least so much of the candidates, and keeps so much of the list.
PIN_SHARE = 0.15
# "More" keeps at least so much of the list per step, "less" leaves at most so much of it.
_KEPT_STEP = 0.1
_CAPS = {1: 0.3, 2: 0.1, 3: 0.0}
# A facet proposes at most so many items in another domain.
_CARRY_DEPTH = 50
# Voice of what carries over beside the learned fusion, which has nothing of this user's to go by there.
_CARRY_WEIGHT = 2.0


@dataclass(frozen=True, slots=True)
class Steering:
    """What the feedback asks of one list.

    Attributes:
        members: `(n_items,)` bool by wish: everything that was muted, pinned, wanted more or less.
        hidden: `(n_items,)` bool, what must not appear; None when nothing is muted.
        tilt: as in `Steer`; None when nothing is wanted more or less.
        promised: wish → the part of the list it keeps at least, 0–1.
        capped: wish → the part of the list it gets at most, 0–1, while there is anything else.
    """

    members: Mapping[Wish, NDArray[np.bool_]]
    hidden: NDArray[np.bool_] | None
    tilt: NDArray[np.float32] | None
    promised: Mapping[Wish, float]
    capped: Mapping[Wish, float]


def compute_steering(state: UserState, catalogue: Catalogue, settings: InterestSettings) -> Steering | None:
    """The steering of one user; None when no feedback speaks of facets, categories or items."""
    feedback = state.feedback
    pins: list[Wish] = [("facet", key) for key in sorted(feedback.pinned)]
    wishes = dict.fromkeys([*sorted(feedback.muted), *pins, *feedback.steps])
    if not wishes:
        return None
    members = {wish: find_members(wish, state, catalogue, settings) for wish in wishes}
    hidden = tilt = None
    if feedback.muted:
        hidden = np.logical_or.reduce([members[wish] for wish in sorted(feedback.muted)])
    if feedback.steps:
        tilt = np.zeros(len(catalogue), np.float32)
        for wish, steps in feedback.steps.items():
            tilt[members[wish]] += np.float32(_TILT_STEP * steps)
        np.clip(tilt, -3 * _TILT_STEP, 3 * _TILT_STEP, out=tilt)
    standing = {wish: steps for wish, steps in feedback.steps.items() if wish not in feedback.muted}
    promised = {wish: _KEPT_STEP * steps for wish, steps in standing.items() if steps > 0}
    for wish in pins:
        promised[wish] = max(promised.get(wish, 0.0), PIN_SHARE)
    # One item is one place: of a single item "less" lowers the score, a cap has nothing to hold.
    capped = {wish: _CAPS[-steps] for wish, steps in standing.items() if steps < 0 and wish[0] != "item"}
    return Steering(members, hidden, tilt, promised, {w: c for w, c in capped.items() if w not in promised})


def find_members(
    wish: Wish, state: UserState, catalogue: Catalogue, settings: InterestSettings
) -> NDArray[np.bool_]:
    """`(n_items,)`, the items a wish speaks of: of an item, all with its title, however many ids it has."""
    kind, target = wish
    member = np.zeros(len(catalogue), np.bool_)
    if kind == "facet":
        if target in state.frame.keys:
            return facet_members(state.frame, state.frame.keys.index(target), catalogue, settings)
    elif kind == "category":
        member[catalogue.items_of_category.get(target, np.empty(0, np.int64))] = True
    elif target in catalogue.item_codes:
        title = catalogue.titles[catalogue.item_codes[target]]
        member = np.array([name == title for name in catalogue.titles], np.bool_)
    return member


def adjust_quota(key: str, quota: float, state: UserState) -> float:
    """A facet's quota among the candidates after feedback: none when muted, a floor when pinned."""
    if ("facet", key) in state.feedback.muted:
        return 0.0
    quota *= _QUOTA_STEP ** state.feedback.steps.get(("facet", key), 0)
    return max(quota, PIN_SHARE) if key in state.feedback.pinned else quota


@dataclass(frozen=True, slots=True)
class Carried:
    """What carries over into another domain.

    Attributes:
        scores: `(n_items,)` float32, 0 for items that no facet speaks for.
        facet: `(n_items,)` int32, position in the queries of the facet that speaks loudest; −1 for none.
    """

    scores: NDArray[np.float32]
    facet: NDArray[np.int32]

    def steer(self, tilt: NDArray[np.float32] | None) -> Steer:
        """The steer that gives these scores their voice."""
        return Steer({CARRIED: self.scores}, {CARRIED: _CARRY_WEIGHT}, tilt)


def carry_over(
    queries: Sequence[FacetQuery], catalogue: Catalogue, allowed: NDArray[np.bool_], taken: NDArray[np.int64]
) -> Carried:
    """How much each allowed item is like the user's facets, from the item texts alone.

    Within the allowed items each facet scores by how far its cosine lies above its own mean there, so that
    a facet without a counterpart proposes little; its r-th item counts quota × excess / r, which hands out
    places as `FacetVectorSource` does. Equal texts go by popularity, then by item code.

    Args:
        allowed: `(n_items,)`, the items of the other domain.
        taken: `(n_items,)` how often each was taken by anybody.
    """
    scores = np.zeros(len(catalogue), np.float32)
    facet = np.full(len(catalogue), -1, np.int32)
    codes = np.flatnonzero(allowed & (catalogue.text_row >= 0))
    asking = [(spot, query) for spot, query in enumerate(queries) if query.quota > 0 and query.vector.any()]
    if catalogue.vectors is None or not len(codes) or not asking:
        return Carried(scores, facet)
    units = np.stack([query.vector / np.linalg.norm(query.vector) for _, query in asking])
    # One product over the distinct texts of the domain, however many items share them.
    texts, text_of = np.unique(catalogue.text_row[codes], return_inverse=True)
    cosine = units.astype(np.float32) @ catalogue.vectors[texts].T
    excess = np.maximum(cosine - cosine.mean(axis=1, keepdims=True), 0.0)[:, text_of]
    total = sum(query.quota for _, query in asking)
    for row, (spot, query) in enumerate(asking):
        order = np.lexsort((codes, -taken[codes], -excess[row]))[:_CARRY_DEPTH]
        order = order[excess[row, order] > 0]
        value = query.quota / total * excess[row, order] / np.arange(1, len(order) + 1)
        better = value > scores[codes[order]]
        scores[codes[order[better]]] = value[better]
        facet[codes[order[better]]] = spot
    return Carried(scores, facet)
