"""The remote backend against a server that misbehaves on purpose; the real one is in the contract suite."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic import SecretStr

from agent.data.store import Store
from agent.errors import (
    BackendError,
    BackendTimeoutError,
    RateLimitError,
    SettingsError,
    TransientError,
)
from agent.llm.backend import LlmRequest
from agent.llm.openai_compat import OpenAICompatBackend, is_loopback
from agent.llm.streams import collect
from tests.llm.servers import chat, dripping, event, refuse, running_server, streamed

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer", "minimum": 0, "maximum": 9}},
    "required": ["a"],
    "additionalProperties": False,
}
ASK = LlmRequest("Answer with JSON.", "How many?", "test", schema=SCHEMA)
HELLO = LlmRequest("", "Hello.", "test")
KEY = "sk-very-secret-0123456789"


class Memory:
    """A store's cache, in a dict."""

    def __init__(self, kept):
        self.kept = kept

    def cache_get(self, key):
        return self.kept.get(key)

    def cache_put(self, key, value):
        self.kept[key] = value


@pytest.fixture
def server():
    with running_server() as server:
        yield server


@pytest.fixture
def backend(server):
    backend = OpenAICompatBackend("m", base_url=server.url, api_key=SecretStr(KEY), timeout_s=1.0)
    yield backend
    backend.close()


def _is_probe(body):
    return body["messages"][-1]["content"] == "Say hello in JSON."


def _format(body):
    form = body.get("response_format", {})
    return "object_with_schema" if "schema" in form else form.get("type", "prompt")


MODES = ["json_schema", "object_with_schema", "json_object", "prompt"]


def test_schemas_are_used_where_they_are_honoured(server, backend):
    server.handle = lambda body: chat('{"probe": 7}' if _is_probe(body) else '{"a": 4}')
    assert not backend.capabilities.structured
    for probes in (1, 0):
        completion = backend.complete(ASK)
        assert completion.data == {"a": 4}
        assert not completion.degraded
        counted = (completion.prompt_tokens, completion.output_tokens)
        assert counted == (7 * (1 + probes), 3 * (1 + probes)), "probes are paid for too"
    assert backend.capabilities.structured
    assert [_format(body) for body in server.bodies] == ["json_schema"] * 3, "one probe, then the requests"


def test_a_server_that_ignores_schemas_is_found_out(server, backend):
    def handle(body):
        if not _is_probe(body):
            return chat('{"a": 1}')
        return chat('{"hello": "you"}' if _format(body) != "json_schema" else "Hello!")

    server.handle = handle
    assert backend.complete(ASK).data == {"a": 1}
    assert [_format(body) for body in server.bodies] == [*MODES[:3], "json_object"]
    assert '{"a": <integer, 0 to 9>}' in server.bodies[-1]["messages"][0]["content"]
    assert not backend.capabilities.structured


def test_a_server_with_a_way_of_its_own_is_used_by_it(server, backend):
    def handle(body):
        if not _is_probe(body):
            return chat('{"a": 1}')
        return chat('{"probe": 7}' if "schema" in body["response_format"] else "Hello!")

    server.handle = handle
    assert backend.complete(ASK).data == {"a": 1}
    assert [_format(body) for body in server.bodies] == [*MODES[:2], "object_with_schema"]
    assert server.bodies[-1]["response_format"]["schema"] == SCHEMA
    assert backend.capabilities.structured


@pytest.mark.parametrize("status", [400, 422, 500])
def test_a_server_that_refuses_every_format_gets_the_prompt_only(server, backend, status):
    server.handle = lambda body: (
        refuse(status=status) if "response_format" in body else chat('```json\n{"a": 2}\n```')
    )
    assert backend.complete(ASK).data == {"a": 2}
    assert _format(server.bodies[-1]) == "prompt"


def test_a_schema_that_is_refused_later_steps_down_for_good(server, backend):
    def handle(body):
        if _is_probe(body):
            return chat('{"probe": 7}')
        return refuse("maximum is not permitted") if _format(body) == "json_schema" else chat('{"a": 3}')

    server.handle = handle
    assert backend.complete(ASK).data == {"a": 3}
    assert backend.complete(ASK).data == {"a": 3}
    assert [_format(body) for body in server.bodies[1:]] == [MODES[0], *MODES[:2], MODES[1]]


