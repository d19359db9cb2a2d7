"""The worker process: one model, one request at a time, no way to take the application down with it.

Started by `agent.llm.child` as `python -m agent.llm.worker OPTIONS`. Reads requests on standard input,
answers on standard output; everything libraries print goes to standard error. Ends at once when its parent
has gone.
"""

from __future__ import annotations

import dataclasses
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from agent.llm.errors import EngineError
from agent.llm.wire import read_message, write_message

BEAT_S = 2.0
N_BRANCHES = 32
SCORE_BATCH = 256

Emit = Callable[[dict[str, Any]], None]


@dataclasses.dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What the worker is started with; `context_tokens` holds for completions and for scoring."""

    path: str
    threads: int
    context_tokens: int


@dataclasses.dataclass(frozen=True, slots=True)
class Listener:
    """Who hears an answer while it is made.

    Attributes:
        hear: takes each further piece of text.
        gone: whether nobody listens any more.
    """

    hear: Callable[[str], None]
    gone: Callable[[], bool]


class Engine:
    """The operations of the worker, by name. Contexts are made when first needed."""

    def __init__(self, options: WorkerOptions) -> None:
        from agent.llm.llama_model import GgufModel

        self._options = options
        self._model = GgufModel(Path(options.path), threads=options.threads)
        self._operations: dict[str, Callable[[dict[str, Any], Listener], dict[str, Any]]] = {}

    def run(self, request: dict[str, Any], listener: Listener) -> dict[str, Any]:
        """The answer to one request as JSON-ready data; `op` names the operation."""
        name = request["op"]
        if name not in self._operations:
            makers = {"complete": self._completer, "score": self._scorer, "speed": self._speedometer}
            self._operations[name] = makers[name]()
        return self._operations[name](request, listener)

    @property
    def steps(self) -> int:
        """Decoding steps since the start: what the parent tells a long computation from a hung one by."""
        return self._model.steps

    def facts(self) -> dict[str, Any]:
        """What the parent wants to know about the model."""
        return {"n_ctx_train": self._model.n_ctx_train, "n_vocab": self._model.n_vocab}

    def _completer(self) -> Callable[[dict[str, Any], Listener], dict[str, Any]]:
        from agent.llm.generation import Generator, Sampling
        from agent.llm.llama_model import DecodeContext

        generator = Generator(self._model, DecodeContext(self._model, n_ctx=self._options.context_tokens))

        def complete(request: dict[str, Any], listener: Listener) -> dict[str, Any]:
            sampling = Sampling(
                max_output_tokens=request["max_output_tokens"],
                temperature=request["temperature"],
                seed=request["seed"],
                stop=tuple(request["stop"]),
            )
            generated = generator.generate(
                request["system"],
                request["user"],
                schema=request["schema"],
                sampling=sampling,
                hear=listener.hear if request["stream"] else None,
                gone=listener.gone,
            )
            return dataclasses.asdict(generated)

        return complete

    def _scorer(self) -> Callable[[dict[str, Any], Listener], dict[str, Any]]:
        from agent.llm.likelihood import LikelihoodScorer
        from agent.llm.llama_model import DecodeContext

        # A context of its own, so that scoring does not push the completions' prefix out.
        context = DecodeContext(
            self._model, n_ctx=self._options.context_tokens, n_branches=N_BRANCHES, n_batch=SCORE_BATCH
        )
        scorer = LikelihoodScorer(self._model, context)

        def score(request: dict[str, Any], listener: Listener) -> dict[str, Any]:
            scored = scorer.score(request["prefix"], request["continuations"], reuse=request["reuse"])
            return dataclasses.asdict(scored)

        return score

    def _speedometer(self) -> Callable[[dict[str, Any], Listener], dict[str, Any]]:
        from agent.llm.llama_model import DecodeContext

        context = DecodeContext(self._model, n_ctx=self._options.context_tokens)

        def speed(request: dict[str, Any], listener: Listener) -> dict[str, Any]:
            n_output = int(request["output_tokens"])
            n_prompt = min(int(request["prompt_tokens"]), self._options.context_tokens - n_output)
            context.clear()
            started = time.perf_counter()
            context.feed([100 + index % 500 for index in range(n_prompt)])
            read = time.perf_counter()
            for index in range(n_output):
                context.extend([100 + index])
            written = time.perf_counter() - read
            return {
                "prompt_tokens_per_s": n_prompt / (read - started),
                "output_tokens_per_s": n_output / written if n_output else None,
            }

        return speed


class Inbox:
    """The requests of the parent, in order; what it cancels is noted at once."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._cancelled = -1
        threading.Thread(target=self._read, daemon=True).start()

    def next(self) -> dict[str, Any]:
        """The next request; waits for it."""
        return self._requests.get()

    def is_cancelled(self, number: int) -> bool:
        """Whether the parent does not want the answer to a request any more."""
        return self._cancelled == number

    def _read(self) -> None:
        while (message := read_message(self._stream)) is not None:
            if message["op"] == "cancel":
                self._cancelled = message["id"]
            else:
                self._requests.put(message)
        # The parent has closed us or died. A native call cannot be interrupted: leave without ceremony.
        os._exit(0)


def main() -> None:
    """Serves until standard input closes."""
    options = WorkerOptions(**json.loads(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent; its end ends us
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not mix with the answers
    lock = threading.Lock()

    def send(message: dict[str, Any]) -> None:
        with lock:
            write_message(answers, message)

    inbox = Inbox(requests)
    engines: list[Engine] = []
    threading.Thread(target=_beat, args=(send, engines), daemon=True).start()
    try:
        engine = Engine(options)
    except EngineError as error:
        send({"kind": error.kind, "error": str(error)})
        return
    engines.append(engine)
    send({"ready": engine.facts()})
    while True:
        request = inbox.next()
        send(_answer(engine, request, send, inbox))


def _answer(engine: Engine, request: dict[str, Any], send: Emit, inbox: Inbox) -> dict[str, Any]:
    number = request["id"]
    listener = Listener(
        hear=lambda text: send({"id": number, "delta": text}), gone=lambda: inbox.is_cancelled(number)
    )
    try:
        return {"id": number, "ok": engine.run(request, listener)}
    except EngineError as error:
        return {"id": number, "kind": error.kind, "error": str(error)}


def _beat(send: Emit, engines: list[Engine]) -> None:
    """Tells the parent that we live and how far the model has come (`engines` is empty while it loads)."""
    parent = os.getppid()
    while True:
        time.sleep(BEAT_S)
        if os.getppid() != parent:  # another process may still hold our pipe open
            os._exit(0)
        steps = engines[0].steps if engines else 0
        try:
            send({"beat": steps, "cpu_s": time.process_time()})
        except OSError:
            os._exit(0)


if __name__ == "__main__":
    main()
