"""What several rooms' tests share: the small catalogues, the shared data sets, the network fence."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CATALOGUES = ROOT / "tests" / "catalogues"
SHARED = ROOT.parent / "shared" / "data"


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