def test_keywords_that_a_server_does_not_take_are_left_out_of_its_schemas(server, backend):
    def handle(body):
        if _is_probe(body):
            return chat('{"probe": 7}')
        sent = body["response_format"]["json_schema"]["schema"]["properties"]["a"]
        return refuse("'maximum' is not permitted") if "maximum" in sent else chat('{"a": 12}')

    server.handle = handle
    completion = backend.complete(ASK)
    assert _format(server.bodies[-1]) == "json_schema" and completion.data is None
    assert "maximum of 9" in completion.note, "it is checked here all the same"


@pytest.mark.parametrize("first", ['{"a": 11}', "eleven", '{"a": 1, "b": 2}', "[1]"])
def test_an_answer_that_does_not_fit_is_repaired_once(server, backend, first):
    def handle(body):
        if _is_probe(body):
            return chat('{"probe": 7}')
        return chat('{"a": 5}' if len(body["messages"]) > 2 else first)

    server.handle = handle
    completion = backend.complete(ASK)
    assert completion.data == {"a": 5}
    assert completion.degraded
    assert "repaired" in completion.note
    assert completion.prompt_tokens == 21, "probe, answer and repair"
    assert server.bodies[-1]["messages"][2]["content"] == first


def test_an_answer_that_cannot_be_repaired_is_degraded(server, backend):
    server.handle = lambda body: chat("no JSON, ever")
    completion = backend.complete(ASK)
    assert completion.data is None
    assert completion.degraded
    assert "not JSON" in completion.note


def test_truncation_is_not_repaired(server, backend):
    server.handle = lambda body: chat('{"probe": 7}') if _is_probe(body) else chat('{"a', "length")
    completion = backend.complete(ASK)
    assert completion.data is None
    assert completion.finish_reason == "length"
    assert len(server.bodies) == 2


def test_the_wish_of_a_busy_server_is_passed_on(server, backend):
    server.handle = lambda body: (429, {"Retry-After": "7"}, b'{"error": {"message": "slow down"}}')
    with pytest.raises(RateLimitError, match="slow down") as caught:
        backend.complete(HELLO)
    assert caught.value.retry_after_s == 7.0
    assert len(server.bodies) == 1, "no retry of its own"
    server.handle = lambda body: chat("hello")
    assert backend.complete(HELLO).text == "hello"


@pytest.mark.parametrize(
    "reply",
    [
        (500, {}, b"boom"),
        (200, {}, b"this is not JSON"),
        (200, {"Content-Type": "text/html"}, b"<html>proxy login</html>"),
        (200, {}, b"[]"),
        (200, {}, b'{"choices": []}'),
        (200, {}, b'{"choices": [{"message": null}]}'),
        (200, {}, b'{"choices": [{"message": {"content": [1]}}]}'),
        (200, {}, b'{"choices": ["x"]}'),
        (200, {}, b"[" * 200_000),
        (200, {}, b"null"),
        (200, {"Content-Length": "1000"}, b'{"choices": [{"mess'),
    ],
)
def test_garbage_is_an_error_of_ours(server, backend, reply):
    server.handle = lambda body: reply
    started = time.monotonic()
    with pytest.raises(BackendError, match="openai:m"):
        backend.complete(HELLO)
    assert time.monotonic() - started < 5


def test_a_server_that_never_answers_runs_into_the_time_limit(server, backend):
    release = threading.Event()

    def handle(body):
        release.wait(10)
        return chat("late")

    server.handle = handle
    started = time.monotonic()
    with pytest.raises(BackendTimeoutError, match="1 s"):
        backend.complete(HELLO)
    release.set()
    assert time.monotonic() - started < 5


def test_no_server_is_an_error_of_ours():
    backend = OpenAICompatBackend("m", base_url="http://127.0.0.1:9/v1", timeout_s=1.0)
    with pytest.raises(BackendError, match="openai:m"):
        backend.complete(HELLO)
    backend.close()
    backend.close()


