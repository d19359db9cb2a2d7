"""The entries of a list with their reasons and evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.dialogue.reasons import Reason, ReasonContext, explain_item
from agent.dialogue.remarks import add_remarks, explain_carried
from agent.listing.plan import Plan
from agent.ranking.ranker import Ranked
from agent.schema import (
    ItemId,
    Recommendation,
)
from agent.session import Session


def list_entries(
    session: Session, plan: Plan, ranked: Ranked, order: Sequence[int], *, explain: bool
) -> tuple[Recommendation, ...]:
    """The entries of a list.

    Args:
        order: places in `ranked` of what is shown, first to last.
        explain: whether reasons and evidence are told.
    """
    catalogue = session.catalogue
    # Calibrated by place in the fused list; what is moved up afterwards takes the place's figure with it.
    confidence = sorted((float(ranked.confidence[spot]) for spot in order), reverse=True)
    tell = _Teller.of(session, plan) if explain else None
    entries = []
    for rank, spot in enumerate(order, start=1):
        item = int(ranked.items[spot])
        sources = ranked.sources[spot]
        reason = tell.reason(item, sources) if tell else Reason("", (), ())
        entries.append(
            Recommendation(
                rank=rank,
                item_id=ItemId(catalogue.item_ids[item]),
                title=catalogue.titles[item],
                score=float(ranked.scores[spot]),
                confidence=confidence[rank - 1],
                reason=reason.text,
                facets=reason.facets,
                evidence=reason.evidence,
                sources=sources,
                categories=catalogue.categories[item],
            )
        )
    return tuple(entries)


@dataclass(frozen=True, slots=True)
class _Teller:
    """Gives the reason for each item of one list."""

    session: Session
    plan: Plan
    context: ReasonContext

    @classmethod
    def of(cls, session: Session, plan: Plan) -> _Teller:
        person = plan.person
        context = ReasonContext(
            log=person.state.log,
            catalogue=session.catalogue,
            frame=person.state.frame,
            facets={facet.key: facet for facet in person.profile.facets},
            changes=person.changes,
            taken=session.taken(person.state.moment_ms),
            language=session.language,
        )
        return cls(session, plan, context)

    def reason(self, item: int, sources: Mapping[str, float]) -> Reason:
        catalogue, state = self.session.catalogue, self.plan.person.state
        carried = self.plan.carried
        if carried is not None and carried.facet[item] >= 0:
            query = self.plan.person.queries[int(carried.facet[item])]
            reason = explain_carried(
                item,
                query.key,
                state,
                share=query.share,
                catalogue=catalogue,
                language=self.session.language,
            )
        else:
            reason = explain_item(self.context, item, sources)
        if self.plan.steering is None:
            return reason
        return add_remarks(
            reason,
            item,
            state,
            members=self.plan.steering.members,
            catalogue=catalogue,
            language=self.session.language,
        )
