"""The tools of a talk: what each is for, how its arguments are read, what it does."""

# ruff: noqa: E501 - a table with a row per tool

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from agent.data.days import moment
from agent.dialogue.reading import events as read_events
from agent.dialogue.reading import items as reading
from agent.dialogue.reading import steer as read_steer
from agent.dialogue.reading import undo as read_undo
from agent.dialogue.reading.search import read_search
from agent.dialogue.sentences.periods import Period
from agent.dialogue.sentences.tool_names import ToolName
from agent.dialogue.talk import tool_args as args
from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.constraints import Constraint
from agent.dialogue.talk.context import Pending, TalkState, ToolContext
from agent.dialogue.talk.phrases import say
from agent.dialogue.talk.steer_words import steer_say
from agent.dialogue.telling import change as tell_change
from agent.dialogue.telling import compare as tell_compare
from agent.dialogue.telling import constraints as tell_constraints
from agent.dialogue.telling import control as tell_control
from agent.dialogue.telling import history as tell_history
from agent.dialogue.telling import items as tell_items
from agent.dialogue.telling import lists as tell_lists
from agent.dialogue.telling import person as tell_person
from agent.dialogue.telling.small_talk import read_talk, refuse, talk
from agent.dialogue.telling.topic import explain_topic
from agent.dialogue.telling.undone import undo
from agent.dialogue.things import Read, Run, with_things
from agent.interests.words import Language
from agent.llm.fence import fence

