"""Limits of time and of calls at once."""

from __future__ import annotations

import threading
import time

import pytest

from agent.errors import BackendError, BackendTimeoutError, TransientError
from agent.llm.backend import LlmRequest
from agent.llm.ledger import Ledger, LedgerBackend, MemoryCalls, Price, charged_to
from agent.llm.limit import ConcurrencyBackend
from agent.llm.scripted import ScriptedBackend
from agent.llm.streams import collect
from agent.llm.timeout import TimeoutBackend

REQUEST = LlmRequest("", "hello", "test")


def waiting(seconds, answer="late"):
    def respond(request):
        time.sleep(seconds)
        return answer

    return ScriptedBackend(respond)


class Endless(ScriptedBackend):
    """A stream that goes on until it is closed."""

    def __init__(self):
        super().__init__([])
        self.closed = threading.Event()

    def stream(self, request):
        try:
            while True:
                yield "on "
                time.sleep(0.01)
        finally:
            self.closed.set()


def test_an_answer_in_time_is_given_and_an_error_raised():
    backend = TimeoutBackend(ScriptedBackend(["one two", BackendError("gone")]), 5)
    assert backend.complete(REQUEST).text == "one two"
    with pytest.raises(BackendError, match="gone"):
        backend.complete(REQUEST)
    assert collect(TimeoutBackend(ScriptedBackend(["a b"]), 5).stream(REQUEST))[0] == ["a", " b"]
    scored = ScriptedBackend([], score_function=lambda prefix, text: [-2.0])
    assert TimeoutBackend(scored, 5).score("p", ["c"]).token_logprobs == ((-2.0,),)


@pytest.mark.parametrize("call", ["complete", "stream"])
def test_no_answer_in_time_is_an_error_in_time(call):
    backend = TimeoutBackend(waiting(30), 0.2)
    started = time.monotonic()
    with pytest.raises(BackendTimeoutError, match=r"within 0\.2 s"):
        backend.complete(REQUEST) if call == "complete" else collect(backend.stream(REQUEST))
    assert time.monotonic() - started < 15


def test_a_stream_that_goes_on_too_long_is_cut_and_its_maker_stopped():
    inner = Endless()
    pieces, completion = collect(TimeoutBackend(inner, 1.0).stream(REQUEST))
    assert pieces and completion.text == "".join(pieces)
    assert completion.finish_reason == "error" and "broke off" in completion.note
    assert inner.closed.wait(20), "nobody listens, so nothing is made any more"


def test_a_reader_that_leaves_stops_the_maker():
    inner = Endless()
    stream = TimeoutBackend(inner, 5).stream(REQUEST)
    assert next(stream) == "on "
    stream.close()
    assert inner.closed.wait(20)


def test_a_call_that_was_given_up_is_still_accounted_for_and_to_whom():
    calls = MemoryCalls()
    backend = TimeoutBackend(LedgerBackend(waiting(0.4, "two words"), Ledger(calls), Price()), 0.1)
    with charged_to("u7"), pytest.raises(BackendTimeoutError):
        backend.complete(REQUEST)
    deadline = time.monotonic() + 30
    while not calls.calls and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [(call.user_id, call.output_tokens) for call in calls.calls] == [("u7", 2)]


def test_only_so_many_calls_are_under_way():
    now, most, lock = 0, 0, threading.Lock()

    def respond(request):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with lock:
            now -= 1
        return "done"

    backend = ConcurrencyBackend(ScriptedBackend(respond), 2, wait_s=10)
    threads = [threading.Thread(target=backend.complete, args=(REQUEST,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_a_turn_that_never_comes_is_an_error_and_ends_with_its_stream():
    backend = ConcurrencyBackend(ScriptedBackend(lambda request: "one two"), 1, wait_s=0.1)
    stream = backend.stream(REQUEST)
    next(stream)
    with pytest.raises(TransientError, match="max_concurrent") as caught:
        backend.complete(REQUEST)
    assert not caught.value.charged, "nothing was sent"
    stream.close()
    assert backend.complete(REQUEST).text == "one two"
