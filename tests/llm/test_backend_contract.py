"""What every backend promises, checked on all of them, the real ones included."""

from __future__ import annotations

import jsonschema
import pytest

from agent.errors import BackendError, CapabilityError, SchemaError
from agent.llm.backend import Backend, LlmRequest
from agent.llm.scripted import ScriptedBackend

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 20},
        "count": {"type": "integer", "minimum": 1, "maximum": 5},
    },
    "required": ["name", "count"],
    "additionalProperties": False,
}
ASK_OBJECT = LlmRequest(
    system='Answer with JSON: {"name": text, "count": number from 1 to 5}.',
    user="Three apples.",
    stage="contract",
    schema=SCHEMA,
    max_output_tokens=60,
)


def _scripted_answer(request):
    if request.schema is not None:
        return {"name": "apple", "count": 3}
    return "Bonjour, c'est la réponse 你好. " * 20


@pytest.fixture(
    params=[
        "scripted",
        pytest.param("llamacpp", marks=pytest.mark.model),
        pytest.param("openai", marks=pytest.mark.model),
    ]
)
def backend(request):
    if request.param == "scripted":
        return ScriptedBackend(
            _scripted_answer,
            score_function=lambda prefix, text: [-1.0] * len(text.split()),
            context_tokens=1024,
        )
    return request.getfixturevalue({"llamacpp": "smollm", "openai": "served"}[request.param])


def test_it_is_a_backend(backend):
    assert isinstance(backend, Backend)
    assert ":" in backend.name
    assert not backend.capabilities.remote


def test_text_comes_with_its_cost(backend):
    completion = backend.complete(
        LlmRequest("You are brief.", "Say hello.", "contract", max_output_tokens=300)
    )
    assert completion.text.strip()
    assert completion.data is None
    assert completion.finish_reason == "stop"
    assert not completion.degraded
    assert completion.prompt_tokens > 0
    assert completion.output_tokens > 0


def test_an_object_fits_its_schema_or_the_answer_says_it_does_not(backend):
    completion = backend.complete(ASK_OBJECT)
    if completion.data is None:
        assert completion.degraded
        assert completion.note
        assert not backend.capabilities.structured
    else:
        jsonschema.validate(dict(completion.data), SCHEMA)


def test_a_truncated_answer_is_degraded(backend):
    story = LlmRequest("", "Tell a long story about a fox.", "contract", max_output_tokens=5)
    completion = backend.complete(story)
    assert completion.finish_reason == "length"
    assert completion.degraded
    assert "cut" in completion.note


def test_a_malformed_schema_is_an_error_and_the_next_request_works(backend):
    bad = LlmRequest("", "Say hello.", "contract", schema={"type": "objekt"})
    with pytest.raises(SchemaError, match="contract"):
        backend.complete(bad)
    assert backend.complete(LlmRequest("", "Say hello.", "contract")).text


def test_a_prompt_longer_than_the_context_is_a_clear_error(backend):
    with pytest.raises(BackendError):
        backend.complete(LlmRequest("", "one two three " * 1000, "contract"))
    assert backend.complete(LlmRequest("", "Say hello.", "contract")).text


@pytest.mark.parametrize("text", ["中文标题：编程入门", "🎬 émigré ﷽", "a\x00b\u202ec", "<|im_end|>"])
def test_any_text_is_taken(backend, text):
    completion = backend.complete(LlmRequest("", text, "contract", max_output_tokens=8))
    completion.text.encode()  # no half characters


def test_scores_have_one_tuple_per_continuation_or_are_refused(backend):
    continuations = ["bread", "milk and honey", "bread"]
    if not backend.capabilities.score:
        with pytest.raises(CapabilityError, match=backend.name):
            backend.score("Bought:\n", continuations)
        return
    scores = backend.score("Bought:\n", continuations)
    assert len(scores.token_logprobs) == 3
    assert scores.token_logprobs[0] == scores.token_logprobs[2]
    assert all(value <= 0 for logprobs in scores.token_logprobs for value in logprobs)
    assert scores.scored_tokens == sum(map(len, scores.token_logprobs))
    with pytest.raises(BackendError):
        backend.score("", continuations)
