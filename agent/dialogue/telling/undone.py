"""Taking changes back, one or several, and what that did to the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.changes import named
from agent.dialogue.talk.constraints import Constraint
from agent.dialogue.talk.context import TalkState, ToolContext
from agent.dialogue.talk.phrases import say
from agent.dialogue.talk.steer_words import steer_say
from agent.dialogue.talk.tool_args import UndoArgs
from agent.dialogue.telling.constraints import names_of
from agent.dialogue.telling.control import list_ids

if TYPE_CHECKING:
    from agent.schema import Feedback

Group = tuple[tuple[int, ...], tuple[str, ...]]


def undo(ctx: ToolContext, wanted: UndoArgs) -> tuple[Draft, TalkState]:
    """Takes back the feedback that was named, or the last change of the talk; says what the list did."""
    given = {entry.feedback_id: entry for entry in ctx.host.feedback()}
    live = [number for number, entry in given.items() if not entry.undone and entry.action != "undo"]
    numbers = _numbers(ctx, wanted, given, live)
    if not numbers:
        text = say(ctx, "undo_none")
        return Draft((Sentence(text, ("fact:feedback",)),), {"feedback": len(live)}), ctx.state
    for number in reversed(numbers):
        ctx.take_back(number)
    touched = [group for group in ctx.state.before if wanted.everything or set(group[0]) & set(numbers)]
    for group in () if wanted.everything else touched:
        _mute_again(ctx, group, given)
    name = _taken_back(ctx, [given[number] for number in numbers])
    sentences = [Sentence(say(ctx, "undone", name=name), tuple(f"feedback:{number}" for number in numbers))]
    if wanted.note:
        sentences.append(Sentence(wanted.note, claim=False))
    facts: dict[str, object] = {}
    left = [number for number in live if number not in numbers]
    older = bool(touched) and min(numbers) < min(touched[0][0])
    # Where changes from before this talk are taken back too, there is no list of then to compare with.
    if touched and not older and not any(set(group[0]) & set(left) for group in touched):
        compared, facts = _compared(ctx, touched[0], [given[n] for n in left if n > min(numbers)])
        sentences += compared
    kept = tuple(entry for entry in ctx.state.before if entry not in touched)
    firsts = {group[0][0] for group in touched}
    still = tuple(entry for entry in ctx.state.held_before if entry[0] not in firsts)
    return Draft(tuple(sentences), facts), ctx.keep(before=kept, held_before=still)


def _numbers(
    ctx: ToolContext, wanted: UndoArgs, given: Mapping[int, Feedback], live: Sequence[int]
) -> tuple[int, ...]:
    """The feedback in force that is to be taken back, oldest first."""
    if wanted.feedback_ids:
        return tuple(sorted(number for number in wanted.feedback_ids if number in live))
    if wanted.feedback_id is not None:
        return (wanted.feedback_id,) if wanted.feedback_id in live else ()
    groups = ctx.state.before
    group = next((entry for entry in reversed(groups) if set(entry[0]) & set(live)), None)
    return tuple(n for n in group[0] if n in live) if group else _said_last(given, live)


def _mute_again(ctx: ToolContext, group: Group, given: Mapping[int, Feedback]) -> None:
    """Gives again the mutes that the change had lifted: without it they stand."""
    for number in group[0]:
        if number in given and given[number].action == "undo":
            lifted = given[int(given[number].target)]
            ctx.give(lifted.action, lifted.target, lifted.target_kind, value=lifted.value)


def _compared(
    ctx: ToolContext, group: Group, later: Sequence[Feedback]
) -> tuple[list[Sentence], dict[str, object]]:
    """How the list stands to the one before the oldest change that was taken back."""
    numbers, before = group
    held: tuple[Constraint, ...] | None = dict(ctx.state.held_before).get(numbers[0])
    after = list_ids(ctx, held)
    sentences: list[Sentence] = []
    if held is not None and held != ctx.state.constraints:
        shown = say(ctx, "comma").join(names_of(ctx, held)) or say(ctx, "held_no")
        sentences.append(Sentence(say(ctx, "undone_held", shown=shown), claim=False))
    n = sum(one != other for one, other in zip(before, after, strict=False)) + abs(len(before) - len(after))
    text = say(ctx, "undone_exact")
    if n and later:
        shown = say(ctx, "comma").join(dict.fromkeys(named(ctx, entry) for entry in later))
        text = steer_say(ctx, "others_hold", shown=shown)
    elif n:
        text = say(ctx, "undone_differs", n=n)
    sentences.append(Sentence(text, ("fact:before", "fact:after")))
    return sentences, {"before": list(before), "after": list(after)}


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
