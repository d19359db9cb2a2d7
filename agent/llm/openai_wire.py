"""One HTTP call of the OpenAI chat API: sent, read within its time, failures named, no key in any text."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from pydantic import SecretStr

from agent.errors import (
    BackendError,
    BackendTimeoutError,
    MissingExtraError,
    RateLimitError,
    SettingsError,
    TransientError,
)
from agent.llm.address import url_secrets
from agent.llm.backend import FinishReason
from agent.llm.wire import find_surrogate

Message = dict[str, str]

_TRANSIENT_STATUS = frozenset({408, 409, 425})
_REFUSED_STATUS = frozenset({400, 404, 415, 422, 501})
_DETAIL_CHARS: Final = 300
_MAX_BODY_BYTES: Final = 16 << 20
_NO_KEY: Final = "none"  # the SDK insists on one
_MALFORMED = (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError)
# No call takes this many; a count beyond it, or below 0, would make the ledger and the budget nonsense.
_MAX_COUNT: Final = 10**9


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said. Token counts are None where it gave none."""

    text: str
    finish_reason: FinishReason
    prompt_tokens: int | None
    output_tokens: int | None
    filtered: bool = False


class RefusedError(BackendError):
    """The server does not take the request as it is put; `detail` is its reason."""

    def __init__(self, message: str, detail: str) -> None:
        super().__init__(message)
        self.detail = detail


