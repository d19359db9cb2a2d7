"""What changes the lists: pin, mute, less, more, gift, forget; and what each change did to them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.changes import named
from agent.dialogue.talk.constraints import Constraint
from agent.dialogue.talk.context import TalkState, ToolContext
from agent.dialogue.talk.phrases import say
from agent.dialogue.talk.steer_words import steer_say
from agent.dialogue.talk.tool_args import SteerStep
from agent.dialogue.telling.constraints import names_of
from agent.interests.evidence import day_name
from agent.interests.feedback import MAX_STEPS

if TYPE_CHECKING:
    from agent.schema import Feedback, FeedbackTarget

# How much of the list before and after is compared, and how much of the difference is named.
_DEPTH: Final = 10
_NAMED: Final = 4
# Among how many of the list the items of an interest or category are counted.
_COUNTED: Final = 50


def steer(ctx: ToolContext, steps: Sequence[SteerStep]) -> tuple[Draft, TalkState]:
    """Pins, mutes, or asks for less or more, of one thing or several; says how the next list differs.

    How far “less” and “more” go is measured without the filters of the talk, which may hide what they do.
    """
    before, plain_before = list_ids(ctx), list_ids(_unfiltered(ctx))
    done = [_take_step(ctx, step) for step in steps]
    after, plain_after = list_ids(ctx), list_ids(_unfiltered(ctx))
    ids = tuple(number for one in done for number in one.ids)
    focus = tuple(step.target for step in steps if step.kind == "item") or ctx.state.focus
    leads = [one.lead for one in done]
    if mixed := _mixed(ctx):
        return _unattributed(ctx, leads, mixed), _noted(ctx, ids, before, focus=focus)
    draft = _changed(ctx, leads[0], before[:_DEPTH], after[:_DEPTH])
    sentences, facts = [], dict(draft.facts)
    for number, (step, one) in enumerate(zip(steps, done, strict=True), start=1):
        sentences.append(one.lead)
        if one.place_before != one.place_after:
            end = "" if number == 1 else f"_{number}"
            keys = f"place_before{end}", f"place_after{end}"
            facts |= dict(zip(keys, (one.place_before, one.place_after), strict=True))
            text = _place_words(ctx, step.kind, step.name, one.place_before, one.place_after)
            sentences.append(Sentence(text, tuple(f"fact:{key}" for key in keys)))
    sentences += draft.sentences[1:]
    if before[:_DEPTH] == after[:_DEPTH] and plain_before[:_DEPTH] != plain_after[:_DEPTH]:
        shown = say(ctx, "comma").join(names_of(ctx, ctx.state.constraints))
        sentences.append(Sentence(steer_say(ctx, "under_filter", shown=shown), claim=False))
    elif len(steps) == 1 and steps[0].action == "less" and before[:_DEPTH] == after[:_DEPTH]:
        sentences.append(Sentence(say(ctx, "next_mute", name=steps[0].name), claim=False))
    return Draft(tuple(sentences), facts), _noted(ctx, ids, before, focus=focus)


@dataclasses.dataclass(frozen=True, slots=True)
class _Taken:
    """What one wish came to: the numbers of its feedback, what is said of it, and places before and after."""

    ids: tuple[int, ...]
    lead: Sentence
    place_before: int | None
    place_after: int | None


def _take_step(ctx: ToolContext, step: SteerStep) -> _Taken:
    plain = _unfiltered(ctx)
    lifted = _lift(ctx, step)
    before, place_before = list_ids(plain), _place(plain, step.kind, step.target)
    ids = [*lifted, *_give(ctx, step)]
    after, place_after = list_ids(plain), _place(plain, step.kind, step.target)
    n_given = 1
    # One step of "less" or "more" may be too small to show: the person asked for a list that differs.
    while (
        step.action in ("less", "more")
        and (place_after == place_before or after[:_DEPTH] == before[:_DEPTH])
        and n_given < MAX_STEPS
        and not ctx.elsewhere()
    ):
        ids += _give(ctx, step)
        n_given += 1
        after, place_after = list_ids(plain), _place(plain, step.kind, step.target)
    text = say(ctx, f"did_{step.action}", name=step.name)
    if lifted:
        text = f"{text}{' ' if ctx.language == 'en' else ''}{steer_say(ctx, 'unmuted')}"
    if step.twins:
        text = (
            f"{text}{' ' if ctx.language == 'en' else ''}{steer_say(ctx, 'all_sizes', n=1 + len(step.twins))}"
        )
    return _Taken(
        tuple(ids), Sentence(text, tuple(f"feedback:{number}" for number in ids)), place_before, place_after
    )


def _give(ctx: ToolContext, step: SteerStep) -> list[int]:
    """Numbers of the feedback: of the thing itself and of its other sizes and brands."""
    targets = (step.target, *step.twins)
    return [ctx.give(step.action, target, step.kind).feedback_id for target in targets]


def _lift(ctx: ToolContext, step: SteerStep) -> list[int]:
    """Numbers of the undoing of mutes that a wish for less or more of the same thing contradicts."""
    if step.action not in ("less", "more"):
        return []
    mutes = [
        entry.feedback_id
        for entry in ctx.host.feedback()
        if not entry.undone
        and (entry.action, entry.target_kind) == ("mute", step.kind)
        and entry.target in (step.target, *step.twins)
    ]
    return [ctx.take_back(number).feedback_id for number in mutes]


def _unfiltered(ctx: ToolContext) -> ToolContext:
    return dataclasses.replace(ctx, state=dataclasses.replace(ctx.state, constraints=()))


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
    if before is None:
        return steer_say(ctx, "now_at", title=name, place=place)
    return say(ctx, "next_rank", title=name, before=before, place=place)


def set_aside(
    ctx: ToolContext, interaction_ids: Sequence[int], name: str, *, forget: bool, less_of: str = ""
) -> tuple[Draft, TalkState]:
    """Lets events count no more: a gift, someone else's doing, or to be forgotten.

    Args:
        less_of: id of an item of which the person wants less besides; empty for none.
    """
    before = list_ids(ctx)
    given = [_gift(ctx, item, day) for item, day in _occasions(ctx, interaction_ids)]
    given += [ctx.give("gift", str(number), "interaction") for number in _searches(ctx, interaction_ids)]
    lesser: list[Feedback] = []
    after = list_ids(ctx)
    while less_of and len(lesser) < MAX_STEPS and (not lesser or after[:_DEPTH] == before[:_DEPTH]):
        lesser.append(ctx.give("less", less_of, "item"))
        after = list_ids(ctx)
    given += lesser
    key = "did_forget" if forget else "did_gift"
    text = say(ctx, key, n=len(interaction_ids), name=name)
    marks = (
        *(f"#{number}" for number in interaction_ids),
        *(f"feedback:{entry.feedback_id}" for entry in given),
    )
    lead = Sentence(text, marks)
    mixed = _mixed(ctx)
    draft = (
        _unattributed(ctx, [lead], mixed) if mixed else _changed(ctx, lead, before[:_DEPTH], after[:_DEPTH])
    )
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
        before=(*ctx.state.before, (ids, before)),
        held_before=(*ctx.state.held_before, *held),
        just=ids,
        **changes,
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


def list_ids(ctx: ToolContext, constraints: Sequence[Constraint] | None = None) -> tuple[str, ...]:
    """Ids of a long list under `constraints`, those of the talk by default."""
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


def _mixed(ctx: ToolContext) -> Sentence | None:
    """That feedback from elsewhere came in while this question was worked on; None when none did."""
    others = ctx.elsewhere()
    if not others:
        return None
    shown = say(ctx, "comma").join(dict.fromkeys(named(ctx, entry) for entry in others))
    marks = tuple(f"feedback:{entry.feedback_id}" for entry in others)
    return Sentence(say(ctx, "mixed", shown=shown), marks)


def _unattributed(ctx: ToolContext, leads: Sequence[Sentence], mixed: Sentence) -> Draft:
    """A change of which nobody can say what it alone did to the list."""
    return Draft((*leads, mixed, Sentence(say(ctx, "how_undo"), claim=False)))
