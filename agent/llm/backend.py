"""The one seam to language models: what is asked, what comes back, what a backend must do."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

FinishReason = Literal["stop", "length", "error"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend is and can do; callers ask before they call.

    Attributes:
        structured: honours `LlmRequest.schema` by construction, not by hope.
        score: implements `score`.
        context_tokens: prompt and output together.
        remote: requests leave this machine.
        identity: tells apart models of one name, by server address or by hash of the file; whatever is
            kept of their answers is kept under it. Empty where the name says it all.
    """

    structured: bool = False
    score: bool = False
    context_tokens: int = 4096
    remote: bool = False
    identity: str = ""


@dataclass(frozen=True, slots=True)
class LlmRequest:
    """One completion to make.

    Attributes:
        system: the task, in our words.
        user: the data, untrusted parts fenced.
        stage: who asks (`facet_label`, `summary`, `story`, `rerank`, …), for ledger and report.
        schema: JSON schema of the object wanted, or None for plain text.
        max_output_tokens: hard limit; reaching it gives `finish_reason="length"`.
        temperature: 0 is greedy.
        prompt_hash: of the template, kept with whatever the answer becomes.
    """

    system: str
    user: str
    stage: str
    schema: Mapping[str, Any] | None = None
    max_output_tokens: int = 256
    temperature: float = 0.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    prompt_hash: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back. `data` is the validated object when a schema was given, else None.

    `degraded` is True when the answer is not what the request asked for (truncated, repaired, broken off,
    or given by another model of the chain); `note` then says why.

    Attributes:
        model: who answered: the name of the backend that did, not of the wrappers around it.
        cached: a kept answer; it cost no tokens.
        estimated: the server sent no token counts, these are estimates.
    """

    text: str
    model: str
    data: Mapping[str, Any] | None = None
    finish_reason: FinishReason = "stop"
    prompt_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    degraded: bool = False
    note: str = ""
    cached: bool = False
    estimated: bool = False


Stream = Generator[str, None, Completion]
"""Pieces of text as they come; the generator's return value, which `yield from` gives, is the completion."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Log-probabilities of continuations after one shared prefix.

    Attributes:
        token_logprobs: one tuple per continuation, natural log, one value per token of it.
        prompt_tokens: tokens of the prefix.
        scored_tokens: tokens of all continuations.
        note: why another model of the chain than the first gave them; empty otherwise.
    """

    token_logprobs: tuple[tuple[float, ...], ...]
    model: str
    prompt_tokens: int = 0
    scored_tokens: int = 0
    seconds: float = 0.0
    meta: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@runtime_checkable
class Backend(Protocol):
    """A language model, local, remote or scripted. Wrappers are backends that hold a backend."""

    @property
    def name(self) -> str:
        """`llamacpp:qwen2.5-coder-0.5b`, `openai:gpt-…`, `scripted:`; of a chain, all in turn."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What this backend can do."""
        ...

    def complete(self, request: LlmRequest) -> Completion:
        """The completion of `request`.

        Raises:
            SchemaError: the schema is malformed or unsupported.
            BackendError: crash, HTTP error or garbage, after the backend's own retry.
        """
        ...

    def stream(self, request: LlmRequest) -> Stream:
        """The completion of `request`, piece by piece; the pieces joined are its `text`.

        What `complete` raises comes at the latest with the first piece. After that nothing is raised any
        more: a failure on the way ends the stream with a completion of `finish_reason="error"`, degraded,
        with what came and a note. Closing the generator early stops the work.
        """
        ...

    def score(self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank") -> Scores:
        """Log-probabilities of each continuation's tokens after `prefix`; the prefix is decoded once.

        Raises:
            CapabilityError: the backend cannot score.
        """
        ...

    def close(self) -> None:
        """Frees the model or connection; calling it twice is harmless."""
        ...
