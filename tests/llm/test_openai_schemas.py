"""How the remote backend asks a server for an object, and what it does when it gets another."""

from __future__ import annotations

import pytest

from agent.data.store import Store
from agent.errors import BackendError
from agent.llm.openai_compat import OpenAICompatBackend
from agent.llm.streams import collect
from tests.llm.asks import ASK, SCHEMA, is_probe
from tests.llm.doubles import MemoryCache
from tests.llm.servers import chat, refuse, streamed


def _format(body):
    form = body.get("response_format", {})
    return "object_with_schema" if "schema" in form else form.get("type", "prompt")


MODES = ["json_schema", "object_with_schema", "json_object", "prompt"]


def test_schemas_are_used_where_they_are_honoured(server, remote):
    server.handle = lambda body: chat('{"probe": 7}' if is_probe(body) else '{"a": 4}')
    assert not remote.capabilities.structured
    for probes in (1, 0):
        completion = remote.complete(ASK)
        assert completion.data == {"a": 4}
        assert not completion.degraded
        counted = (completion.prompt_tokens, completion.output_tokens)
        assert counted == (7 * (1 + probes), 3 * (1 + probes)), "probes are paid for too"
    assert remote.capabilities.structured
    assert [_format(body) for body in server.bodies] == ["json_schema"] * 3, "one probe, then the requests"


def test_a_server_that_ignores_schemas_is_found_out(server, remote):
    def handle(body):
        if not is_probe(body):
            return chat('{"a": 1}')
        return chat('{"hello": "you"}' if _format(body) != "json_schema" else "Hello!")

    server.handle = handle
    assert remote.complete(ASK).data == {"a": 1}
    assert [_format(body) for body in server.bodies] == [*MODES[:3], "json_object"]
    assert '{"a": <integer, 0 to 9>}' in server.bodies[-1]["messages"][0]["content"]
    assert not remote.capabilities.structured


def test_a_server_with_a_way_of_its_own_is_used_by_it(server, remote):
    def handle(body):
        if not is_probe(body):
            return chat('{"a": 1}')
        return chat('{"probe": 7}' if "schema" in body["response_format"] else "Hello!")

    server.handle = handle
    assert remote.complete(ASK).data == {"a": 1}
    assert [_format(body) for body in server.bodies] == [*MODES[:2], "object_with_schema"]
    assert server.bodies[-1]["response_format"]["schema"] == SCHEMA
    assert remote.capabilities.structured


@pytest.mark.parametrize("status", [400, 422, 500])
def test_a_server_that_refuses_every_format_gets_the_prompt_only(server, remote, status):
    server.handle = lambda body: (
        refuse(status=status) if "response_format" in body else chat('```json\n{"a": 2}\n```')
    )
    assert remote.complete(ASK).data == {"a": 2}
    assert _format(server.bodies[-1]) == "prompt"


def test_a_schema_that_is_refused_later_steps_down_for_good(server, remote):
    def handle(body):
        if is_probe(body):
            return chat('{"probe": 7}')
        return refuse("maximum is not permitted") if _format(body) == "json_schema" else chat('{"a": 3}')

    server.handle = handle
    assert remote.complete(ASK).data == {"a": 3}
    assert remote.complete(ASK).data == {"a": 3}
    assert [_format(body) for body in server.bodies[1:]] == [MODES[0], *MODES[:2], MODES[1]]


def test_keywords_that_a_server_does_not_take_are_left_out_of_its_schemas(server, remote):
    def handle(body):
        if is_probe(body):
            return chat('{"probe": 7}')
        sent = body["response_format"]["json_schema"]["schema"]["properties"]["a"]
        return refuse("'maximum' is not permitted") if "maximum" in sent else chat('{"a": 12}')

    server.handle = handle
    completion = remote.complete(ASK)
    assert _format(server.bodies[-1]) == "json_schema" and completion.data is None
    assert "maximum of 9" in completion.note, "it is checked here all the same"


