"""Streams of the remote backend: in pieces, broken off, stalled, closed early."""

from __future__ import annotations

import threading
import time

import pytest

from agent.errors import BackendError
from agent.llm.streams import collect
from tests.llm.asks import HELLO
from tests.llm.servers import event, streamed


def test_a_stream_comes_in_pieces_and_ends_in_a_completion(server, remote):
    server.handle = lambda body: streamed("Bon", "jour 你", "好")
    pieces, completion = collect(remote.stream(HELLO))
    assert pieces == ["Bon", "jour 你", "好"] and completion.text == "Bonjour 你好"
    assert (completion.prompt_tokens, completion.output_tokens) == (7, 3)
    assert not completion.degraded and not completion.estimated
    assert server.bodies[-1]["stream"] is True


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
def test_half_a_stream_is_an_answer_marked_as_broken_off(server, remote, rest):
    server.handle = lambda body: (200, {"Content-Type": "text/event-stream"}, iter([*HALF, *rest]))
    pieces, completion = collect(remote.stream(HELLO))
    assert pieces == ["Once upon", " a time"] and completion.text == "Once upon a time"
    assert completion.finish_reason == "error" and completion.degraded and completion.estimated
    assert "broke off after 16 characters" in completion.note


def test_a_stream_that_stalls_ends_in_time(server, remote):
    release = threading.Event()

    def stall():
        yield HALF[0]
        release.wait(30)

    server.handle = lambda body: (200, {}, stall())
    started = time.monotonic()
    _, completion = collect(remote.stream(HELLO))
    assert completion.finish_reason == "error" and "1 s" in completion.note
    assert time.monotonic() - started < 15
    release.set()


@pytest.mark.parametrize(
    "reply", [(500, {}, b"boom"), (200, {}, b"<html>"), (200, {}, b""), (429, {"Retry-After": "1"}, b"{}")]
)
def test_a_stream_that_fails_before_its_first_piece_raises(server, remote, reply):
    server.handle = lambda body: reply
    with pytest.raises(BackendError, match="openai:m"):
        collect(remote.stream(HELLO))


def test_closing_a_stream_early_closes_the_connection(server, remote):
    gone = threading.Event()

    def endless():
        try:
            while True:
                yield event("word " * 200)
        finally:
            gone.set()  # the server could not write on

    server.handle = lambda body: (200, {}, endless())
    stream = remote.stream(HELLO)
    assert next(stream).startswith("word")
    assert not gone.is_set()
    stream.close()
    assert gone.wait(20)
