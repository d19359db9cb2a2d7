"""From a wish for more, less or none of something to what it is about."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Final

from agent.dialogue.answers import Draft, Sentence
from agent.dialogue.context import ToolContext
from agent.dialogue.item_choice import by_words
from agent.dialogue.lexicon import TOKEN, content_words
from agent.dialogue.mentions import Topic, find_topic, means_shown, normal
from agent.dialogue.periods import without_periods
from agent.dialogue.phrases import say
from agent.dialogue.reading import FACETS_NAMED, named_items, periods_of, read_list
from agent.dialogue.route_rules import RULES
from agent.dialogue.route_tools import ToolName
from agent.dialogue.tool_args import SteerArgs

# A command of so few words is about what was spoken of.
_FEW_WORDS: Final = 3
# Where one wish ends and another begins.
_CLAUSE_END: Final = re.compile(
    r"[,;.!?，；。！？]+\s*(?:and |but |then |rather )?|\s+(?:but|rather)\s+"
    r"|\s+and\s+(?=(?:show|give|recommend|suggest|more|less|fewer)\b)|但是|而是|不过|但",
    re.IGNORECASE,
)


def read_steer(ctx: ToolContext, tool: ToolName) -> SteerArgs | Draft:
    """What a wish for more, less or none of something is about: by the part of the sentence that says so.

    “No beer, recommend cheese” is about beer; the rest is a wish for a list, which follows.
    """
    said, rest = clauses(ctx.question, tool)
    found = read_topic(dataclasses.replace(ctx, question=said))
    if isinstance(found, Draft):
        return found
    others = _also_named(ctx, said, found)
    then = read_list(dataclasses.replace(ctx, question=rest)) if _wants_list(rest) else None
    if then is not None and not then.constraints:
        then = None
    return found.model_copy(update={"others": others, "then": then})


def clauses(question: str, tool: ToolName) -> tuple[str, str]:
    """The parts of a question that ask for the tool, and the others; all of it where none does by itself.

    >>> clauses("请不要推荐Beer，推荐Cheese", "mute")
    ('请不要推荐Beer', '推荐Cheese')
    >>> clauses("stop the beer, show me cheese instead", "mute")
    ('stop the beer', 'show me cheese instead')
    >>> clauses("mute beer", "mute")
    ('mute beer', '')
    """
    parts = [part.strip() for part in _CLAUSE_END.split(question) if part.strip()]
    patterns = [pattern for rules in RULES.values() for pattern, _ in rules[tool]]
    asking = [part for part in parts if any(pattern.search(part) for pattern in patterns)]
    if not asking or len(asking) == len(parts):
        return question, ""
    rest = [part for part in parts if part not in asking]
    return ", ".join(asking), ", ".join(rest)


def _wants_list(rest: str) -> bool:
    entries = [entry for rules in RULES.values() for entry in (*rules["recommend"], *rules["more"])]
    return bool(rest) and any(weight >= 2 and pattern.search(rest) for pattern, weight in entries)


def _also_named(ctx: ToolContext, said: str, found: SteerArgs) -> str:
    """Other categories in the same breath: what is done is done to one."""
    if found.kind == "item":
        return ""
    named = {normal(name): name for _, name in ctx.names.find_categories(said)}
    hidden = ctx.care.declared - ctx.state.named
    spare = [name for key, name in named.items() if ctx.marked(name) != found.name and key not in hidden]
    if len(named) < 2:
        return ""
    return say(ctx, "comma").join(ctx.marked(name) for name in spare)


def read_topic(ctx: ToolContext, *, facet_only: bool = False) -> SteerArgs | Draft:
    """The interest, category or item that a wish for more or less is about.

    Args:
        facet_only: only interests can be pinned; an item or category stands for the interest it is in.
    """
    named = named_items(ctx, plain=False)
    if isinstance(named, Draft):
        return named
    topic: Topic | None = None
    if not named:
        topic = find_topic(without_periods(ctx.question, periods_of(ctx)), ctx.names, ctx.facets)
        if topic is None and ctx.state.focus and _of_focus(ctx.question):
            named = [ctx.state.focus[0]]
    if facet_only:
        return _facet_of(ctx, named, topic)
    if topic is not None:
        # The nearest category may be one that is not to be named: then the person's own words stand for it.
        unsaid = topic.kind == "category" and normal(topic.name) in ctx.care.declared - ctx.state.named
        name = " ".join(content_words(ctx.question)) if unsaid else topic.name
        return SteerArgs(kind=topic.kind, target=topic.target, name=ctx.marked(name))
    if not named and (single := by_words(ctx, content_words(ctx.question))):
        named = [single]
    if named:
        return SteerArgs(kind="item", target=named[0], name=ctx.title(ctx.code(named[0])))
    return _no_topic(ctx)


def _of_focus(question: str) -> bool:
    """Whether a wish without a topic means what was spoken of: “less of this”, “mute”; no ramble does."""
    if content_words(question):
        return False
    return means_shown(question) or len(TOKEN.findall(question)) <= _FEW_WORDS


def _facet_of(ctx: ToolContext, named: Sequence[str], topic: Topic | None) -> SteerArgs | Draft:
    if topic is not None and topic.kind == "facet":
        return SteerArgs(kind="facet", target=topic.target, name=ctx.marked(topic.name))
    for facet in ctx.profile.facets:
        of_item = any(item in facet.item_ids for item in named)
        codes = [ctx.code(item) for item in facet.item_ids]
        of_topic = topic is not None and any(
            topic.name in ctx.host.catalogue.categories[code] for code in codes
        )
        if (of_item or of_topic) and not ctx.hides(facet):
            return SteerArgs(kind="facet", target=facet.key, name=ctx.marked(facet.label))
    return _no_topic(ctx)


def _no_topic(ctx: ToolContext) -> Draft:
    shown = say(ctx, "comma").join(label for _, label in ctx.facets[:FACETS_NAMED]) or "–"
    marks = tuple(f"facet:{key}" for key, _ in ctx.facets[:FACETS_NAMED])
    return Draft((Sentence(say(ctx, "no_topic", shown=shown), marks, claim=False),))