# Setting aside more events than this at once needs a yes.
CONFIRM_ABOVE: Final = 25
_TALK: Final = re.compile(r"\b(?:chat|talk|conversation|session)\b|聊天|对话|谈话|会话", re.IGNORECASE)
_OF_FEEDBACK: Final = re.compile(
    r"\bfeedback\b|\b(?:mut|pin|block|hid|bann|boost|chang|rejec)\w*|反馈|屏蔽|置顶|固定|隐藏|拉黑|改|调整",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Tool:
    """One thing a talk can do.

    Attributes:
        wants: what a person who needs it wants, in words, by language: what the language model chooses by.
        changes: whether it changes anything that outlives the answer.
    """

    name: ToolName
    wants: Mapping[Language, str]
    read: Read
    run: Run
    changes: bool = False


def _nothing(ctx: ToolContext) -> args.ToolArgs:
    return args.ToolArgs()


def _kept(run: Callable[[ToolContext, Any], Draft]) -> Run:
    """A tool that leaves constraints alone: what it is about comes into focus."""

    def wrapped(ctx: ToolContext, given: Any) -> tuple[Draft, TalkState]:
        draft = run(ctx, given)
        changes: dict[str, object] = {}
        if draft.item_ids:
            changes["focus"] = draft.item_ids
        return draft, ctx.keep(**changes)

    return wrapped


def _about_item(tell: Callable[[ToolContext, str], Draft]) -> Run:
    """A tool about one item; when several may have been meant, the answer names the others."""

    def run(ctx: ToolContext, given: args.ItemArgs) -> Draft:
        draft = tell(ctx, given.item_id)
        if not given.others:
            return draft
        shown = say(ctx, "comma").join(ctx.title(ctx.code(item), whole=True) for item in given.others)
        also = Sentence(
            say(ctx, "also_named", shown=shown), tuple(f"item:{item}" for item in given.others), aside=True
        )
        return dataclasses.replace(draft, sentences=(*draft.sentences, also))

    return _kept(run)


def _explain(ctx: ToolContext, given: args.ItemArgs | args.TopicArgs) -> tuple[Draft, TalkState]:
    if isinstance(given, args.TopicArgs):
        return _kept(explain_topic)(ctx, given)
    return _about_item(tell_items.explain)(ctx, given)


def _recommend(ctx: ToolContext, given: args.ListArgs) -> tuple[Draft, TalkState]:
    wanted = [Constraint(entry.kind, entry.value, entry.what) for entry in given.constraints]
    return tell_lists.recommend(ctx, given.k, wanted, given.problems, given.notes, further=given.further)


def _as_of(ctx: ToolContext, given: args.AsOfArgs) -> tuple[Draft, TalkState]:
    if given.what == "list":
        return tell_lists.list_as_of(ctx, given.moment, given.k)
    return tell_person.as_of(ctx, given.moment), ctx.state


def _migration(ctx: ToolContext, given: args.WindowArgs) -> Draft:
    if given.seasonal:
        return tell_change.seasons(ctx)
    return tell_change.migration(ctx, (given.start_ms, given.split_ms, given.end_ms))


def _search(ctx: ToolContext, given: args.SearchArgs) -> Draft:
    return tell_history.search(
        ctx,
        given.words,
        spans_of(given, ctx.host.log.zone),
        given.events,
        mode=given.mode,
        limit=given.limit,
        judged=given.judged,
    )


def spans_of(given: args.SearchArgs, zone: str) -> list[Period]:
    """The spans of time of a search, as they were read, in the zone whose days the workspace counts."""
    return [
        Period(moment(span.start_ms, zone), moment(span.end_ms, zone), span.text, span.relation)
        for span in given.spans
    ]


def _set_aside(ctx: ToolContext, given: args.EventsArgs, *, forget: bool) -> tuple[Draft, TalkState]:
    n = len(given.interaction_ids)
    if n > CONFIRM_ABOVE and not given.confirmed:
        text = say(ctx, "confirm_many", n=n, name=given.name)
        marks = tuple(f"#{number}" for number in given.interaction_ids)
        pending = Pending("forget" if forget else "gift", ctx.question)
        return Draft((Sentence(text, marks),)), ctx.keep(pending=pending)
    draft, state = tell_control.set_aside(
        ctx, given.interaction_ids, given.name, forget=forget, less_of=given.less_of
    )
    if given.note:
        note = Sentence(given.note, tuple(f"#{number}" for number in given.interaction_ids))
        draft = dataclasses.replace(draft, sentences=(draft.sentences[0], note, *draft.sentences[1:]))
    return draft, state


def _forget(ctx: ToolContext, given: args.ToolArgs) -> tuple[Draft, TalkState]:
    if isinstance(given, args.EventsArgs):
        return _set_aside(ctx, given, forget=True)
    text = Sentence(say(ctx, "forgot_talk"), claim=False)
    return Draft((text,)), TalkState(forgotten=True)


def _read_forget(ctx: ToolContext) -> args.ToolArgs | Draft:
    return args.ToolArgs() if _TALK.search(ctx.question) else read_events.read_forget(ctx)


def _steer(action: str) -> Run:
    def run(ctx: ToolContext, given: args.SteerArgs) -> tuple[Draft, TalkState]:
        step = args.SteerStep(
            action=cast(Any, action), kind=given.kind, target=given.target, name=given.name, twins=given.twins
        )
        draft, state = tell_control.steer(ctx, (step, *given.also))
        if given.not_done:
            undone = Sentence(steer_say(ctx, "not_done", rest=fence(given.not_done)), claim=False)
            draft = dataclasses.replace(draft, sentences=(*draft.sentences, undone))
        if given.then is None:
            return draft, state
        then, state = _recommend(dataclasses.replace(ctx, state=state), given.then)
        first, *rest = then.sentences
        both = (*draft.sentences, dataclasses.replace(first, row=True), *rest)
        return Draft(both, {**draft.facts, **then.facts}, then.item_ids, then.listed), state

    return run


def _withdraw(ctx: ToolContext, given: args.WithdrawArgs) -> tuple[Draft, TalkState]:
    if given.slots is None:
        return tell_constraints.show_constraints(ctx), ctx.state
    chosen = [entry for entry in ctx.state.constraints if entry.slot in given.slots]
    return tell_constraints.withdraw(ctx, chosen)


def _read_about(ctx: ToolContext) -> args.AboutArgs:
    return args.AboutArgs(what="feedback" if _OF_FEEDBACK.search(ctx.question) else "all")


def about_me(n_talks: Callable[[], int]) -> Tool:
    """The tool that tells what is kept; how many talks are is known to the talk only."""

    def tell(ctx: ToolContext, given: args.AboutArgs) -> Draft:
        if given.what == "feedback":
            return tell_person.feedback_in_force(ctx)
        return tell_person.about_me(ctx, n_talks())

    run = _kept(tell)
    wants: dict[Language, str] = {
        "en": "know which data about them is stored",
        "zh": "知道系统保存了自己的哪些数据",
    }
    return Tool("about_me", wants, _read_about, run)


def _tool(
    name: ToolName, english: str, chinese: str, read: Read, run: Run, *, changes: bool = False
) -> tuple[ToolName, Tool]:
    return name, Tool(name, {"en": english, "zh": chinese}, *with_things(name, read, run), changes)


TOOLS: Final[Mapping[ToolName, Tool]] = dict(
    (
        _tool("recommend", "get suggestions of what to take next", "得到接下来选什么的建议", reading.read_list, _recommend),
        _tool(
            "explain", "know why an item is on their list", "知道某物为什么被推荐", reading.read_explained,
            _explain,
        ),
        _tool(
            "why_not", "know why an item is missing from their list", "知道某物为什么没有被推荐", reading.read_item,
            _about_item(tell_items.why_not),
        ),
        _tool(
            "counterfactual", "test whether the cited evidence really mattered", "检验所引用的证据是否真的起作用",
            reading.read_item, _about_item(tell_items.counterfactual),
        ),
        _tool(
            "compare", "compare two items with each other", "比较两件物品", reading.read_pair,
            _kept(lambda ctx, given: tell_compare.compare(ctx, (given.first, given.second))),
        ),
        _tool(
            "profile", "see their interests as they are now", "查看自己现在的兴趣", _nothing,
            _kept(lambda ctx, given: tell_person.profile(ctx)),
        ),
        _tool(
            "migration", "know how their interests have changed over time", "知道自己的兴趣有什么变化",
            reading.read_windows,
            _kept(_migration),
        ),
        _tool("as_of", "see how things stood at an earlier date", "查看过去某个时间的自己", reading.read_as_of, _as_of),
        _tool(
            "what_if", "see the list if some past events had not happened", "假设没有某些记录时列表会怎样",
            read_events.read_what_if,
            lambda ctx, given: tell_lists.what_if(ctx, given.interaction_ids, given.name),
        ),
        _tool("search", "find events in their own history", "查找自己的历史记录", read_search, _kept(_search)),
        _tool(
            "pin", "keep an interest in the profile for good", "把一项兴趣固定下来",
            lambda ctx: read_steer.read_topic(ctx, facet_only=True), _steer("pin"), changes=True,
        ),
        _tool("mute", "never see a kind of thing again", "不再看到某类东西", lambda ctx: read_steer.read_steer(ctx, "mute"), _steer("mute"), changes=True),
        _tool("less", "see less of something", "少看到某类东西", lambda ctx: read_steer.read_steer(ctx, "less"), _steer("less"), changes=True),
        _tool("more", "see more of something", "多看到某类东西", lambda ctx: read_steer.read_steer(ctx, "more"), _steer("more"), changes=True),
        _tool(
            "gift", "say that something was bought for someone else", "说明某物是买给别人的", read_events.read_gift,
            lambda ctx, given: _set_aside(ctx, given, forget=False), changes=True,
        ),
        _tool(
            "undo", "take back their last change", "撤销上一次的更改", read_undo.read_undo,
            undo, changes=True,
        ),
        _tool("forget", "have something forgotten", "让系统忘记一些内容", _read_forget, _forget, changes=True),
        _tool(
            "constraints", "see or remove the filters of this talk", "查看或取消当前的筛选条件",
            reading.read_withdraw, _withdraw,
        ),
        _tool("help", "chat, or say something unrelated", "闲聊，或说无关的话", read_talk, _kept(talk)),
        _tool("refuse", "learn about other people", "了解别人的情况", _nothing, _kept(refuse)),
    )
)  # fmt: skip
