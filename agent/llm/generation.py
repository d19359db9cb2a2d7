"""Text from a model, one token at a time, held to a JSON schema when there is one. Worker process only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agent.llm.errors import ContextOverflowError, EngineError, GrammarError
from agent.llm.llama_model import DecodeContext, GgufModel

_TOP_P = 0.95


@dataclass(frozen=True, slots=True)
class Generated:
    """Raw output: `decoded_tokens` of the `prompt_tokens` were not in the cache."""

    text: str
    finish_reason: Literal["stop", "length"]
    prompt_tokens: int
    decoded_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn: `temperature` 0 is greedy; otherwise nucleus sampling with a seeded generator."""

    max_output_tokens: int
    temperature: float = 0.0
    seed: int = 0
    stop: tuple[str, ...] = ()


class Generator:
    """Completions over one context; consecutive prompts with a common prefix decode it once."""

    def __init__(self, model: GgufModel, context: DecodeContext) -> None:
        self._model = model
        self._context = context
        self._grammars: GrammarFactory | None = None

    def generate(
        self, system: str, user: str, *, schema: Mapping[str, Any] | None, sampling: Sampling
    ) -> Generated:
        """The model's answer.

        Raises:
            GrammarError: bad schema; nothing was decoded.
            ContextOverflowError: prompt and output would not fit; nothing was decoded.
        """
        matcher = self._matcher(schema)
        prompt = self._model.chat_tokens(system, user)
        needed = len(prompt) + sampling.max_output_tokens
        if needed > self._context.n_ctx:
            raise ContextOverflowError(needed, self._context.n_ctx)
        logits, decoded = self._context.feed(prompt)
        output, finish = self._loop(logits, matcher, sampling)
        text = b"".join(map(self._model.piece, output)).decode(errors="replace")
        return Generated(
            text=_cut_at_stop(text, sampling.stop),
            finish_reason=finish,
            prompt_tokens=len(prompt),
            decoded_tokens=decoded,
            output_tokens=len(output),
        )

    def _matcher(self, schema: Mapping[str, Any] | None) -> Any:
        if schema is None:
            return None
        if self._grammars is None:
            self._grammars = GrammarFactory(self._model)
        return self._grammars.matcher(schema)

    def _loop(
        self, logits: NDArray[np.float32], matcher: Any, sampling: Sampling
    ) -> tuple[list[int], Literal["stop", "length"]]:
        random = np.random.default_rng(sampling.seed)
        output: list[int] = []
        stops = tuple(text.encode() for text in sampling.stop)
        tail = b""
        while True:
            forced: list[int] = [] if matcher is None else matcher.compute_ff_tokens()
            if forced:
                step = forced[: sampling.max_output_tokens - len(output)]
            else:
                step = [_draw(logits, matcher, sampling, random)]
                if self._model.is_end(step[0]):
                    return output, "stop"
            output += step
            if matcher is not None:
                _consume(matcher, step)
                if matcher.is_stopped():
                    return output, "stop"
            if stops:
                tail = (tail + b"".join(map(self._model.piece, step)))[-256:]
                if any(stop in tail for stop in stops):
                    return output, "stop"
            if len(output) >= sampling.max_output_tokens:
                return output, "length"
            logits = self._context.extend(step)


class GrammarFactory:
    """JSON schemas as token masks, through llguidance; the tokenizer it needs takes a second to build."""

    def __init__(self, model: GgufModel) -> None:
        import llguidance.llamacpp

        self._tokenizer = llguidance.llamacpp.lltokenizer_from_vocab(model.vocab)

    def matcher(self, schema: Mapping[str, Any]) -> Any:
        """A fresh matcher.

        Raises:
            GrammarError: llguidance refuses the schema; its message is passed on.
        """
        from llguidance import LLMatcher

        try:
            # White space is fixed so that the model cannot spend its tokens on it.
            grammar = LLMatcher.grammar_from_json_schema(
                json.dumps(schema), overrides={"whitespace_flexible": False}
            )
        except ValueError as error:
            raise GrammarError(str(error)) from error
        matcher = LLMatcher(self._tokenizer, grammar, log_level=0)
        if matcher.is_error():
            raise GrammarError(matcher.get_error())
        return matcher


def _consume(matcher: Any, tokens: Sequence[int]) -> None:
    if not matcher.consume_tokens(list(tokens)) or matcher.is_error():
        raise EngineError(f"the grammar refused its own tokens: {matcher.get_error()}")


def _draw(logits: NDArray[np.float32], matcher: Any, sampling: Sampling, random: np.random.Generator) -> int:
    if matcher is not None:
        bits = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
        allowed = np.unpackbits(bits, bitorder="little")[: len(logits)].astype(bool)
        logits = np.where(allowed, logits, -np.inf)
    if sampling.temperature <= 0:
        return int(np.argmax(logits))
    scaled = np.exp((logits - logits.max()).astype(np.float64) / sampling.temperature)
    order = np.argsort(-scaled, kind="stable")
    cumulative = np.cumsum(scaled[order])
    kept = order[: int(np.searchsorted(cumulative, _TOP_P * cumulative[-1])) + 1]
    weights = scaled[kept]
    return int(random.choice(kept, p=weights / weights.sum()))


def _cut_at_stop(text: str, stops: Sequence[str]) -> str:
    found = [at for stop in stops if (at := text.find(stop)) >= 0]
    return text[: min(found)] if found else text
