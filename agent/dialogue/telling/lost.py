"""Which stage lost an item on the way to a list, what would bring it back, and what was done with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from agent.dialogue.talk.answers import Sentence
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.host import Trace
from agent.dialogue.talk.phrases import say, times

_DEPTH_SAID: Final = re.compile(r"among its best (\d+)")


def taken_words(ctx: ToolContext, own: Sequence[int]) -> str:
    """How often and when last the person took an item, the weightiest kind of event first."""
    kinds: dict[str, list[int]] = {}
    for row in own:
        kinds.setdefault(ctx.verb(row), []).append(row)
    weight = ctx.host.log.weight
    ordered = sorted(kinds.items(), key=lambda pair: (-float(weight[pair[1][0]]), -len(pair[1]), pair[0]))
    verb, members = ordered[0]
    last = ctx.day(members[-1])
    if len(ordered) > 1:
        parts = [say(ctx, "also", verb=other, times=times(ctx, len(rows))) for other, rows in ordered[1:3]]
        also = say(ctx, "comma").join(parts)
        return say(ctx, "taken_also", verb=verb, times=times(ctx, len(members)), day=last, also=also)
    key = "taken_once" if len(members) == 1 else "taken"
    return say(ctx, key, verb=verb, times=times(ctx, len(members)), day=last)


def lost(ctx: ToolContext, trace: Trace, item_id: str, marks: tuple[str, ...]) -> list[Sentence]:
    """Which stage lost the item, and the remedy."""
    stage = trace.stage
    if stage == "filtered":
        code = ctx.code(item_id)
        names = [
            entry.shown(ctx.language)
            for entry in ctx.state.constraints
            if entry.kind != "new_only" and not entry.allows(ctx.host.items)[code]
        ]
        if names:
            shown = say(ctx, "comma").join(names)
            return [Sentence(say(ctx, "lost_constraint", shown=shown), marks)]
    if stage == "seen":
        rows = [int(row) for row in ctx.rows_of_item(ctx.code(item_id))]
        if rows:
            text = say(ctx, "lost_seen", verb=ctx.verb(rows[-1]), day=ctx.day(rows[-1]))
            return [Sentence(text, (*ctx.marks(rows[::-1]), *marks))]
    if stage == "below the cut" and trace.score is not None and trace.cut_score is not None:
        text = say(ctx, "lost_cut", score=f"{trace.score:.2f}", cut=f"{trace.cut_score:.2f}")
        return [Sentence(text, marks), Sentence(say(ctx, "remedy_cut"), marks, aside=True)]
    if stage == "listed":
        return []
    if stage == "filtered" and ctx.care.hides_item(ctx.code(item_id), ctx.state.named):
        return [Sentence(say(ctx, "lost_sensitive"), marks)]
    if stage == "not retrieved":
        return _not_proposed(ctx, trace, item_id, marks)
    key = {
        "unknown item": "lost_unknown",
        "filtered": "lost_filtered",
        "disliked": "lost_disliked",
        "muted": "lost_muted",
        "seen": "lost_seen_plain",
    }.get(stage, "lost_other")
    return [Sentence(say(ctx, key, stage=stage, detail=trace.detail), marks)]


def _not_proposed(ctx: ToolContext, trace: Trace, item_id: str, marks: tuple[str, ...]) -> list[Sentence]:
    """That no source has it among its best, and what the person themselves did with it."""
    depth = _DEPTH_SAID.search(trace.detail)
    said = say(ctx, "no_source", n=depth[1]) if depth else say(ctx, "no_source_any")
    own = [int(row) for row in ctx.rows_of_item(ctx.code(item_id)) if ctx.host.log.weight[row] > 0]
    if not own:
        return [Sentence(say(ctx, "lost_retrieval", depth=said), marks)]
    taken = Sentence(taken_words(ctx, own), ctx.marks(reversed(own)))
    return [taken, Sentence(say(ctx, "lost_retrieval_own", depth=said), marks)]
