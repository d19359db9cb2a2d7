from __future__ import annotations

import pytest

from agent.errors import BackendError, BackendTimeoutError, CapabilityError
from agent.llm.backend import Completion, LlmRequest
from agent.llm.scripted import ScriptedBackend

REQUEST = LlmRequest("system", "user", "stage")
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def test_answers_come_in_order_and_requests_are_recorded():
    backend = ScriptedBackend(["one", Completion("two", "m"), BackendTimeoutError("late")])
    assert backend.complete(REQUEST).text == "one"
    assert backend.complete(REQUEST).model == "m"
    with pytest.raises(BackendTimeoutError, match="late"):
        backend.complete(REQUEST)
    with pytest.raises(BackendError, match="no answer left for request 4"):
        backend.complete(REQUEST)
    assert backend.requests == [REQUEST] * 4


@pytest.mark.parametrize(
    ("answer", "data"),
    [
        ({"a": 1}, {"a": 1}),
        ('```json\n{"a": 2}\n```', {"a": 2}),
        ('{"a": "x"}', None),
        ("no", None),
        ("[1]", None),
    ],
)
def test_answers_are_held_to_the_schema(answer, data):
    completion = ScriptedBackend([answer]).complete(LlmRequest("", "u", "s", schema=SCHEMA))
    assert completion.data == data
    assert completion.degraded == (data is None)
    assert bool(completion.note) == completion.degraded


def test_scores_need_a_function():
    with pytest.raises(CapabilityError):
        ScriptedBackend([]).score("p", ["c"])
    backend = ScriptedBackend([], score_function=lambda prefix, text: [-float(len(text))])
    assert backend.score("p", ["ab", "c"]).token_logprobs == ((-2.0,), (-1.0,))
    assert backend.scored == [("p", ("ab", "c"))]
