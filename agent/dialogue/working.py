"""From a plan to an answer: the tool runs, its evidence is checked, the short of it is worded."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from agent.dialogue.planning import Plan, fixed, trouble
from agent.dialogue.reading.steer import clauses
from agent.dialogue.sentences.lexicon import content_words
from agent.dialogue.sentences.mentions import means_shown
from agent.dialogue.sentences.periods import last_day
from agent.dialogue.sentences.rules import CHANGING, is_question
from agent.dialogue.sentences.stance import reports, supposes
from agent.dialogue.talk.answers import Cut, Draft, Sentence
from agent.dialogue.talk.care import Care
from agent.dialogue.talk.changes import named
from agent.dialogue.talk.context import Pending, TalkState, ToolContext
from agent.dialogue.talk.evidence import EvidenceBook, check_sentences
from agent.dialogue.talk.host import Host
from agent.dialogue.talk.memory import Turn, summarise
from agent.dialogue.talk.own_events import needs_encoder
from agent.dialogue.talk.phrases import say
from agent.dialogue.talk.steer_words import steer_say
from agent.dialogue.talk.tool_args import (
    AsOfArgs,
    EventsArgs,
    ListArgs,
    SearchArgs,
    SteerArgs,
    ToolArgs,
    UndoArgs,
)
from agent.dialogue.talk.wording import ChatWorder
from agent.dialogue.tools import spans_of
from agent.errors import DriftrecError, LlmError
from agent.interests.words import Language
from agent.llm.fence import fence
from agent.llm.ledger import charged_to
from agent.settings import ChatSettings

# Answers long enough that a language model's choice of what matters most helps the reader.
_SUMMED_UP: Final = frozenset({"explain", "migration"})
# Tools whose answer rests on the person's feedback: they say when it was changed elsewhere.
_RESTS_ON_FEEDBACK: Final = frozenset(
    {"recommend", "explain", "why_not", "counterfactual", "compare", "profile", "what_if"}
    | {"pin", "mute", "less", "more", "gift", "forget", "undo", "about_me"}
)
_STEERING: Final = frozenset({"mute", "less", "more", "pin", "undo"})
# Part of the context window that what was said before may take.
_MEMORY_PART: Final = 4
_MEMORY_NOTE: Final[dict[Language, str]] = {
    "en": "the language model now sees the {n} oldest turns summed up; the talk itself is kept whole",
    "zh": "对语言模型来说，本次谈话最早的{n}轮已改为概括；谈话本身完整保留",
}


@dataclass(slots=True)
class Result:
    """What a question came to, before it is an answer; `state` is what the talk has come to so far."""

    state: TalkState
    draft: Draft = field(default_factory=lambda: Draft(()))
    sentences: tuple[Sentence, ...] = ()
    cut: list[Cut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    by_model: bool = False


@dataclass(slots=True)
class Worker:
    """Carries out plans for one user's talk.

    Attributes:
        told_summary: how many of the oldest turns the model was last given summed up.
    """

    host: Host
    settings: ChatSettings
    care: Care
    told_summary: int = 0

    def work(
        self, ctx: ToolContext, plan: Plan, turns: Sequence[Turn], result: Result
    ) -> Generator[Sentence, None, None]:
        """Yields the sentences of the answer as they settle, and fills in `result`."""
        settled: list[Sentence] = []
        for sentence in _opening(ctx, plan):
            settled.append(sentence)
            yield sentence
        known = _known(ctx, plan)
        result.draft, result.state = self._run(replace(ctx, state=replace(ctx.state, known=known)), plan)
        result.state = replace(result.state, known=max((known, *ctx.changed)))
        kept, cut = check_sentences(
            map(_opened, result.draft.sentences), EvidenceBook(self.host, result.draft.facts)
        )
        result.cut += cut
        settled += kept
        yield from kept
        short = self._short(ctx, plan.tool.name, kept, turns, result)
        if short is not None:
            settled.append(short)
            yield short
        if self.care.health:
            settled.append(Sentence(self.care.line("advice", ctx.language), claim=False, row=True))
            yield settled[-1]
        result.sentences = tuple(settled)

    def _run(self, ctx: ToolContext, plan: Plan) -> tuple[Draft, TalkState]:
        state = replace(ctx.state, pending=plan.pending, just=())
        ctx = replace(ctx, state=state)
        if isinstance(plan.args, Draft):
            return plan.args, state
        guessed = plan.route.by in ("model", "examples")
        doubt = "guessed" if guessed else _doubt(ctx, plan)
        if plan.tool.changes and doubt:
            # Nothing is changed on a guess alone, nor by a question, a supposition or a report about it.
            text = _asked_back(ctx, doubt, plan, _doing(ctx, plan.tool.name, plan.args))
            return fixed(text), replace(state, pending=Pending(plan.tool.name, ctx.question))
        try:
            return plan.tool.run(ctx, plan.args)
        except DriftrecError as error:
            return trouble(ctx, error), state

    def _short(
        self, ctx: ToolContext, tool: str, facts: Sequence[Sentence], turns: Sequence[Turn], result: Result
    ) -> Sentence | None:
        """The short of it as the model puts it; what was cut or failed goes into `result`."""
        backend = self.host.backend
        lead = tool == "explain"
        if backend is None or not self.settings.model_words or tool not in _SUMMED_UP:
            return None
        if lead and "rank" not in result.draft.facts:
            # Not listed, or a kind of thing: no first fact that the others are reasons for.
            return None
        try:
            budget = backend.capabilities.context_tokens // _MEMORY_PART
        except LlmError as error:
            result.notes.append(f"without a summary, because the language model failed: {error}")
            return None
        earlier, n_summed = summarise(turns, budget, ctx.language)
        if n_summed > self.told_summary:
            self.told_summary = n_summed
            result.notes.append(_MEMORY_NOTE[ctx.language].format(n=n_summed))
        with charged_to(self.host.user_id):
            short = ChatWorder(backend).sum_up(ctx.question, facts, ctx.language, lead=lead, earlier=earlier)
        result.cut += short.cut
        result.by_model = short.sentence is not None
        if short.note:
            result.notes.append(short.note)
        return short.sentence


def _opened(sentence: Sentence) -> Sentence:
    """A sentence with a capital at its beginning; a name in quotation marks stays as it is."""
    text = sentence.text
    return sentence if not text[:1].islower() else replace(sentence, text=text[:1].upper() + text[1:])


def _doubt(ctx: ToolContext, plan: Plan) -> str:
    """Why a change that rules chose needs a yes; empty when it is plainly wanted."""
    if plan.route.by != "rules":
        return ""
    steers = plan.tool.name in _STEERING
    if supposes(ctx.question) and (steers or is_question(ctx.question) or plan.tool.name == "undo"):
        return "supposed"
    if plan.tool.name in CHANGING and is_question(ctx.question):
        return "guessed"
    # “My wife says I drink too much, show me less beer” reports, and then asks.
    if steers and reports(clauses(ctx.question, plan.tool.name)[0]):
        return "reported"
    pointed = means_shown(ctx.question) and not content_words(ctx.question)
    if plan.tool.name == "forget" and isinstance(plan.args, EventsArgs) and pointed:
        return "guessed"
    return "wider" if isinstance(plan.args, SteerArgs) and not plan.args.sure else ""


def _asked_back(ctx: ToolContext, doubt: str, plan: Plan, what: str) -> str:
    """What would be done, for the person to say yes to."""
    if doubt == "guessed":
        return say(ctx, "confirm_route", what=what)
    name = plan.args.name if isinstance(plan.args, SteerArgs) else ""
    return steer_say(ctx, doubt, what=what, name=name)


def _doing(ctx: ToolContext, tool: str, given: ToolArgs) -> str:
    """What a change would do, in words."""
    if isinstance(given, EventsArgs):
        return say(ctx, f"doing_{tool}", n=len(given.interaction_ids), name=given.name)
    if isinstance(given, SteerArgs):
        return say(ctx, f"doing_{tool}", name=given.name)
    if isinstance(given, UndoArgs) and given.name:
        return steer_say(ctx, "undo_named", name=given.name)
    return say(ctx, "doing_forget_talk" if tool == "forget" else f"doing_{tool}")


def _opening(ctx: ToolContext, plan: Plan) -> list[Sentence]:
    """What is said before the answer: that it will take time, that something changed elsewhere."""
    found: list[Sentence] = []
    if waiting := _waiting(ctx, plan.args):
        found.append(Sentence(waiting, claim=False))
    others = ctx.elsewhere() if plan.tool.name in _RESTS_ON_FEEDBACK else []
    if others:
        shown = say(ctx, "comma").join(dict.fromkeys(named(ctx, entry) for entry in others))
        marks = tuple(f"feedback:{entry.feedback_id}" for entry in others)
        found.append(Sentence(say(ctx, "elsewhere", shown=shown), marks))
    return found


def _known(ctx: ToolContext, plan: Plan) -> int:
    """Number of the newest feedback that the talk knows of, now that its opening is said; 0 for none."""
    if ctx.state.known is not None and plan.tool.name not in _RESTS_ON_FEEDBACK:
        return ctx.state.known
    return max((entry.feedback_id for entry in ctx.host.feedback()), default=0)


def _waiting(ctx: ToolContext, given: ToolArgs | Draft) -> str:
    """What is said before a tool that takes longer than a moment; empty for the others."""
    if isinstance(given, AsOfArgs) and given.what == "list":
        wait = ctx.host.fit_wait(int(given.moment.timestamp() * 1000))
        if not wait.needed:
            return ""
        day = last_day(given.moment)
        if wait.last_s is None:
            return say(ctx, "as_of_unmeasured", day=day)
        return say(ctx, "as_of_slow", day=day, wait=_long(ctx, wait.last_s))
    if isinstance(given, ListArgs):
        words = [entry.value for entry in given.constraints if entry.kind == "near"]
        return say(ctx, "near_slow", word=fence(words[0])) if words else ""
    if isinstance(given, SearchArgs) and needs_encoder(
        ctx, given.words, spans_of(given, ctx.host.log.zone), given.events
    ):
        return say(ctx, "search_slow")
    return ""


def _long(ctx: ToolContext, seconds: float) -> str:
    """A time in words: whole seconds below two minutes, minutes above."""
    if seconds < 120:
        return say(ctx, "wait_seconds", n=max(1, round(seconds)))
    return say(ctx, "wait_minutes", n=round(seconds / 60))
