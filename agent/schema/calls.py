"""Calls of a language model, as the ledger keeps them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LlmCall:
    """One call of a language model, as the ledger keeps it.

    Attributes:
        created_ms: milliseconds since 1970, UTC, when the call began.
        kind: `complete`, `stream` or `score`.
        user_id: for whose sake; empty when for nobody in particular.
        cost: in the currency of the settings' prices.
        outcome: `ok`, `degraded`, `abandoned`, or the name of the error.
        cached: answered from what was kept; it cost nothing.
        estimated: the tokens are an upper bound, because the server gave no counts.
        metered: it counts against the limits of `llm.cost`.
    """

    created_ms: int
    kind: str
    stage: str
    user_id: str
    model: str
    prompt_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    cost: float = 0.0
    outcome: str = "ok"
    cached: bool = False
    estimated: bool = False
    metered: bool = False
