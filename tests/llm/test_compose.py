"""The composed backend, against a real server on loopback that misbehaves on purpose."""

from __future__ import annotations

import dataclasses
import json
import logging
import socket
import time
import traceback
from pathlib import Path

import openai  # noqa: F401 - takes a second the first time, which is no part of any time limit here
import pytest

from agent.data.calls import CallTable
from agent.data.store import Store
from agent.doctor import _models
from agent.errors import (
    BackendError,
    BackendTimeoutError,
    BudgetError,
    RateLimitError,
    SettingsError,
    TransientError,
)
from agent.interests.wording import Wording
from agent.llm.backend import LlmRequest
from agent.llm.compose import compose_backend, file_identity
from agent.llm.ledger import MemoryCalls
from agent.llm.protection import describe_protection
from agent.llm.streams import collect
from agent.settings import LlmSettings, Settings, load_settings
from tests.llm.servers import chat, dripping, event, refuse, running_server, streamed

KEY = "sk-canary-0123456789abcdef"
HELLO = LlmRequest("Be kind.", "Hello.", "test", max_output_tokens=20)
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
OBJECT = LlmRequest("", "How many?", "test", schema=SCHEMA)
LIMIT_S = 1.5
"""Of the calls that are to run into it; the others may take their time on a busy machine."""
PATIENT_S = 20.0


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "store.sqlite") as store:
        yield store


def compose(store, server=None, **options):
    if server is not None:
        options = {"model": "openai:m", "base_url": server.url, "api_key": KEY, **options}
    settings = LlmSettings(**{"timeout_s": PATIENT_S, **options})
    return compose_backend(settings, store, calls=CallTable(store))


def busy_once(server):
    def handle(body):
        if len(server.bodies) == 1:
            return 429, {"Retry-After": "0.2"}, b'{"error": {"message": "slow down"}}'
        return streamed("hel", "lo") if body.get("stream") else chat("hello")

    return handle


def never(body):
    time.sleep(60)
    return chat("too late")


@pytest.mark.parametrize("call", ["complete", "stream"])
def test_429_then_recovery_is_an_answer(server, store, call):
    server.handle = busy_once(server)
    started = time.monotonic()
    backend = compose(store, server)
    answer = backend.complete(HELLO) if call == "complete" else collect(backend.stream(HELLO))[1]
    assert answer.text == "hello" and not answer.degraded
    assert time.monotonic() - started >= 0.2, "as long as the server wished"
    outcomes = [(entry.outcome, entry.prompt_tokens) for entry in CallTable(store).load_calls()]
    assert outcomes == [("RateLimitError", 0), ("ok", 7)], "every attempt is in the ledger"


@pytest.mark.parametrize(
    ("handle", "error", "attempts"),
    [
        (lambda body: (500, {}, b"boom"), TransientError, 2),
        (lambda body: (200, {}, b"<html>garbage</html>"), TransientError, 2),
        (lambda body: (200, {"Content-Length": "999"}, b'{"choices": [{"mess'), TransientError, 2),
        (lambda body: (429, {"Retry-After": "60"}, b"{}"), RateLimitError, 1),
        (lambda body: refuse("no such model", 404), BackendError, 1),
        (never, BackendTimeoutError, 1),
        (lambda body: dripping(b"{"), BackendTimeoutError, 1),
    ],
)
@pytest.mark.parametrize("call", ["complete", "stream"])
def test_each_fault_is_its_error_within_the_time_limit(server, store, handle, error, attempts, call):
    server.handle = handle
    limit_s = LIMIT_S if error is BackendTimeoutError else PATIENT_S
    backend = compose(store, server, timeout_s=limit_s, calls={"attempts": 2})
    started = time.monotonic()
    with pytest.raises(error, match="openai:m"):
        backend.complete(HELLO) if call == "complete" else collect(backend.stream(HELLO))
    assert time.monotonic() - started < limit_s + 10
    assert len(server.bodies) == attempts


