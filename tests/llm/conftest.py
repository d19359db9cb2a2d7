"""The real parts that the tests of this room share: the smallest model, and a real server on loopback."""

from __future__ import annotations

import importlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from pydantic import SecretStr

from agent.llm.llamacpp import LlamaCppBackend
from agent.llm.openai_compat import OpenAICompatBackend
from agent.llm.registry import model_path
from tests.llm.asks import KEY
from tests.llm.servers import running_server

CONTEXT_TOKENS = 1024


@pytest.fixture(scope="session")
def smollm_path():
    return model_path("smollm2-135m")


@pytest.fixture(scope="session")
def smollm(smollm_path):
    backend = LlamaCppBackend(smollm_path, name="smollm2-135m", context_tokens=CONTEXT_TOKENS, timeout_s=60)
    yield backend
    backend.close()


@pytest.fixture(scope="session")
def server_url(smollm_path, tmp_path_factory):
    """`python -m llama_cpp.server` with the smallest model."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log_path = tmp_path_factory.mktemp("server") / "log.txt"
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(smollm_path), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--n_ctx", str(CONTEXT_TOKENS), "--n_threads", "2"]
    with log_path.open("w") as log:
        environment = {**os.environ, "GOMP_SPINCOUNT": "0"}  # as our worker: no spinning on a busy machine
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            _wait_until_ready(f"http://127.0.0.1:{port}/v1/models", process, log_path)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_until_ready(url, process, log_path):
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the server ended:\n{log_path.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"the server did not come up:\n{log_path.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def served(server_url):
    backend = OpenAICompatBackend("smollm2", base_url=server_url, timeout_s=60, context_tokens=CONTEXT_TOKENS)
    yield backend
    backend.close()


@pytest.fixture
def server():
    """A server that answers as the test tells it to."""
    importlib.import_module("openai")  # the first import takes seconds: no time limit of a test pays for it
    with running_server() as server:
        yield server


@pytest.fixture
def remote(server):
    """The remote backend, of one second's patience, on that server."""
    backend = OpenAICompatBackend("m", base_url=server.url, api_key=SecretStr(KEY), timeout_s=1.0)
    yield backend
    backend.close()
