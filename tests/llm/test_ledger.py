from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from typer.testing import CliRunner

from agent.cli import app
from agent.data import migrations
from agent.data.calls import CallTable
from agent.data.dialect import open_engine, transaction
from agent.data.store import Store
from agent.errors import BackendError, StoreError
from agent.llm.backend import Completion, LlmRequest
from agent.llm.cached import CachedBackend
from agent.llm.ledger import Ledger, LedgerBackend, MemoryCalls, Price, charged_to
from agent.llm.scripted import ScriptedBackend
from agent.llm.streams import collect
from agent.llm.usage import bound_of_request, bound_of_score
from agent.schema import LlmCall
from tests.llm.doubles import LockedCalls

REQUEST = LlmRequest("", "hello", "facet_label")


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "store.sqlite") as store:
        yield store


def test_every_call_leaves_a_line_with_what_it_took(store):
    answers = [
        Completion("a", "m", prompt_tokens=20, output_tokens=5),
        Completion("b", "m", prompt_tokens=1, output_tokens=2, degraded=True),
        BackendError("gone"),
    ]
    inner = ScriptedBackend(answers, score_function=lambda prefix, words: [-1.0, -2.0])
    table = CallTable(store)
    backend = LedgerBackend(inner, Ledger(table), Price(1000.0, 2000.0, metered=True), clock=lambda: 86_400.0)
    backend.complete(REQUEST)
    with charged_to("u1"):
        collect(backend.stream(REQUEST))
        with pytest.raises(BackendError):
            backend.complete(REQUEST)
    backend.score("a prefix", ["x", "y"])
    first, second, third, fourth = table.load_calls()
    assert first.kind == "complete" and first.stage == "facet_label" and first.user_id == ""
    assert (first.prompt_tokens, first.output_tokens, first.created_ms) == (20, 5, 86_400_000)
    assert first.cost == pytest.approx(0.03) and first.outcome == "ok" and first.metered
    assert (second.kind, second.outcome, second.user_id) == ("stream", "degraded", "u1")
    assert third.outcome == "BackendError" and third.prompt_tokens == 0 and not third.estimated
    assert (fourth.kind, fourth.stage, fourth.prompt_tokens, fourth.user_id) == ("score", "rerank", 6, "")
    assert table.spent_since(86_400_000) == (34, pytest.approx(first.cost + second.cost + fourth.cost))
    assert table.spent_since(86_400_001) == (0, 0.0)


def test_the_user_is_that_of_the_innermost_block():
    calls = MemoryCalls()
    backend = LedgerBackend(ScriptedBackend(lambda request: "x"), Ledger(calls), Price())
    with charged_to("outer"):
        with charged_to("inner"):
            backend.complete(REQUEST)
        backend.complete(REQUEST)
    backend.complete(REQUEST)
    assert [call.user_id for call in calls.calls] == ["inner", "outer", ""]


def test_kept_answers_are_counted_and_cost_nothing(store):
    table = CallTable(store)
    ledger = Ledger(table)
    inner = LedgerBackend(ScriptedBackend(["an answer"]), ledger, Price())
    backend = CachedBackend(inner, store, ledger=ledger)
    first = backend.complete(REQUEST)
    again = backend.complete(REQUEST)
    assert again.text == first.text and again.cached and not first.cached
    pieces, streamed = collect(backend.stream(REQUEST))
    assert pieces == ["an answer"] and streamed.cached
    (totals,) = table.totals("stage")
    assert (totals.calls, totals.cached, totals.failed) == (3, 2, 0)
    assert (totals.prompt_tokens, totals.output_tokens) == (1, 2)


def test_the_ledger_is_append_only(store):
    CallTable(store).append_call(LlmCall(1, "complete", "s", "u", "m"))
    for statement in ("UPDATE llm_calls SET cost = 0", "DELETE FROM llm_calls"):
        with pytest.raises(StoreError, match="append-only"), store.write() as connection:
            connection.execute(text(statement))


def test_a_busy_store_loses_neither_the_answer_nor_the_line(caplog):
    calls = LockedCalls()
    backend = LedgerBackend(ScriptedBackend(["one", "two"]), Ledger(calls), Price())
    assert backend.complete(REQUEST).text == "one"
    assert not calls.calls and "wait to be written" in caplog.text
    calls.locked = False
    backend.complete(REQUEST)
    assert [call.output_tokens for call in calls.calls] == [1, 1]


