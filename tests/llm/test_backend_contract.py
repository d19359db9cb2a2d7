"""What every backend promises, checked on all of them: the real ones, every wrapper, and the whole stack."""

from __future__ import annotations

import jsonschema
import pytest

from agent.errors import BackendError, CapabilityError, SchemaError
from agent.llm.backend import Backend, Capabilities, LlmRequest
from agent.llm.budget import Budget, BudgetBackend
from agent.llm.cached import CachedBackend
from agent.llm.chain import FallbackBackend
from agent.llm.compose import compose_backend
from agent.llm.lazy import LazyBackend
from agent.llm.ledger import Ledger, LedgerBackend, MemoryCalls, Price
from agent.llm.limit import ConcurrencyBackend
from agent.llm.record import RecordingBackend, ReplayBackend
from agent.llm.redact import RedactingBackend
from agent.llm.retry import RetryBackend
from agent.llm.scripted import ScriptedBackend
from agent.llm.streams import collect
from agent.llm.timeout import TimeoutBackend
from agent.settings import CostSettings, LlmSettings
from tests.llm.conftest import CONTEXT_TOKENS
from tests.llm.doubles import MemoryCache

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


def _scripted():
    return ScriptedBackend(
        _scripted_answer,
        score_function=lambda prefix, text: [-1.0] * len(text.split()),
        context_tokens=CONTEXT_TOKENS,
    )


class _Replay(ReplayBackend):
    """Replays what a recording of the scripted backend holds; the first call of a kind records it."""

    def __init__(self, path):
        self._source = RecordingBackend(_scripted(), path)
        self._source.complete(ASK_OBJECT)
        super().__init__(path)

    def complete(self, request):
        self._source.complete(request)
        super().__init__(self._path)
        return super().complete(request)

    def score(self, prefix, continuations, *, stage="rerank"):
        self._source.score(prefix, continuations, stage=stage)
        super().__init__(self._path)
        return super().score(prefix, continuations, stage=stage)


WRAPPERS = {
    "scripted": lambda inner, path: inner,
    "lazy": lambda inner, path: LazyBackend(inner.name, lambda: inner),
    "lazy, declared": lambda inner, path: LazyBackend(
        inner.name, lambda: inner, declared=Capabilities(True, True, CONTEXT_TOKENS, identity="here")
    ),
    "cached": lambda inner, path: CachedBackend(inner, MemoryCache()),
    "redacting": lambda inner, path: RedactingBackend(inner),
    "timeout": lambda inner, path: TimeoutBackend(inner, 30),
    "retry": lambda inner, path: RetryBackend(inner),
    "budget": lambda inner, path: BudgetBackend(
        inner, Budget(CostSettings(tokens_total=10**9), MemoryCalls())
    ),
    "ledger": lambda inner, path: LedgerBackend(inner, Ledger(MemoryCalls()), Price()),
    "limit": lambda inner, path: ConcurrencyBackend(inner, 1, wait_s=5),
    "recording": lambda inner, path: RecordingBackend(inner, path),
    "replay": lambda inner, path: _Replay(path),
    "chain": lambda inner, path: FallbackBackend([inner]),
}
MODELS = ("llamacpp", "openai", "composed llamacpp", "composed openai")


@pytest.fixture(params=[*WRAPPERS, *(pytest.param(name, marks=pytest.mark.model) for name in MODELS)])
def backend(request, tmp_path):
    if request.param in WRAPPERS:
        return WRAPPERS[request.param](_scripted(), tmp_path / "calls.jsonl")
    if request.param in ("llamacpp", "openai"):
        return request.getfixturevalue({"llamacpp": "smollm", "openai": "served"}[request.param])
    composed, kept = request.getfixturevalue(
        "composed_local" if "llama" in request.param else "composed_served"
    )
    kept.clear()
    return composed


@pytest.fixture(scope="module")
def composed_local(smollm_path, tmp_path_factory):
    yield from _composed(f"llamacpp:{smollm_path}", None, tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="module")
def composed_served(server_url, tmp_path_factory):
    yield from _composed("openai:smollm2", server_url, tmp_path_factory.mktemp("served"))


def _composed(model, base_url, folder):
    """All wrappers of the settings around a real model, and the answers they keep."""
    calls, kept = {"redact": "always", "record": folder / "calls.jsonl"}, MemoryCache()
    settings = LlmSettings(
        model=(model, "none"), base_url=base_url, context_tokens=CONTEXT_TOKENS, timeout_s=60, calls=calls
    )
    backend = compose_backend(settings, kept)
    yield backend, kept
    backend.close()


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


def test_a_stream_comes_in_pieces_that_make_up_the_answer(backend):
    request = LlmRequest("You are brief.", "Say hello.", "contract", max_output_tokens=300)
    for _ in range(2):  # the second may be a kept one
        pieces, completion = collect(backend.stream(request))
        assert "".join(pieces) == completion.text
        assert completion.text.strip() and completion.data is None
        assert completion.finish_reason == "stop" and not completion.degraded
        assert completion.cached or (completion.prompt_tokens > 0 and completion.output_tokens > 0)
    assert completion.text == backend.complete(request).text, "the same request has the same answer"


def test_a_streamed_object_is_held_to_its_schema(backend):
    pieces, completion = collect(backend.stream(ASK_OBJECT))
    assert "".join(pieces) == completion.text
    if completion.data is None:
        assert completion.degraded and completion.note
    else:
        jsonschema.validate(dict(completion.data), SCHEMA)


def test_a_stream_can_be_left_early_and_the_next_request_works(backend):
    stream = backend.stream(
        LlmRequest("", "Tell a long story about a fox.", "contract", max_output_tokens=200)
    )
    assert next(stream)
    stream.close()
    assert backend.complete(LlmRequest("", "Say hello.", "contract")).text


def test_a_stream_that_cannot_begin_raises_with_the_first_piece(backend):
    with pytest.raises(SchemaError):
        next(backend.stream(LlmRequest("", "Say hello.", "contract", schema={"type": "objekt"})))
    with pytest.raises(BackendError):
        next(backend.stream(LlmRequest("", "one two three " * 1000, "contract")))


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
    assert completion.text.encode().decode() == completion.text  # no half characters


def test_scores_have_one_tuple_per_continuation_or_are_refused(backend):
    continuations = ["bread", "milk and honey", "bread"]
    if not backend.capabilities.score:
        with pytest.raises(CapabilityError, match=backend.name.partition(" ")[0]):
            backend.score("Bought:\n", continuations)
        return
    scores = backend.score("Bought:\n", continuations)
    assert len(scores.token_logprobs) == 3
    assert scores.token_logprobs[0] == scores.token_logprobs[2]
    assert all(value <= 0 for logprobs in scores.token_logprobs for value in logprobs)
    assert scores.scored_tokens == sum(map(len, scores.token_logprobs))
    with pytest.raises(BackendError):
        backend.score("", continuations)