def test_half_a_stream_is_a_degraded_answer_and_accounted_for(server, store):
    server.handle = lambda body: (200, {}, iter([event("Once upon")]))
    pieces, answer = collect(compose(store, server).stream(HELLO))
    assert pieces == ["Once upon"] and answer.finish_reason == "error" and "broke off" in answer.note
    (entry,) = CallTable(store).load_calls()
    assert entry.estimated and entry.output_tokens == HELLO.max_output_tokens
    server.handle = lambda body: streamed("Once upon a time")
    assert collect(compose(store, server).stream(HELLO))[1].text == "Once upon a time", "not kept"


def test_the_next_of_the_chain_answers_and_the_facts_at_the_end(server, store):
    server.handle = lambda body: (500, {}, b"boom") if body["model"] == "bad" else chat("from the good one")
    chain = [f"openai:bad@{server.url}", f"openai:good@{server.url}", "none"]
    answer = compose(store, model=chain).complete(HELLO)
    assert answer.text == "from the good one" and answer.model == "openai:good" and answer.degraded
    assert "openai:bad failed" in answer.note and "HTTP 500" in answer.note
    broken = compose(store, model=[chain[0], "none"])
    with pytest.raises(BackendError, match="the facts speak"):
        broken.complete(HELLO)


def test_a_failing_chain_words_from_facts_and_says_so(server, store, make_facts):
    server.handle = lambda body: (500, {}, b"boom")
    wording = Wording(compose(store, model=[f"openai:bad@{server.url}", "none"]), "en")
    words, note = wording.name_facets(*make_facts)
    assert [entry.worded_by for entry in words.values()] == ["facts"]
    assert "openai:bad failed" in note and "the facts speak" in note


def test_words_of_another_model_say_whose_they_are(server, store, make_facts):
    def handle(body):
        if body["model"] == "bad":
            return 500, {}, b"boom"
        return chat('{"label": "Cheese", "description": "soft cheese"}')

    server.handle = handle
    chain = compose(store, model=[f"openai:bad@{server.url}", f"openai:good@{server.url}"])
    wording = Wording(chain, "en")
    words, note = wording.name_facets(*make_facts)
    assert (words["f1"].worded_by, words["f1"].model) == ("model", "openai:good") and not note
    assert words["f1"].is_settled(wording.model), "it is not asked again at each refresh"


@pytest.fixture
def make_facts():
    from agent.interests.words import FacetExamples, FacetWords

    examples = {"f1": FacetExamples((("brie", 3),), (("Cheese", 3),), 3)}
    return examples, {"f1": FacetWords("Cheese", "brie")}


def test_answers_are_kept_per_server(server, store):
    assert compose(store, server).complete(HELLO).text == "hello"
    assert compose(store, server).complete(HELLO).cached
    with running_server() as other:
        other.handle = lambda body: chat("from the other")
        assert compose(store, other).complete(HELLO).text == "from the other"
    assert len(server.bodies) == 1


