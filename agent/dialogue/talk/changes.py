"""What a person has changed, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.dialogue.sentences.mentions import normal
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.phrases import ACTIONS

if TYPE_CHECKING:
    from agent.schema import Feedback


def named(ctx: ToolContext, entry: Feedback) -> str:
    """What a piece of feedback said, in words; what is not to be named stays unnamed."""
    if entry.action == "undo":
        undone = next((one for one in ctx.host.feedback() if str(one.feedback_id) == entry.target), None)
        what = f"#{entry.target}" if undone is None else named(ctx, undone)
        return f"{ACTIONS[ctx.language]['undo']} {what}"
    target = entry.target
    codes = ctx.host.catalogue.item_codes
    if entry.target_kind == "item" and target in codes:
        shown = ctx.title(codes[target])
    elif entry.target_kind == "facet":
        facet = next((facet for facet in ctx.profile.facets if facet.key == target), None)
        shown = ctx.label(facet) if facet else target
    elif normal(target) in ctx.care.declared - ctx.state.named:
        shown = ctx.care.line("facet", ctx.language)
    elif entry.target_kind == "interaction":
        shown = f"#{target}"
    else:
        shown = ctx.marked(target)
    return f"{ACTIONS[ctx.language][entry.action]} {shown}"
