"""The ledger of a process that is gone: every call that had ended, and those given up count as failed."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest
from typer.testing import CliRunner

from agent.cli import app
from agent.data.calls import CallTable
from agent.data.store import Store
from agent.llm.ledger import Ledger, LedgerBackend, Price
from agent.llm.scripted import ScriptedBackend
from agent.workspace import Workspace
from tests.conftest import ROOT
from tests.llm.asks import HELLO
from tests.llm.servers import chat, event, streamed

CHILD = """
import sys
from pathlib import Path
from agent.data.calls import CallTable
from agent.data.store import Store
from agent.llm.backend import LlmRequest
from agent.llm.compose import compose_backend
from agent.settings import LlmSettings
with Store.open(Path(sys.argv[1])) as store:
    settings = LlmSettings(model=f"openai:m@{sys.argv[2]}", timeout_s=60)
    backend = compose_backend(settings, store, calls=CallTable(store))
    print(backend.complete(LlmRequest("", "first", "test")).text, flush=True)
    for piece in backend.stream(LlmRequest("", "second", "test")):
        print(piece, flush=True)
    for piece in backend.stream(LlmRequest("", "third", "test")):
        print(piece, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system knows no SIGKILL")
def test_a_kill_loses_no_line_of_a_call_that_had_ended(server, tmp_path):
    release = threading.Event()

    def stalling():
        yield event("half")
        release.wait(60)

    def handle(body):
        asked = body["messages"][-1]["content"]
        if asked == "third":
            return 200, {}, stalling()
        return streamed(asked) if body.get("stream") else chat(asked)

    server.handle = handle
    path = tmp_path / "store.sqlite"
    Store.open(path).close()
    command = [sys.executable, "-c", CHILD, str(path), server.url]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert [process.stdout.readline().strip() for _ in range(3)] == ["first", "second", "half"]
    process.kill()
    assert process.wait(timeout=60) == -signal.SIGKILL
    process.stdout.close()
    release.set()
    with Store.open(path) as store:
        calls = CallTable(store).load_calls()
    assert [(call.kind, call.outcome) for call in calls] == [("complete", "ok"), ("stream", "ok")]
    assert [(call.prompt_tokens, call.output_tokens, call.metered) for call in calls] == [(7, 3, True)] * 2


def test_a_call_that_was_given_up_counts_as_failed(tmp_path):
    place = Workspace(tmp_path / "shop")
    place.create("")
    with Store.open(place.store_path) as store:
        backend = LedgerBackend(ScriptedBackend(["one two", "three"]), Ledger(CallTable(store)), Price())
        stream = backend.stream(HELLO)
        next(stream)
        stream.close()
        backend.complete(HELLO)
        (totals,) = CallTable(store).totals("stage")
    assert (totals.calls, totals.failed, totals.estimated) == (2, 1, 1)
    shown = CliRunner().invoke(app, ["costs", "-w", str(place.root)])
    assert shown.output.splitlines()[-2].split()[:4] == ["all", "2", "0", "1"]
