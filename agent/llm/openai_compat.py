"""Any server that speaks the OpenAI chat API: hosted models, vLLM, llama-server, Ollama."""

from __future__ import annotations

import ipaddress
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from agent.errors import (
    BackendError,
    BackendTimeoutError,
    CapabilityError,
    MissingExtraError,
    RateLimitError,
    SchemaError,
    SettingsError,
)
from agent.llm.backend import Capabilities, Completion, FinishReason, LlmRequest, Scores
from agent.llm.validation import check_schema, find_problem

Mode = Literal["json_schema", "json_object", "prompt"]
Message = dict[str, str]

_MODES: tuple[Mode, ...] = ("json_schema", "json_object", "prompt")
_PROBE_SCHEMA = {
    "type": "object",
    "properties": {"probe": {"type": "integer", "enum": [7]}},
    "required": ["probe"],
    "additionalProperties": False,
}
_BAD_REQUEST = (400, 404, 415, 422, 501)
_DETAIL_CHARS = 300


@dataclass(frozen=True, slots=True)
class _Reply:
    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    output_tokens: int


class OpenAICompatBackend:
    """Completions over HTTP.

    Structured output is asked for in the best way the server understands, and always validated here; an
    answer that does not fit is sent back once to be repaired. No retries of its own: a wrapper decides about
    those. The key never appears in a message of ours.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: SecretStr | None = None,
        timeout_s: float = 60.0,
        context_tokens: int = 4096,
    ) -> None:
        """Makes the client; nothing is sent.

        Args:
            model: as the server names it.
            base_url: such as `http://localhost:8000/v1`; None is the vendor's own.
            api_key: None takes `OPENAI_API_KEY` for the vendor, and sends none to other servers.
            timeout_s: for connecting, and for each wait for bytes.
            context_tokens: of the model, as far as known.

        Raises:
            MissingExtraError: the `openai` package is not installed.
            SettingsError: the vendor's server without a key.
        """
        try:
            import openai
        except ImportError as error:
            raise MissingExtraError("openai", "all") from error
        key = api_key.get_secret_value() if api_key else None
        if key is None and base_url is not None:
            key = "none"  # the SDK insists on one
        try:
            self._client = openai.OpenAI(api_key=key, base_url=base_url, timeout=timeout_s, max_retries=0)
        except openai.OpenAIError:
            raise SettingsError(
                "llm.api_key: expected a key for the vendor's server, got none; set DRIFTREC_LLM__API_KEY"
            ) from None
        self._model = model
        self._base_url = base_url
        self._key = key if key != "none" else None
        self._context_tokens = context_tokens
        self._timeout_s = timeout_s
        self._mode: Mode | None = None
        self._probing = threading.Lock()

    @property
    def name(self) -> str:
        """`openai:` and the model's name."""
        return f"openai:{self._model}"

    @property
    def capabilities(self) -> Capabilities:
        """No scores. `structured` becomes True once the probe found that schemas are honoured."""
        return Capabilities(
            structured=self._mode == "json_schema",
            context_tokens=self._context_tokens,
            remote=not is_loopback(self._base_url),
        )

    def complete(self, request: LlmRequest) -> Completion:
        """The completion of `request`.

        A truncated answer is degraded, without data. One that had to be repaired is degraded, with data; one
        that could not be is degraded, without.

        Raises:
            SchemaError: the schema is malformed; nothing was sent.
            RateLimitError: the server asks to slow down.
            BackendTimeoutError: no answer in time.
            BackendError: no connection, an HTTP error, or a reply that is no chat completion.
        """
        started = time.perf_counter()
        if request.schema is None:
            reply = self._send(_messages(request), request, mode=None)
            return self._completion([reply], started, data=None, note=_cut_note(reply))
        problem = check_schema(request.schema)
        if problem:
            raise SchemaError(f"stage {request.stage!r}: the output schema is not supported: {problem}")
        messages = _messages(request, with_schema=True)
        reply = self._send_structured(messages, request)
        if reply.finish_reason == "length":
            return self._completion([reply], started, data=None, note=_cut_note(reply))
        data, problem = find_problem(reply.text, request.schema)
        if not problem:
            return self._completion([reply], started, data=data, note="")
        messages += [
            {"role": "assistant", "content": reply.text},
            {
                "role": "user",
                "content": f"That does not fit: {problem}. Answer with corrected JSON only.",
            },
        ]
        second = self._send_structured(messages, request)
        data, still = find_problem(second.text, request.schema)
        note = f"not as asked after one repair: {still}" if still else f"repaired once: {problem}"
        return self._completion([reply, second], started, data=data, note=note)

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

    def _completion(
        self, replies: Sequence[_Reply], started: float, *, data: dict[str, Any] | None, note: str
    ) -> Completion:
        return Completion(
            text=replies[-1].text,
            model=self.name,
            data=data,
            finish_reason=replies[-1].finish_reason,
            prompt_tokens=sum(reply.prompt_tokens for reply in replies),
            output_tokens=sum(reply.output_tokens for reply in replies),
            seconds=time.perf_counter() - started,
            degraded=bool(note),
            note=note,
        )

    def _send_structured(self, messages: list[Message], request: LlmRequest) -> _Reply:
        """Sends in the mode the server understands; one it refuses is given up for good."""
        mode = self._probed_mode()
        while True:
            try:
                return self._send(messages, request, mode=mode)
            except _RefusedError as error:
                if mode == "prompt":
                    raise BackendError(str(error)) from error
                mode = self._mode = _MODES[_MODES.index(mode) + 1]

    def _probed_mode(self) -> Mode:
        """The best mode the server honours; it is asked once, with a question only a schema answers."""
        with self._probing:
            if self._mode is None:
                self._mode = self._probe()
            return self._mode

    def _probe(self) -> Mode:
        for mode in _MODES[:-1]:
            if self._honours(mode):
                return mode
        return "prompt"

    def _honours(self, mode: Mode) -> bool:
        probe = LlmRequest("", "Say hello in JSON.", "probe", _PROBE_SCHEMA, max_output_tokens=40)
        try:
            reply = self._send(_messages(probe), probe, mode=mode)
        except _RefusedError:
            return False
        wanted = _PROBE_SCHEMA if mode == "json_schema" else {"type": "object"}
        return find_problem(reply.text, wanted)[0] is not None

    def _send(self, messages: list[Message], request: LlmRequest, *, mode: Mode | None) -> _Reply:
        import openai

        # Servers other than the vendor's know the older name of the limit.
        limit = "max_tokens" if self._base_url else "max_completion_tokens"
        options: dict[str, Any] = {limit: request.max_output_tokens}
        if request.stop:
            options["stop"] = list(request.stop)
        if mode == "json_schema":
            schema = {"name": "answer", "strict": True, "schema": dict(request.schema or {})}
            options["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif mode == "json_object":
            options["response_format"] = {"type": "json_object"}
        try:
            answer = self._client.chat.completions.create(
                model=self._model,
                messages=messages,  # type: ignore[arg-type]
                temperature=request.temperature,
                seed=request.seed,
                **options,
            )
        except openai.APITimeoutError:
            raise BackendTimeoutError(
                f"{self.name}: no answer within {self._timeout_s:g} s; raise llm.timeout_s, or try again"
            ) from None
        except openai.APIStatusError as error:
            raise self._status_error(error, structured=mode is not None) from None
        except (openai.OpenAIError, ValueError) as error:  # ValueError: a body that is not JSON
            raise BackendError(f"{self.name}: {self._clean(error)}") from None
        return self._read(answer)

    def _status_error(self, error: Any, *, structured: bool) -> BackendError:
        detail = self._clean(error)
        if error.status_code == 429:
            wait = error.response.headers.get("retry-after", "")
            seconds = float(wait) if wait.replace(".", "", 1).isdigit() else None
            return RateLimitError(f"{self.name}: the server asks to slow down: {detail}", seconds)
        # llama_cpp.server answers 500 to a response format it does not know.
        if structured and (error.status_code in _BAD_REQUEST or "response_format" in str(error)):
            return _RefusedError(f"{self.name}: HTTP {error.status_code}: {detail}")
        return BackendError(f"{self.name}: HTTP {error.status_code}: {detail}")

    def _read(self, answer: Any) -> _Reply:
        try:
            choice = answer.choices[0]
            text = choice.message.content or ""
            finish: FinishReason = "length" if choice.finish_reason == "length" else "stop"
            usage = answer.usage
        except (AttributeError, IndexError, TypeError):
            raise BackendError(
                f"{self.name}: expected a chat completion, got {str(answer)[:_DETAIL_CHARS]!r}"
            ) from None
        if not isinstance(text, str):
            raise BackendError(f"{self.name}: expected text as the answer, got {type(text).__name__}")
        return _Reply(
            text, finish, getattr(usage, "prompt_tokens", 0) or 0, getattr(usage, "completion_tokens", 0) or 0
        )

    def _clean(self, error: Exception) -> str:
        """The error's text, short, without the key."""
        text = str(error) or type(error).__name__
        if self._key:
            text = text.replace(self._key, "***")
        return text[:_DETAIL_CHARS]


class _RefusedError(BackendError):
    """The server does not take this way of asking for structure."""


def is_loopback(base_url: str | None) -> bool:
    """Whether a server's address is on this machine."""
    host = urlsplit(base_url).hostname if base_url else None
    if not host:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _messages(request: LlmRequest, *, with_schema: bool = False) -> list[Message]:
    system = request.system
    if with_schema:
        # Not every server shows the schema to the model.
        schema = json.dumps(request.schema, ensure_ascii=False)
        system = (
            f"{system}\n\nAnswer with one JSON object that fits this JSON schema, and nothing else: {schema}"
        )
    messages = [{"role": "system", "content": system.strip()}] if system.strip() else []
    return [*messages, {"role": "user", "content": request.user}]


def _cut_note(reply: _Reply) -> str:
    return f"the answer was cut at {reply.output_tokens} tokens" if reply.finish_reason == "length" else ""
