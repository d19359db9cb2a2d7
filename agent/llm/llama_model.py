"""llama.cpp as we use it: a loaded model, and contexts that remember what they have decoded.

Runs in the worker process only, whose end frees everything. The low-level API is used because the high-level
`Llama` cannot decode several sequences over one shared prefix, and keeps logits of whole prompts (gigabytes)
once asked for more than the last.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

import llama_cpp
import numpy as np
from llama_cpp.llama_chat_format import Jinja2ChatFormatter
from numpy.typing import NDArray

from agent.llm.errors import ContextOverflowError, EngineError

_PIECE_BYTES = 512


class GgufModel:
    """One GGUF file in memory: weights, vocabulary, chat template. `steps` counts calls to the decoder."""

    def __init__(self, path: Path, *, threads: int) -> None:
        llama_cpp.llama_backend_init()
        parameters = llama_cpp.llama_model_default_params()
        handle = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        if not handle:
            raise EngineError(f"llama.cpp could not load {path}; is it a complete GGUF file?")
        self.handle = handle
        self.threads = threads
        self.steps = 0
        self.vocab = llama_cpp.llama_model_get_vocab(handle)
        self.n_vocab: int = llama_cpp.llama_vocab_n_tokens(self.vocab)
        self.n_ctx_train: int = llama_cpp.llama_model_n_ctx_train(handle)
        self.eos: int = llama_cpp.llama_vocab_eos(self.vocab)
        self._chat = self._chat_formatter()

    def tokenize(self, text: str, *, special: bool, bos: bool) -> list[int]:
        """The tokens of `text`; `special` reads markers such as `<|im_start|>` as the tokens they name."""
        raw = text.encode()
        size = len(raw) + 8
        buffer = (llama_cpp.llama_token * size)()
        count = llama_cpp.llama_tokenize(self.vocab, raw, len(raw), buffer, size, bos, special)
        if count < 0:
            raise EngineError(f"llama.cpp could not tokenize a text of {len(raw)} bytes (code {count})")
        return list(buffer[:count])

    def piece(self, token: int) -> bytes:
        """The bytes of one token; control tokens have none."""
        buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        size = llama_cpp.llama_token_to_piece(self.vocab, token, buffer, _PIECE_BYTES, 0, False)
        return buffer.raw[: max(size, 0)]

    def is_end(self, token: int) -> bool:
        """Whether the model says with `token` that it has finished."""
        return bool(llama_cpp.llama_vocab_is_eog(self.vocab, token))

    def chat_tokens(self, system: str, user: str) -> list[int]:
        """The conversation in the model's own template, ready for the answer."""
        messages = [{"role": "system", "content": system}] if system else []
        messages.append({"role": "user", "content": user})
        prompt = self._chat(messages=messages).prompt
        return self.tokenize(prompt, special=True, bos=False)

    def _chat_formatter(self) -> Jinja2ChatFormatter:
        template = llama_cpp.llama_model_chat_template(self.handle, None)
        if not template:
            raise EngineError("this model file has no chat template; use an instruction-tuned one")
        bos = llama_cpp.llama_vocab_bos(self.vocab)
        return Jinja2ChatFormatter(
            template=template.decode(), eos_token=self._text(self.eos), bos_token=self._text(bos)
        )

    def _text(self, token: int) -> str:
        if token < 0:
            return ""
        return bytes(llama_cpp.llama_vocab_get_text(self.vocab, token)).decode()


