"""The parent's side of a worker process: start, ask, notice that it died or hangs, end it."""

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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.errors import BackendError, BackendTimeoutError
from agent.llm.wire import find_surrogate, read_message, write_message
from agent.llm.worker import WorkerOptions

HUNG_S = 30.0
# A worker that computes uses far more of a core than this, on a crowded machine too; one that waits for a
# lock that never comes, far less.
_LEAST_CPU_SHARE = 0.01
_LOG_TAIL_BYTES = 1500

OnText = Callable[[str], bool]
"""Called with each further piece of the answer; False asks the worker to stop."""


class ChildDiedError(BackendError):
    """The worker process has gone, hangs, or gives no sign of life."""


@dataclass(slots=True)
class Pulse:
    """Tells a long computation from one that hangs, by the heartbeats of the worker.

    Heartbeats come from a thread of their own and go on when the model is stuck. So each carries how many
    decoding steps were done and how much processor time was used; when neither moves for `hung_s`, it hangs.
    """

    hung_s: float
    now: float
    steps: int = -1
    cpu_s: float = 0.0

    def is_hung(self, steps: int, cpu_s: float, now: float) -> bool:
        """Whether nothing has moved for too long; to be told of every heartbeat.

        Args:
            steps: decoding steps since the worker started.
            cpu_s: processor time of the worker so far, seconds.
            now: monotonic seconds.
        """
        moved = steps != self.steps or cpu_s - self.cpu_s > _LEAST_CPU_SHARE * self.hung_s
        if moved:
            self.steps, self.cpu_s, self.now = steps, cpu_s, now
        return now - self.now > self.hung_s


class WorkerChild:
    """One running worker. Not thread-safe: the backend asks one thing at a time."""

    def __init__(self, options: WorkerOptions, *, start_timeout_s: float, hung_s: float = HUNG_S) -> None:
        """Starts the process and waits until the model is loaded.

        Raises:
            BackendError: the model cannot be loaded.
            ChildDiedError: it crashed while loading.
            BackendTimeoutError: it took too long.
        """
        self._hung_s = hung_s
        self._log = tempfile.TemporaryFile()
        self._process = _start(options, self._log)
        self._inbox: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        threading.Thread(target=self._read_answers, daemon=True).start()
        self._next_id = 0
        try:
            first = self._receive(time.monotonic() + start_timeout_s, "loading the model", pulse=None)
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

    def ask(
        self, request: dict[str, Any], *, timeout_s: float, on_text: OnText | None = None
    ) -> dict[str, Any]:
        """The worker's answer, with `ok` or with `error` and `kind`.

        Args:
            request: JSON-ready; `op` names the operation.
            timeout_s: for the whole answer.
            on_text: hears the answer while it is made.

        Raises:
            ChildDiedError: the process ended, hangs, or was silent for too long.
            BackendTimeoutError: no answer in time; the worker is still busy and should be closed.
            BackendError: a text with a lone surrogate; nothing was sent.
        """
        if broken := find_surrogate(request):
            raise BackendError(
                f"expected a prompt of whole characters, got the lone surrogate {broken}; "
                "remove it from the text"
            )
        self._next_id += 1
        deadline = time.monotonic() + timeout_s
        pulse = Pulse(self._hung_s, time.monotonic())
        self._send({**request, "id": self._next_id, "stream": on_text is not None})
        while True:
            answer = self._receive(deadline, f"{request['op']!r}", pulse)
            if answer.get("id") != self._next_id:
                continue
            if "delta" not in answer:
                return answer
            if on_text is not None and not on_text(answer["delta"]):
                self._send({"op": "cancel", "id": self._next_id})
                on_text = None

    def close(self) -> None:
        """Ends the process, at once; harmless when it has ended."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._log):
            if stream is not None:
                _close_quietly(stream)

    def _send(self, message: dict[str, Any]) -> None:
        stdin = self._process.stdin
        assert stdin is not None  # Popen was given a pipe
        try:
            write_message(stdin, message)  # type: ignore[arg-type]
        except OSError as error:
            raise ChildDiedError(self._obituary()) from error

    def _receive(self, deadline: float, doing: str, pulse: Pulse | None) -> dict[str, Any]:
        """The next message that is not a heartbeat."""
        while True:
            left = deadline - time.monotonic()
            try:
                message = self._inbox.get(timeout=max(0.0, min(left, self._hung_s)))
            except queue.Empty:
                if left <= self._hung_s:
                    raise BackendTimeoutError(
                        f"the local model was still busy with {doing} when its time was up; "
                        "raise llm.timeout_s, or take a smaller model"
                    ) from None
                raise ChildDiedError(f"the worker gave no sign of life for {self._hung_s:g} s") from None
            if message is None:
                raise ChildDiedError(self._obituary())
            if "beat" not in message:
                return message
            if pulse is not None and pulse.is_hung(message["beat"], message["cpu_s"], time.monotonic()):
                raise ChildDiedError(f"the worker hung: no progress on {doing} for {self._hung_s:g} s")

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


def worker_command(options: WorkerOptions) -> list[str]:
    """How the worker is started. -P keeps the current folder, where another `agent` may lie, off its path."""
    return [sys.executable, "-P", "-m", "agent.llm.worker", json.dumps(dataclasses.asdict(options))]


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
    return subprocess.Popen(
        worker_command(options), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment
    )


def _close_quietly(stream: Any) -> None:
    try:
        stream.close()
    except OSError:  # flushing to a process that has gone
        return
