"""A talk with one user about their recommendations: routed, computed by tools, checked, then worded."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from pydantic import ValidationError

from agent.dialogue import guard
from agent.dialogue.answers import Answer, Cut, Draft, Sentence, separator
from agent.dialogue.care import Care
from agent.dialogue.chat_wording import ChatWorder
from agent.dialogue.constraints import Constraint
from agent.dialogue.context import Pending, TalkState, ToolContext
from agent.dialogue.evidence import EvidenceBook, check_sentences
from agent.dialogue.host import Host
from agent.dialogue.lexicon import content_words, language_of
from agent.dialogue.memory import Turn, summarise
from agent.dialogue.mentions import Names, find_places, means_shown
from agent.dialogue.periods import last_day
from agent.dialogue.phrases import say
from agent.dialogue.route_rules import ToolName
from agent.dialogue.router import Route, Router
from agent.dialogue.saved import TORN_NOTE, SavedTalks
from agent.dialogue.tell_history import needs_encoder
from agent.dialogue.tool_args import AsOfArgs, EventsArgs, SearchArgs, ToolArgs
from agent.dialogue.tools import TOOLS, Tool, about_me, spans_of
from agent.errors import DriftrecError, LlmError
from agent.interests.words import Language
from agent.llm.ledger import charged_to
from agent.schema import to_plain
from agent.settings import ChatSettings

# Answers that the language model sums up; lists, searches and changes stand as they are.
_SUMMED_UP: Final = frozenset({"explain", "why_not", "migration", "compare"})
# Part of the context window that what was said before may take.
_MEMORY_PART: Final = 4
# How many titles a greeting names.
_GREETED: Final = 3
_MEMORY_NOTE: Final[dict[Language, str]] = {
    "en": "the language model now sees the {n} oldest turns summed up; the talk itself is kept whole",
    "zh": "对语言模型来说，本次谈话最早的{n}轮已改为概括；谈话本身完整保留",
}

AnswerStream = Generator[str, None, Answer]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be done for a question."""

    tool: Tool
    args: ToolArgs | Draft
    route: Route


