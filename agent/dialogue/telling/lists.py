"""Lists: what to take now under the constraints of the talk, as of a moment, and what if."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import numpy as np

from agent.dialogue.sentences.periods import last_day
from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.constraints import Constraint, merge
from agent.dialogue.talk.context import TalkState, ToolContext
from agent.dialogue.talk.host import ListQuery
from agent.dialogue.talk.phrases import say, times
from agent.dialogue.telling.items import cited_ids
from agent.interests.words import percent
from agent.schema import Recommendation, RecommendationList

# Who asks whether the list is another one than that shown before.
_SAME: Final = re.compile(
    r"\bsame list\b|\blist (?:still )?(?:the same|look\w*|change\w*)\b|\bthe same (?:list|as before)\b"
    r"|列表.{0,6}(?:一样|变)",
    re.IGNORECASE,
)
_NAMED: Final = 4


def recommend(
    ctx: ToolContext,
    k: int | None,
    constraints: Sequence[Constraint],
    problems: Sequence[str],
    notes: Sequence[str] = (),
    *,
    further: bool = False,
) -> tuple[Draft, TalkState]:
    """The list under all constraints of the talk, the new ones included, each with reason and events.

    Args:
        notes: what the person should know about how the wish was read.
        further: what comes after the entries that were shown, none of them again.
    """
    replaced = [
        old
        for new in constraints
        for old in ctx.state.constraints
        if old.slot == new.slot and old != new and old.kind in ("category", "domain", "says", "near")
    ]
    held = merge(ctx.state.constraints, constraints)
    query = ctx.query(k, constraints=held)
    passed = tuple(dict.fromkeys((*ctx.state.passed, *ctx.state.listed))) if further else ()
    if passed:
        query = _without_shown(ctx, query, passed)
    found = ctx.host.recommend(query)
    entries = [
        entry for entry in found if query.item_mask is None or query.item_mask[ctx.code(entry.item_id)]
    ]
    state = ctx.keep(constraints=held, passed=passed)
    shown = say(ctx, "comma").join(entry.shown(ctx.language) for entry in held)
    facts = {"constraints": [entry.shown(ctx.language) for entry in held], "n": len(entries)}
    opening = [Sentence(text, claim=False) for text in (*problems, *notes)]
    opening += [
        Sentence(say(ctx, "replaced", shown=old.shown(ctx.language)), ("fact:constraints",))
        for old in replaced
    ]
    if problems and ctx.state.listed and ctx.state.focus and held == ctx.state.constraints:
        # The wish cannot be met and nothing else is new: the list that was just shown need not come again.
        opening.append(Sentence(say(ctx, "list_stays"), claim=False))
        return Draft(tuple(opening), facts), state
    if not entries:
        text = say(ctx, "list_empty", shown=shown or "–")
        return Draft((*opening, Sentence(text, ("fact:constraints", "fact:n"))), facts), state
    key = "list_further" if passed else "list_lead"
    lead = say(ctx, f"{key}_held", shown=shown) if held else say(ctx, key)
    opening.append(Sentence(lead, claim=False))
    rows = list_rows(ctx, entries)
    if len(entries) < query.k:
        rows.append(Sentence(say(ctx, "list_short", n=len(entries)), ("fact:n",), row=True))
    listed = tuple(str(entry.item_id) for entry in entries)
    if ctx.state.listed and _SAME.search(ctx.question):
        key = "list_same" if listed == ctx.state.listed[: len(listed)] else "list_other"
        opening.insert(0, Sentence(say(ctx, key), claim=False))
    draft = Draft((*opening, *rows), facts, listed[:1], listed)
    return draft, dataclasses.replace(state, listed=listed, focus=listed[:1])


def _without_shown(ctx: ToolContext, query: ListQuery, passed: Sequence[str]) -> ListQuery:
    """The query without what was shown: one thing sold under many ids counts as shown by its title."""
    catalogue = ctx.host.catalogue
    titles = {catalogue.titles[ctx.code(item)] for item in passed}
    fresh = np.fromiter((title not in titles for title in catalogue.titles), np.bool_, len(catalogue))
    mask = fresh if query.item_mask is None else query.item_mask & fresh
    return dataclasses.replace(query, item_mask=mask)


def list_rows(ctx: ToolContext, entries: Iterable[Recommendation]) -> list[Sentence]:
    """One line per entry: rank, title, reason in the language of the talk, the events it rests on."""
    rows: list[Sentence] = []
    for rank, entry in enumerate(entries, start=1):
        reason, marks = _reason(ctx, entry)
        text = say(
            ctx, "list_row", rank=rank, title=ctx.title(ctx.code(entry.item_id), whole=True), reason=reason
        )
        rows.append(Sentence(f"  {text}", (*marks, f"item:{entry.item_id}"), row=True))
    return rows


def _reason(ctx: ToolContext, entry: Recommendation) -> tuple[str, tuple[str, ...]]:
    parts: list[str] = []
    marks: tuple[str, ...] = tuple(f"#{number}" for number in cited_ids(entry))
    rows = ctx.rows_of_ids(cited_ids(entry))
    own = [int(row) for row in rows if ctx.host.log.item[row] == ctx.code(entry.item_id)]
    if own:
        everything = [
            int(row) for row in ctx.rows_of_item(ctx.code(entry.item_id)) if ctx.host.log.weight[row] > 0
        ]
        lead = max(everything, key=lambda row: (float(ctx.host.log.weight[row]), row))
        alike = [row for row in everything if ctx.host.log.event[row] == ctx.host.log.event[lead]]
        marks = ctx.marks(alike[::-1])
        parts.append(
            say(ctx, "reason_own", verb=ctx.verb(lead), times=times(ctx, len(alike)), day=ctx.day(alike[-1]))
        )
    elif len(rows):
        row = ctx.rows_of_ids(cited_ids(entry)[:1])[0] if cited_ids(entry) else rows[-1]
        title = ctx.title(int(ctx.host.log.item[row]))
        parts.append(say(ctx, "reason_close", title=title, verb=ctx.verb(int(row)), day=ctx.day(int(row))))
    facet = next((facet for facet in ctx.profile.facets if facet.key in entry.facets), None)
    if facet is not None:
        parts.append(say(ctx, "reason_interest", label=ctx.label(facet), share=percent(facet.share)))
        marks = (*marks, f"facet:{facet.key}")
    if not parts:
        lead_source = max(entry.sources, key=lambda name: entry.sources[name], default="")
        parts.append(say(ctx, "reason_popular" if "popular" in lead_source else "reason_like"))
    return say(ctx, "semicolon").join(parts), marks


def list_as_of(ctx: ToolContext, moment: datetime, k: int | None) -> tuple[Draft, TalkState]:
    """The list as of a moment: only events before it count, in the profile and in what is fitted."""
    query = dataclasses.replace(ctx.query(k), as_of_ms=int(moment.timestamp() * 1000))
    found = ctx.host.recommend(query)
    lead = Sentence(say(ctx, "list_then", day=last_day(moment)), claim=False)
    listed = tuple(str(entry.item_id) for entry in found)
    facts: dict[str, object] = {"as_of": last_day(moment), "n": len(found)}
    rows = _under(ctx, facts)
    for entry in found:
        title = ctx.title(ctx.code(entry.item_id), whole=True)
        text = say(ctx, "list_row", rank=entry.rank, title=title, reason=_then(ctx, entry))
        marks = (*(f"#{number}" for number in cited_ids(entry)), f"item:{entry.item_id}")
        rows.append(Sentence(f"  {text}", marks, row=True))
    return Draft((lead, *rows), facts, listed[:1], listed), ctx.keep(listed=listed, focus=listed[:1])


def _then(ctx: ToolContext, entry: Recommendation) -> str:
    """The reason as of then: facets of a past frame are not those of today, so only events speak."""
    ids = cited_ids(entry)
    rows = ctx.rows_of_ids(ids[:1])
    if not len(rows):
        return say(ctx, "reason_like")
    row = int(rows[0])
    item = int(ctx.host.log.item[row])
    if item == ctx.code(entry.item_id):
        return say(ctx, "reason_own", verb=ctx.verb(row), times=times(ctx, len(ids)), day=ctx.day(row))
    return say(ctx, "reason_close", title=ctx.title(item), verb=ctx.verb(row), day=ctx.day(row))


def what_if(ctx: ToolContext, interaction_ids: Sequence[int], name: str) -> tuple[Draft, TalkState]:
    """The list without some of the person's events, in memory only, against the list as it is."""
    if not interaction_ids:
        text = say(ctx, "what_if_none")
        return Draft((Sentence(text, ("fact:without",)),), {"without": 0}), ctx.state
    # What is compared is what is shown.
    query = ctx.query()
    before = ctx.host.recommend(query)
    if not len(before):
        held = [entry.shown(ctx.language) for entry in ctx.state.constraints]
        none = say(ctx, "list_empty", shown=say(ctx, "comma").join(held) or "–")
        empty = {"constraints": held, "n": 0}
        return Draft((Sentence(none, ("fact:constraints", "fact:n")),), empty), ctx.state
    after = ctx.host.recommend(dataclasses.replace(query, without=frozenset(interaction_ids)))
    marks = (*(f"#{number}" for number in interaction_ids), "fact:without")
    facts: dict[str, object] = {"without": {"events": len(interaction_ids), "what": name}}
    # One thing is sold under many ids: for the reader its title is what comes and goes.
    same = [entry.title for entry in before] == [entry.title for entry in after]
    key = "what_if_same" if same else "what_if_lead"
    sentences = [Sentence(say(ctx, key, n=len(interaction_ids), what=name), marks)]
    sentences += _under(ctx, facts)
    facts["before"] = [entry.item_id for entry in before]
    facts["after"] = [entry.item_id for entry in after]
    if not same:
        sentences += [
            Sentence(
                f"  {entry.rank}. {ctx.title(ctx.code(entry.item_id), whole=True)}",
                (f"item:{entry.item_id}",),
                row=True,
            )
            for entry in after
        ]
        sentences += _differences(ctx, before, after)
    sentences.append(Sentence(say(ctx, "what_if_kept"), claim=False, row=True))
    return Draft(tuple(sentences), facts, ()), ctx.state


def _under(ctx: ToolContext, facts: dict[str, object]) -> list[Sentence]:
    """The constraints that a list of another time or of other events is under as well."""
    if not ctx.state.constraints:
        return []
    facts["constraints"] = [entry.shown(ctx.language) for entry in ctx.state.constraints]
    shown = say(ctx, "comma").join(entry.shown(ctx.language) for entry in ctx.state.constraints)
    return [Sentence(say(ctx, "held", shown=shown), ("fact:constraints",))]


def _differences(ctx: ToolContext, before: RecommendationList, after: RecommendationList) -> list[Sentence]:
    old, new = {entry.title for entry in before}, {entry.title for entry in after}
    sentences: list[Sentence] = []
    for key, ids in (
        ("what_if_in", [str(entry.item_id) for entry in after if entry.title not in old]),
        ("what_if_out", [str(entry.item_id) for entry in before if entry.title not in new]),
    ):
        if ids:
            shown = say(ctx, "comma").join(ctx.title(ctx.code(item), whole=True) for item in ids[:_NAMED])
            marks = (*(f"item:{item}" for item in ids[:_NAMED]), "fact:before", "fact:after")
            sentences.append(Sentence(say(ctx, key, shown=shown), marks, row=True))
    return sentences
