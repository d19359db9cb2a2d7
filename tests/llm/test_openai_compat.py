"""The remote backend against a server that misbehaves on purpose; the real one is in the contract suite."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from agent.errors import BackendError, BackendTimeoutError, RateLimitError, TransientError
from agent.llm.backend import LlmRequest
from agent.llm.openai_compat import OpenAICompatBackend
from agent.llm.streams import collect
from tests.llm.asks import HELLO
from tests.llm.servers import chat, dripping, event, refuse, streamed


def test_the_wish_of_a_busy_server_is_passed_on(server, remote):
    server.handle = lambda body: (429, {"Retry-After": "7"}, b'{"error": {"message": "slow down"}}')
    with pytest.raises(RateLimitError, match="slow down") as caught:
        remote.complete(HELLO)
    assert caught.value.retry_after_s == 7.0
    assert len(server.bodies) == 1, "no retry of its own"
    server.handle = lambda body: chat("hello")
    assert remote.complete(HELLO).text == "hello"


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
def test_garbage_is_an_error_of_ours(server, remote, reply):
    server.handle = lambda body: reply
    started = time.monotonic()
    with pytest.raises(BackendError, match="openai:m"):
        remote.complete(HELLO)
    assert time.monotonic() - started < 30


def test_a_server_that_never_answers_runs_into_the_time_limit(server, remote):
    release = threading.Event()

    def handle(body):
        release.wait(60)
        return chat("late")

    server.handle = handle
    started = time.monotonic()
    with pytest.raises(BackendTimeoutError, match="1 s"):
        remote.complete(HELLO)
    assert time.monotonic() - started < 30
    release.set()


def test_no_server_is_an_error_of_ours():
    backend = OpenAICompatBackend("m", base_url="http://127.0.0.1:9/v1", timeout_s=1.0)
    with pytest.raises(BackendError, match="openai:m"):
        backend.complete(HELLO)
    backend.close()
    backend.close()


def test_the_wish_may_be_a_moment_or_come_with_503(server, remote):
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    server.handle = lambda body: (503, {"Retry-After": soon}, b"{}")
    with pytest.raises(RateLimitError) as caught:
        remote.complete(HELLO)
    assert 20 < caught.value.retry_after_s <= 30
    server.handle = lambda body: (429, {"Retry-After": "later"}, b"{}")
    with pytest.raises(RateLimitError) as caught:
        remote.complete(HELLO)
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
def test_what_may_pass_is_told_from_what_will_not(server, remote, reply, transient):
    server.handle = lambda body: reply
    with pytest.raises(BackendError) as caught:
        remote.complete(HELLO)
    assert isinstance(caught.value, TransientError) is transient
    assert not isinstance(caught.value, RateLimitError)


def test_a_server_that_drips_runs_into_the_time_limit(server, remote):
    server.handle = lambda body: dripping(b"{")
    started = time.monotonic()
    with pytest.raises(BackendTimeoutError, match="1 s"):
        remote.complete(HELLO)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("count", [-1_000_000, True, 10**30, 5.0, "5", None])
@pytest.mark.parametrize("call", ["complete", "stream"])
def test_token_counts_that_cannot_be_are_estimated(server, remote, count, call):
    _answer_with_usage(server, {"prompt_tokens": count, "completion_tokens": count})
    completion = remote.complete(HELLO) if call == "complete" else collect(remote.stream(HELLO))[1]
    assert completion.text == "hello" and completion.estimated
    assert 0 < completion.prompt_tokens < 100 and 0 < completion.output_tokens < 100


@pytest.mark.parametrize("usage", [[1], "many", 7])
@pytest.mark.parametrize("call", ["complete", "stream"])
def test_an_answer_is_not_lost_for_its_malformed_usage(server, remote, usage, call):
    _answer_with_usage(server, usage)
    completion = remote.complete(HELLO) if call == "complete" else collect(remote.stream(HELLO))[1]
    assert completion.text == "hello" and completion.estimated and completion.output_tokens > 0


def _answer_with_usage(server, usage):
    def handle(body):
        if body.get("stream"):
            return 200, {}, iter([event("hello"), event(finish="stop"), event(usage=usage)])
        status, headers, content = chat("hello")
        return status, headers, json.dumps({**json.loads(content), "usage": usage}).encode()

    server.handle = handle


@pytest.mark.parametrize("call", ["complete", "stream"])
def test_a_lone_surrogate_is_refused_before_sending(server, remote, call):
    broken = LlmRequest("", "a\ud800b", "test")
    with pytest.raises(BackendError, match=r"lone surrogate '\\ud800'"):
        remote.complete(broken) if call == "complete" else collect(remote.stream(broken))
    assert not server.bodies


def test_a_lone_surrogate_in_an_answer_is_replaced(server, remote):
    server.handle = lambda body: chat("a\ud800b")
    assert remote.complete(HELLO).text == "a?b"


def test_options_that_a_model_does_not_take_are_left_out(server, remote):
    def handle(body):
        if "max_tokens" in body:
            return refuse("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        if "temperature" in body:
            return refuse("Unsupported value: 'temperature' does not support 0 with this model.")
        return streamed("hi") if body.get("stream") else chat("hi")

    server.handle = handle
    assert remote.complete(HELLO).text == "hi"
    assert server.bodies[-1]["max_completion_tokens"] == 256 and "seed" in server.bodies[-1]
    assert collect(remote.stream(HELLO))[1].text == "hi"
    assert len(server.bodies) == 4, "what was refused once is not tried again"


def test_an_option_without_another_name_is_an_error_and_not_a_loop(server, remote):
    server.handle = lambda body: refuse("max_tokens and max_completion_tokens are not supported")
    with pytest.raises(BackendError, match="not supported"):
        remote.complete(HELLO)
    assert len(server.bodies) == 2


def test_tokens_are_estimated_when_the_server_counts_none(server, remote):
    server.handle = lambda body: chat("two words", usage=False)
    completion = remote.complete(HELLO)
    assert completion.estimated and completion.prompt_tokens > 0 and completion.output_tokens > 0
    server.handle = lambda body: streamed("two words", usage=False)
    assert collect(remote.stream(HELLO))[1].estimated


def test_a_filtered_answer_is_degraded(server, remote):
    server.handle = lambda body: chat("", "content_filter")
    completion = remote.complete(HELLO)
    assert completion.finish_reason == "error" and "filter" in completion.note
