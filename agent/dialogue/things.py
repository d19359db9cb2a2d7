"""Questions about one kind of thing may reach several tools: they are answered first, in one way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from agent.dialogue.reading.thing import read_thing
from agent.dialogue.talk.answers import Draft
from agent.dialogue.talk.context import TalkState, ToolContext
from agent.dialogue.talk.tool_args import ThingArgs, ToolArgs
from agent.dialogue.telling.thing import tell_thing

# Tools whose questions may be about a kind of thing in one of these ways.
THING_TOOLS: Final = frozenset(
    {"explain", "why_not", "counterfactual", "migration", "search", "as_of", "profile", "recommend"}
)

Read = Callable[[ToolContext], ToolArgs | Draft]
Run = Callable[[ToolContext, Any], tuple[Draft, TalkState]]


def with_things(name: str, read: Read, run: Run) -> tuple[Read, Run]:
    """A tool that answers questions about a kind of thing first, where it is one that may get them."""
    if name not in THING_TOOLS:
        return read, run

    def read_either(ctx: ToolContext) -> ToolArgs | Draft:
        found = read_thing(ctx)
        if name == "recommend" and not (isinstance(found, ThingArgs) and found.what == "cause"):
            # “I lost interest in knives, suggest something” asks for a list.
            return read(ctx)
        return read(ctx) if found is None else found

    def run_either(ctx: ToolContext, given: Any) -> tuple[Draft, TalkState]:
        if not isinstance(given, ThingArgs):
            return run(ctx, given)
        return tell_thing(ctx, given), ctx.state

    return read_either, run_either
