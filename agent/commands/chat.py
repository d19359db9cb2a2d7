"""`driftrec chat`: a talk at the terminal, or from a pipe, line by line."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from agent.commands.common import (
    JsonOption,
    ModelOption,
    OfflineOption,
    UserArgument,
    WorkspaceOption,
    opened,
)

if TYPE_CHECKING:
    from rich.console import Console

    from agent.dialogue.chat import ChatSession
    from agent.dialogue.talk.answers import Answer

# How often a line of progress is printed while an answer takes long, seconds.
_LINE_EVERY_S = 3.0
_COMMANDS = {
    "/help": "what can be asked",
    "/constraints": "the constraints that hold",
    "/undo": "take the last change back",
    "/history": "the talk so far",
    "/talks": "kept talks of this user; go on with one by --resume",
    "/quit": "leave",
}


def chat(
    user: UserArgument,
    question: Annotated[
        list[str] | None, typer.Option("--ask", help="Ask this and leave; repeatable.")
    ] = None,
    resume: Annotated[str | None, typer.Option(help="Go on with a kept talk, by its id, or “last”.")] = None,
    keep: Annotated[bool, typer.Option(help="Keep the talk in the workspace.")] = True,
    workspace: WorkspaceOption = "shop",
    model: ModelOption = None,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Talk about a user's recommendations: why, why not, what changed, what if. Reads a pipe line by line."""
    # Bars would stand between the terminal and the line editor: no history, no Ctrl-C at the prompt.
    typed = sys.stdin.isatty() and not question
    lines = _Lines() if typed and not as_json else None
    with opened(workspace, offline=offline, model=model, quiet=as_json, report=lines) as agent:
        talk = agent.chat(user, resume=resume, keep=keep)
        if as_json:
            _as_json(talk, question)
            return
        _Terminal(talk, lines).run(question)


def register(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command()(chat)


def _as_json(talk: ChatSession, questions: list[str] | None) -> None:
    """One JSON object per line and question."""
    import json

    for asked in questions if questions else _piped():
        asked = _spoken(asked)
        if asked in ("/quit", "/exit"):
            break
        plain = talk.ask(asked).to_dict()
        sys.stdout.write(json.dumps(plain, ensure_ascii=False, default=str) + "\n")
        sys.stdout.flush()


def _piped() -> Iterator[str]:
    for line in sys.stdin:
        if line.strip():
            yield line.rstrip("\n")


def _spoken(line: str) -> str:
    """What a command of the talk says in words; other lines as they are."""
    return {"/constraints": "which constraints hold?", "/undo": "undo", "/help": "help"}.get(
        line.strip().lower(), line
    )


class _Lines:
    """Progress of what takes long, as lines between question and answer; nothing while the prompt waits.

    Attributes:
        answering: whether an answer is on its way.
    """

    def __init__(self) -> None:
        self.answering = False
        self._last_s = 0.0

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Prints a line when the last one is a few seconds old."""
        now = time.monotonic()
        if not self.answering or now - self._last_s < _LINE_EVERY_S:
            return
        self._last_s = now
        of = f" {done} of {total}" if total else ""
        sys.stdout.write(f"\n  {stage}{of} (Ctrl-C goes back to the prompt)")
        sys.stdout.flush()


class _Terminal:
    """Reads questions, prints answers as they come."""

    def __init__(self, talk: ChatSession, lines: _Lines | None = None) -> None:
        from rich.console import Console

        self._talk = talk
        self._lines = lines or _Lines()
        self._typed = sys.stdin.isatty()
        self._console: Console = Console(highlight=False, emoji=False, soft_wrap=not sys.stdout.isatty())

    def run(self, questions: list[str] | None) -> None:
        """The whole talk; Ctrl-C and the end of input leave cleanly."""
        # A library may have asked for reads to go on after a signal: Ctrl-C must end them.
        signal.siginterrupt(signal.SIGINT, True)
        if self._typed and not questions:
            threading.Thread(target=self._talk.warm_up_encoder).start()
            resumed = f" It goes on after {_turns(len(self._talk.turns))}." if self._talk.turns else ""
            self._console.print(f"[dim]A talk with {self._talk.user_id}.{resumed} /help, /quit[/dim]")
            if not self._talk.turns:
                self._console.print(self._talk.greeting(), markup=False)
        try:
            for asked in questions if questions else self._asked():
                if not self._handle(asked):
                    break
        except KeyboardInterrupt:
            self._console.print()
        if self._typed and self._talk.turns and self._talk.talk_id:
            self._console.print(f"[dim]Kept as {self._talk.talk_id}.[/dim]")

    def _asked(self) -> Iterator[str]:
        if not self._typed:
            for line in _piped():
                self._console.print(f"> {line}", markup=False)
                yield line
            return
        try:
            import readline  # noqa: F401 - gives input() a history and line editing
        except ImportError:  # a Python built without it
            pass
        while True:
            try:
                line = input("> ")
            except EOFError:
                self._console.print()
                return
            if line.strip():
                yield line

    def _handle(self, asked: str) -> bool:
        """Answers one line; False to leave."""
        command = asked.strip().lower()
        if command in ("/quit", "/exit"):
            return False
        if command == "/history":
            self._show_history()
        elif command == "/talks":
            self._console.print(", ".join(self._talk.kept_talks()) or "none", markup=False)
        elif command.startswith("/") and command not in _COMMANDS:
            names = ", ".join(f"{name} ({what})" for name, what in _COMMANDS.items())
            self._console.print(f"No command {asked.strip()!r}; there are: {names}", markup=False)
        else:
            if command == "/help":
                for name, what in _COMMANDS.items():
                    self._console.print(f"{name:<14}{what}", markup=False)
            self._answer(_spoken(asked))
        return True

    def _answer(self, asked: str) -> Answer | None:
        """Streams one answer; Ctrl-C stops it and goes on with the talk."""
        stream = self._talk.stream(asked)
        self._lines.answering = True
        try:
            while True:
                try:
                    self._console.print(next(stream), end="", markup=False)
                except StopIteration as end:
                    answer: Answer = end.value
                    self._console.print()
                    return answer
        except KeyboardInterrupt:
            if not self._typed:
                raise
            self._console.print(" …", markup=False)
            return None
        finally:
            self._lines.answering = False
            stream.close()

    def _show_history(self) -> None:
        if not self._talk.turns:
            self._console.print("Nothing has been said yet.")
        for turn in self._talk.turns:
            self._console.print(f"> {turn.question}\n{turn.answer}", markup=False)


def _turns(n: int) -> str:
    return "1 turn" if n == 1 else f"{n} turns"
