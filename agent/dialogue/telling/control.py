"""What changes the lists: pin, mute, less, more, gift, forget, undo, and the constraints of the talk."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.changes import named
from agent.dialogue.talk.constraints import Constraint
from agent.dialogue.talk.context import TalkState, ToolContext
from agent.dialogue.talk.phrases import say
from agent.dialogue.telling.constraints import names_of
from agent.interests.evidence import day_name
from agent.interests.feedback import MAX_STEPS

if TYPE_CHECKING:
    from agent.schema import Feedback, FeedbackAction, FeedbackTarget

# How much of the list before and after is compared, and how much of the difference is named.
_DEPTH: Final = 10
_NAMED: Final = 4
# Among how many of the list the items of an interest or category are counted.
_COUNTED: Final = 50


def steer(
    ctx: ToolContext, action: FeedbackAction, target: str, kind: FeedbackTarget, name: str
) -> tuple[Draft, TalkState]:
    """Pins, mutes, or asks for less or more; says how the next list differs."""
    before, place_before = _list(ctx), _place(ctx, kind, target)
    given = [ctx.give(action, target, kind)]
    after, place_after = _list(ctx), _place(ctx, kind, target)
    # One step of "less" or "more" may be too small to show: the person asked for a list that differs.
    while (
        action in ("less", "more")
        and (place_after == place_before or after[:_DEPTH] == before[:_DEPTH])
        and len(given) < MAX_STEPS
        and not ctx.elsewhere()
    ):
        given.append(ctx.give(action, target, kind))
        after, place_after = _list(ctx), _place(ctx, kind, target)
    ids = tuple(entry.feedback_id for entry in given)
    lead = Sentence(say(ctx, f"did_{action}", name=name), tuple(f"feedback:{number}" for number in ids))
    focus = (target,) if kind == "item" else ctx.state.focus
    if mixed := _mixed(ctx):
        return _unattributed(ctx, lead, mixed), _noted(ctx, ids, before, focus=focus)
    draft = _changed(ctx, lead, before[:_DEPTH], after[:_DEPTH])
    facts = {**draft.facts, "place_before": place_before, "place_after": place_after}
    if place_before != place_after:
        measured = Sentence(
            _place_words(ctx, kind, name, place_before, place_after),
            ("fact:place_before", "fact:place_after"),
        )
        draft = dataclasses.replace(draft, sentences=(lead, measured, *draft.sentences[1:]))
    if action == "less" and after[:_DEPTH] == before[:_DEPTH]:
        hint = Sentence(say(ctx, "next_mute", name=name), claim=False)
        draft = dataclasses.replace(draft, sentences=(*draft.sentences, hint))
    draft = dataclasses.replace(draft, facts=facts)
    return draft, _noted(ctx, ids, before, focus=focus)


def _place(ctx: ToolContext, kind: FeedbackTarget, target: str) -> int | None:
    """Where an item stands; of an interest or category, how many stand among the first."""
    if kind == "item":
        return ctx.rank(ctx.query(), target)
    found = ctx.host.recommend(ctx.query(_COUNTED))
    if kind == "category":
        return sum(target in entry.categories for entry in found)
    return sum(target in entry.facets for entry in found)


def _place_words(
    ctx: ToolContext, kind: FeedbackTarget, name: str, before: int | None, after: int | None
) -> str:
    if kind != "item":
        return say(ctx, "next_count", name=name, before=before, after=after, k=_COUNTED)
    place = say(ctx, "next_nowhere") if after is None else say(ctx, "next_at", rank=after)
    return say(ctx, "next_rank", title=name, before="–" if before is None else before, place=place)


def set_aside(
    ctx: ToolContext, interaction_ids: Sequence[int], name: str, *, forget: bool, less_of: str = ""
) -> tuple[Draft, TalkState]:
    """Lets events count no more: a gift, someone else's doing, or to be forgotten.

    Args:
        less_of: id of an item of which the person wants less besides; empty for none.
    """
    before = _list(ctx)
    given = [_gift(ctx, item, day) for item, day in _occasions(ctx, interaction_ids)]
    given += [ctx.give("gift", str(number), "interaction") for number in _searches(ctx, interaction_ids)]
    lesser: list[Feedback] = []
    after = _list(ctx)
    while less_of and len(lesser) < MAX_STEPS and (not lesser or after[:_DEPTH] == before[:_DEPTH]):
        lesser.append(ctx.give("less", less_of, "item"))
        after = _list(ctx)
    given += lesser
    key = "did_forget" if forget else "did_gift"
    text = say(ctx, key, n=len(interaction_ids), name=name)
    marks = (
        *(f"#{number}" for number in interaction_ids),
        *(f"feedback:{entry.feedback_id}" for entry in given),
    )
    lead = Sentence(text, marks)
    mixed = _mixed(ctx)
    draft = _unattributed(ctx, lead, mixed) if mixed else _changed(ctx, lead, before[:_DEPTH], after[:_DEPTH])
    if lesser:
        also = tuple(f"feedback:{entry.feedback_id}" for entry in lesser)
        text = say(ctx, "and_less", name=ctx.title(ctx.code(less_of)))
        first, *rest = draft.sentences
        draft = dataclasses.replace(draft, sentences=(first, Sentence(text, also), *rest))
    ids = tuple(entry.feedback_id for entry in given)
    return draft, _noted(ctx, ids, before)


def _noted(ctx: ToolContext, ids: tuple[int, ...], before: tuple[str, ...], **changes: object) -> TalkState:
    """The state of the talk with a change that one “undo” takes back."""
    held = tuple((number, ctx.state.constraints) for number in ids[:1])
    return ctx.keep(
        before=(*ctx.state.before, (ids, before)), held_before=(*ctx.state.held_before, *held), **changes
    )


def _gift(ctx: ToolContext, item: int, day: int) -> Feedback:
    return ctx.give("gift", ctx.host.catalogue.item_ids[item], "item", value=day_name(day))


def _occasions(ctx: ToolContext, interaction_ids: Sequence[int]) -> list[tuple[int, int]]:
    """The items and days of those events: one piece of feedback stands for all events of an item on a day."""
    log = ctx.host.log
    rows = ctx.rows_of_ids(interaction_ids)
    pairs = ((int(log.item[row]), int(log.day[row])) for row in rows if log.item[row] >= 0)
    return list(dict.fromkeys(pairs))


def _searches(ctx: ToolContext, interaction_ids: Sequence[int]) -> list[int]:
    log = ctx.host.log
    rows = ctx.rows_of_ids(interaction_ids)
    return [int(log.interaction_id[row]) for row in rows if log.item[row] < 0]


def _list(ctx: ToolContext, constraints: Sequence[Constraint] | None = None) -> tuple[str, ...]:
    query = ctx.query(_COUNTED, constraints=constraints)
    found = ctx.host.recommend(dataclasses.replace(query, explain=False))
    return tuple(str(entry.item_id) for entry in found)


def _changed(ctx: ToolContext, lead: Sentence, before: Sequence[str], after: Sequence[str]) -> Draft:
    """The change, what it did to the next list, and how to take it back."""
    facts: dict[str, object] = {"before": list(before), "after": list(after)}
    marks = ("fact:before", "fact:after")
    parts: list[str] = []
    titles = ctx.host.catalogue.titles
    # One thing is sold under many ids: for the reader its title is what comes and goes.
    then, now = ({titles[ctx.code(item)] for item in ids} for ids in (before, after))
    come = [item for item in after if titles[ctx.code(item)] not in then]
    gone = [item for item in before if titles[ctx.code(item)] not in now]
    for key, ids in (("next_out", gone), ("next_in", come)):
        if ids:
            shown = say(ctx, "comma").join(ctx.title(ctx.code(item), whole=True) for item in ids[:_NAMED])
            parts.append(say(ctx, key, shown=shown))
    if not parts:
        moved = [item for item in after if item in before and after.index(item) != before.index(item)]
        moved.sort(key=lambda item: -abs(after.index(item) - before.index(item)))
        parts = [
            say(
                ctx, "next_moved", title=ctx.title(ctx.code(item), whole=True),
                before=before.index(item) + 1, after=after.index(item) + 1,
            )
            for item in moved[:_NAMED]
        ]  # fmt: skip
    if parts:
        text = say(ctx, "next_list", shown=say(ctx, "semicolon").join(parts))
    else:
        text = say(ctx, "next_same", k=_DEPTH)
    items = tuple(f"item:{item}" for item in (*gone[:_NAMED], *come[:_NAMED]))
    return Draft((lead, Sentence(text, (*marks, *items)), Sentence(say(ctx, "how_undo"), claim=False)), facts)


def undo(ctx: ToolContext, feedback_id: int | None, chosen: tuple[int, ...] = ()) -> tuple[Draft, TalkState]:
    """Takes back one piece of feedback, or the last change of the talk as a whole; says what the list did.

    `chosen` are numbers of the feedback that was named; they go before `feedback_id`.
    """
    groups = ctx.state.before
    given = {entry.feedback_id: entry for entry in ctx.host.feedback()}
    live = [number for number, entry in given.items() if not entry.undone and entry.action != "undo"]
    if chosen:
        group = next((entry for entry in groups if set(chosen) & set(entry[0])), None)
        numbers = tuple(number for number in chosen if number in live)
    elif feedback_id is None:
        group = next((entry for entry in reversed(groups) if set(entry[0]) & set(live)), None)
        numbers = tuple(n for n in group[0] if n in live) if group else _said_last(given, live)
    else:
        group = next((entry for entry in groups if feedback_id in entry[0]), None)
        numbers = (feedback_id,) if feedback_id in live else ()
    if not numbers:
        text = say(ctx, "undo_none")
        return Draft((Sentence(text, ("fact:feedback",)),), {"feedback": len(live)}), ctx.state
    for number in reversed(numbers):
        ctx.take_back(number)
    held = dict(ctx.state.held_before).get(group[0][0]) if group else None
    after = _list(ctx, held)
    name = _taken_back(ctx, [given[number] for number in numbers])
    marks = tuple(f"feedback:{number}" for number in numbers)
    sentences = [Sentence(say(ctx, "undone", name=name), marks)]
    facts: dict[str, object] = {"after": list(after)}
    if group is not None and set(numbers) == set(group[0]):
        facts["before"] = list(group[1])
        if held is not None and held != ctx.state.constraints:
            shown = say(ctx, "comma").join(names_of(ctx, held)) or say(ctx, "held_no")
            sentences.append(Sentence(say(ctx, "undone_held", shown=shown), claim=False))
        n = sum(one != other for one, other in zip(group[1], after, strict=False))
        n += abs(len(group[1]) - len(after))
        text = say(ctx, "undone_differs", n=n) if n else say(ctx, "undone_exact")
        sentences.append(Sentence(text, ("fact:before", "fact:after")))
    kept = tuple(entry for entry in groups if not set(entry[0]) & set(numbers))
    still = tuple(entry for entry in ctx.state.held_before if entry[0] not in numbers)
    return Draft(tuple(sentences), facts), ctx.keep(before=kept, held_before=still)


def _mixed(ctx: ToolContext) -> Sentence | None:
    """That feedback from elsewhere came in while this question was worked on; None when none did."""
    others = ctx.elsewhere()
    if not others:
        return None
    shown = say(ctx, "comma").join(dict.fromkeys(named(ctx, entry) for entry in others))
    marks = tuple(f"feedback:{entry.feedback_id}" for entry in others)
    return Sentence(say(ctx, "mixed", shown=shown), marks)


def _unattributed(ctx: ToolContext, lead: Sentence, mixed: Sentence) -> Draft:
    """A change of which nobody can say what it alone did to the list."""
    return Draft((lead, mixed, Sentence(say(ctx, "how_undo"), claim=False)))


def _said_last(given: Mapping[int, Feedback], live: Sequence[int]) -> tuple[int, ...]:
    """All of the last sentence that stands; where none was noted, the latest steps of one wish."""
    if live and given[live[-1]].utterance:
        return tuple(n for n in live if given[n].utterance == given[live[-1]].utterance)
    run: list[int] = []
    for number in reversed(live):
        entry, last = given[number], given[live[-1]]
        if (entry.action, entry.target_kind, entry.target) != (last.action, last.target_kind, last.target):
            break
        run.append(number)
    return tuple(reversed(run))


def _taken_back(ctx: ToolContext, entries: Sequence[Feedback]) -> str:
    """What is taken back, in one line: of several gifts, how many events count again."""
    gifts = [entry for entry in entries if entry.action == "gift"]
    names = [named(ctx, entry) for entry in entries if len(gifts) < 2 or entry.action != "gift"]
    if len(gifts) > 1:
        names.insert(0, say(ctx, "undone_events", n=len(set[int]().union(*(_rows(ctx, g) for g in gifts)))))
    return say(ctx, "comma").join(dict.fromkeys(names))


def _rows(ctx: ToolContext, gift: Feedback) -> set[int]:
    """Rows of the events that a gift sets aside."""
    if gift.target_kind == "interaction":
        return {int(row) for row in ctx.rows_of_ids([int(gift.target)])}
    if gift.target not in ctx.host.catalogue.item_codes:
        return set()
    rows = (int(row) for row in ctx.rows_of_item(ctx.code(gift.target)))
    return {row for row in rows if not gift.value or ctx.day(row) == gift.value}