def test_local_files_of_one_name_are_told_apart(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF" + b"a" * 3_000_000)
    first = file_identity(str(path))
    assert first == file_identity(str(path))
    for content in (
        b"GGUF" + b"a" * 2_999_999,
        b"GGUG" + b"a" * 3_000_000,
        b"GGUF" + b"a" * 2_999_999 + b"b",
    ):
        path.write_bytes(content)
        assert file_identity(str(path)) != first
    assert file_identity("qwen2.5-coder-0.5b") != file_identity("qwen2.5-coder-1.5b") != ""
    assert file_identity(str(tmp_path / "absent.gguf")) == file_identity("no-such-model") == ""


def test_nothing_is_opened_before_the_first_call(store, tmp_path):
    path = tmp_path / "no-model.GGUF"
    path.write_bytes(b"none")
    backend = compose(store, model=[f"llamacpp:{path}", "openai:m"])
    assert backend.name == "llamacpp:no-model → openai:m"
    assert backend.capabilities.score and backend.capabilities.remote
    with pytest.raises(BackendError, match="no-model"):
        backend.complete(HELLO)
    backend.close()


def test_a_budget_stops_before_the_call_and_the_local_answer_is_free(server, store):
    cost = {"tokens_per_day": 10}
    with pytest.raises(BudgetError, match="tokens_per_day"):
        compose(store, server, cost=cost).complete(HELLO)
    assert not server.bodies
    answer = compose(store, server, fallback=["scripted:"], cost=cost).complete(HELLO)
    assert answer.text == "Hello." and "not made" in answer.note


def test_a_budget_of_the_process_does_not_count_what_others_spent(server, store):
    server.handle = lambda body: chat("hello" * len(server.bodies))
    cost = {"tokens_total": 200, "scope": "process"}
    for number in range(3):
        backend = compose(store, server, cost=cost)
        backend.complete(LlmRequest("", f"Hello {number}.", "test", max_output_tokens=80))
        with pytest.raises(BudgetError):
            backend.complete(LlmRequest("", "Hello again.", "test", max_output_tokens=101))
    assert len(CallTable(store).load_calls()) == 3


def test_redaction_is_on_for_servers_elsewhere_and_can_be_had_for_all(server, store):
    mail = LlmRequest("", "Write to ann@example.com.", "test")
    server.handle = lambda body: chat(f"you said: {body['messages'][-1]['content']}")
    compose(store, server).complete(mail)
    assert "ann@example.com" in server.bodies[-1]["messages"][-1]["content"], "this machine"
    with running_server() as other:
        other.handle = server.handle
        answer = compose(store, other, calls={"redact": "always"}).complete(mail)
        assert answer.text == "you said: Write to ann@example.com."
        assert other.bodies[-1]["messages"][-1]["content"] == "Write to ⟨email-1⟩."
    words = dict(describe_protection(LlmSettings(model="openai:m", base_url="https://models.example.com/v1")))
    assert "emails" in words["data sent to openai:m"]


def test_a_run_is_recorded_and_replayed_without_the_server(store, tmp_path):
    path = tmp_path / "calls.jsonl"
    with running_server() as server:
        server.handle = lambda body: chat("hello")
        calls = {"record": path, "redact": "always"}
        compose(store, server, calls=calls).complete(LlmRequest("", "Mail ann@example.com.", "test"))
    assert "ann@example.com" not in path.read_text() and "email-1" in path.read_text()
    calls = {"replay": path, "redact": "always"}
    replayed = compose(store, model="openai:m", calls=calls, fallback=["none"])
    assert replayed.complete(LlmRequest("", "Mail ann@example.com.", "test")).text == "hello"
    with pytest.raises(BackendError, match=r"stage 'test'.*Mail"):
        replayed.complete(LlmRequest("", "Mail someone else.", "test"))


def test_a_key_goes_to_its_server_only(server, store):
    compose(store, server).complete(HELLO)
    assert server.keys == [f"Bearer {KEY}"]
    with running_server() as other:
        settings = {"model": f"openai:m@{other.url}", "base_url": server.url, "api_key": KEY}
        compose(store, **settings).complete(LlmRequest("", "Another.", "test"))
        assert len(other.bodies) == 1 and KEY not in other.keys[0]


@pytest.mark.parametrize(
    "fault",
    [
        lambda body: chat(f"your key is {KEY}"),
        lambda body: streamed("your key is ", KEY),
        lambda body: refuse(f"bad key {KEY}", 401),
        lambda body: (500, {}, KEY.encode()),
        lambda body: (200, {}, f"<html>{KEY}</html>".encode()),
        lambda body: (429, {"Retry-After": "60"}, KEY.encode()),
        lambda body: (200, {}, iter([event("half"), f"data: {KEY}\n\n".encode()])),
        never,
    ],
)
def test_the_key_is_in_no_log_error_answer_ledger_recording_or_cache(server, tmp_path, caplog, fault):
    server.handle = fault
    caplog.set_level(logging.DEBUG)
    said = []
    with Store.open(tmp_path / "store.sqlite") as store:
        calls = {"record": tmp_path / "calls.jsonl", "attempts": 2}
        backend = compose(store, server, calls=calls, timeout_s=LIMIT_S if fault is never else PATIENT_S)
        for request in (HELLO, OBJECT):
            for ask in (backend.complete, lambda r: collect(backend.stream(r))):
                try:
                    said.append(repr(ask(request)))
                except BackendError as error:
                    said.append("".join(traceback.format_exception(error)) + repr(error))
        said += [repr(backend), repr(backend.__dict__), repr(backend.capabilities)]
        said += map(repr, CallTable(store).load_calls())
        settings = LlmSettings(model="openai:m", base_url=server.url, api_key=KEY)
        said += [repr(settings), repr(describe_protection(settings))]
        backend.close()
    said += [caplog.text, *(repr(record.__dict__) for record in caplog.records)]
    assert server.keys[0] == f"Bearer {KEY}", "the key was really used"
    assert not [text for text in said if KEY in text]
    for path in Path(tmp_path).rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path


def test_offline_leads_to_the_models_on_this_machine(store, no_network):
    settings = LlmSettings(
        model="openai:m", base_url="https://models.example.com/v1", fallback=("scripted:",)
    )
    answer = compose_backend(settings, store, offline=True).complete(HELLO)
    assert answer.model == "scripted:" and "offline mode is on" in answer.note
    assert not no_network


def test_no_server_at_all_is_an_error_in_time(store):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}/v1"
    started = time.monotonic()
    with pytest.raises(TransientError, match="openai:m"):
        compose(store, model="openai:m", base_url=closed, calls={"attempts": 2}).complete(HELLO)
    assert time.monotonic() - started < PATIENT_S


