"""`driftrec chat` typed at a real terminal: interrupted in the middle of an answer, left, killed, resumed."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.dialogue.conftest import copied

ROOT = Path(__file__).parent.parent.parent
_SEQUENCES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Typist:
    """A person at a terminal: types, reads, presses Ctrl-C and Ctrl-D."""

    def __init__(self, *arguments):
        self._master, slave = pty.openpty()
        command = [sys.executable, "-m", "agent.cli", "chat", "c01", *arguments]
        # A session of its own, its terminal the controlling one: Ctrl-C reaches the model's process too.
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, start_new_session=True,
            preexec_fn=_own_terminal, env={**os.environ, "TERM": "dumb", "COLUMNS": "200"},
        )  # fmt: skip
        os.close(slave)
        self.seen = ""

    def type(self, keys):
        time.sleep(0.5)  # nobody types before the prompt has settled
        os.write(self._master, keys.encode())

    def wait_for(self, text, *, timeout_s=45):
        """Everything shown up to and with `text`, which is then no more waited for."""
        deadline = time.monotonic() + timeout_s
        while text not in self.seen:
            if time.monotonic() > deadline:
                pytest.fail(f"expected {text!r}, saw {self.seen!r}")
            if not select.select([self._master], [], [], 1)[0]:
                continue
            try:
                piece = os.read(self._master, 65536).decode("utf-8", "replace")
            except OSError:
                pytest.fail(f"expected {text!r}, the terminal closed after {self.seen!r}")
            self.seen += _SEQUENCES.sub("", piece).replace("\r", "")
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=20)
        os.close(self._master)


def _own_terminal():
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def typist(en_made, tmp_path):
    opened = []

    def sit_down(*arguments, model="none"):
        workspace = tmp_path / "en"
        if not workspace.exists():
            copied(en_made, workspace)
        opened.append(Typist("-w", str(workspace), "--model", model, *arguments))
        return opened[-1]

    yield sit_down
    for one in opened:
        one.end()


def test_ctrl_c_cuts_an_answer_and_the_talk_goes_on(typist):
    one = typist(model="smollm2-135m")
    greeting = one.wait_for("> ")
    assert "At the top of your list now" in greeting and "why the first?" in greeting
    one.type("why the first one?\n")
    one.wait_for("is number 1 of what I would recommend")
    one.type("\x03")  # the facts stand, the model is still at its summary
    one.wait_for("…")
    one.wait_for("> ")
    one.type("why the second one?\n")
    said = one.wait_for("is number 2 of what I would recommend")
    assert "failed" not in said
    rest = one.wait_for("\n> ")
    assert "language model failed" not in rest, rest
    one.type("/history\n")
    kept = one.wait_for("is number 2 of what")
    assert "is number 1 of what" in kept and "…" in kept
    one.wait_for("\n> ")
    one.type("\x04")
    one.wait_for("Kept as ")
    assert one.process.wait(timeout=30) == 0


def test_a_dated_list_says_what_it_waits_for(typist):
    one = typist()
    one.wait_for("> ")
    one.type("show me recommendations as of May\n")
    one.wait_for("I am fitting the ranking to the events up to 2024-05-31: the last fit here took")
    one.wait_for("Fitting the ranking")
    one.wait_for("Ctrl-C goes back to the prompt")
    one.wait_for("\n> ")
    one.type("\x04")
    assert one.process.wait(timeout=30) == 0


def test_ctrl_c_at_the_prompt_leaves(typist):
    one = typist()
    one.wait_for("> ")
    one.type("hello\n")
    one.wait_for("Ask me why")
    one.wait_for("> ")
    one.type("\x03")
    one.wait_for("Kept as ")
    assert one.process.wait(timeout=30) == 0


def test_a_killed_talk_is_resumed(typist):
    one = typist()
    one.wait_for("> ")
    one.type("recommend three things, nothing with tent\n")
    one.wait_for("3. ")
    one.wait_for("\n> ")
    os.kill(one.process.pid, signal.SIGKILL)
    one.process.wait(timeout=20)
    two = typist("--resume", "last")
    assert "It goes on after 1 turn." in two.wait_for("It goes on after 1 turn.")
    two.wait_for("> ")
    two.type("/constraints\n")
    two.wait_for("nothing with “tent”")
    two.type("why number 3?\n")
    two.wait_for("is number 3 of what")
