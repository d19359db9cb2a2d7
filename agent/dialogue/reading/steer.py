"""From a wish for more, less or none of something to what it is about."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Final

from agent.dialogue.reading.items import FACETS_NAMED, named_items, periods_of, read_list
from agent.dialogue.sentences.lexicon import TOKEN, content_words
from agent.dialogue.sentences.mentions import Topic, find_topic, is_wider, kind_topic, means_shown, normal
from agent.dialogue.sentences.periods import without_periods
from agent.dialogue.sentences.rules import RULES
from agent.dialogue.sentences.tool_names import ToolName
from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.changes import named as named_change
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.item_choice import by_words
from agent.dialogue.talk.phrases import ACTIONS, say
from agent.dialogue.talk.steer_words import steer_say
from agent.dialogue.talk.tool_args import SteerArgs

# A command of so few words is about what was spoken of.
_FEW_WORDS: Final = 3
# From this weight a rule asks for something by itself.
_CLEAR: Final = 3
_STEERS: Final[tuple[ToolName, ...]] = ("less", "more", "mute", "pin")
_FURTHER_LIST: Final = re.compile(r"^\W*more(?: please)?\W*$", re.IGNORECASE)
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
    not_done = _other_wish(rest, tool)
    then = None if not_done or not _wants_list(rest) else read_list(dataclasses.replace(ctx, question=rest))
    if then is not None and not then.constraints:
        then = None
    return found.model_copy(update={"others": others, "then": then, "not_done": not_done})


def read_reversed(ctx: ToolContext) -> tuple[ToolName, SteerArgs] | None:
    """What “not less, more” turns round: the topic of the last wish that stands; None without one."""
    live = [entry for entry in ctx.host.feedback() if not entry.undone and entry.action in _STEERS]
    kinds = ("facet", "category", "item")
    last = next((entry for entry in reversed(live) if entry.target_kind in kinds), None)
    if last is None:
        return None
    action: ToolName = (
        "more" if re.search(r"\bmore(?: please)?\W*$|多\S{0,4}$", ctx.question, re.IGNORECASE) else "less"
    )
    name = named_change(ctx, last).removeprefix(f"{ACTIONS[ctx.language][last.action]} ")
    return action, SteerArgs.model_validate({"kind": last.target_kind, "target": last.target, "name": name})


def _other_wish(rest: str, tool: ToolName) -> str:
    """The part of the rest that wishes for more, less or none of something else; empty for none."""
    pieces: list[str] = [piece.strip() for piece in _CLAUSE_END.split(rest) if piece.strip()]
    for part in pieces:
        for other in _STEERS:
            entries = [entry for rules in RULES.values() for entry in rules[other]]
            hit = any(weight >= _CLEAR and pattern.search(part) for pattern, weight in entries)
            if other != tool and hit and not _FURTHER_LIST.search(part):
                return part
    return ""


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


def _kind_named(ctx: ToolContext) -> Topic | None:
    """The kind of thing that a name stands for when many items bear it, or an interest or category does."""
    for (start, end), codes in ctx.names.find_titles(ctx.question):
        said = ctx.question[start:end]
        topic = kind_topic(said, ctx.names, ctx.facets)
        same = topic is not None and normal(topic.name) == normal(said)
        if topic is not None and (same or len(codes) > 1):
            return topic
    return None


def _one_size(ctx: ToolContext, item: str) -> str:
    """That an item is one of several of its name; empty where it is the only one, or was pointed at."""
    for _, codes in ctx.names.find_titles(ctx.question):
        if ctx.code(item) in codes and len(codes) > 1:
            title = ctx.title(ctx.code(item), whole=True)
            return steer_say(ctx, "one_size", n=len(codes), title=title)
    return ""


def read_topic(ctx: ToolContext, *, facet_only: bool = False) -> SteerArgs | Draft:
    """The interest, category or item that a wish for more or less is about.

    Args:
        facet_only: only interests can be pinned; an item or category stands for the interest it is in.
    """
    named = named_items(ctx, plain=False)
    if isinstance(named, Draft):
        return named
    topic = _kind_named(ctx)
    if topic is not None:
        named = []
    elif not named:
        topic = find_topic(without_periods(ctx.question, periods_of(ctx)), ctx.names, ctx.facets)
        if topic is None and ctx.state.focus and _of_focus(ctx.question):
            named = [ctx.state.focus[0]]
    if facet_only:
        return _facet_of(ctx, named, topic)
    if topic is not None:
        # The nearest category may be one that is not to be named: then the person's own words stand for it.
        unsaid = topic.kind == "category" and normal(topic.name) in ctx.care.declared - ctx.state.named
        name = " ".join(content_words(ctx.question)) if unsaid else topic.name
        sure = not is_wider(topic, content_words(ctx.question))
        return SteerArgs(kind=topic.kind, target=topic.target, name=ctx.marked(name), sure=sure)
    if not named and (single := by_words(ctx, content_words(ctx.question))):
        named = [single]
    if not named and isinstance(plain := named_items(ctx), list):
        named = plain
    if named:
        title = ctx.title(ctx.code(named[0]))
        return SteerArgs(kind="item", target=named[0], name=title, note=_one_size(ctx, named[0]))
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
