"""The parent's side of a worker process: start, ask, notice its death, end it."""

from __future__ import annotations

import dataclasses
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from agent.errors import BackendError, BackendTimeoutError
from agent.llm.wire import read_message, write_message
from agent.llm.worker import BEAT_S, WorkerOptions

_SILENCE_S = max(30.0, 10 * BEAT_S)
_LOG_TAIL_BYTES = 1500


class ChildDiedError(BackendError):
    """The worker process has gone, or gives no sign of life."""


class WorkerChild:
    """One running worker. Not thread-safe: the backend asks one thing at a time."""

    def __init__(self, options: WorkerOptions, *, start_timeout_s: float) -> None:
        """Starts the process and waits until the model is loaded.

        Raises:
            BackendError: the model cannot be loaded.
            ChildDiedError: it crashed while loading.
            BackendTimeoutError: it took too long.
        """
        self._log = tempfile.TemporaryFile()
        self._process = _start(options, self._log)
        self._inbox: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        threading.Thread(target=self._read_answers, daemon=True).start()
        self._next_id = 0
        try:
            first = self._receive(time.monotonic() + start_timeout_s, "loading the model")
        except BackendError:
            self.close()
            raise
        if "ready" not in first:
            self.close()
            raise BackendError(str(first.get("error")))

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def ask(self, request: dict[str, Any], *, timeout_s: float) -> dict[str, Any]:
        """The worker's answer, with `ok` or with `error` and `kind`.

        Raises:
            ChildDiedError: the process ended, or was silent for too long.
            BackendTimeoutError: no answer in time; the worker is still busy and should be closed.
        """
        self._next_id += 1
        deadline = time.monotonic() + timeout_s
        stdin = self._process.stdin
        assert stdin is not None  # Popen was given a pipe
        try:
            write_message(stdin, {**request, "id": self._next_id})  # type: ignore[arg-type]
        except OSError as error:
            raise ChildDiedError(self._obituary()) from error
        while True:
            answer = self._receive(deadline, f"{request['op']!r}")
            if answer.get("id") == self._next_id:
                return answer

    def close(self) -> None:
        """Ends the process, at once; harmless when it has ended."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._log):
            if stream is not None:
                _close_quietly(stream)

    def _receive(self, deadline: float, doing: str) -> dict[str, Any]:
        """The next message that is not a heartbeat."""
        while True:
            left = deadline - time.monotonic()
            try:
                message = self._inbox.get(timeout=max(0.0, min(left, _SILENCE_S)))
            except queue.Empty:
                if left <= _SILENCE_S:
                    raise BackendTimeoutError(
                        f"the local model was still busy with {doing} when its time was up; "
                        "raise llm.timeout_s, or take a smaller model"
                    ) from None
                raise ChildDiedError(f"the worker gave no sign of life for {_SILENCE_S:.0f} s") from None
            if message is None:
                raise ChildDiedError(self._obituary())
            if "beat" not in message:
                return message

    def _read_answers(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None  # Popen was given a pipe
        with stdout:
            while (message := read_message(stdout)) is not None:  # type: ignore[arg-type]
                self._inbox.put(message)
        self._inbox.put(None)

    def _obituary(self) -> str:
        code = self._process.wait()
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - _LOG_TAIL_BYTES))
        tail = self._log.read().decode(errors="replace").strip().splitlines()[-3:]
        return f"the worker process ended with code {code}; its last words: {' / '.join(tail) or 'none'}"


def _start(options: WorkerOptions, log: Any) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).resolve().parents[2])
    inherited = os.environ.get("PYTHONPATH")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([root, inherited] if inherited else [root]),
        # Waiting threads sleep. With spinning (the default) one other busy process on a two-core machine took
        # the 0.5B from 24 to 0.4 tokens per second. https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html
        "GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "0"),
        "OMP_NUM_THREADS": str(options.threads),
    }
    # -P keeps the current folder, which may hold another `agent`, off the child's import path.
    command = [sys.executable, "-P", "-m", "agent.llm.worker", json.dumps(dataclasses.asdict(options))]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment
    )


def _close_quietly(stream: Any) -> None:
    try:
        stream.close()
    except OSError:  # flushing to a process that has gone
        return
