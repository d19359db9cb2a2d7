"""From a question to what is to be done for it: refused, confirmed, or routed to a tool with arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from pydantic import ValidationError

from agent.dialogue.reading.steer import read_turned
from agent.dialogue.reading.undo import read_let_back, read_own
from agent.dialogue.router import WANTS, Route, Router
from agent.dialogue.sentences import guard
from agent.dialogue.sentences.lexicon import content_words
from agent.dialogue.sentences.mentions import Names, find_places, means_shown
from agent.dialogue.sentences.second_thoughts import (
    drops,
    is_correction,
    keeps_changes,
    lets_back,
    turned_to,
    was_own,
)
from agent.dialogue.sentences.stance import keeps_memory, reverses
from agent.dialogue.sentences.tool_names import ToolName
from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.care import Care
from agent.dialogue.talk.context import Pending, ToolContext
from agent.dialogue.talk.memory import Turn
from agent.dialogue.talk.phrases import say
from agent.dialogue.talk.steer_words import steer_say
from agent.dialogue.talk.tool_args import EventsArgs, ToolArgs, WithdrawArgs
from agent.dialogue.tools import TOOLS, Tool, about_me
from agent.errors import DriftrecError
from agent.llm.ledger import charged_to


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done for a question: a tool and its arguments, or a reply that is already fixed.

    Attributes:
        pending: what a fixed reply asks the person to decide.
    """

    tool: Tool
    args: ToolArgs | Draft
    route: Route
    pending: Pending | None = None


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans for one user's talk.

    Attributes:
        n_talks: how many talks with the user are kept.
    """

    user_id: str
    names: Names
    care: Care
    router: Router
    n_talks: Callable[[], int]

    def plan(self, ctx: ToolContext, turns: Sequence[Turn]) -> Plan:
        """The tool and its arguments, read from the question; what cannot be read is a question back."""
        if not ctx.question:
            reply = fixed(say(ctx, "empty", help=say(ctx, "help")))
            return Plan(TOOLS["help"], reply, Route("help", "nothing"))
        if self.care.asks_diagnosis(ctx.question):
            refusal = Draft((Sentence(self.care.line("refusal", ctx.language), claim=False),), refused=True)
            return Plan(TOOLS["refuse"], refusal, Route("refuse", "rules"))
        if (said := self._without_routing(ctx) or _second_thought(ctx)) is not None:
            return said
        previous = cast(ToolName, turns[-1].tool) if turns else None
        with charged_to(self.user_id):
            route = self.router.route(self.names.mask(ctx.question), ctx.language, previous=previous)
        tool = self._tool(route.tool)
        if route.tool == "help" and route.by != "rules":
            return Plan(tool, _unclear(ctx), route)
        if route.other is not None:
            return _which(ctx, Pending(route.tool, ctx.question, route.other), route)
        given = _read(tool, ctx)
        if route.by in ("model", "examples") and tool.changes and isinstance(given, Draft):
            # The guess led nowhere: better to say so than to ask back about it.
            return Plan(TOOLS["help"], _unclear(ctx), route)
        return Plan(tool, given, route)

    def _without_routing(self, ctx: ToolContext) -> Plan | None:
        """A word on what waits, nonsense, or a turning round of the last wish; None for everything else."""
        pending, question = ctx.state.pending, ctx.question
        if pending is not None and pending.other and (chosen := guard.picks(question)):
            tool_name = pending.tool if chosen == 1 else pending.other
            return self._confirmed(ctx, replace(pending, tool=tool_name))
        if pending is not None and not pending.other and guard.says_yes(question):
            return self._confirmed(ctx, pending)
        if pending is not None and pending.other and guard.says_yes(question):
            return _which(ctx, pending, Route("help", "rules"))
        if guard.says_yes(question) or guard.says_no(question):
            key = "nothing_pending" if pending is None else "left"
            return Plan(TOOLS["help"], fixed(say(ctx, key)), Route("help", "rules"))
        if guard.only_repeats(question):
            return Plan(TOOLS["help"], fixed(steer_say(ctx, "repeats")), Route("help", "nothing"))
        if len(question) >= guard.MAX_QUESTION_CHARS and not content_words(question):
            cut = steer_say(ctx, "was_cut", n=guard.MAX_QUESTION_CHARS)
            return Plan(TOOLS["help"], fixed(cut), Route("help", "nothing"))
        if keeps_memory(question):
            return Plan(TOOLS["help"], fixed(steer_say(ctx, "not_forgotten")), Route("help", "rules"))
        return None

    def _tool(self, name: ToolName) -> Tool:
        return about_me(self.n_talks) if name == "about_me" else TOOLS[name]

    def _confirmed(self, ctx: ToolContext, pending: Pending) -> Plan:
        tool = self._tool(cast(ToolName, pending.tool))
        given = _read(tool, replace(ctx, question=pending.question))
        if isinstance(given, EventsArgs):
            given = given.model_copy(update={"confirmed": True})
        return Plan(tool, given, Route(tool.name, "confirmation"))


def _second_thought(ctx: ToolContext) -> Plan | None:
    """What a sentence does with a change that was made before; None for every other sentence."""
    question = ctx.question
    if drops(question):
        return Plan(TOOLS["help"], fixed(steer_say(ctx, "dropped")), Route("help", "rules"))
    if keeps_changes(question):
        return Plan(TOOLS["help"], fixed(steer_say(ctx, "kept")), Route("help", "rules"))
    if (tool := turned_to(question) or _reversed(question)) and (
        ctx.state.just or (tool != "mute" and is_correction(question))
    ):
        return Plan(TOOLS[tool], read_turned(ctx, tool), Route(tool, "rules"))
    if was_own(question):
        return Plan(TOOLS["undo"], read_own(ctx), Route("undo", "rules"))
    back = lets_back(question)
    if back is False or (found := read_let_back(ctx, sure=bool(back))) is None:
        return None
    name: ToolName = "constraints" if isinstance(found, WithdrawArgs) else "undo"
    return Plan(TOOLS[name], found, Route(name, "rules"))


def _reversed(question: str) -> ToolName | None:
    """Less or more, where a sentence turns round what was done last without naming it."""
    if not reverses(question):
        return None
    return "more" if re.search(r"\bmore(?: please)?\W*$|多\S{0,4}$", question, re.IGNORECASE) else "less"


def _read(tool: Tool, ctx: ToolContext) -> ToolArgs | Draft:
    try:
        return tool.read(ctx)
    except (DriftrecError, ValidationError) as error:
        return trouble(ctx, error)


def means_list(ctx: ToolContext) -> bool:
    """Whether a question speaks of a place in a list, or of what is shown while nothing was spoken of yet."""
    if find_places(ctx.question, 99):
        return not ctx.names.find_titles(ctx.question)
    return not ctx.state.focus and (means_shown(ctx.question) or not content_words(ctx.question))


def fixed(text: str) -> Draft:
    """A reply that claims nothing."""
    return Draft((Sentence(text, claim=False),))


def trouble(ctx: ToolContext, error: Exception) -> Draft:
    """What went wrong, in words that name nothing that is not to be named."""
    return fixed(say(ctx, "trouble", why=ctx.care.hide_names(str(error), ctx.state.named, ctx.language)))


def _which(ctx: ToolContext, pending: Pending, route: Route) -> Plan:
    """A question back: which of two things is wanted."""
    first, second = (
        _of_you(WANTS[cast(ToolName, name)][ctx.language]) for name in (pending.tool, pending.other)
    )
    return Plan(TOOLS["help"], fixed(say(ctx, "ask_two", first=first, second=second)), route, pending)


def _of_you(wants: str) -> str:
    """What someone wants, put to them.

    >>> _of_you("know how their interests have changed"), _of_you("know which data about them is stored")
    ('know how your interests have changed', 'know which data about you is stored')
    """
    return re.sub(r"\btheir\b", "your", re.sub(r"\bthem\b", "you", wants)).replace("自己", "您自己")


def _unclear(ctx: ToolContext) -> Draft:
    return fixed(say(ctx, "unclear", help=say(ctx, "help")))