def test_the_wish_may_be_a_moment_or_come_with_503(server, backend):
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    server.handle = lambda body: (503, {"Retry-After": soon}, b"{}")
    with pytest.raises(RateLimitError) as caught:
        backend.complete(HELLO)
    assert 20 < caught.value.retry_after_s <= 30
    server.handle = lambda body: (429, {"Retry-After": "later"}, b"{}")
    with pytest.raises(RateLimitError) as caught:
        backend.complete(HELLO)
    assert caught.value.retry_after_s is None


@pytest.mark.parametrize(
    ("reply", "transient"),
    [
        ((500, {}, b"boom"), True),
        ((408, {}, b"{}"), True),
        ((200, {}, b"garbage"), True),
        ((401, {}, b"{}"), False),
        (refuse("You exceeded your current quota (insufficient_quota)", 429), False),
        (refuse("no such model", 404), False),
    ],
)
def test_what_may_pass_is_told_from_what_will_not(server, backend, reply, transient):
    server.handle = lambda body: reply
    with pytest.raises(BackendError) as caught:
        backend.complete(HELLO)
    assert isinstance(caught.value, TransientError) is transient
    assert not isinstance(caught.value, RateLimitError)


def test_a_server_that_drips_runs_into_the_time_limit(server, backend):
    server.handle = lambda body: dripping(b"{")
    started = time.monotonic()
    with pytest.raises(BackendTimeoutError, match="1 s"):
        backend.complete(HELLO)
    assert time.monotonic() - started < 3


def test_a_stream_comes_in_pieces_and_ends_in_a_completion(server, backend):
    server.handle = lambda body: streamed("Bon", "jour 你", "好")
    pieces, completion = collect(backend.stream(HELLO))
    assert pieces == ["Bon", "jour 你", "好"] and completion.text == "Bonjour 你好"
    assert (completion.prompt_tokens, completion.output_tokens) == (7, 3)
    assert not completion.degraded and not completion.estimated
    assert server.bodies[-1]["stream"] is True


@pytest.mark.parametrize("count", [-1_000_000, True, 10**30, 5.0, "5", None])
@pytest.mark.parametrize("call", ["complete", "stream"])
def test_token_counts_that_cannot_be_are_estimated(server, backend, count, call):
    _answer_with_usage(server, {"prompt_tokens": count, "completion_tokens": count})
    completion = backend.complete(HELLO) if call == "complete" else collect(backend.stream(HELLO))[1]
    assert completion.text == "hello" and completion.estimated
    assert 0 < completion.prompt_tokens < 100 and 0 < completion.output_tokens < 100


@pytest.mark.parametrize("usage", [[1], "many", 7])
@pytest.mark.parametrize("call", ["complete", "stream"])
def test_an_answer_is_not_lost_for_its_malformed_usage(server, backend, usage, call):
    _answer_with_usage(server, usage)
    completion = backend.complete(HELLO) if call == "complete" else collect(backend.stream(HELLO))[1]
    assert completion.text == "hello" and completion.estimated and completion.output_tokens > 0


def _answer_with_usage(server, usage):
    def handle(body):
        if body.get("stream"):
            return 200, {}, iter([event("hello"), event(finish="stop"), event(usage=usage)])
        status, headers, content = chat("hello")
        return status, headers, json.dumps({**json.loads(content), "usage": usage}).encode()

    server.handle = handle


@pytest.mark.parametrize("call", ["complete", "stream"])
def test_a_lone_surrogate_is_refused_before_sending(server, backend, call):
    broken = LlmRequest("", "a\ud800b", "test")
    with pytest.raises(BackendError, match=r"lone surrogate '\\ud800'"):
        backend.complete(broken) if call == "complete" else collect(backend.stream(broken))
    assert not server.bodies


def test_a_lone_surrogate_in_an_answer_is_replaced(server, backend):
    server.handle = lambda body: chat("a\ud800b")
    assert backend.complete(HELLO).text == "a?b"