class DecodeContext:
    """Attention memory over a model. Sequence 0 is the trunk; further sequences branch from its end.

    Args:
        model: the weights; one model may have several contexts.
        n_ctx: tokens that fit, all sequences together.
        n_branches: sequences besides the trunk.
        n_batch: tokens of one decode call.
    """

    def __init__(self, model: GgufModel, *, n_ctx: int, n_branches: int = 0, n_batch: int = 512) -> None:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = n_ctx
        parameters.n_batch = n_batch
        parameters.n_ubatch = n_batch
        parameters.n_seq_max = n_branches + 1
        parameters.n_threads = parameters.n_threads_batch = model.threads
        parameters.kv_unified = True
        parameters.no_perf = True
        if n_branches == 0:
            parameters.n_outputs_max = 1
        handle = llama_cpp.llama_init_from_model(model.handle, parameters)
        if not handle:
            raise EngineError(
                f"llama.cpp could not make a context of {n_ctx} tokens; lower llm.context_tokens"
            )
        self._model = model
        self._handle = handle
        self._memory = llama_cpp.llama_get_memory(handle)
        self._batch = llama_cpp.llama_batch_init(n_batch, 0, n_branches + 1)
        self._n_vocab = model.n_vocab
        self.n_ctx = n_ctx
        self.n_batch = n_batch
        self.n_branches = n_branches
        self.tokens: list[int] = []
        self._last: NDArray[np.float32] | None = None

    def feed(self, tokens: Sequence[int]) -> tuple[NDArray[np.float32], int]:
        """Makes `tokens` the trunk, keeping what it shares with the one before.

        Returns:
            Logits after the last token, `(n_vocab,)` float32; and how many tokens had to be decoded.
        """
        if self._last is not None and self.tokens == list(tokens):
            return self._last, 0
        shared = 0
        for have, want in zip(self.tokens, tokens, strict=False):
            if have != want:
                break
            shared += 1
        # The last token is always decoded anew: its logits are not kept apart from the cache.
        self._cut(min(shared, len(tokens) - 1))
        fresh = list(tokens[len(self.tokens) :])
        return self.extend(fresh), len(fresh)

    def extend(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Appends `tokens` (at least one) to the trunk; the logits after the last of them."""
        if len(self.tokens) + len(tokens) > self.n_ctx:
            raise ContextOverflowError(len(self.tokens) + len(tokens), self.n_ctx)
        for start in range(0, len(tokens), self.n_batch):
            chunk = tokens[start : start + self.n_batch]
            last = start + len(chunk) == len(tokens)
            for index, token in enumerate(chunk):
                at = len(self.tokens) + index
                self._put(index, token, position=at, sequences=(0,), logits=last and index == len(chunk) - 1)
            self._decode(len(chunk))
            self.tokens.extend(chunk)
        self._last = self._row(-1).copy()
        return self._last

    def branch(self, nodes: Sequence[tuple[int, int, Sequence[int]]]) -> list[NDArray[np.float32]]:
        """Decodes tokens beyond the trunk, in one batch; the branches are forgotten afterwards.

        Args:
            nodes: at most `n_batch` of `(token, depth, sequences)`: depth 0 comes right after the trunk;
                sequences are the branch numbers, from 1, that pass through it. Parents come before children.

        Returns:
            For each node, its logits `(n_vocab,)`: views that the next call overwrites.
        """
        if not nodes:
            return []
        used = sorted({sequence for _, _, sequences in nodes for sequence in sequences})
        for sequence in used:
            llama_cpp.llama_memory_seq_cp(self._memory, 0, sequence, -1, -1)
        for index, (token, depth, sequences) in enumerate(nodes):
            at = len(self.tokens) + depth
            self._put(index, token, position=at, sequences=sequences, logits=True)
        try:
            self._decode(len(nodes))
        finally:
            for sequence in used:
                llama_cpp.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        return [self._row(index) for index in range(len(nodes))]

    def clear(self) -> None:
        """Forgets everything."""
        llama_cpp.llama_memory_clear(self._memory, True)
        self.tokens = []
        self._last = None

    def _cut(self, length: int) -> None:
        if length == len(self.tokens):
            return
        # Models with recurrent state cannot forget a part: they start over.
        if length == 0 or not llama_cpp.llama_memory_seq_rm(self._memory, 0, length, -1):
            self.clear()
        else:
            del self.tokens[length:]
        self._last = None

    def _put(self, index: int, token: int, *, position: int, sequences: Sequence[int], logits: bool) -> None:
        batch = self._batch
        batch.token[index] = token
        batch.pos[index] = position
        batch.n_seq_id[index] = len(sequences)
        for slot, sequence in enumerate(sequences):
            batch.seq_id[index][slot] = sequence
        batch.logits[index] = logits

    def _decode(self, count: int) -> None:
        self._batch.n_tokens = count
        code = llama_cpp.llama_decode(self._handle, self._batch)
        self._model.steps += 1
        if code == 0:
            return
        held = len(self.tokens)
        self.clear()  # what a failed call leaves behind is not defined
        if code == 1:
            raise ContextOverflowError(held + count, self.n_ctx)
        raise EngineError(f"llama.cpp could not decode a batch of {count} tokens (code {code})")

    def _row(self, index: int) -> NDArray[np.float32]:
        pointer = llama_cpp.llama_get_logits_ith(self._handle, index)
        if not pointer:
            raise EngineError(f"llama.cpp gave no logits for batch entry {index}")
        return np.ctypeslib.as_array(pointer, shape=(self._n_vocab,))
