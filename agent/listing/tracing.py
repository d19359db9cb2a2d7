"""Where one item ended on the way to a list, and which stage lost it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.listing.pipeline import recommend_planned
from agent.listing.plan import Plan, make_plan
from agent.listing.request import Request
from agent.schema import ItemId, ItemTrace, Recommendation, TraceStage
from agent.session import Session

__all__ = ["ItemTrace", "trace"]


def trace(session: Session, request: Request, item_id: str) -> ItemTrace:
    """Where one item ended on the way to the list of `request`, and why it is not in it, if so.

    Raises:
        SettingsError: as for `recommend`.
    """
    catalogue = session.catalogue
    code = catalogue.item_codes.get(item_id)
    if code is None:
        detail = f"the catalogue of {len(catalogue)} items has no id {item_id!r}"
        return ItemTrace(ItemId(item_id), "", None, "unknown item", detail, None, None, {})
    plan = make_plan(session, request)
    # The reasons are not asked for, and neither is what was already decided above.
    scored = plan.ranker.score(plan.context)
    listed = recommend_planned(session, replace(request, explain=False), plan, scored).recommendations
    place = plan.ranker.place(
        plan.context,
        code,
        exclude_seen=request.exclude_seen,
        allowed=plan.allowed,
        steer=plan.steer,
        scored=scored,
    )
    found = next((entry for entry in listed if entry.item_id == item_id), None)
    if found is not None:
        stage: TraceStage = "listed"
        detail = f"number {found.rank} of {len(listed)}"
    else:
        stage, detail = _lost(session, request, plan, code, listed)
        if place.rank is not None and stage not in ("below the cut", "not retrieved"):
            detail += f"; otherwise it would stand at {place.rank} of the fused list"
    if stage == "below the cut":
        if place.rank is None:
            stage = "not retrieved"
            detail = f"no source that counts here has it among its best {place.depth}"
        elif not detail:
            detail = f"it stands at {place.rank} of the fused list, {len(listed)} are shown"
    return ItemTrace(
        item_id=ItemId(item_id),
        title=catalogue.titles[code],
        rank=found.rank if found else None,
        stage=stage,
        detail=detail,
        score=place.score,
        cut_score=listed[-1].score if listed else None,
        source_ranks=place.source_ranks,
    )


def _lost(
    session: Session, request: Request, plan: Plan, code: int, listed: Sequence[Recommendation]
) -> tuple[TraceStage, str]:
    """The first stage that takes the item out, and in words why; below the cut without words if none does."""
    catalogue, state = session.catalogue, plan.person.state
    if not plan.passed[code]:
        if code == catalogue.own_item(request.user_id):
            return "filtered", "it is the user, who is never recommended to themselves"
        if not catalogue.named[code] and catalogue.named.any():
            return "filtered", "nothing but its id is known, so it is never shown"
        return "filtered", "it does not pass the filters that were asked for"
    if plan.steering is not None and plan.steering.hidden is not None and plan.steering.hidden[code]:
        muted = [w for w in sorted(state.feedback.muted) if plan.steering.members[w][code]]
        return "muted", "the user muted " + ", ".join(f"{kind} {target!r}" for kind, target in muted)
    if code in plan.context.disliked():
        return "disliked", "the user's last word on it is a dislike"
    if plan.ranker.excludes(request.exclude_seen) and (code in plan.context.seen() or code in state.gifts):
        return "seen", "the user has had it, and this list leaves out what was seen"
    for wish, part in plan.steering.capped.items() if plan.steering else ():
        if plan.steering is not None and plan.steering.members[wish][code]:
            return "below the cut", f"the user asked for less of {wish[1]!r}: at most {part:.0%} of a list"
    twin = next((entry for entry in listed if entry.title == catalogue.titles[code]), None)
    if twin is not None:
        return "below the cut", f"number {twin.rank}, {twin.item_id!r}, has the same title and stands for it"
    return "below the cut", ""
