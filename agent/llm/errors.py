"""What can go wrong inside the worker process, and how it is named on the wire.

These never reach a caller: the parent turns them into the errors of `agent.errors`.
"""

from __future__ import annotations


class EngineError(Exception):
    """The model cannot do this request; the worker lives on. `kind` names it on the wire."""

    kind = "engine"


class GrammarError(EngineError):
    """The JSON schema cannot become a grammar."""

    kind = "schema"


class ContextOverflowError(EngineError):
    """Prompt and output do not fit the context."""

    kind = "context"

    def __init__(self, needed: int, available: int) -> None:
        super().__init__(
            f"needs {needed} tokens, the context holds {available}; "
            "shorten the prompt or raise llm.context_tokens"
        )
