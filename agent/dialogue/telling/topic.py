"""Why a kind of thing is recommended: the interest behind “why beer?”, and its items in the list."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.changes import named
from agent.dialogue.talk.context import RANKED, ToolContext
from agent.dialogue.talk.phrases import KINDS, say
from agent.dialogue.talk.tool_args import TopicArgs
from agent.dialogue.telling.items import DEPTH, find_change
from agent.interests.words import percent, season_item
from agent.schema import Facet, Recommendation

_NAMED: Final = 4


def explain_topic(ctx: ToolContext, topic: TopicArgs) -> Draft:
    """The interest (or the events of a category), how it moved, its items in the list, what carries them."""
    facet = next(
        (one for one in ctx.profile.facets if (topic.kind, one.key) == ("facet", topic.target)), None
    )
    facts: dict[str, object] = {}
    rows = _rows(ctx, topic, facet)
    sentences = _interest(ctx, facet, facts) if facet else _category(ctx, topic, rows, facts)
    found = ctx.host.recommend(ctx.query(DEPTH))
    members = [entry for entry in found if _belongs(ctx, entry, topic)]
    k = ctx.list_length
    shown = [entry for entry in members if entry.rank <= k]
    facts["in_list"] = {"k": k, "ranks": [entry.rank for entry in members]}
    sentences.append(_places(ctx, topic, members, shown))
    said = [one for one in ctx.host.feedback() if one.target == topic.target and not one.undone]
    if said:
        wished = say(ctx, "comma").join(dict.fromkeys(named(ctx, one) for one in said))
        marks = tuple(f"feedback:{one.feedback_id}" for one in said)
        sentences.append(Sentence(say(ctx, "about_feedback", shown=wished), marks))
    if members and rows:
        ids = frozenset(int(ctx.host.log.interaction_id[row]) for row in rows)
        sentences.append(_without(ctx, (shown or members)[:_NAMED], ids, facts))
    items = tuple(str(entry.item_id) for entry in (shown or members)[:_NAMED])
    return Draft(tuple(sentences), facts, items)


def _without(
    ctx: ToolContext, members: Sequence[Recommendation], ids: frozenset[int], facts: dict[str, object]
) -> Sentence:
    """Where the items stand when the events of the interest do not count."""
    query = dataclasses.replace(ctx.query(RANKED), without=ids, explain=False)
    after = {entry.item_id: entry.rank for entry in ctx.host.recommend(query)}
    ranks = [after.get(entry.item_id) for entry in members]
    facts["without"] = {"events": len(ids), "ranks": ranks}
    moved = say(ctx, "comma").join(
        say(
            ctx,
            "topic_fell" if rank else "topic_gone",
            title=ctx.title(ctx.code(entry.item_id), whole=True),
            before=entry.rank,
            after=rank,
        )
        for entry, rank in zip(members, ranks, strict=True)
    )
    marks = (*(f"#{number}" for number in sorted(ids, reverse=True)), "fact:in_list", "fact:without")
    return Sentence(say(ctx, "topic_without", n=len(ids), shown=moved), marks, aside=True)


def _interest(ctx: ToolContext, facet: Facet, facts: dict[str, object]) -> list[Sentence]:
    facts["interest"] = {"key": facet.key, "share": round(facet.share, 4)}
    ids = [number for session in facet.evidence for number in session.interaction_ids]
    text = say(
        ctx,
        "topic_interest",
        label=ctx.label(facet),
        share=percent(facet.share),
        sessions=facet.n_sessions,
        first=f"{facet.first_seen:%Y-%m-%d}",
        last=f"{facet.last_seen:%Y-%m-%d}",
    )
    marks = (*(f"#{number}" for number in ids), f"facet:{facet.key}", "fact:interest")
    sentences = [Sentence(text, marks)]
    change = find_change(ctx, facet.key)
    if change is not None and change.season is not None:
        facts["change"] = {"kind": change.kind, "season": season_item(change.label, change.season, "en")}
        when = season_item(ctx.label(facet), change.season, ctx.language)
        text = say(ctx, "with_season", when=when)
        sentences.append(Sentence(text, (f"facet:{facet.key}", "fact:change")))
    elif change is not None and change.kind != "stable":
        facts["change"] = {"kind": change.kind, "before": change.share_before, "after": change.share_after}
        text = say(
            ctx,
            "topic_moved",
            kind=KINDS[ctx.language][change.kind],
            before=percent(change.share_before),
            after=percent(change.share_after),
        )
        sentences.append(Sentence(text, (f"facet:{facet.key}", "fact:change")))
    return sentences


def _category(
    ctx: ToolContext, topic: TopicArgs, rows: Sequence[int], facts: dict[str, object]
) -> list[Sentence]:
    facts["events"] = len(rows)
    if not rows:
        return [Sentence(say(ctx, "topic_no_events", name=topic.name), ("fact:events",))]
    text = say(ctx, "topic_events", n=len(rows), name=topic.name, day=ctx.day(rows[-1]))
    return [Sentence(text, (*ctx.marks(rows[::-1]), "fact:events"))]


def _rows(ctx: ToolContext, topic: TopicArgs, facet: Facet | None) -> list[int]:
    """The person's events in the interest or category, oldest first."""
    log, catalogue = ctx.host.log, ctx.host.catalogue
    if facet is not None:
        ids = [number for session in facet.evidence for number in session.interaction_ids]
        return [int(row) for row in ctx.rows_of_ids(ids)]
    within = (
        row
        for row in range(len(log))
        if log.item[row] >= 0 and log.weight[row] > 0 and topic.target in catalogue.categories[log.item[row]]
    )
    return list(within)


def _belongs(ctx: ToolContext, entry: Recommendation, topic: TopicArgs) -> bool:
    if topic.kind == "facet":
        return topic.target in entry.facets
    return topic.target in ctx.host.catalogue.categories[ctx.code(entry.item_id)]


def _places(
    ctx: ToolContext, topic: TopicArgs, members: Sequence[Recommendation], shown: Sequence[Recommendation]
) -> Sentence:
    """Which of its items stand in the list, or how far down the first one is."""
    chosen = (shown or members)[:_NAMED]
    marks = (*(f"item:{entry.item_id}" for entry in chosen), "fact:in_list")
    if not members:
        return Sentence(say(ctx, "topic_nowhere", name=topic.name, k=DEPTH), marks)
    named = say(ctx, "comma").join(
        say(ctx, "topic_place", title=ctx.title(ctx.code(entry.item_id), whole=True), rank=entry.rank)
        for entry in chosen
    )
    key = "topic_listed" if shown else "topic_below"
    n, k = len(shown), ctx.list_length
    return Sentence(say(ctx, key, name=topic.name, n=n, k=k, shown=named), marks)
