"""From a wish for more, less or none of something to what it is about."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Final, Literal

from agent.dialogue.reading.items import FACETS_NAMED, named_items, periods_of, read_list
from agent.dialogue.sentences.lexicon import TOKEN, content_words, stem
from agent.dialogue.sentences.mentions import (
    Topic,
    find_places,
    find_topic,
    is_wider,
    kind_topic,
    means_shown,
    normal,
)
from agent.dialogue.sentences.periods import without_periods
from agent.dialogue.sentences.rules import RULES
from agent.dialogue.sentences.rules_en import KIN
from agent.dialogue.sentences.rules_zh import KIN_ZH
from agent.dialogue.sentences.second_thoughts import asks_further
from agent.dialogue.sentences.stance import reports
from agent.dialogue.sentences.tool_names import ToolName
from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.changes import named as named_change
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.item_choice import by_words
from agent.dialogue.talk.phrases import ACTIONS, say
from agent.dialogue.talk.steer_words import steer_say
from agent.dialogue.talk.tool_args import SteerArgs, SteerStep
from agent.llm.fence import fence

# A command of so few words is about what was spoken of.
_FEW_WORDS: Final = 3
# From this weight a rule asks for something by itself.
_CLEAR: Final = 3
SteerName = Literal["less", "more", "mute", "pin"]
_STEERS: Final[tuple[SteerName, ...]] = ("less", "more", "mute", "pin")
_THEM: Final = re.compile(r"\b(?:them|those)\b|它们|那些", re.IGNORECASE)
# What joins two kinds of thing in the name of one interest.
_BESIDE: Final = " / "
# What joins two things of one wish.
_JOINED: Final = re.compile(r"\s+(?:and|plus|or|nor)\s+|\s*[&,，、]\s*|和|与|跟|以及", re.IGNORECASE)
# Who likes something, and that they do.
_PEOPLE: Final = re.compile(
    rf"\b(?:my|our|the) {KIN}\b|\b(?:loves?|likes?|adores?|enjoys?|eats?|drinks?|hates?)\b|{KIN_ZH}|喜欢|爱吃|爱喝",
    re.IGNORECASE,
)
# How something tastes or is: no kind of thing.
_TASTE: Final = re.compile(
    r"\b(?:less|more|not so|too) (?P<word>salty|sweet|spicy|sour|bitter|fruity|greasy|fatty|fat|oily|sugary|creamy|crunchy|juicy|heavy|light|healthy|fancy|tasty|filling|mild|savou?ry|hot|rich)(?: (?:stuff|things|food|ones|items|please|then))*\W*$"
    r"|^\W*(?:太|再|要)?(?P<zh>油腻|清淡|咸|甜|辣|淡|酸|油|腻)(?:了|一?[点些])",
    re.IGNORECASE,
)
# Where one wish ends and another begins.
_CLAUSE_END: Final = re.compile(
    r"[,;.!?，；。！？]+\s*(?:and |but |then |rather |so )?|\s+(?:but|rather)\s+"
    r"|\s+and\s+(?=(?:show|give|recommend|suggest|more|less|fewer|mute|hide|block|ban|pin|stop|also)\b)|但是|而是|不过|但",
    re.IGNORECASE,
)


def read_steer(ctx: ToolContext, tool: SteerName) -> SteerArgs | Draft:
    """What a wish for more, less or none of something is about: by the part of the sentence that says so.

    “No beer, recommend cheese” is about beer; the rest is a wish for a list, which follows.
    """
    said, rest = clauses(ctx.question, tool)
    if (taste := _TASTE.search(said)) and not ctx.names.find_titles(said):
        return Draft(
            (Sentence(steer_say(ctx, "no_taste", word=fence(taste["word"] or taste["zh"])), claim=False),)
        )
    found = read_topic(dataclasses.replace(ctx, question=said))
    if rest and not content_words(said) and not find_places(said, 99):
        # “My daughter loves ice cream, show more of that”, “牛奶我不想要了，别再推荐”: what is meant stands before.
        found = _first_topic(ctx, rest) or found
    if isinstance(found, Draft):
        return found
    also = _also_named(ctx, said, tool, found)
    others, not_done = _other_wishes(ctx, rest, tool)
    then = None if not_done or not _wants_list(rest) else read_list(dataclasses.replace(ctx, question=rest))
    if then is not None and (not then.constraints or others):
        then = None
    taken = {(found.kind, found.target)}
    further = [step for step in (*also, *others) if (step.kind, step.target) not in taken]
    return found.model_copy(update={"also": tuple(further), "then": then, "not_done": not_done})


def read_turned(ctx: ToolContext, tool: ToolName) -> SteerArgs | Draft:
    """What “not less, more” and “no, mute it” are about: what the turn before changed, nothing older."""
    kinds = ("facet", "category", "item")
    given = [entry for entry in ctx.host.feedback() if entry.feedback_id in ctx.state.just]
    last = next((one for one in given if one.action in _STEERS and one.target_kind in kinds), None)
    if last is None:
        return _no_topic(ctx)
    name = named_change(ctx, last).removeprefix(f"{ACTIONS[ctx.language][last.action]} ")
    return SteerArgs.model_validate({"kind": last.target_kind, "target": last.target, "name": name})


def _other_wishes(ctx: ToolContext, rest: str, tool: SteerName) -> tuple[list[SteerStep], str]:
    """What the rest wishes more, less or none of, and the part of it that cannot be done; empty for none."""
    steps: list[SteerStep] = []
    for part in (piece.strip() for piece in _CLAUSE_END.split(rest)):
        other = next((name for name in _STEERS if name != tool and part and _asks(part, name)), None)
        if other is None or asks_further(part):
            continue
        found = read_topic(dataclasses.replace(ctx, question=part))
        if isinstance(found, Draft) or not found.sure:
            return steps, part
        steps.append(SteerStep(action=other, kind=found.kind, target=found.target, name=found.name))
    return steps, ""


def _first_topic(ctx: ToolContext, text: str) -> SteerArgs | None:
    """What the first part of a text that names something is about."""
    for part in _CLAUSE_END.split(text):
        plain = _PEOPLE.sub(" ", part)
        if content_words(plain):
            found = read_topic(dataclasses.replace(ctx, question=plain))
            if isinstance(found, SteerArgs):
                return found
    return None


def wish_in(rest: str) -> str:
    """The part of a sentence that wishes for more, less or none of something; empty for none."""
    parts = (piece.strip() for piece in _CLAUSE_END.split(rest) if piece and piece.strip())
    return next((part for part in parts if any(_asks(part, name) for name in _STEERS)), "")


def _asks(part: str, tool: ToolName) -> bool:
    """Whether a rule takes a part of a sentence for a wish of that kind by itself."""
    entries = [entry for rules in RULES.values() for entry in rules[tool]]
    return any(weight >= _CLEAR and pattern.search(part) for pattern, weight in entries)


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
    plain = [part for part in asking if not reports(part)]
    asking = plain or asking
    if not asking or len(asking) == len(parts):
        return question, ""
    rest = [part for part in parts if part not in asking]
    return ", ".join(asking), ", ".join(rest)


def _wants_list(rest: str) -> bool:
    entries = [entry for rules in RULES.values() for entry in (*rules["recommend"], *rules["more"])]
    return bool(rest) and any(weight >= 2 and pattern.search(rest) for pattern, weight in entries)


def _also_named(ctx: ToolContext, said: str, tool: SteerName, found: SteerArgs) -> list[SteerStep]:
    """What else is named in the same breath: “mute beer and cigarettes”, “never show me number 2 and 4”."""
    if found.kind == "item":
        named = named_items(dataclasses.replace(ctx, question=said), plain=False)
        places = [] if isinstance(named, Draft) or not find_places(said, 99) else named
        return [
            SteerStep(action=tool, kind="item", target=item, name=ctx.title(ctx.code(item)))
            for item in places
            if item != found.target
        ]
    steps: list[SteerStep] = []
    for part in _JOINED.split(said):
        if not content_words(part) or normal(part) == normal(said):
            continue
        one = read_topic(dataclasses.replace(ctx, question=part))
        if isinstance(one, Draft) or not one.sure or one.kind == "item":
            continue
        steps.append(SteerStep(action=tool, kind=one.kind, target=one.target, name=one.name))
    whole = find_topic(said, ctx.names, ctx.facets)
    if whole is not None and _JOINED.search(whole.name) and normal(whole.name) in normal(said):
        return []
    return steps


def _kind_named(ctx: ToolContext) -> Topic | None:
    """The kind of thing that a name stands for when many items bear it, or an interest or category does."""
    for (start, end), codes in ctx.names.find_titles(ctx.question):
        said = ctx.question[start:end]
        topic = kind_topic(said, ctx.names, ctx.facets)
        same = topic is not None and normal(topic.name) == normal(said)
        if topic is not None and (same or len(codes) > 1):
            return topic
    return None


def _twins(ctx: ToolContext, item: str) -> tuple[str, ...]:
    """The other sizes and brands of what was named: “no bananas” means all of them, “number 2” that one."""
    for _, codes in ctx.names.find_titles(ctx.question):
        if ctx.code(item) in codes:
            ids = ctx.host.catalogue.item_ids
            return tuple(ids[code] for code in codes if ids[code] != item)
    return ()


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
        return _of_topic(ctx, topic)
    if not named and (single := by_words(ctx, content_words(ctx.question))):
        named = [single]
    if not named and isinstance(plain := named_items(ctx), list):
        named = plain
    if named:
        title = ctx.title(ctx.code(named[0]))
        return SteerArgs(kind="item", target=named[0], name=title, twins=_twins(ctx, named[0]))
    return _no_topic(ctx)


def _of_topic(ctx: ToolContext, topic: Topic) -> SteerArgs:
    """A wish about an interest or category, as it is to be named."""
    # The nearest category may be one that is not to be named: then the person's own words stand for it.
    words = content_words(ctx.question)
    unsaid = topic.kind == "category" and normal(topic.name) in ctx.care.declared - ctx.state.named
    sure = _leads(words, topic.name) or not is_wider(topic, words)
    if not sure and _BESIDE in topic.name and isinstance(exact := named_items(ctx), list) and exact:
        # “More bananas” is no wish for what an interest joins with them.
        title = ctx.title(ctx.code(exact[0]))
        return SteerArgs(kind="item", target=exact[0], name=title, twins=_twins(ctx, exact[0]))
    name = " ".join(words) if unsaid else topic.name
    return SteerArgs(kind=topic.kind, target=topic.target, name=ctx.marked(name), sure=sure)


def _leads(words: Sequence[str], name: str) -> bool:
    """Whether a name begins with what was said: “bread” is “Bread, buns and rolls”, no “Bananas / Green beans”."""
    said, whole = [stem(word) for word in words], [stem(word) for word in normal(name).split()]
    return bool(said) and _BESIDE not in name and whole[: len(said)] == said


def _of_focus(question: str) -> bool:
    """Whether a wish without a topic means what was spoken of: “less of this”, “mute”; no ramble does."""
    if content_words(question):
        return False
    return means_shown(question) or bool(_THEM.search(question)) or len(TOKEN.findall(question)) <= _FEW_WORDS


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