def test_chains_come_from_a_list_a_fallback_or_commas(tmp_path, monkeypatch):
    path = tmp_path / "driftrec.toml"
    path.write_text('[llm]\nmodel = ["openai:a", "llamacpp:b", "none"]\n')
    assert load_settings(path).llm.chain == ("openai:a", "llamacpp:b", "none")
    path.write_text('[llm]\nmodel = "openai:a"\nfallback = ["none"]\n')
    assert load_settings(path).llm.chain == ("openai:a", "none")
    assert load_settings(path).llm.with_model("none").chain == ("none",)
    monkeypatch.setenv("DRIFTREC_LLM__FALLBACK", '["scripted:"]')
    assert load_settings(path).llm.chain == ("openai:a", "scripted:")
    path.write_text("[llm]\nmodel = []\n")
    monkeypatch.delenv("DRIFTREC_LLM__FALLBACK")
    with pytest.raises(SettingsError, match="one or more"):
        load_settings(path)


def test_none_alone_is_no_backend_and_stands_last_only():
    assert compose_backend(LlmSettings(model="none"), store=None) is None
    with pytest.raises(SettingsError, match="last of the chain"):
        compose_backend(LlmSettings(model=["none", "scripted:"]), store=None)


def test_one_model_without_a_chain_stands_alone(store):
    backend = compose_backend(LlmSettings(model="scripted:"), store, calls=(calls := MemoryCalls()))
    assert backend.complete(HELLO).text == "Hello." and calls.calls[0].stage == "test"
    assert not calls.calls[0].metered


