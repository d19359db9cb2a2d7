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


@dataclasses.dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What the worker is started with; `context_tokens` holds for completions and for scoring."""

    path: str
    threads: int
    context_tokens: int


class Engine:
    """The operations of the worker, by name. Contexts are made when first needed."""

    def __init__(self, options: WorkerOptions) -> None:
        from agent.llm.llama_model import GgufModel

        self._options = options
        self._model = GgufModel(Path(options.path), threads=options.threads)
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request as JSON-ready data; `op` names the operation."""
        name = request["op"]
        if name not in self._operations:
            makers = {"complete": self._completer, "score": self._scorer, "prompt_speed": self._prompt_speed}
            self._operations[name] = makers[name]()
        return self._operations[name](request)

    def facts(self) -> dict[str, Any]:
        """What the parent wants to know about the model."""
        return {"n_ctx_train": self._model.n_ctx_train, "n_vocab": self._model.n_vocab}

    def _completer(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        from agent.llm.generation import Generator, Sampling
        from agent.llm.llama_model import DecodeContext

        generator = Generator(self._model, DecodeContext(self._model, n_ctx=self._options.context_tokens))

        def complete(request: dict[str, Any]) -> dict[str, Any]:
            sampling = Sampling(
                max_output_tokens=request["max_output_tokens"],
                temperature=request["temperature"],
                seed=request["seed"],
                stop=tuple(request["stop"]),
            )
            generated = generator.generate(
                request["system"], request["user"], schema=request["schema"], sampling=sampling
            )
            return dataclasses.asdict(generated)

        return complete

    def _scorer(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        from agent.llm.likelihood import LikelihoodScorer
        from agent.llm.llama_model import DecodeContext

        # A context of its own, so that scoring does not push the completions' prefix out.
        context = DecodeContext(
            self._model, n_ctx=self._options.context_tokens, n_branches=N_BRANCHES, n_batch=SCORE_BATCH
        )
        scorer = LikelihoodScorer(self._model, context)

        def score(request: dict[str, Any]) -> dict[str, Any]:
            scored = scorer.score(request["prefix"], request["continuations"], reuse=request["reuse"])
            return dataclasses.asdict(scored)

        return score

    def _prompt_speed(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        from agent.llm.llama_model import DecodeContext

        context = DecodeContext(self._model, n_ctx=self._options.context_tokens)

        def prompt_speed(request: dict[str, Any]) -> dict[str, Any]:
            count = min(int(request["tokens"]), self._options.context_tokens)
            tokens = [100 + index % 500 for index in range(count)]
            context.clear()
            started = time.perf_counter()
            context.feed(tokens)
            return {"tokens_per_s": count / (time.perf_counter() - started)}

        return prompt_speed


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

    inbox: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(requests, inbox), daemon=True).start()
    threading.Thread(target=_beat, args=(send,), daemon=True).start()
    try:
        engine = Engine(options)
    except EngineError as error:
        send({"kind": error.kind, "error": str(error)})
        return
    send({"ready": engine.facts()})
    while True:
        send(_answer(engine, inbox.get()))


def _answer(engine: Engine, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"id": request["id"], "ok": engine.run(request)}
    except EngineError as error:
        return {"id": request["id"], "kind": error.kind, "error": str(error)}


def _read_requests(stream: BinaryIO, inbox: queue.SimpleQueue[dict[str, Any]]) -> None:
    while (message := read_message(stream)) is not None:
        inbox.put(message)
    # The parent has closed us or died. A native call cannot be interrupted: leave without ceremony.
    os._exit(0)


def _beat(send: Callable[[dict[str, Any]], None]) -> None:
    parent = os.getppid()
    while True:
        time.sleep(BEAT_S)
        if os.getppid() != parent:  # another process may still hold our pipe open
            os._exit(0)
        try:
            send({"beat": True})
        except OSError:
            os._exit(0)


if __name__ == "__main__":
    main()
