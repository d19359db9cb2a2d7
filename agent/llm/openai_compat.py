"""Any server that speaks the OpenAI chat API: hosted models, vLLM, llama-server, Ollama."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import Any

from pydantic import SecretStr

from agent.errors import CapabilityError, SchemaError
from agent.llm.address import is_loopback, public_url
from agent.llm.backend import Capabilities, Completion, FinishReason, LlmRequest, Scores, Stream
from agent.llm.cached import TextCache
from agent.llm.openai_dialect import Dialect, messages_of
from agent.llm.openai_wire import ChatClient, Message, Reply
from agent.llm.streams import end_openly
from agent.llm.usage import estimate_tokens
from agent.llm.validation import check_schema, find_problem

__all__ = ["OpenAICompatBackend", "is_loopback"]


class OpenAICompatBackend:
    """Completions over HTTP.

    Structured output is asked for in the best way the server understands, and always validated here; an
    answer that does not fit is sent back once to be repaired. No retries of its own: a wrapper decides about
    those. The key is in no message, no answer and nothing that is kept.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: SecretStr | None = None,
        timeout_s: float = 60.0,
        context_tokens: int = 4096,
        memory: TextCache | None = None,
    ) -> None:
        """Makes the client; nothing is sent.

        Args:
            model: as the server names it.
            base_url: such as `http://localhost:8000/v1`; None is the vendor's own.
            api_key: None takes `OPENAI_API_KEY` for the vendor, and sends none to other servers.
            timeout_s: for one HTTP call, from sending to the last byte.
            context_tokens: of the model, as far as known.
            memory: keeps for a week how the server takes schemas, so that it is not asked each time.

        Raises:
            MissingExtraError: the `openai` package is not installed.
            SettingsError: the vendor's server without a key.
        """
        self._name = f"openai:{model}"
        self._client = ChatClient(
            model,
            name=self._name,
            base_url=base_url,
            api_key=api_key,
            timeout_s=timeout_s,
            local=is_loopback(base_url),
        )
        self._base_url = base_url
        self._context_tokens = context_tokens
        self._dialect = Dialect(
            self._client,
            memory=memory,
            memory_key=f"{self._name} {public_url(base_url)}",
            vendor=base_url is None,
        )

    @property
    def name(self) -> str:
        """`openai:` and the model's name."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """No scores. `structured` becomes True once the probe found that schemas are honoured."""
        return Capabilities(
            structured=self._dialect.structured,
            context_tokens=self._context_tokens,
            remote=not is_loopback(self._base_url),
            identity=public_url(self._base_url),
        )

    def complete(self, request: LlmRequest) -> Completion:
        """The completion of `request`.

        A truncated answer is degraded, without data. One that had to be repaired is degraded, with data; one
        that could not be is degraded, without.

        Raises:
            SchemaError: the schema is malformed; nothing was sent.
            RateLimitError: the server asks to slow down.
            BackendTimeoutError: no answer in time.
            TransientError: no connection, HTTP 5xx, or a reply that is no chat completion.
            BackendError: any other HTTP error.
        """
        started = time.perf_counter()
        messages = self._messages(request)
        reply = self._dialect.ask(request, lambda options: self._client.send(messages, options))
        note = _cut_note(reply)
        if request.schema is None or note:
            return self._completion([reply], request, started, note=note)
        data, problem = find_problem(reply.text, request.schema)
        if not problem:
            return self._completion([reply], request, started, data=data)
        messages += [
            {"role": "assistant", "content": reply.text},
            {
                "role": "user",
                "content": f"That does not fit: {problem}. Answer with corrected JSON only.",
            },
        ]
        second = self._dialect.ask(request, lambda options: self._client.send(messages, options))
        data, still = find_problem(second.text, request.schema)
        note = f"not as asked after one repair: {still}" if still else f"repaired once: {problem}"
        return self._completion([reply, second], request, started, data=data, note=note)

    def stream(self, request: LlmRequest) -> Stream:
        """See `Backend.stream`; an answer that does not fit its schema is degraded, and not repaired."""
        return end_openly(self._stream(request), self._name)

    def _stream(self, request: LlmRequest) -> Stream:
        started = time.perf_counter()
        messages = self._messages(request)

        def begin(options: dict[str, Any]) -> tuple[str | Reply, Generator[str, None, Reply]]:
            pieces = self._client.stream(messages, options)
            try:
                return next(pieces), pieces
            except StopIteration as end:
                return end.value, pieces

        first, pieces = self._dialect.ask(request, begin)
        try:
            if isinstance(first, Reply):
                reply = first
            else:
                yield first
                reply = yield from pieces
        finally:
            pieces.close()
        note = _cut_note(reply)
        data = None
        if not note:
            data, note = find_problem(reply.text, request.schema)
        return self._completion([reply], request, started, data=data, note=note)

    def score(self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank") -> Scores:
        """Not possible over this API.

        Raises:
            CapabilityError: always.
        """
        raise CapabilityError(
            f"{self.name} gives no likelihoods (stage {stage!r}); use score objects, or a llamacpp: model"
        )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _messages(self, request: LlmRequest) -> list[Message]:
        """The messages of `request`; a malformed schema ends here, before anything is sent."""
        problem = "" if request.schema is None else check_schema(request.schema)
        if problem:
            raise SchemaError(f"stage {request.stage!r}: the output schema is not supported: {problem}")
        return messages_of(request, with_shape=True)

    def _completion(
        self,
        replies: Sequence[Reply],
        request: LlmRequest,
        started: float,
        *,
        data: dict[str, Any] | None = None,
        note: str = "",
    ) -> Completion:
        finish: FinishReason = "error" if replies[-1].filtered else replies[-1].finish_reason
        asked = estimate_tokens(request.system + request.user)
        replies = [*self._dialect.take_probes(), *replies]
        estimated = any(None in (reply.prompt_tokens, reply.output_tokens) for reply in replies)
        return Completion(
            text=replies[-1].text,
            model=self.name,
            data=data,
            finish_reason=finish,
            prompt_tokens=sum(asked if r.prompt_tokens is None else r.prompt_tokens for r in replies),
            output_tokens=sum(
                estimate_tokens(r.text) if r.output_tokens is None else r.output_tokens for r in replies
            ),
            seconds=time.perf_counter() - started,
            degraded=bool(note),
            note=note,
            estimated=estimated,
        )


def _cut_note(reply: Reply) -> str:
    if reply.filtered:
        return "the server's content filter stopped the answer"
    if reply.finish_reason != "length":
        return ""
    tokens = estimate_tokens(reply.text) if reply.output_tokens is None else reply.output_tokens
    return f"the answer was cut at {tokens} tokens"