class ChatClient:
    """Speaks to one server for one model."""

    def __init__(
        self,
        model: str,
        *,
        name: str,
        base_url: str | None,
        api_key: SecretStr | None,
        timeout_s: float,
        local: bool,
    ) -> None:
        """Makes the client; nothing is sent.

        Args:
            model: as the server names it.
            name: of the backend, for messages.
            base_url: None is the vendor's own.
            api_key: None takes `OPENAI_API_KEY` for the vendor, and sends none to other servers.
            timeout_s: for one call from sending to the last byte.
            local: the server is on this machine; then neither proxies of the environment nor redirects
                are followed, which lead elsewhere.

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
            key = _NO_KEY
        try:
            http = openai.DefaultHttpxClient(trust_env=False, follow_redirects=False) if local else None
            self._client = openai.OpenAI(
                api_key=key, base_url=base_url, timeout=timeout_s, max_retries=0, http_client=http
            )
        except openai.OpenAIError:
            raise SettingsError(
                "llm.api_key: expected a key for the vendor's server, got none; set DRIFTREC_LLM__API_KEY"
            ) from None
        used = self._client.api_key  # the SDK may have taken it from the environment
        self._secrets = [text for text in (used, *url_secrets(base_url)) if text and text != _NO_KEY]
        self._model = model
        self._name = name
        self._timeout_s = timeout_s

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def send(self, messages: list[Message], options: Mapping[str, Any]) -> Reply:
        """The reply, when it is whole; options for streams are left out.

        Raises:
            RefusedError, RateLimitError, TransientError, BackendTimeoutError, BackendError: see `_failure`.
        """
        deadline = time.monotonic() + self._timeout_s
        body = bytearray()
        whole = {name: value for name, value in options.items() if name != "stream_options"}
        with self._response(messages, whole) as response:
            for chunk in response.iter_bytes():
                body += chunk
                if time.monotonic() > deadline:
                    raise self._late()
                if len(body) > _MAX_BODY_BYTES:
                    raise self._garbage(f"more than {_MAX_BODY_BYTES:,} bytes")
        text = body.decode("utf-8", "replace")
        try:
            answer = json.loads(text)
            choice = answer["choices"][0]
            content = _text_of(choice["message"]["content"])
            finish, usage = choice.get("finish_reason"), answer.get("usage")
        except _MALFORMED:
            raise self._garbage(text) from None
        return self._reply(content, finish, usage)

    def stream(self, messages: list[Message], options: Mapping[str, Any]) -> Generator[str, None, Reply]:
        """Pieces of text as the server sends them; returns the whole.

        Raises:
            TransientError: it ended before the answer did; otherwise as `send`.
        """
        deadline = time.monotonic() + self._timeout_s
        text, finish = "", None
        usage: Any = None
        with self._response(messages, {**options, "stream": True}) as response:
            for line in response.iter_lines():
                if time.monotonic() > deadline:
                    raise self._late()
                event = self._event(line)
                if event is None:
                    continue
                usage = event.get("usage") or usage
                for content, mark in self._choices(event, line):
                    piece = self.scrub(content)
                    finish = mark or finish
                    if piece:
                        text += piece
                        yield piece
        if finish is None:
            raise TransientError(
                f"{self._name}: the stream ended after {len(text)} characters without an end mark",
                charged=True,
            )
        return self._reply(text, finish, usage)

    def scrub(self, text: str) -> str:
        """`text` without the key and without the password of the address."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _event(self, line: str) -> dict[str, Any] | None:
        """The object of one line of an event stream; None for what is none.

        Format: "Server-sent events", https://html.spec.whatwg.org/multipage/server-sent-events.html
        """
        field, _, value = line.partition(":")
        value = value.strip()
        if field != "data" or not value or value == "[DONE]":
            return None
        try:
            event = json.loads(value)
        except (ValueError, RecursionError):
            raise self._garbage(line) from None
        if not isinstance(event, dict):
            raise self._garbage(line)
        if "error" in event:
            raise TransientError(f"{self._name}: {self._short(event['error'])}", charged=True)
        return event

    def _choices(self, event: dict[str, Any], line: str) -> list[tuple[str, Any]]:
        """Text and end mark of each choice of a stream's event."""
        try:
            return [
                (_text_of((choice.get("delta") or {}).get("content")), choice.get("finish_reason"))
                for choice in event.get("choices") or ()
            ]
        except _MALFORMED:
            raise self._garbage(line) from None

    def _reply(self, text: str, finish: Any, usage: Any) -> Reply:
        reason: FinishReason = "length" if finish == "length" else "stop"
        prompt, output = _count_of(usage, "prompt_tokens"), _count_of(usage, "completion_tokens")
        return Reply(self.scrub(text), reason, prompt, output, filtered=finish == "content_filter")

    @contextmanager
    def _response(self, messages: list[Message], options: Mapping[str, Any]) -> Iterator[Any]:
        import openai

        if broken := find_surrogate([messages, options]):
            raise BackendError(
                f"{self._name}: expected a prompt of whole characters, got the lone surrogate {broken}; "
                "remove it from the text"
            )
        create = self._client.chat.completions.with_streaming_response.create
        try:
            with create(model=self._model, messages=messages, **options) as response:  # type: ignore[arg-type]
                yield response
        except openai.APITimeoutError:
            raise self._late() from None
        except openai.APIStatusError as error:
            raise self._failure(error) from None
        except openai.OpenAIError as error:  # no connection
            raise TransientError(f"{self._name}: {self._short(error)}") from None
        except _transport_errors() as error:  # while reading the body
            if "Timeout" in type(error).__name__:
                raise self._late() from None
            raise TransientError(
                f"{self._name}: the reply broke off: {self._short(error)}", charged=True
            ) from None

    def _failure(self, error: Any) -> BackendError:
        """What an HTTP status of 400 or more means."""
        status, detail = error.status_code, self._short(error)
        wait = _retry_after_s(error.response.headers)
        if status == 429 and "insufficient_quota" in str(error):
            return BackendError(f"{self._name}: HTTP 429, the account has nothing left to spend: {detail}")
        if status == 429 or (status == 503 and wait is not None):
            return RateLimitError(f"{self._name}: the server asks to slow down: {detail}", wait)
        # llama_cpp.server answers 500 to a response format it does not know.
        if status in _REFUSED_STATUS or "response_format" in str(error):
            return RefusedError(f"{self._name}: HTTP {status}: {detail}", detail)
        if status >= 500 or status in _TRANSIENT_STATUS:
            return TransientError(f"{self._name}: HTTP {status}: {detail}")
        return BackendError(f"{self._name}: HTTP {status}: {detail}")

    def _late(self) -> BackendTimeoutError:
        return BackendTimeoutError(
            f"{self._name}: no answer within {self._timeout_s:g} s; raise llm.timeout_s, or try again"
        )

    def _garbage(self, text: str) -> TransientError:
        return TransientError(
            f"{self._name}: expected a chat completion, got {self._short(text)!r}; "
            "check that llm.base_url is the API of a model server",
            charged=True,
        )

    def _short(self, what: object) -> str:
        return (self.scrub(str(what)) or type(what).__name__)[:_DETAIL_CHARS]


def _text_of(content: Any) -> str:
    """The text of a message or delta; a server sends null for none.

    Raises:
        TypeError: no text.
    """
    if content is not None and not isinstance(content, str):
        raise TypeError(f"expected a text, got {type(content).__name__}")
    return (content or "").encode("utf-8", "replace").decode("utf-8")


def _count_of(usage: Any, name: str) -> int | None:
    """A token count of the server; None for one that is absent or cannot be: it is then estimated."""
    count = usage.get(name) if isinstance(usage, Mapping) else None
    is_count = isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= _MAX_COUNT
    return count if is_count else None


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The wait a server asks for: seconds, or a moment (RFC 9110, section 10.2.3), in seconds from now."""
    value = headers.get("retry-after", "").strip()
    if value.replace(".", "", 1).isdigit() and value.isascii():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def _transport_errors() -> tuple[type[Exception], ...]:
    """Errors of the HTTP library under the SDK: httpx2 from its version 3 on, httpx before."""
    found: list[type[Exception]] = []
    for library in ("httpx2", "httpx"):
        try:
            found.append(importlib.import_module(library).HTTPError)
        except ImportError:
            continue
    return tuple(found)