@dataclass(slots=True)
class _Result:
    """What a question came to, before it is an answer."""

    draft: Draft
    state: TalkState
    sentences: tuple[Sentence, ...]
    cut: list[Cut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    by_model: bool = False


class ChatSession:
    """One talk. `ask` gives whole answers, `stream` gives them as they come; both remember.

    Attributes:
        talk_id: under which the talk is kept; empty when it is not kept.
        turns: every question and answer so far, those of a resumed talk included.
        state: constraints, what was listed, what is in focus.
        last: the latest answer; None before the first.
    """

    def __init__(
        self,
        host: Host,
        settings: ChatSettings,
        *,
        saved: SavedTalks | None = None,
        resume: str | None = None,
        keep: bool = True,
    ) -> None:
        """Begins a talk, or goes on with a kept one.

        Args:
            keep: write this talk to `saved` too.

        Raises:
            StoreError: the talk to resume is none of this user's.
            SettingsError: a category that is declared sensitive is none of the catalogue's.
        """
        self._host = host
        self._settings = settings
        self._talks, self._saved = saved, saved if keep else None
        self._names = Names(host.catalogue)
        self._care = Care(settings, host.catalogue)
        self._router = Router(host.backend)
        self._care.check()
        self._told_summary = 0
        self.talk_id = self._on_disk = self._saved.begin() if self._saved else ""
        self.turns: list[Turn] = []
        self.state = self._reached = TalkState()
        self._torn = False
        self.last: Answer | None = None
        if resume is not None and saved is not None:
            kept = saved.load(resume)
            self._on_disk, self._torn = resume, kept.torn
            self.talk_id = resume if keep else ""
            self.turns, self.state = list(kept.turns), kept.state

    @property
    def user_id(self) -> str:
        """Whose talk it is."""
        return self._host.user_id

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """What lists must fulfil until it is withdrawn."""
        return self.state.constraints

    def history(self) -> list[dict[str, str]]:
        """The talk so far, JSON-ready: question, answer and tool of every turn."""
        return [to_plain(turn) for turn in self.turns]

    def kept_talks(self) -> list[str]:
        """Ids of this user's kept talks, oldest first."""
        return self._talks.ids() if self._talks else []

    def warm_up(self) -> None:
        """Makes what every answer needs, so that the first one comes as fast as the others."""
        self._names.find_titles("-")
        self._context("-", self._host.language).query()

    def ask(self, question: str) -> Answer:
        """The whole answer to a question; never an exception of ours, whatever is asked."""
        stream = self.stream(question)
        while True:
            try:
                next(stream)
            except StopIteration as end:
                answer: Answer = end.value
                return answer

    def stream(self, question: str) -> AnswerStream:
        """Pieces of the answer as they come, together `Answer.text`; the generator returns the answer."""
        start = time.perf_counter()
        checked = guard.check_question(question)
        outside = self._names.mask(checked.text).replace("ITEM", " ")
        language = language_of(outside, self._language())
        ctx = self._context(checked.text, language)
        ctx = self._with_list(ctx)
        plan = self._plan(ctx)
        said, first_s = "", 0.0
        self._reached = self.state
        working = self._work(ctx, plan)
        try:
            while True:
                try:
                    sentence = next(working)
                except StopIteration as end:
                    result: _Result = end.value
                    break
                piece = separator(said, sentence) + sentence.shown
                first_s = first_s or time.perf_counter() - start
                said += piece
                yield piece
        except (GeneratorExit, KeyboardInterrupt):
            self._cut_short(Turn(checked.text, f"{said} …", plan.tool.name))
            raise
        torn, self._torn = TORN_NOTE[language] if self._torn else "", False
        notes = [torn, checked.note(language), plan.route.note, *result.notes]
        answer = Answer(
            question=checked.text,
            tool=plan.tool.name,
            args={} if isinstance(plan.args, Draft) else plan.args.model_dump(mode="json"),
            sentences=result.sentences,
            routed_by=plan.route.by,
            worded_by="model" if result.by_model else "facts",
            cut=tuple(result.cut),
            facts=result.draft.facts,
            listed=result.draft.listed,
            note="; ".join(filter(None, notes)),
            refused=result.draft.refused,
            seconds=time.perf_counter() - start,
            first_s=first_s,
        )
        rest = answer.text[len(said) :]
        if rest:
            yield rest
        self._remember(answer, result.state)
        return answer

    def _language(self) -> Language:
        """Of the talk so far, else of the catalogue: “#2?” has none of its own."""
        return self.last_language if self.turns else self._host.language

    @property
    def last_language(self) -> Language:
        """The language of the latest question that had one."""
        for turn in reversed(self.turns):
            return language_of(turn.question, language_of(turn.answer, self._host.language))
        return self._host.language

    def _context(self, question: str, language: Language) -> ToolContext:
        named = self.state.named | self._care.named_in(question, self._names)
        state = replace(self.state, named=named)
        plain = guard.as_oneself(question, self._host.user_id)
        return ToolContext(
            self._host, self._names, self._care, state, plain, language, self._settings.list_length
        )

    def greeting(self) -> str:
        """What a person who just came is told: the top of their list and what can be asked."""
        ctx = self._context("", self._language())
        found = ctx.host.recommend(replace(ctx.query(_GREETED), explain=False))
        if not len(ctx.host.log) or not len(found):
            return say(ctx, "greeting_none")
        shown = say(ctx, "comma").join(ctx.title(ctx.code(entry.item_id)) for entry in found)
        return say(ctx, "greeting", shown=shown)

    def _with_list(self, ctx: ToolContext) -> ToolContext:
        """“Why the first one?” before any list was shown means the list as it would be shown now."""
        if ctx.state.listed or not _means_list(ctx):
            return ctx
        found = ctx.host.recommend(replace(ctx.query(), explain=False))
        listed = tuple(str(entry.item_id) for entry in found)
        return replace(ctx, state=replace(ctx.state, listed=listed))

    def _plan(self, ctx: ToolContext) -> _Plan:
        """The tool and its arguments, read from the question; what cannot be read is a question back."""
        if not ctx.question:
            return _Plan(
                TOOLS["help"], _fixed(say(ctx, "empty", help=say(ctx, "help"))), Route("help", "nothing")
            )
        if self._care.asks_diagnosis(ctx.question):
            refusal = Draft((Sentence(self._care.line("refusal", ctx.language), claim=False),), refused=True)
            return _Plan(TOOLS["refuse"], refusal, Route("refuse", "rules"))
        if self.state.pending is not None and guard.says_yes(ctx.question):
            return self._confirmed(ctx, self.state.pending)
        if guard.says_yes(ctx.question) or guard.says_no(ctx.question):
            key = "nothing_pending" if self.state.pending is None else "left"
            return _Plan(TOOLS["help"], _fixed(say(ctx, key)), Route("help", "rules"))
        previous = cast(ToolName, self.turns[-1].tool) if self.turns else None
        with charged_to(self.user_id):
            route = self._router.route(self._names.mask(ctx.question), ctx.language, previous=previous)
        tool = self._tool(route.tool)
        if route.tool == "help" and route.by != "rules":
            return _Plan(tool, _fixed(say(ctx, "unclear", help=say(ctx, "help"))), route)
        given = self._read(tool, ctx)
        if route.by == "model" and tool.changes and isinstance(given, Draft):
            # The model's guess led nowhere: better to say so than to ask back about the guess.
            return _Plan(TOOLS["help"], _fixed(say(ctx, "unclear", help=say(ctx, "help"))), route)
        return _Plan(tool, given, route)

    def _tool(self, name: ToolName) -> Tool:
        if name == "about_me":
            return about_me(lambda: len(self.kept_talks()))
        return TOOLS[name]

    def _read(self, tool: Tool, ctx: ToolContext) -> ToolArgs | Draft:
        try:
            return tool.read(ctx)
        except (DriftrecError, ValidationError) as error:
            return _trouble(ctx, error)

    def _confirmed(self, ctx: ToolContext, pending: Pending) -> _Plan:
        tool = self._tool(cast(ToolName, pending.tool))
        given = self._read(tool, replace(ctx, question=pending.question))
        if isinstance(given, EventsArgs):
            given = given.model_copy(update={"confirmed": True})
        return _Plan(tool, given, Route(tool.name, "confirmation"))

    def _work(self, ctx: ToolContext, plan: _Plan) -> Generator[Sentence, None, _Result]:
        """Runs the tool, checks its evidence, words what is to be worded; yields sentences as they settle."""
        opening: list[Sentence] = []
        if waiting := _waiting(ctx, plan.args):
            opening.append(Sentence(waiting, claim=False))
            yield opening[0]
        draft, state = self._run(ctx, plan)
        self._reached = state
        kept, cut = check_sentences(draft.sentences, EvidenceBook(self._host, draft.facts))
        result = _Result(draft, state, (), list(cut))
        settled = list(kept)
        yield from settled
        short = self._short(ctx, plan.tool.name, kept, result)
        if short is not None:
            settled.append(short)
            yield short
        if self._care.health:
            settled.append(Sentence(self._care.line("advice", ctx.language), claim=False, row=True))
            yield settled[-1]
        result.sentences = (*opening, *settled)
        return result

    def _run(self, ctx: ToolContext, plan: _Plan) -> tuple[Draft, TalkState]:
        state = replace(ctx.state, pending=None)
        ctx = replace(ctx, state=state)
        if isinstance(plan.args, Draft):
            return plan.args, state
        if plan.tool.changes and plan.route.by == "model":
            # The model may have misread: nothing is changed on its word alone.
            text = say(ctx, "confirm_route", what=say(ctx, f"doing_{plan.tool.name}"))
            pending = Pending(plan.tool.name, ctx.question)
            return _fixed(text), replace(state, pending=pending)
        try:
            return plan.tool.run(ctx, plan.args)
        except DriftrecError as error:
            return _trouble(ctx, error), state

    def _short(
        self, ctx: ToolContext, tool: str, facts: Sequence[Sentence], result: _Result
    ) -> Sentence | None:
        """The short of it in the model's words; what was cut or failed goes into `result`."""
        backend = self._host.backend
        if backend is None or not self._settings.model_words or tool not in _SUMMED_UP:
            return None
        try:
            budget = backend.capabilities.context_tokens // _MEMORY_PART
        except LlmError as error:
            result.notes.append(f"without a summary, because the language model failed: {error}")
            return None
        earlier, n_summed = summarise(self.turns, budget, ctx.language)
        if n_summed > self._told_summary:
            self._told_summary = n_summed
            result.notes.append(_MEMORY_NOTE[ctx.language].format(n=n_summed))
        with charged_to(self.user_id):
            short = ChatWorder(backend).sum_up(ctx.question, facts, ctx.language, earlier=earlier)
        result.cut += short.cut
        result.by_model = short.sentence is not None
        if short.note:
            result.notes.append(short.note)
        return short.sentence

    def _remember(self, answer: Answer, state: TalkState) -> None:
        self.last = answer
        if state.forgotten:
            self._forget()
            return
        turn = Turn(answer.question, answer.text, answer.tool)
        self.state = state
        details: dict[str, Any] = {
            "args": dict(answer.args),
            "evidence": answer.evidence,
            "cut": to_plain(answer.cut),
            "routed_by": answer.routed_by,
            "worded_by": answer.worded_by,
            "note": answer.note,
        }
        self._append(turn, details)

    def _forget(self) -> None:
        if self._talks is not None and self._on_disk:
            self._talks.erase(self._on_disk)
        self.talk_id = self._on_disk = self._saved.begin() if self._saved else ""
        self.turns, self.state, self._told_summary = [], TalkState(), 0

    def _cut_short(self, turn: Turn) -> None:
        """The reader has heard enough: what was said and done stays in the talk."""
        if self._reached.forgotten:
            self._forget()
            return
        self.state = self._reached
        self._append(turn, {"note": "cut by the reader"})

    def _append(self, turn: Turn, details: dict[str, Any]) -> None:
        self.turns.append(turn)
        if self._saved is not None:
            self._saved.append(self.talk_id, turn, self.state, details)


def _waiting(ctx: ToolContext, given: ToolArgs | Draft) -> str:
    """What is said before a tool that takes longer than a moment; empty for the others."""
    if isinstance(given, AsOfArgs) and given.what == "list":
        return say(ctx, "as_of_slow", day=last_day(given.moment))
    if isinstance(given, SearchArgs) and needs_encoder(ctx, given.words, spans_of(given), given.events):
        return say(ctx, "search_slow")
    return ""


def _means_list(ctx: ToolContext) -> bool:
    """Whether a question speaks of a place in a list, or of what is shown while nothing was spoken of yet."""
    if find_places(ctx.question, 99):
        return not ctx.names.find_titles(ctx.question)
    return not ctx.state.focus and (means_shown(ctx.question) or not content_words(ctx.question))


def _fixed(text: str) -> Draft:
    return Draft((Sentence(text, claim=False),))


def _trouble(ctx: ToolContext, error: Exception) -> Draft:
    return _fixed(say(ctx, "trouble", why=str(error)))
