"""A talk with one user about their recommendations: routed, computed by tools, checked, then worded."""

from __future__ import annotations

import secrets
import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from agent.dialogue.planning import Plan, Planner, means_list
from agent.dialogue.router import Router
from agent.dialogue.sentences import guard
from agent.dialogue.sentences.examples import nearest
from agent.dialogue.sentences.goods_zh import across
from agent.dialogue.sentences.lexicon import language_of
from agent.dialogue.sentences.mentions import Names
from agent.dialogue.sentences.stance import corrected, spelled
from agent.dialogue.talk.answers import Answer, Draft, separator
from agent.dialogue.talk.care import Care
from agent.dialogue.talk.constraints import Constraint
from agent.dialogue.talk.context import TalkState, ToolContext
from agent.dialogue.talk.host import Host
from agent.dialogue.talk.memory import Turn
from agent.dialogue.talk.phrases import say
from agent.dialogue.talk.saved import TORN_NOTE, SavedTalks
from agent.dialogue.working import Result, Worker
from agent.errors import DriftrecError
from agent.interests.words import Language
from agent.schema import to_plain
from agent.settings import ChatSettings

# How many titles a greeting names.
_GREETED: Final = 3

AnswerStream = Generator[str, None, Answer]


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
        self._care.check()
        router = Router(host.backend, host.encode)
        self._planner = Planner(host.user_id, self._names, self._care, router, lambda: len(self.kept_talks()))
        self._worker = Worker(host, settings, self._care)
        self.talk_id = self._on_disk = self._saved.begin() if self._saved else ""
        self.turns: list[Turn] = []
        self.state = TalkState()
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

    def warm_up_encoder(self) -> None:
        """Loads what unclear questions need; safe in a thread of its own while the person reads or types."""
        # What cannot be loaded is said by the answer that needs it.
        with suppress(DriftrecError):
            nearest(self._language()).scores("-", self._host.encode)

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
        read = across(checked.text, self._host.catalogue)
        ctx = self._with_list(self._context(read.question, language))
        plan = self._planner.plan(ctx, self.turns)
        said, first_s = "", 0.0
        result = Result(self.state)
        try:
            for sentence in self._worker.work(ctx, plan, self.turns, result):
                piece = separator(said, sentence) + sentence.shown
                first_s = first_s or time.perf_counter() - start
                said += piece
                yield piece
        except (GeneratorExit, KeyboardInterrupt):
            self._cut_short(Turn(checked.text, f"{said} …", plan.tool.name), result.state)
            raise
        torn, self._torn = TORN_NOTE[language] if self._torn else "", False
        told = " ".join(entry.text for entry in result.sentences)
        notes = [torn, checked.note(language), read.note(told, language), plan.route.note, *result.notes]
        answer = self._answer(ctx, plan, result, "; ".join(filter(None, notes)))
        answer = replace(answer, question=checked.text, seconds=time.perf_counter() - start, first_s=first_s)
        rest = answer.text[len(said) :]
        if rest:
            yield rest
        self._remember(answer, result.state)
        return answer

    def _answer(self, ctx: ToolContext, plan: Plan, result: Result, note: str) -> Answer:
        """The answer as data, in which nothing stands that is not to be named."""
        args = {} if isinstance(plan.args, Draft) else plan.args.model_dump(mode="json")
        named = ctx.state.named
        return Answer(
            question=ctx.question,
            tool=plan.tool.name,
            args=self._care.hide_values(args, named, ctx.language),
            sentences=result.sentences,
            routed_by=plan.route.by,
            worded_by="model" if result.by_model else "facts",
            cut=tuple(result.cut),
            facts=self._care.hide_values(result.draft.facts, named, ctx.language),
            listed=result.draft.listed,
            note=self._care.hide_names(note, named, ctx.language),
            refused=result.draft.refused,
        )

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
        plain = guard.as_oneself(corrected(spelled(question)), self._host.user_id)
        return ToolContext(
            self._host, self._names, self._care, state, plain, language, self._settings.list_length,
            utterance=secrets.token_hex(8),
        )  # fmt: skip

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
        if ctx.state.listed or not means_list(ctx):
            return ctx
        found = ctx.host.recommend(replace(ctx.query(), explain=False))
        listed = tuple(str(entry.item_id) for entry in found)
        return replace(ctx, state=replace(ctx.state, listed=listed))

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
        self.turns, self.state, self._worker.told_summary = [], TalkState(), 0

    def _cut_short(self, turn: Turn, reached: TalkState) -> None:
        """The reader has heard enough: what was said and done stays in the talk."""
        if reached.forgotten:
            self._forget()
            return
        self.state = reached
        self._append(turn, {"note": "cut by the reader"})

    def _append(self, turn: Turn, details: dict[str, Any]) -> None:
        self.turns.append(turn)
        if self._saved is not None:
            self._saved.append(self.talk_id, turn, self.state, details)
