"""What was promised of a list: so much of what is pinned or wanted, no more of what less is wanted of."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agent.listing.plan import Plan
from agent.listing.request import Request
from agent.listing.variety import SPARE, one_per_title
from agent.ranking.ranker import Ranked, Scored
from agent.schema import (
    StageReport,
)
from agent.session import Session


def keep_word(
    session: Session, request: Request, plan: Plan, ranked: Ranked, order: list[int], *, scored: Scored
) -> tuple[Ranked, list[int], StageReport]:
    """`order` with no more of what less is wanted of, and as much of what is pinned or wanted, as was said.

    What is too much goes below all that may still come. What is missing comes up from below, and where
    nothing of it was ranked, from a list of it alone; it takes the last places that keep no other word.
    Nothing else changes its order.
    """
    assert plan.steering is not None, "only a steering gives its word"
    start = time.perf_counter()
    k, kept = request.k, set[int]()
    lowered = 0
    for wish, part in plan.steering.capped.items():
        spots = [spot for spot in order if plan.steering.members[wish][ranked.items[spot]]]
        above = set(spots[int(k * part) :])
        lowered += len(above & set(order[:k]))
        order = [spot for spot in order if spot not in above] + [spot for spot in order if spot in above]
    moved = 0
    for wish, part in plan.steering.promised.items():
        member = plan.steering.members[wish]
        due = min(k, max(1, round(k * part)))
        spots = [spot for spot in order if member[ranked.items[spot]]]
        if len(spots) < due:
            ranked, order, spots = _add_members(
                session, request, plan, ranked, order, member=member, n=due, scored=scored
            )
        chosen = spots[:due]
        kept |= set(chosen)
        for spot in chosen:
            if order.index(spot) < k:
                continue
            free = [place for place in range(k) if order[place] not in kept]
            if not free:
                break
            victim = order[free[-1]]
            order = [entry for entry in order if entry not in (spot, victim)]
            order[k - 1 : k - 1] = [spot, victim]
            moved += 1
    detail = f"{moved} items brought up for what is pinned or wanted more of, {lowered} of too much put down"
    return ranked, order, StageReport("wishes", "ran", time.perf_counter() - start, detail)


def _add_members(
    session: Session,
    request: Request,
    plan: Plan,
    ranked: Ranked,
    order: list[int],
    *,
    member: NDArray[np.bool_],
    n: int,
    scored: Scored,
) -> tuple[Ranked, list[int], list[int]]:
    """The list with up to `n` members under its end, and the places of all its members in the new order."""
    shown = {session.catalogue.titles[item] for item in ranked.items}
    more = plan.ranker.rank(
        plan.context,
        SPARE * n + len(ranked.items),
        exclude_seen=request.exclude_seen,
        allowed=plan.allowed & member,
        steer=plan.steer,
        scored=scored,
    )
    fresh = [
        spot
        for spot in one_per_title(session.catalogue, more)[0]
        if session.catalogue.titles[more.items[spot]] not in shown
    ][:n]
    size = len(ranked.items)
    # Below everything ranked so far: scores of two lists do not compare.
    floor = float(ranked.scores[-1]) if size else 0.0
    joined = replace(
        ranked,
        items=np.concatenate([ranked.items, more.items[fresh]]),
        scores=np.concatenate([ranked.scores, floor - 1.0 - np.arange(len(fresh), dtype=np.float32)]).astype(
            np.float32
        ),
        confidence=np.concatenate([ranked.confidence, more.confidence[fresh]]),
        sources=(*ranked.sources, *(more.sources[spot] for spot in fresh)),
    )
    order = [*order, *range(size, size + len(fresh))]
    return joined, order, [spot for spot in order if member[joined.items[spot]]]
