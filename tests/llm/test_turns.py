"""Waiting requests: what begins alike goes next to each other, and nobody waits forever."""

from __future__ import annotations

import threading
import time

import pytest

from agent.llm.turns import Turns


def _order(turns, waiters, *, first=("complete", "bread and")):
    """In which order the waiters got their turn, after a first holder whose text is given."""
    order, threads = [], []

    def wait(name, lane, text):
        with turns.taken(lane, text):
            order.append(name)

    with turns.taken(*first):
        for count, (name, lane, text) in enumerate(waiters, start=1):
            threads.append(threading.Thread(target=wait, args=(name, lane, text)))
            threads[-1].start()
            deadline = time.monotonic() + 60
            while turns.n_waiting < count:
                assert time.monotonic() < deadline
                time.sleep(0.001)
    for thread in threads:
        thread.join(timeout=60)
    return order


def test_the_longest_shared_beginning_goes_first():
    waiters = [
        ("milk", "complete", "milk"),
        ("bread", "complete", "bread"),
        ("bread and", "complete", "bread and butter"),
        ("bread and jam", "complete", "bread and jam"),
    ]
    assert _order(Turns(), waiters) == ["bread and", "bread and jam", "bread", "milk"]


def test_lanes_remember_apart():
    waiters = [("other lane", "score", "bread and butter"), ("same lane", "complete", "bread")]
    assert _order(Turns(), waiters) == ["same lane", "other lane"]


def test_nobody_is_overtaken_forever():
    waiters = [("last", "complete", "milk"), *((f"b{n}", "complete", "bread") for n in range(5))]
    assert _order(Turns(patience=2), waiters) == ["b0", "b1", "last", "b2", "b3", "b4"]


def test_an_error_gives_the_turn_back():
    turns = Turns()
    with pytest.raises(ValueError, match="inside"), turns.taken("complete", "x"):
        raise ValueError("inside")
    with turns.taken("complete", "y"):
        assert turns.n_waiting == 0