def test_a_streamed_object_is_validated_and_a_cut_one_degraded(server, backend):
    def handle(body):
        return chat('{"probe": 7}') if _is_probe(body) else streamed('{"a"', ": 4}")

    server.handle = handle
    _, completion = collect(backend.stream(ASK))
    assert completion.data == {"a": 4} and not completion.degraded
    server.handle = lambda body: streamed('{"a": 44}')
    _, completion = collect(backend.stream(ASK))
    assert completion.data is None and completion.degraded and "a" in completion.note
    server.handle = lambda body: streamed('{"a', finish="length")
    _, completion = collect(backend.stream(ASK))
    assert completion.finish_reason == "length" and "cut" in completion.note


HALF = [event("Once upon"), event(" a time")]


@pytest.mark.parametrize(
    "rest",
    [
        [],
        [b"data: {not JSON\n\n"],
        [b"data: []\n\n"],
        [b'data: {"error": {"message": "overloaded"}}\n\n'],
        [b'data: {"choices": {"a": 1}}\n\n'],
        [b'data: {"choices": ["x"]}\n\n'],
        [b'data: {"choices": 7}\n\n'],
        [b'data: {"choices": [{"delta": "x"}]}\n\n'],
        [b'data: {"choices": [{"delta": {"content": [1]}}]}\n\n'],
        [b"data: " + b"[" * 200_000 + b"\n\n"],
    ],
)
def test_half_a_stream_is_an_answer_marked_as_broken_off(server, backend, rest):
    server.handle = lambda body: (200, {"Content-Type": "text/event-stream"}, iter([*HALF, *rest]))
    pieces, completion = collect(backend.stream(HELLO))
    assert pieces == ["Once upon", " a time"] and completion.text == "Once upon a time"
    assert completion.finish_reason == "error" and completion.degraded and completion.estimated
    assert "broke off after 16 characters" in completion.note


def test_a_stream_that_stalls_ends_in_time(server, backend):
    def stall():
        yield HALF[0]
        time.sleep(3)

    server.handle = lambda body: (200, {}, stall())
    started = time.monotonic()
    _, completion = collect(backend.stream(HELLO))
    assert completion.finish_reason == "error" and "1 s" in completion.note
    assert time.monotonic() - started < 2.5


@pytest.mark.parametrize(
    "reply", [(500, {}, b"boom"), (200, {}, b"<html>"), (200, {}, b""), (429, {"Retry-After": "1"}, b"{}")]
)
def test_a_stream_that_fails_before_its_first_piece_raises(server, backend, reply):
    server.handle = lambda body: reply
    with pytest.raises(BackendError, match="openai:m"):
        collect(backend.stream(HELLO))


def test_closing_a_stream_early_closes_the_connection(server, backend):
    written = []

    def endless():
        for number in range(10_000):
            written.append(number)
            yield event("word " * 200)

    server.handle = lambda body: (200, {}, endless())
    stream = backend.stream(HELLO)
    assert next(stream).startswith("word")
    stream.close()
    time.sleep(0.3)
    assert len(written) < 10_000


def test_how_a_server_takes_schemas_is_kept_for_a_week(server, monkeypatch):
    kept = {}
    memory = Memory(kept)
    server.handle = lambda body: chat('{"probe": 7}' if _is_probe(body) else '{"a": 4}')

    def ask(model="m"):
        server.bodies.clear()
        backend = OpenAICompatBackend(model, base_url=server.url, timeout_s=5, memory=memory)
        assert backend.complete(ASK).data == {"a": 4}
        backend.close()
        return [_is_probe(body) for body in server.bodies]

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


def test_a_prompt_that_is_too_long_does_not_change_how_schemas_are_asked_for(server, backend):
    server.handle = lambda body: (
        chat('{"probe": 7}') if _is_probe(body) else refuse("context length exceeded")
    )
    with pytest.raises(BackendError, match="context length"):
        backend.complete(ASK)
    assert [_format(body) for body in server.bodies[1:]] == MODES
    server.handle = lambda body: chat('{"a": 4}')
    backend.complete(ASK)
    assert _format(server.bodies[-1]) == "json_schema"


