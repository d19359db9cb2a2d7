"""Two items side by side: their places, what the person had of them, what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.attributes import field_of
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.phrases import FIELDS, say
from agent.dialogue.telling.items import DEPTH
from agent.interests.words import percent
from agent.llm.fence import fence
from agent.schema import Recommendation


def compare(ctx: ToolContext, item_ids: Sequence[str]) -> Draft:
    """Two items side by side: place, interest, own events, fields; and which stands higher."""
    deep = {str(entry.item_id): entry for entry in ctx.host.recommend(ctx.query(DEPTH))}
    facts: dict[str, object] = {}
    sentences: list[Sentence] = []
    ranks: list[int | None] = []
    for number, item_id in enumerate(item_ids[:2], start=1):
        entry = deep.get(item_id)
        rank = entry.rank if entry else ctx.rank(ctx.query(), item_id)
        ranks.append(rank)
        facts[f"item{number}"] = {"item_id": item_id, "rank": rank}
        sentences += _side(ctx, item_id, entry, rank, f"fact:item{number}")
    marks = ("fact:item1", "fact:item2")
    titles = [ctx.title(ctx.code(item_id), whole=True) for item_id in item_ids[:2]]
    first, second = ranks
    if first is None and second is None:
        text = say(ctx, "neither")
    elif second is None or (first is not None and first < second):
        text = say(ctx, "higher", better=titles[0], worse=titles[1])
    else:
        text = say(ctx, "higher", better=titles[1], worse=titles[0])
    return Draft((*sentences, Sentence(text, marks)), facts, tuple(item_ids[:2]))


def _side(
    ctx: ToolContext, item_id: str, entry: Recommendation | None, rank: int | None, fact: str
) -> list[Sentence]:
    code = ctx.code(item_id)
    place = say(ctx, "side_nowhere") if rank is None else say(ctx, "side_at", rank=rank)
    parts = [say(ctx, "side", title=ctx.title(code, whole=True), place=place)]
    marks: tuple[str, ...] = (f"item:{item_id}", fact)
    rows = [int(row) for row in ctx.rows_of_item(code)]
    if rows:
        parts.append(say(ctx, "side_events", n=len(rows), day=ctx.day(rows[-1])))
        marks = (*ctx.marks(rows[::-1]), *marks)
    else:
        parts.append(say(ctx, "side_new"))
    facet = next((facet for facet in ctx.profile.facets if entry and facet.key in entry.facets), None)
    if facet is not None:
        parts.append(say(ctx, "side_interest", label=ctx.label(facet), share=percent(facet.share)))
        marks = (*marks, f"facet:{facet.key}")
    parts += _fields(ctx, ctx.host.items.extras.get(code, {}))
    return [Sentence(say(ctx, "semicolon").join(parts) + say(ctx, "stop"), marks, row=True)]


def _fields(ctx: ToolContext, extra: Mapping[str, object]) -> list[str]:
    found = ((what, field_of(extra, what)) for what in FIELDS[ctx.language])
    return [f"{FIELDS[ctx.language][what]} {fence(pair[1])}" for what, pair in found if pair is not None]
