"""Recording what models were asked and answered, and answering from such a recording without a model."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agent.errors import BackendError, SettingsError
from agent.llm.backend import Backend, Capabilities, Completion, LlmRequest, Scores, Stream
from agent.llm.streams import stream_whole
from agent.llm.wrapper import WrappedBackend

_SHOWN_CHARS = 80
_log = logging.getLogger(__name__)


class RecordingBackend(WrappedBackend):
    """Holds a backend; every call and its answer becomes a line of a JSON-lines file, added at its end.

    The file is readable by its owner only. It holds what the model was asked, so for models on other
    machines what redaction left, and never a key, which is no part of a request. Failed calls leave no line.
    An answer that cannot be recorded is given all the same, with a note.
    """

    def __init__(self, inner: Backend, path: Path) -> None:
        super().__init__(inner)
        self._path = path.expanduser()
        self._lock = threading.Lock()

    def complete(self, request: LlmRequest) -> Completion:
        """See `Backend.complete`."""
        return self._keep(request, self._inner.complete(request))

    def stream(self, request: LlmRequest) -> Stream:
        """See `Backend.stream`; recorded as the whole it adds up to, if it came to its end."""
        completion = yield from self._inner.stream(request)
        return self._keep(request, completion)

    def score(self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank") -> Scores:
        """See `Backend.score`."""
        scores = self._inner.score(prefix, continuations, stage=stage)
        asked = {"prefix": prefix, "continuations": list(continuations)}
        problem = self._write("score", stage, asked, dataclasses.asdict(scores))
        return dataclasses.replace(scores, note=_join(scores.note, problem)) if problem else scores

    def _keep(self, request: LlmRequest, completion: Completion) -> Completion:
        if completion.finish_reason == "error":
            return completion
        problem = self._write("complete", request.stage, _asked(request), dataclasses.asdict(completion))
        if not problem:
            return completion
        return dataclasses.replace(completion, note=_join(completion.note, problem))

    def _write(self, kind: str, stage: str, asked: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
        """Adds a line; what hindered it, or nothing."""
        line = {
            "kind": kind,
            "model": self.name,
            "capabilities": dataclasses.asdict(self.capabilities),
            "stage": stage,
            "asked": asked,
            "answer": answer,
        }
        # ASCII keeps lone surrogates, which titles may hold.
        text = json.dumps(line, default=dict) + "\n"
        with self._lock:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                with os.fdopen(descriptor, "a", encoding="ascii") as sink:
                    sink.write(text)
            except OSError as error:
                problem = (
                    f"not recorded: llm.calls.record: expected to write {str(self._path)!r}, "
                    f"got {error.strerror!r}; name another file, or record nothing"
                )
                _log.warning("%s: %s", self.name, problem)
                return problem
        return ""


class ReplayBackend:
    """Answers from a recording of one model; loads nothing and connects to nothing.

    The last answer recorded to a request is given. Stage and prompt hash do not matter, the texts do.
    """

    def __init__(self, path: Path, *, model: str = "") -> None:
        """Reads the file.

        Args:
            path: as `RecordingBackend` wrote it.
            model: whose lines to use; empty takes the model of the first line.

        Raises:
            SettingsError: no such file, a line that is none of ours, or no line at all.
        """
        self._path = path.expanduser()
        self._answers: dict[str, Mapping[str, Any]] = {}
        self._name, self._capabilities = model, Capabilities()
        lines = _lines(self._path)
        if not lines:
            raise SettingsError(
                f"llm.calls.replay: expected recorded calls in {str(self._path)!r}, found none; "
                "make some with llm.calls.record"
            )
        for number, line in enumerate(lines, start=1):
            try:
                entry = json.loads(line)
                kind, name = entry["kind"], entry["model"]
                if name == (self._name or name):
                    self._name = name
                    self._capabilities = Capabilities(**entry["capabilities"])
                    self._answers[_key(kind, entry["asked"])] = entry["answer"]
            except (ValueError, TypeError, KeyError) as error:
                raise SettingsError(
                    f"{self._path}, line {number}: expected a recorded model call, got {line[:80]!r} "
                    f"({type(error).__name__}); record the file again"
                ) from None

    @property
    def name(self) -> str:
        """Name of the model that was recorded."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What the recorded model could do."""
        return self._capabilities

    def complete(self, request: LlmRequest) -> Completion:
        """The recorded completion.

        Raises:
            BackendError: this request was not recorded.
        """
        answer = self._find("complete", _asked(request), request.stage, request.user)
        return Completion(**answer)

    def stream(self, request: LlmRequest) -> Stream:
        """The recorded completion, at once."""
        return (yield from stream_whole(self.complete(request)))

    def score(self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank") -> Scores:
        """The recorded scores.

        Raises:
            BackendError: this request was not recorded.
        """
        asked = {"prefix": prefix, "continuations": list(continuations)}
        answer = dict(self._find("score", asked, stage, prefix))
        answer["token_logprobs"] = tuple(map(tuple, answer["token_logprobs"]))
        return Scores(**answer)

    def close(self) -> None:
        """Nothing to free."""

    def _find(self, kind: str, asked: Mapping[str, Any], stage: str, text: str) -> Mapping[str, Any]:
        key = _key(kind, asked)
        if key not in self._answers:
            raise BackendError(
                f"{self._path} holds no answer of {self._name} to this request: stage {stage!r}, "
                f"{kind} {key[:12]}, {text[-_SHOWN_CHARS:]!r}; record it again with llm.calls.record"
            )
        return self._answers[key]


def _join(note: str, problem: str) -> str:
    return f"{note}; {problem}" if note else problem


def _asked(request: LlmRequest) -> dict[str, Any]:
    plain = dataclasses.asdict(request)
    for name in ("stage", "prompt_hash"):
        del plain[name]
    return {**plain, "stop": list(request.stop)}


def _key(kind: str, asked: Mapping[str, Any]) -> str:
    text = json.dumps([kind, asked], sort_keys=True, default=dict)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"llm.calls.replay: expected a recording at {str(path)!r}, got {type(error).__name__}; "
            "make one with llm.calls.record"
        ) from None
