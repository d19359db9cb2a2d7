"""Text from a model, one token at a time, held to a JSON schema when there is one. Worker process only."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Mapping, Sequence
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


class Teller:
    """Hands on text as it is made: whole characters, and nothing that may turn out to be a stop text.

    The pieces handed on make up the final text, character for character, when nothing is fed after the bytes
    that hold a stop text.
    """

    def __init__(self, hear: Callable[[str], None], stops: Sequence[str]) -> None:
        self._hear = hear
        self._stops = stops
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._told = 0
        self._held = max((len(stop) for stop in stops), default=1) - 1

    def feed(self, piece: bytes, *, last: bool = False) -> None:
        """Takes further bytes; with `last`, whatever was held back goes out."""
        self._text += self._decoder.decode(piece, last)
        cut = _cut_at_stop(self._text, self._stops)
        sure = cut if last or len(cut) < len(self._text) else cut[: max(0, len(cut) - self._held)]
        if len(sure) > self._told:
            self._hear(sure[self._told :])
            self._told = len(sure)


def _nobody(text: str) -> None:
    """Hears what nobody listens to."""


@dataclass(frozen=True, slots=True)
class _Run:
    """What one generation goes by."""

    matcher: Any
    sampling: Sampling
    random: np.random.Generator
    teller: Teller
    gone: Callable[[], bool]


class Generator:
    """Completions over one context; consecutive prompts with a common prefix decode it once."""

    def __init__(self, model: GgufModel, context: DecodeContext) -> None:
        self._model = model
        self._context = context
        self._grammars: GrammarFactory | None = None

    def generate(
        self,
        system: str,
        user: str,
        *,
        schema: Mapping[str, Any] | None,
        sampling: Sampling,
        hear: Callable[[str], None] | None = None,
        gone: Callable[[], bool] = lambda: False,
    ) -> Generated:
        """The model's answer.

        Args:
            system: the task.
            user: the data.
            schema: of the JSON object wanted, if any.
            sampling: how tokens are drawn, and how many at most.
            hear: takes the text while it is made; the pieces make up the answer's text.
            gone: asked before each token; True ends the answer there.

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
        teller = Teller(hear or _nobody, sampling.stop)
        run = _Run(matcher, sampling, np.random.default_rng(sampling.seed), teller, gone)
        output, finish = self._loop(logits, run)
        teller.feed(b"", last=True)
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

    def _loop(self, logits: NDArray[np.float32], run: _Run) -> tuple[list[int], Literal["stop", "length"]]:
        matcher, most = run.matcher, run.sampling.max_output_tokens
        output: list[int] = []
        stops = tuple(text.encode() for text in run.sampling.stop)
        tail = b""
        while True:
            step = self._step(logits, run, room=most - len(output))
            if not step:
                return output, "stop"
            output += step
            pieces = b"".join(map(self._model.piece, step))
            run.teller.feed(pieces)
            if matcher is not None:
                _consume(matcher, step)
                if matcher.is_stopped():
                    return output, "stop"
            if stops:
                tail = (tail + pieces)[-256:]
                if any(stop in tail for stop in stops):
                    return output, "stop"
            if len(output) >= most:
                return output, "length"
            if run.gone():
                return output, "stop"
            logits = self._context.extend(step)

    def _step(self, logits: NDArray[np.float32], run: _Run, *, room: int) -> list[int]:
        """The next tokens: those the grammar forces, else one that is drawn; none when the answer ends."""
        forced: list[int] = [] if run.matcher is None else run.matcher.compute_ff_tokens()
        if forced:
            return forced[:room]
        token = _draw(logits, run.matcher, run.sampling, run.random)
        return [] if self._model.is_end(token) else [token]


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
