"""The constraints of a talk: shown, and withdrawn."""

from __future__ import annotations

from collections.abc import Sequence

from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.constraints import Constraint
from agent.dialogue.talk.context import TalkState, ToolContext
from agent.dialogue.talk.phrases import say


def show_constraints(ctx: ToolContext) -> Draft:
    """The constraints that hold in this talk."""
    return Draft((_held(ctx, ctx.state.constraints),), {"constraints": names_of(ctx, ctx.state.constraints)})


def withdraw(ctx: ToolContext, chosen: Sequence[Constraint]) -> tuple[Draft, TalkState]:
    """Withdraws constraints; the others go on holding."""
    if not chosen:
        held = _held(ctx, ctx.state.constraints)
        text = say(ctx, "withdraw_none", held=held.text)
        facts = {"constraints": names_of(ctx, ctx.state.constraints)}
        return Draft((Sentence(text, held.evidence),), facts), ctx.state
    kept = tuple(entry for entry in ctx.state.constraints if entry not in chosen)
    facts = {"constraints": names_of(ctx, kept), "withdrawn": names_of(ctx, chosen)}
    shown = say(ctx, "comma").join(names_of(ctx, chosen))
    lead = Sentence(say(ctx, "withdrawn", shown=shown), ("fact:withdrawn",))
    return Draft((lead, _held(ctx, kept)), facts), ctx.keep(constraints=kept)


def _held(ctx: ToolContext, constraints: Sequence[Constraint]) -> Sentence:
    if not constraints:
        return Sentence(say(ctx, "held_none"), ("fact:constraints",))
    shown = say(ctx, "comma").join(names_of(ctx, constraints))
    return Sentence(say(ctx, "held", shown=shown), ("fact:constraints",))


def names_of(ctx: ToolContext, constraints: Sequence[Constraint]) -> list[str]:
    """The constraints in words."""
    return [entry.shown(ctx.language) for entry in constraints]
