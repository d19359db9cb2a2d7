"""What several rooms' tests share: the small catalogues, the shared data sets, the network fence."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from agent.llm.child import WorkerChild

# A busy machine makes no example wrong. CI asks the same examples each time; runs by hand look for new ones.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("patient", _PATIENT)
settings.register_profile("ci", _PATIENT, derandomize=True)
settings.load_profile("patient")

ROOT = Path(__file__).parent.parent
CATALOGUES = ROOT / "tests" / "catalogues"
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def counted_workers():
    """While lines are counted, a model's process is let go before the kill: a killed one tells no lines."""
    if "COVERAGE_PROCESS_CONFIG" not in os.environ:
        yield
        return
    close = WorkerChild.close

    def let_go(self):
        with contextlib.suppress(OSError, ValueError, subprocess.TimeoutExpired):
            self._process.stdin.close()
            self._process.wait(timeout=5)
        close(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WorkerChild, "close", let_go)
        yield


@pytest.fixture(scope="session")
def zh_files() -> tuple[Path, Path]:
    """Items and interactions of the Chinese catalogue; u01 moved from picture books to programming."""
    return CATALOGUES / "zh" / "items.csv", CATALOGUES / "zh" / "interactions.csv"


@pytest.fixture(scope="session")
def en_files() -> tuple[Path, Path]:
    """Items and interactions of the English catalogue, three domains."""
    return CATALOGUES / "en" / "items.csv", CATALOGUES / "en" / "interactions.csv"


@pytest.fixture(scope="session")
def movietweetings() -> tuple[Path, Path]:
    """Items and interactions of the shared MovieTweetings data."""
    folder = SHARED / "movietweetings-100k"
    if not folder.is_dir():
        pytest.skip(f"shared data missing: expected {folder.name} beside the checkout, in ../shared/data")
    return folder / "items.csv", folder / "interactions.csv"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Refuses every connection but loopback; the list names what was refused."""
    refused: list[str] = []
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(host).startswith(("127.", "::1")):
            refused.append(str(host))
            raise OSError(f"network use in a test: {address!r}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
    return refused