@pytest.mark.parametrize("first", ['{"a": 11}', "eleven", '{"a": 1, "b": 2}', "[1]"])
def test_an_answer_that_does_not_fit_is_repaired_once(server, remote, first):
    def handle(body):
        if is_probe(body):
            return chat('{"probe": 7}')
        return chat('{"a": 5}' if len(body["messages"]) > 2 else first)

    server.handle = handle
    completion = remote.complete(ASK)
    assert completion.data == {"a": 5}
    assert completion.degraded
    assert "repaired" in completion.note
    assert completion.prompt_tokens == 21, "probe, answer and repair"
    assert server.bodies[-1]["messages"][2]["content"] == first


def test_an_answer_that_cannot_be_repaired_is_degraded(server, remote):
    server.handle = lambda body: chat("no JSON, ever")
    completion = remote.complete(ASK)
    assert completion.data is None
    assert completion.degraded
    assert "not JSON" in completion.note


def test_truncation_is_not_repaired(server, remote):
    server.handle = lambda body: chat('{"probe": 7}') if is_probe(body) else chat('{"a', "length")
    completion = remote.complete(ASK)
    assert completion.data is None
    assert completion.finish_reason == "length"
    assert len(server.bodies) == 2


def test_a_streamed_object_is_validated_and_a_cut_one_degraded(server, remote):
    def handle(body):
        return chat('{"probe": 7}') if is_probe(body) else streamed('{"a"', ": 4}")

    server.handle = handle
    _, completion = collect(remote.stream(ASK))
    assert completion.data == {"a": 4} and not completion.degraded
    server.handle = lambda body: streamed('{"a": 44}')
    _, completion = collect(remote.stream(ASK))
    assert completion.data is None and completion.degraded and "a" in completion.note
    server.handle = lambda body: streamed('{"a', finish="length")
    _, completion = collect(remote.stream(ASK))
    assert completion.finish_reason == "length" and "cut" in completion.note


def test_how_a_server_takes_schemas_is_kept_for_a_week(server, monkeypatch):
    kept = MemoryCache()
    server.handle = lambda body: chat('{"probe": 7}' if is_probe(body) else '{"a": 4}')

    def ask(model="m"):
        server.bodies.clear()
        backend = OpenAICompatBackend(model, base_url=server.url, timeout_s=5, memory=kept)
        assert backend.complete(ASK).data == {"a": 4}
        backend.close()
        return [is_probe(body) for body in server.bodies]

    assert ask() == [True, False]
    assert ask() == [False], "kept over a restart"
    assert ask("other") == [True, False], "per model"
    (key, value), *_ = kept.items()
    kept[key] = f"{value.split()[0]} {float(value.split()[1]) - 8 * 86_400}"
    assert ask() == [True, False], "asked again after a week"
    assert server.url in key and "json_schema" in value


@pytest.mark.model
def test_a_real_server_is_probed_once_and_honours_schemas_from_then_on(server_url, tmp_path):
    with Store.open(tmp_path / "store.sqlite") as store:
        for _ in range(2):
            backend = OpenAICompatBackend("smollm2", base_url=server_url, memory=store, timeout_s=60)
            assert not backend.capabilities.structured
            completion = backend.complete(ASK)
            assert 0 <= completion.data["a"] <= 9 and not completion.degraded
            assert backend.capabilities.structured
            backend.close()
        kept = store.cache_get(f"structured-mode:openai:smollm2 {server_url}")
        assert kept.startswith("object_with_schema ")


def test_a_prompt_that_is_too_long_does_not_change_how_schemas_are_asked_for(server, remote):
    server.handle = lambda body: chat('{"probe": 7}') if is_probe(body) else refuse("context length exceeded")
    with pytest.raises(BackendError, match="context length"):
        remote.complete(ASK)
    assert [_format(body) for body in server.bodies[1:]] == MODES
    server.handle = lambda body: chat('{"a": 4}')
    remote.complete(ASK)
    assert _format(server.bodies[-1]) == "json_schema"
