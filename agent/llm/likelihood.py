"""Log-probabilities of many continuations after one prefix. Worker process only.

The prefix is decoded once. Continuations become a tree of tokens (common beginnings are decoded once too),
each branch a sequence of its own over the shared attention memory, a whole batch in one call. The last token
of a continuation predicts nothing we need and is not decoded; the first is predicted by the prefix.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agent.llm.errors import ContextOverflowError, EngineError
from agent.llm.llama_model import DecodeContext, GgufModel


@dataclass(frozen=True, slots=True)
class Scored:
    """Natural-log probabilities per token, and what they cost."""

    token_logprobs: list[list[float]]
    prompt_tokens: int
    decoded_prompt_tokens: int
    scored_tokens: int
    decoded_tokens: int


@dataclass(slots=True)
class _Node:
    token: int
    depth: int
    sequences: list[int] = field(default_factory=list)
    children: dict[int, _Node] = field(default_factory=dict)


class LikelihoodScorer:
    """Scores over one context, which keeps the last prefix."""

    def __init__(self, model: GgufModel, context: DecodeContext) -> None:
        self._model = model
        self._context = context
        # Fresh arrays of vocabulary size for each row cost a seventh of the whole scoring time.
        self._work = np.empty(model.n_vocab, np.float32)

    def score(self, prefix: str, continuations: Sequence[str], *, reuse: bool = True) -> Scored:
        """Log-probabilities of each continuation's tokens.

        Prefix and continuations are tokenized apart: a continuation should begin where a word does (its
        leading space included). Chat markers in the prefix count as such, in continuations they are text.

        Args:
            prefix: not empty.
            continuations: an empty one gets an empty list.
            reuse: False decodes the prefix anew, for measurements.

        Raises:
            ContextOverflowError: prefix and longest continuation do not fit; nothing was decoded.
            EngineError: an empty prefix.
        """
        trunk = self._model.tokenize(prefix, special=True, bos=False)
        wanted = [self._model.tokenize(text, special=False, bos=False) for text in continuations]
        if not trunk:
            raise EngineError("expected a prefix of at least one token")
        context = self._context
        longest = max(map(len, wanted), default=1)
        if len(trunk) + longest > context.n_ctx or longest > context.n_batch:
            raise ContextOverflowError(len(trunk) + longest, min(context.n_ctx, len(trunk) + context.n_batch))
        if not reuse:
            context.clear()
        logits, decoded_prompt = context.feed(trunk)
        first = logits - self._log_sum_exp(logits)
        distinct = sorted(set(map(tuple, filter(None, wanted))))
        values: dict[tuple[int, ...], list[float]] = {(): []}
        decoded = 0
        for group in _groups(distinct, context, free=context.n_ctx - len(trunk)):
            decoded += self._score_group(group, first, values)
        return Scored(
            token_logprobs=[values[tuple(tokens)] for tokens in wanted],
            prompt_tokens=len(trunk),
            decoded_prompt_tokens=decoded_prompt,
            scored_tokens=sum(map(len, wanted)),
            decoded_tokens=decoded,
        )

    def _score_group(
        self,
        group: Sequence[tuple[int, ...]],
        first: NDArray[np.float32],
        values: dict[tuple[int, ...], list[float]],
    ) -> int:
        nodes = _tree(group)
        rows = self._context.branch([(node.token, node.depth, node.sequences) for node in nodes])
        # Each node's row predicts its children and, per sequence, the last token that was not decoded.
        after: dict[tuple[int, int], tuple[NDArray[np.float32], float]] = {}
        for node, row in zip(nodes, rows, strict=True):
            norm = self._log_sum_exp(row)
            for sequence in node.sequences:
                after[sequence, node.depth] = row, norm
        for sequence, tokens in enumerate(group, start=1):
            logprobs = [float(first[tokens[0]])]
            for depth, token in enumerate(tokens[1:]):
                row, norm = after[sequence, depth]
                logprobs.append(float(row[token]) - norm)
            values[tokens] = logprobs
        return len(nodes)

    def _log_sum_exp(self, row: NDArray[np.float32]) -> float:
        top = row.max()
        np.subtract(row, top, out=self._work)
        np.exp(self._work, out=self._work)
        return float(top) + math.log(float(self._work.sum()))


def _groups(
    distinct: Sequence[tuple[int, ...]], context: DecodeContext, *, free: int
) -> Iterator[list[tuple[int, ...]]]:
    """Neighbours in sorted order (they share beginnings), as many as fit one batch."""
    room = min(context.n_batch, free)
    group: list[tuple[int, ...]] = []
    size = 0
    for tokens in distinct:
        cost = len(tokens) - 1
        if group and (size + cost > room or len(group) >= context.n_branches):
            yield group
            group, size = [], 0
        group.append(tokens)
        size += cost
    if group:
        yield group


def _tree(group: Sequence[tuple[int, ...]]) -> list[_Node]:
    """The nodes to decode, parents before children; the last token of each sequence is left out."""
    roots: dict[int, _Node] = {}
    nodes: list[_Node] = []
    for sequence, tokens in enumerate(group, start=1):
        level = roots
        for depth, token in enumerate(tokens[:-1]):
            node = level.get(token)
            if node is None:
                node = level[token] = _Node(token, depth)
                nodes.append(node)
            node.sequences.append(sequence)
            level = node.children
    return nodes
