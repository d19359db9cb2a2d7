"""The local model: llama.cpp in a child process, so that its crashes are our errors and nothing more."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.errors import BackendError, BackendTimeoutError, LlmError, SchemaError
from agent.fetch import home
from agent.llm.backend import Capabilities, Completion, LlmRequest, Scores, Stream
from agent.llm.child import HUNG_S, ChildDiedError, WorkerChild
from agent.llm.relay import Relay
from agent.llm.turns import Turns
from agent.llm.worker import WorkerOptions

_START_TIMEOUT_S = 180.0


def available_cores() -> int:
    """Cores this process may really use: the scheduler's affinity and, in a container, its quota."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS, not on Windows
        cores = os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            cores = min(cores, max(1, int(quota) // int(period)))
    except (OSError, ValueError):
        return cores
    return cores


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second: reading a prompt, and writing an answer."""

    prompt: float
    output: float


class LlamaCppBackend:
    """Completions and likelihoods from a GGUF file.

    The worker starts with the first request and is started anew when it crashes or hangs; a request that was
    under way is sent once more. Requests from several threads wait for each other, those that begin alike
    next to each other.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str = "",
        threads: int = 0,
        context_tokens: int = 4096,
        timeout_s: float = 60.0,
        hung_s: float = HUNG_S,
    ) -> None:
        """Nothing is loaded yet.

        Args:
            path: the GGUF file.
            name: as reported; the file's name when empty.
            threads: 0 takes `available_cores()`; more than the free cores makes the model many times slower.
            context_tokens: prompt and output together.
            timeout_s: per request; loading the model and waiting for other requests not counted.
            hung_s: a worker that makes no progress for so long is ended and the request sent again.
        """
        self._name = f"llamacpp:{name or path.stem}"
        self._options = WorkerOptions(str(path), threads or available_cores(), context_tokens)
        self._timeout_s = timeout_s
        self._hung_s = hung_s
        self._turns = Turns()
        self._holder: list[WorkerChild] = []
        self._finalizer = weakref.finalize(self, _close_all, self._holder)

    @property
    def name(self) -> str:
        """`llamacpp:` and the model's name."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """Structured output and scores, on this machine."""
        return Capabilities(structured=True, score=True, context_tokens=self._options.context_tokens)

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, None when none runs."""
        return self._holder[0].pid if self._holder else None

    def complete(self, request: LlmRequest) -> Completion:
        """The completion of `request`.

        Raises:
            SchemaError: llguidance refuses the schema; the worker lives on.
            BackendError: prompt and output do not fit the context; or the worker crashed twice on it.
            BackendTimeoutError: no answer in time; the worker was ended.
        """
        started = time.perf_counter()
        return self._completion(self._ask(_completion_message(request), request.stage), request, started)

    def stream(self, request: LlmRequest) -> Stream:
        """The text of the completion piece by piece; the generator's return value is the completion.

        The pieces make up `Completion.text`. The model works on while the caller is busy with a piece, and
        stops when the generator is closed.

        Raises:
            SchemaError, BackendError, BackendTimeoutError: as `complete`, with the first piece; after that
                a failure ends the stream with a completion of `finish_reason="error"`.
        """
        started = time.perf_counter()
        relay = Relay(self._name)

        def produce() -> None:
            end: Completion | LlmError = BackendError(f"{self._name}: the stream broke off")
            try:
                answer = self._ask(_completion_message(request), request.stage, relay)
                end = self._completion(answer, request, started)
            except LlmError as error:
                end = error
            finally:
                relay.finish(end)

        threading.Thread(target=produce, daemon=True).start()
        return (yield from relay.pieces())

    def score(
        self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank", reuse: bool = True
    ) -> Scores:
        """Natural-log probabilities of each continuation's tokens after `prefix`.

        Prefix and continuations are tokenized apart, so end the prefix where a token ends and give each
        continuation its leading space. The last prefix stays decoded for the next call.

        Args:
            prefix: chat markers in it count as such.
            continuations: any number; an empty one gets an empty tuple.
            stage: who asks.
            reuse: False decodes the prefix anew, for measurements.

        Raises:
            BackendError: an empty prefix, a text that does not fit, or the worker crashed twice on it.
            BackendTimeoutError: no answer in time; the worker was ended.
        """
        started = time.perf_counter()
        answer = self._ask(
            {"op": "score", "prefix": prefix, "continuations": list(continuations), "reuse": reuse}, stage
        )
        return Scores(
            token_logprobs=tuple(map(tuple, answer["token_logprobs"])),
            model=self._name,
            prompt_tokens=answer["prompt_tokens"],
            scored_tokens=answer["scored_tokens"],
            seconds=time.perf_counter() - started,
            meta={key: answer[key] for key in ("decoded_prompt_tokens", "decoded_tokens")},
        )

    def measure_speed(self, *, prompt_tokens: int = 512, output_tokens: int = 0) -> Speed:
        """Speed of plain decoding, measured now in the same worker; `output` is 0 when none was asked for."""
        message = {"op": "speed", "prompt_tokens": prompt_tokens, "output_tokens": output_tokens}
        answer = self._ask(message, "bench")
        return Speed(float(answer["prompt_tokens_per_s"]), float(answer["output_tokens_per_s"] or 0.0))

    def close(self) -> None:
        """Ends the worker, once the request under way is done; the next one would start another."""
        with self._turns.taken("close", ""):
            _close_all(self._holder)

    def _completion(self, answer: Mapping[str, Any], request: LlmRequest, started: float) -> Completion:
        data, note = _parse(answer, request.schema)
        return Completion(
            text=answer["text"],
            model=self._name,
            data=data,
            finish_reason=answer["finish_reason"],
            prompt_tokens=answer["prompt_tokens"],
            output_tokens=answer["output_tokens"],
            seconds=time.perf_counter() - started,
            degraded=bool(note),
            note=note,
        )

    def _ask(self, request: dict[str, Any], stage: str, relay: Relay | None = None) -> dict[str, Any]:
        with self._turns.taken(request["op"], _prompt_of(request)):
            try:
                answer = self._ask_once(request, relay)
            except ChildDiedError:
                # Crashes of the native library are often a matter of state: a fresh worker gets one more try.
                try:
                    answer = self._ask_once(request, relay)
                except ChildDiedError as error:
                    saved = _save_request(request, stage)
                    raise BackendError(
                        f"{self._name} failed twice on one request of stage {stage!r}: {error}. "
                        f"The prompt is saved in {saved}"
                    ) from error
        if "ok" in answer:
            ok: dict[str, Any] = answer["ok"]
            return ok
        if answer["kind"] == "schema":
            raise SchemaError(f"stage {stage!r}: the output schema is not supported: {answer['error']}")
        raise BackendError(f"{self._name}, stage {stage!r}: {answer['error']}")

    def _ask_once(self, request: dict[str, Any], relay: Relay | None) -> dict[str, Any]:
        if self._holder and not self._holder[0].alive:
            _close_all(self._holder)
        if not self._holder:
            self._holder.append(
                WorkerChild(self._options, start_timeout_s=_START_TIMEOUT_S, hung_s=self._hung_s)
            )
        try:
            return self._holder[0].ask(
                request, timeout_s=self._timeout_s, on_text=relay.begin() if relay else None
            )
        except (ChildDiedError, BackendTimeoutError):
            _close_all(self._holder)
            raise


def _completion_message(request: LlmRequest) -> dict[str, Any]:
    return {
        "op": "complete",
        "system": request.system,
        "user": request.user,
        "schema": None if request.schema is None else dict(request.schema),
        "max_output_tokens": request.max_output_tokens,
        "temperature": request.temperature,
        "seed": request.seed,
        "stop": list(request.stop),
    }


def _prompt_of(message: Mapping[str, Any]) -> str:
    """The text that a request makes the model read first."""
    if message["op"] == "complete":
        return f"{message['system']}\0{message['user']}"
    return str(message.get("prefix", ""))


def _close_all(children: list[WorkerChild]) -> None:
    while children:
        children.pop().close()


def _parse(answer: Mapping[str, Any], schema: Mapping[str, Any] | None) -> tuple[dict[str, Any] | None, str]:
    """The object in the answer, and why the answer is not what was asked for."""
    if answer["finish_reason"] == "length":
        return None, f"the answer was cut at {answer['output_tokens']} tokens"
    if schema is None:
        return None, ""
    try:
        data = json.loads(answer["text"])
    except ValueError as error:  # a stop text cut it
        return None, f"the answer is not JSON ({error})"
    if not isinstance(data, dict):
        return None, f"expected a JSON object, got {type(data).__name__}; make it a property of one"
    return data, ""


def _save_request(request: dict[str, Any], stage: str) -> Path:
    """Keeps a request that crashes the worker, on this machine, readable by the user only."""
    folder = home() / "crashes"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(prefix=f"{stage}-", suffix=".json", dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as sink:
        json.dump(request, sink, ensure_ascii=True, indent=1)
    return Path(name)
