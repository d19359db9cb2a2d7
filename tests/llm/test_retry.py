from __future__ import annotations

import pytest

from agent.errors import (
    BackendError,
    BackendTimeoutError,
    BudgetError,
    RateLimitError,
    SchemaError,
    TransientError,
)
from agent.llm.backend import Completion, LlmRequest
from agent.llm.retry import RetryBackend, RetryPolicy
from agent.llm.scripted import ScriptedBackend
from agent.llm.streams import collect

REQUEST = LlmRequest("", "hello", "test")


class Time:
    """A clock that sleeping moves."""

    def __init__(self):
        self.now = 0.0
        self.waits = []

    def sleep(self, seconds):
        self.waits.append(seconds)
        self.now += seconds

    def clock(self):
        return self.now


def retrying(answers, time=None, **policy):
    inner = ScriptedBackend(answers)
    time = time or Time()
    return RetryBackend(inner, RetryPolicy(**policy), sleep=time.sleep, clock=time.clock), inner, time


def test_what_may_pass_is_tried_again_with_longer_waits():
    backend, inner, time = retrying([TransientError("a"), TransientError("b"), "yes"], first_delay_s=1.0)
    assert backend.complete(REQUEST).text == "yes"
    assert len(inner.requests) == 3
    assert 0.5 <= time.waits[0] <= 1.0 <= time.waits[1] <= 2.0


def test_the_jitter_is_seeded():
    def waits(seed):
        backend, _, time = retrying([TransientError("a"), TransientError("b"), "yes"], seed=seed)
        backend.complete(REQUEST)
        return time.waits

    assert waits(1) == waits(1) != waits(2)


def test_the_wish_of_the_server_is_kept():
    backend, _, time = retrying([RateLimitError("busy", 7.0), "yes"])
    assert backend.complete(REQUEST).text == "yes" and time.waits == [7.0]


def test_a_wish_beyond_the_time_left_is_not_waited_for():
    backend, inner, time = retrying([RateLimitError("busy", 61.0), "yes"], total_s=60)
    with pytest.raises(RateLimitError, match=r"busy \(attempt 1 of 3; the next would be in 61 s\)"):
        backend.complete(REQUEST)
    assert time.waits == [] and len(inner.requests) == 1


def test_the_last_error_is_raised_and_says_how_often_it_was_tried():
    backend, inner, _ = retrying(lambda request: TransientError("down"), attempts=2)
    with pytest.raises(TransientError, match=r"down \(attempt 2 of 2\)"):
        backend.complete(REQUEST)
    assert len(inner.requests) == 2


@pytest.mark.parametrize(
    "error", [BackendError("401"), BackendTimeoutError("late"), SchemaError("bad"), BudgetError("spent")]
)
def test_what_will_not_pass_is_not_tried_again(error):
    backend, inner, time = retrying([error, "yes"])
    with pytest.raises(type(error)):
        backend.complete(REQUEST)
    assert len(inner.requests) == 1 and not time.waits


def test_a_stream_is_begun_again_only_before_its_first_piece():
    backend, inner, _ = retrying([TransientError("a"), "two words"])
    pieces, completion = collect(backend.stream(REQUEST))
    assert "".join(pieces) == completion.text == "two words" and len(inner.requests) == 2

    class Breaks(ScriptedBackend):
        def stream(self, request):
            self.requests.append(request)
            yield "one"
            raise TransientError("broken")

    broken = Breaks([])
    stream = RetryBackend(broken, RetryPolicy(), sleep=Time().sleep).stream(REQUEST)
    assert next(stream) == "one"
    with pytest.raises(TransientError):
        next(stream)
    assert len(broken.requests) == 1


def test_an_empty_stream_is_an_answer():
    backend, _, _ = retrying([Completion("", "m")])
    assert collect(backend.stream(REQUEST)) == ([], Completion("", "m"))


def test_scores_are_tried_again_too():
    tries = []

    def score(prefix, text):
        tries.append(text)
        if len(tries) == 1:
            raise TransientError("once")
        return [-1.0]

    inner = ScriptedBackend([], score_function=score)
    backend = RetryBackend(inner, sleep=Time().sleep)
    assert backend.score("p", ["c"]).token_logprobs == ((-1.0,),)
