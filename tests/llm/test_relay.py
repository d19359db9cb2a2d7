"""Pieces across threads: each character once, also over a crash and a second attempt."""

from __future__ import annotations

import pytest

from agent.errors import BackendError
from agent.llm.backend import Completion
from agent.llm.relay import Relay

DONE = Completion("one two three", "m")


def _read(relay):
    pieces, stream = [], relay.pieces()
    while True:
        try:
            pieces.append(next(stream))
        except StopIteration as end:
            return pieces, end.value


def test_pieces_come_in_order_and_the_completion_last():
    relay = Relay("m")
    hear = relay.begin()
    assert hear("one ")
    assert hear("two three")
    relay.finish(DONE)
    assert _read(relay) == (["one ", "two three"], DONE)


def test_a_second_attempt_goes_on_where_the_first_broke_off():
    relay = Relay("m")
    relay.begin()("one tw")
    again = relay.begin()
    assert all(again(piece) for piece in ("on", "e t", "wo th", "ree"))
    relay.finish(DONE)
    assert _read(relay) == (["one tw", "o th", "ree"], DONE)


def test_a_second_attempt_that_says_otherwise_is_no_answer():
    relay = Relay("m")
    relay.begin()("one tw")
    again = relay.begin()
    assert again("one")
    assert not again(" more")
    relay.finish(Completion("one more", "m"))
    pieces, end = _read(relay)
    assert pieces == ["one tw"]
    assert (end.finish_reason, end.degraded, end.text) == ("error", True, "one tw")
    assert "differently" in end.note


def test_an_error_is_raised_before_the_first_piece_and_told_after_it():
    relay = Relay("m")
    relay.finish(BackendError("at once"))
    with pytest.raises(BackendError, match="at once"):
        next(relay.pieces())
    relay = Relay("m")
    relay.begin()("one")
    relay.finish(BackendError("later"))
    pieces, end = _read(relay)
    assert pieces == ["one"]
    assert end.finish_reason == "error"
    assert "later" in end.note


def test_nobody_listens_any_more():
    relay = Relay("m")
    hear = relay.begin()
    hear("one")
    stream = relay.pieces()
    assert next(stream) == "one"
    stream.close()
    assert not hear(" two")
