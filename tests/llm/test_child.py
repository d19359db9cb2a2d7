"""A worker that hangs is found in bounded time; one that computes for long is left alone."""

from __future__ import annotations

import json
import stat
import sys
import time
from pathlib import Path

import pytest

from agent.errors import BackendError, BackendTimeoutError
from agent.llm import child
from agent.llm.backend import LlmRequest
from agent.llm.child import ChildDiedError, Pulse, WorkerChild
from agent.llm.llamacpp import LlamaCppBackend
from agent.llm.worker import WorkerOptions

FAKE = Path(__file__).with_name("fake_worker.py")


@pytest.fixture
def fake(monkeypatch):
    """Makes every worker one that fails in the given way."""

    def choose(mode):
        monkeypatch.setattr(child, "worker_command", lambda options: [sys.executable, str(FAKE), mode])

    return choose


def _ask(hung_s, timeout_s):
    """Seconds until the worker was given up, and the error."""
    worker = WorkerChild(WorkerOptions("", 1, 512), start_timeout_s=30, hung_s=hung_s)
    started = time.monotonic()
    try:
        with pytest.raises(BackendError) as caught:
            worker.ask({"op": "complete"}, timeout_s=timeout_s)
    finally:
        worker.close()
    return time.monotonic() - started, caught.value


@pytest.mark.parametrize(("mode", "told"), [("stuck", "hung"), ("silent", "no sign of life")])
def test_a_worker_without_progress_is_given_up(fake, mode, told):
    fake(mode)
    seconds, error = _ask(hung_s=2.0, timeout_s=60)
    assert isinstance(error, ChildDiedError)
    assert told in str(error)
    assert 2.0 <= seconds < 30


def test_a_long_computation_may_take_its_time(fake):
    fake("computing")
    seconds, error = _ask(hung_s=3.0, timeout_s=5.0)
    assert isinstance(error, BackendTimeoutError)
    assert seconds >= 5.0


def test_a_request_that_hangs_twice_is_kept_for_the_user_alone(fake, tmp_path, monkeypatch):
    monkeypatch.setenv("DRIFTREC_HOME", str(tmp_path))
    fake("stuck")
    backend = LlamaCppBackend(tmp_path / "any.gguf", hung_s=2.0)
    with pytest.raises(BackendError, match="failed twice") as caught:
        backend.complete(LlmRequest("", "What hangs?", "test"))
    backend.close()
    (saved,) = (tmp_path / "crashes").iterdir()
    assert str(saved) in str(caught.value)
    assert json.loads(saved.read_text())["user"] == "What hangs?"
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


def test_the_pulse_counts_steps_and_processor_time():
    pulse = Pulse(hung_s=10, now=0)
    assert not pulse.is_hung(5, 1.0, now=2)
    assert not pulse.is_hung(5, 1.05, now=11), "only nine seconds without progress"
    assert pulse.is_hung(5, 1.05, now=12.5)
    assert not pulse.is_hung(6, 1.05, now=14), "a step is progress"
    assert not pulse.is_hung(6, 1.2, now=25), "processor time is progress"
    assert pulse.is_hung(6, 1.25, now=36)


def test_a_lone_surrogate_is_refused_before_the_worker_sees_it(fake):
    fake("stuck")
    worker = WorkerChild(WorkerOptions("", 1, 512), start_timeout_s=30)
    try:
        with pytest.raises(BackendError, match=r"lone surrogate '\\udc00'") as caught:
            worker.ask({"op": "score", "prefix": "a", "continuations": ["b", "c\udc00"]}, timeout_s=5)
        assert not isinstance(caught.value, (BackendTimeoutError, ChildDiedError)) and worker.alive
    finally:
        worker.close()