def test_every_protection_is_described():
    settings = LlmSettings(
        model=["openai:big@https://me:pw@models.example.com/v1", "openai:small", "llamacpp:q", "none"],
        base_url="http://localhost:8000/v1",
        api_key=KEY,
        cost={"tokens_per_day": 1_000_000, "price_in": 0.15, "money_total": 5.5, "scope": "process"},
        calls={"record": "calls.jsonl"},
    )
    found = dict(describe_protection(settings))
    assert found["chain"] == "openai:big → openai:small → llamacpp:q → none"
    assert (
        "on another machine" in found["data sent to openai:big"]
        and "emails" in found["data sent to openai:big"]
    )
    assert "without a key" in found["data sent to openai:big"]
    assert "on this machine, with a key" in found["data sent to openai:small"]
    assert "1,000,000 tokens a day" in found["budget"] and "5.5 in money in all" in found["budget"]
    assert "calls.jsonl" in found["recording"]
    assert "pw" not in repr(found) and KEY not in repr(found)
    assert dict(describe_protection(LlmSettings(model="none"))) == {"chain": "none, nothing after it"}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nosuch-model",
        "foo:bar",
        "NONE",
        "llamacpp:",
        "llamacpp:nosuch-model",
        "llamacpp:absent.gguf",
        "llamacpp:~no-such-user/m.gguf",
        "openai:",
        "openai:m@http://",
        "openai:m@http://[half/v1",
        "openai:m@http://here:port/v1",
    ],
)
@pytest.mark.parametrize("place", ["alone", "last"])
def test_a_name_that_can_be_no_model_is_an_error_at_once(store, name, place):
    chain = [name] if place == "alone" else ["llamacpp:smollm2-135m", name]
    with pytest.raises(SettingsError, match=r"llm\.(model|base_url): expected"):
        compose(store, model=chain)


def test_a_replay_needs_no_file_of_the_model(store, tmp_path):
    path = tmp_path / "calls.jsonl"
    answer = {"text": "hello", "model": "llamacpp:absent"}
    asked = {**dataclasses.asdict(HELLO), "stop": []}
    del asked["stage"], asked["prompt_hash"]
    line = {"kind": "complete", "model": "llamacpp:absent", "capabilities": {}, "asked": asked}
    path.write_text(json.dumps({**line, "answer": answer}) + "\n")
    backend = compose(store, model="llamacpp:absent.gguf", calls={"replay": path})
    assert backend.complete(HELLO).text == "hello"


def test_the_password_of_an_address_is_in_no_message(store):
    secret = "SEKRET"
    name = f"openai:m@http://me:{secret}@models.example.com/v1?key={secret}"
    settings = LlmSettings(model=name)
    backend = compose_backend(settings, store, offline=True)
    with pytest.raises(
        BackendError, match=r"openai:m@http://models\.example\.com/v1' is on another"
    ) as caught:
        backend.complete(HELLO)
    texts = [str(caught.value), backend.name, repr(describe_protection(settings))]
    texts += [finding.detail for finding in _models(Settings(llm=settings))]
    for wrong in (
        {"model": ["none", name]},
        {"model": name.replace("openai", "opnai")},
        {"model": f"openai:m@http://me:{secret}@here:port/v1"},
        {"model": f"openai:m@http://me:a/{secret}@here/v1"},
        {"model": "openai:m", "base_url": f"ftp://me:{secret}@here/v1"},
    ):
        with pytest.raises(SettingsError) as refused:
            compose(store, **wrong)
        texts.append(str(refused.value))
        texts += [finding.detail for finding in _models(Settings(llm=LlmSettings(**wrong)))]
    assert not [text for text in texts if secret in text]


def test_a_call_that_was_given_up_is_in_the_ledger_when_the_process_ends(server, store):
    server.handle = never
    backend = compose(store, server, timeout_s=0.3, cost={"price_in": 1.0, "price_out": 1.0})
    with pytest.raises(BackendTimeoutError):
        backend.complete(HELLO)
    backend.close()
    entry = CallTable(store).load_calls()[-1]
    assert entry.estimated and entry.metered and entry.cost > 0
    assert entry.output_tokens == HELLO.max_output_tokens