def test_a_store_of_the_first_version_gets_the_ledger(tmp_path):
    path = tmp_path / "store.sqlite"
    engine = open_engine(path)
    with transaction(engine, write=True) as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text("INSERT INTO meta VALUES ('mine', 'kept')"))
    engine.dispose()
    with Store.open(path) as store:
        assert CallTable(store).load_calls() == [] and store.get_meta("mine") == "kept"


@pytest.fixture
def workspace(tmp_path):
    from agent.workspace import Workspace

    place = Workspace.place(tmp_path / "shop")
    place.create("")
    with Store.open(place.store_path) as store:
        table = CallTable(store)
        for day, stage, user, tokens in (
            (0, "story", "u1", 10),
            (1, "story", "u2", 30),
            (1, "summary", "u1", 5),
        ):
            call = LlmCall(day * 86_400_000, "complete", stage, user, "openai:m", tokens, 1, 0.5, tokens / 10)
            table.append_call(call)
        table.append_call(LlmCall(86_400_000, "complete", "story", "", "openai:m", outcome="RateLimitError"))
    return place.root


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("stage", ["story", "summary"]),
        ("user", ["u2", "u1", ""]),
        ("model", ["openai:m"]),
        ("day", ["1970-01-01", "1970-01-02"]),
    ],
)
def test_costs_add_up_by_anything(workspace, by, keys):
    done = CliRunner().invoke(app, ["costs", "-w", str(workspace), "--by", by, "--json"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.output)
    assert [row["key"] for row in rows] == keys
    assert sum(row["calls"] for row in rows) == 4 and sum(row["failed"] for row in rows) == 1
    assert sum(row["prompt_tokens"] for row in rows) == 45
    assert sum(row["cost"] for row in rows) == pytest.approx(4.5)


def test_costs_print_a_table_with_sums(workspace):
    done = CliRunner().invoke(app, ["costs", "-w", str(workspace), "--by", "user"])
    lines = done.output.splitlines()
    assert lines[0].split()[:3] == ["user", "calls", "kept"]
    assert lines[-1].split() == ["all", "4", "0", "1", "45", "3", "1.5", "4.5000"]
    assert any(line.startswith("(nobody)") for line in lines)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(AttributeError("a bug"), "AttributeError"), (KeyboardInterrupt(), "abandoned")],
)
@pytest.mark.parametrize("call", ["complete", "stream", "score"])
def test_whatever_ends_a_call_it_leaves_a_line_with_its_bound(call, error, outcome):
    class Failing(ScriptedBackend):
        def complete(self, request):
            raise error

        def stream(self, request):
            yield "half"
            raise error

        def score(self, prefix, continuations, *, stage="rerank"):
            raise error

    calls = MemoryCalls()
    backend = LedgerBackend(Failing([]), Ledger(calls), Price())
    with pytest.raises(type(error)):
        if call == "complete":
            backend.complete(REQUEST)
        elif call == "stream":
            collect(backend.stream(REQUEST))
        else:
            backend.score("prefix", ["x"])
    (line,) = calls.calls
    bound = bound_of_score("prefix", ["x"]) if call == "score" else bound_of_request(REQUEST)
    assert (line.outcome, line.estimated, line.prompt_tokens) == (outcome, True, bound.prompt_tokens)


def test_closing_writes_the_calls_under_way_at_their_bound_and_once():
    begun, release = threading.Event(), threading.Event()

    def respond(request):
        begun.set()
        release.wait(10)
        return "late"

    calls = MemoryCalls()
    backend = LedgerBackend(ScriptedBackend(respond), Ledger(calls), Price(metered=True))
    thread = threading.Thread(target=backend.complete, args=(REQUEST,))
    thread.start()
    assert begun.wait(10)
    backend.close()
    (line,) = calls.calls
    assert line.outcome == "abandoned" and line.estimated and line.metered
    assert line.prompt_tokens == bound_of_request(REQUEST).prompt_tokens
    release.set()
    thread.join()
    backend.close()
    assert calls.calls == [line], "the answer that came after all is not counted again"


def test_closing_tries_once_more_to_write_what_waits():
    calls = LockedCalls()
    backend = LedgerBackend(ScriptedBackend(["one"]), Ledger(calls), Price())
    backend.complete(REQUEST)
    assert not calls.calls
    calls.locked = False
    backend.close()
    assert [call.outcome for call in calls.calls] == ["ok"]
