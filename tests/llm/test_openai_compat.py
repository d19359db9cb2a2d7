"""The remote backend against a server that misbehaves on purpose; the real one is in the contract suite."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from agent.errors import BackendError, BackendTimeoutError, RateLimitError, SettingsError
from agent.llm.backend import LlmRequest
from agent.llm.openai_compat import OpenAICompatBackend, is_loopback

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer", "minimum": 0, "maximum": 9}},
    "required": ["a"],
    "additionalProperties": False,
}
ASK = LlmRequest("Answer with JSON.", "How many?", "test", schema=SCHEMA)
HELLO = LlmRequest("", "Hello.", "test")
KEY = "sk-very-secret-0123456789"


class _Server(ThreadingHTTPServer):
    """Answers with `handle(body) -> (status, headers, bytes)`; keeps the bodies it got."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.handle = lambda body: chat("hello")
        self.bodies = []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        status, headers, content = self.server.handle(body)
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


def chat(text, finish="stop"):
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    answer = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
    return 200, {}, json.dumps({**answer, "choices": [choice], "usage": usage}).encode()


def refuse(message="response_format is not supported", status=400):
    return status, {}, json.dumps({"error": {"message": message}}).encode()


@pytest.fixture
def server():
    server = _Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def backend(server):
    backend = OpenAICompatBackend(
        "m", base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key=SecretStr(KEY), timeout_s=1.0
    )
    yield backend
    backend.close()


def _is_probe(body):
    return body["messages"][-1]["content"] == "Say hello in JSON."


def _format(body):
    return body.get("response_format", {}).get("type", "prompt")


def test_schemas_are_used_where_they_are_honoured(server, backend):
    server.handle = lambda body: chat('{"probe": 7}' if _is_probe(body) else '{"a": 4}')
    assert not backend.capabilities.structured
    for _ in range(2):
        completion = backend.complete(ASK)
        assert completion.data == {"a": 4}
        assert not completion.degraded
        assert (completion.prompt_tokens, completion.output_tokens) == (7, 3)
    assert backend.capabilities.structured
    assert [_format(body) for body in server.bodies] == ["json_schema"] * 3, "one probe, then the requests"


def test_a_server_that_ignores_schemas_is_found_out(server, backend):
    def handle(body):
        if not _is_probe(body):
            return chat('{"a": 1}')
        return chat('{"hello": "you"}' if _format(body) == "json_object" else "Hello!")

    server.handle = handle
    assert backend.complete(ASK).data == {"a": 1}
    assert [_format(body) for body in server.bodies] == ["json_schema", "json_object", "json_object"]
    assert "JSON schema" in server.bodies[-1]["messages"][0]["content"]


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
    assert [_format(body) for body in server.bodies[1:]] == ["json_schema", "json_object", "json_object"]


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
    assert completion.prompt_tokens == 14
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


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_the_key_is_in_no_message(server, backend, status):
    server.handle = lambda body: refuse(f"bad key {KEY} given", status)
    with pytest.raises(BackendError) as caught:
        backend.complete(HELLO)
    assert KEY not in f"{caught.value!r}"
    assert "***" in str(caught.value)


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