def test_options_that_a_model_does_not_take_are_left_out(server, backend):
    def handle(body):
        if "max_tokens" in body:
            return refuse("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        if "temperature" in body:
            return refuse("Unsupported value: 'temperature' does not support 0 with this model.")
        return streamed("hi") if body.get("stream") else chat("hi")

    server.handle = handle
    assert backend.complete(HELLO).text == "hi"
    assert server.bodies[-1]["max_completion_tokens"] == 256 and "seed" in server.bodies[-1]
    assert collect(backend.stream(HELLO))[1].text == "hi"
    assert len(server.bodies) == 4, "what was refused once is not tried again"


def test_an_option_without_another_name_is_an_error_and_not_a_loop(server, backend):
    server.handle = lambda body: refuse("max_tokens and max_completion_tokens are not supported")
    with pytest.raises(BackendError, match="not supported"):
        backend.complete(HELLO)
    assert len(server.bodies) == 2


def test_tokens_are_estimated_when_the_server_counts_none(server, backend):
    server.handle = lambda body: chat("two words", usage=False)
    completion = backend.complete(HELLO)
    assert completion.estimated and completion.prompt_tokens > 0 and completion.output_tokens > 0
    server.handle = lambda body: streamed("two words", usage=False)
    assert collect(backend.stream(HELLO))[1].estimated


def test_a_filtered_answer_is_degraded(server, backend):
    server.handle = lambda body: chat("", "content_filter")
    completion = backend.complete(HELLO)
    assert completion.finish_reason == "error" and "filter" in completion.note


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_the_key_is_in_no_message(server, backend, status):
    server.handle = lambda body: refuse(f"bad key {KEY} given", status)
    with pytest.raises(BackendError) as caught:
        backend.complete(HELLO)
    assert KEY not in f"{caught.value!r}"
    assert "***" in str(caught.value)


def test_the_key_is_in_no_answer(server, backend):
    server.handle = lambda body: (
        streamed("my key: ", KEY) if body.get("stream") else chat(f"your key is {KEY}")
    )
    assert backend.complete(HELLO).text == "your key is ***"
    pieces, completion = collect(backend.stream(HELLO))
    assert pieces == ["my key: ", "***"] and KEY not in completion.text
    assert server.keys[0] == f"Bearer {KEY}"


def test_a_key_from_the_environment_and_a_password_in_the_address_are_secrets_too(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    server.handle = lambda body: refuse(f"bad key {KEY}", 401)
    backend = OpenAICompatBackend("m", timeout_s=2)
    with pytest.raises(BackendError) as caught:
        backend.complete(HELLO)
    assert KEY not in str(caught.value)
    backend.close()
    address = server.url.replace("//", "//me:pass-word-9@")
    server.handle = lambda body: refuse("pass-word-9 is wrong", 401)
    backend = OpenAICompatBackend("m", base_url=address, timeout_s=2)
    with pytest.raises(BackendError) as caught:
        backend.complete(HELLO)
    assert "pass-word-9" not in f"{caught.value} {backend.capabilities.identity}"
    backend.close()


def test_proxies_of_the_environment_are_not_used_for_this_machine(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    backend = OpenAICompatBackend("m", base_url=server.url, timeout_s=2)
    assert backend.complete(HELLO).text == "hello"
    backend.close()


def test_redirects_away_from_this_machine_are_not_followed(server):
    server.handle = lambda body: (307, {"Location": "http://127.0.0.2:9/v1/chat/completions"}, b"")
    backend = OpenAICompatBackend("m", base_url=server.url, timeout_s=2)
    with pytest.raises(BackendError, match="HTTP 307"):
        backend.complete(HELLO)
    assert len(server.bodies) == 1
    backend.close()


def test_the_vendor_needs_a_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(SettingsError, match="DRIFTREC_LLM__API_KEY"):
        OpenAICompatBackend("gpt-5")
    backend = OpenAICompatBackend("gpt-5", api_key=SecretStr(KEY))
    assert backend.capabilities.remote
    backend.close()


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:1/v1", True),
        ("http://127.0.0.1/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://127.0.0.1.example.com/v1", False),
        ("https://models.example.com/v1", False),
        (None, False),
    ],
)
def test_what_stays_on_this_machine(url, local):
    assert is_loopback(url) is local
