"""How many tokens a call can take, before it is made; and how many it took when the server does not say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.llm.backend import LlmRequest

# Chat markers and roles around the messages; generous for every template we know.
_FRAME_TOKENS: Final = 96
# The questions that find out how a server takes schemas: three at most, 40 tokens of answer each.
_PROBE_PROMPT_TOKENS: Final = 600
_PROBE_OUTPUT_TOKENS: Final = 120
_REPAIR_TOKENS: Final = 400
_BYTES_PER_TOKEN: Final = 3.0


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a call."""

    prompt_tokens: int
    output_tokens: int

    @property
    def tokens(self) -> int:
        """In and out together."""
        return self.prompt_tokens + self.output_tokens


def bound_of_request(request: LlmRequest) -> Usage:
    """More tokens than one call can take, its repair turn and the probe of the server included.

    Byte-level tokenizers give at most one token per byte of UTF-8, so bytes bound tokens. English takes
    about a quarter of that, Chinese a half.
    """
    prompt = _bytes(request.system) + _bytes(request.user) + _FRAME_TOKENS
    output = request.max_output_tokens
    if request.schema is None:
        return Usage(prompt, output)
    prompt += _bytes(json.dumps(request.schema, ensure_ascii=False, default=dict))
    repair = prompt + output + _REPAIR_TOKENS
    return Usage(prompt + repair + _PROBE_PROMPT_TOKENS, 2 * output + _PROBE_OUTPUT_TOKENS)


def bound_of_score(prefix: str, continuations: Sequence[str]) -> Usage:
    """More tokens than one scoring can read."""
    return Usage(_FRAME_TOKENS + _bytes(prefix) + sum(map(_bytes, continuations)) + len(continuations), 0)


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has, rather too many than too few; for servers that send no counts."""
    return int(_bytes(text) / _BYTES_PER_TOKEN) + 1


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
