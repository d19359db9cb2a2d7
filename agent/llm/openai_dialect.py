"""How one server likes to be asked: found out by asking, kept for a week."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeVar

from agent.errors import StoreError
from agent.llm.backend import LlmRequest
from agent.llm.cached import TextCache
from agent.llm.openai_wire import ChatClient, Message, RefusedError, Reply
from agent.llm.validation import describe_shape, find_problem

Mode = Literal["json_schema", "object_with_schema", "json_object", "prompt"]
T = TypeVar("T")

# Best first. The second is that of llama-cpp-python's server, which ignores the first in silence.
_MODES: tuple[Mode, ...] = ("json_schema", "object_with_schema", "json_object", "prompt")
_BY_CONSTRUCTION = ("json_schema", "object_with_schema")
_PROBE_SCHEMA = {
    "type": "object",
    "properties": {"probe": {"type": "integer", "enum": [7]}},
    "required": ["probe"],
    "additionalProperties": False,
}
_PROBE = LlmRequest("", "Say hello in JSON.", "probe", _PROBE_SCHEMA, max_output_tokens=40)
_VALID_S: Final = 7 * 86_400
# Left out when a server refuses them by name. Without the options an answer is less repeatable, or has no
# token counts; the keywords are checked here in any case.
_OPTIONAL = ("seed", "temperature", "stream_options")
_KEYWORDS = frozenset(
    {"minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "pattern", "uniqueItems"}
)
_LIMITS = ("max_tokens", "max_completion_tokens")
_UNSUPPORTED = re.compile(r"support|unknown|unrecogni|unexpected|permitted|allowed", re.IGNORECASE)
_log = logging.getLogger(__name__)


class Dialect:
    """What was found out about one server and model, and how requests are put accordingly."""

    def __init__(
        self, client: ChatClient, *, memory: TextCache | None, memory_key: str, vendor: bool
    ) -> None:
        """Nothing is asked yet.

        Args:
            client: asks the server.
            memory: keeps the way schemas are taken.
            memory_key: of that server and model.
            vendor: the API's own server, which knows the newer name of the limit of output tokens.
        """
        self._client = client
        self._memory = memory
        self._memory_key = f"structured-mode:{memory_key}"
        self._limits = _LIMITS[::-1] if vendor else _LIMITS
        self._mode: Mode | None = None
        self._probing = threading.Lock()
        self._refused: set[str] = set()
        self._probes: list[Reply] = []

    @property
    def structured(self) -> bool:
        """Whether the server is known to honour schemas by construction."""
        return self._mode in _BY_CONSTRUCTION

    def take_probes(self) -> list[Reply]:
        """The replies to probes since the last call: they were paid for too."""
        probes, self._probes = self._probes, []
        return probes

    def ask(self, request: LlmRequest, call: Callable[[dict[str, Any]], T]) -> T:
        """What `call` gives with the options of `request`, put as the server takes them.

        An option that is refused by name is left out from then on; a mode that is refused gives way to the
        next. A lower mode is kept only if the server then answers: a prompt that is too long is refused too.

        Raises:
            RefusedError: in every way; what `call` raises otherwise.
        """
        mode = None if request.schema is None else self._probed_mode()
        tried = mode
        while True:
            try:
                answer = call(self._options(request, tried))
            except RefusedError as error:
                if self._gave_up(error.detail):
                    continue
                if tried is None or tried == "prompt":
                    raise
                tried = _MODES[_MODES.index(tried) + 1]
                continue
            if tried is not None and tried != mode:
                self._keep_mode(tried)
            return answer

    def _options(self, request: LlmRequest, mode: Mode | None) -> dict[str, Any]:
        options: dict[str, Any] = {
            self._limit: request.max_output_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "stream_options": {"include_usage": True},
        }
        if request.stop:
            options["stop"] = list(request.stop)
        schema = _without(request.schema or {}, self._refused)
        if mode == "json_schema":
            answer = {"name": "answer", "strict": True, "schema": schema}
            options["response_format"] = {"type": "json_schema", "json_schema": answer}
        elif mode == "object_with_schema":
            options["response_format"] = {"type": "json_object", "schema": schema}
        elif mode == "json_object":
            options["response_format"] = {"type": "json_object"}
        return {name: value for name, value in options.items() if name not in self._refused}

    @property
    def _limit(self) -> str:
        first, second = self._limits
        return second if first in self._refused else first

    def _gave_up(self, detail: str) -> bool:
        """Whether the server refused something by name that can be left out, or put under another name."""
        sent = {*_OPTIONAL, *_KEYWORDS, self._limit} - self._refused
        named = [name for name in re.findall(r"\w+", detail) if name in sent]
        no_other_name = named[:1] == [self._limit] and not self._refused.isdisjoint(_LIMITS)
        if not named or no_other_name or not _UNSUPPORTED.search(detail):
            return False
        self._refused.add(named[0])
        return True

    def _probed_mode(self) -> Mode:
        """The best mode the server honours; it is asked once, with a question only a schema answers."""
        with self._probing:
            if self._mode is None:
                self._mode = self._kept_mode()
            if self._mode is None:
                self._keep_mode(next((mode for mode in _MODES[:-1] if self._honours(mode)), "prompt"))
            assert self._mode is not None, "a probe ends in a mode"
            return self._mode

    def _honours(self, mode: Mode) -> bool:
        try:
            reply = self._client.send(messages_of(_PROBE, with_shape=False), self._options(_PROBE, mode))
        except RefusedError as error:
            return self._gave_up(error.detail) and self._honours(mode)
        self._probes.append(reply)
        wanted = _PROBE_SCHEMA if mode in _BY_CONSTRUCTION else {"type": "object"}
        return find_problem(reply.text, wanted)[0] is not None

    def _kept_mode(self) -> Mode | None:
        kept = self._memory.cache_get(self._memory_key) if self._memory else None
        if kept is None:
            return None
        mode, _, moment = kept.partition(" ")
        fresh = time.time() - float(moment or 0) < _VALID_S
        return next((known for known in _MODES if fresh and known == mode), None)

    def _keep_mode(self, mode: Mode) -> None:
        self._mode = mode
        if self._memory is not None:
            try:
                self._memory.cache_put(self._memory_key, f"{mode} {time.time():.0f}")
            except StoreError as error:
                _log.warning("%s was not kept: %s", self._memory_key, error)


def messages_of(request: LlmRequest, *, with_shape: bool) -> list[Message]:
    """The messages of a request; `with_shape` tells the form, which not every server shows to the model."""
    system = request.system
    if with_shape and request.schema is not None:
        shape = describe_shape(request.schema)
        system = f"{system}\n\nAnswer with one JSON object of this form, and nothing else: {shape}"
    messages = [{"role": "system", "content": system.strip()}] if system.strip() else []
    return [*messages, {"role": "user", "content": request.user}]


def _without(schema: Any, keywords: set[str]) -> Any:
    """A schema without some keywords; properties that bear their names stay."""
    if isinstance(schema, Mapping):
        return {
            key: {name: _without(part, keywords) for name, part in entry.items()}
            if key == "properties"
            else _without(entry, keywords)
            for key, entry in schema.items()
            if key not in keywords
        }
    if isinstance(schema, (list, tuple)):
        return [_without(entry, keywords) for entry in schema]
    return schema
