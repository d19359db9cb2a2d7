"""The network fence of offline mode: connections that would leave the machine are refused, and counted."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

from agent.errors import OfflineError

# Child processes (the model's worker among them) inherit these: libraries keep off the network there too.
_ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False"}


def is_local(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    if host in ("localhost", ""):
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@contextmanager
def network_fence(active: bool = True) -> Iterator[list[str]]:
    """Within the block every connection or look-up beyond this machine raises OfflineError.

    Gives the list of the hosts that were asked for, for showing that it stayed empty. Not active, it does
    nothing. It covers this process's Python sockets; native code is kept off by its own switches.
    """
    refused: list[str] = []
    if not active:
        yield refused
        return
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def refuse(host: Any) -> None:
        name = host.decode(errors="replace") if isinstance(host, bytes) else str(host or "")
        if not is_local(name):
            refused.append(name)
            raise OfflineError(f"offline mode: a connection to {name!r} was refused; run without --offline")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            refuse(address[0])
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            refuse(address[0])
        return connect_ex(self, address)

    def guarded_look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        refuse(host)
        return look_up(host, *arguments, **options)

    socket.socket.connect = guarded_connect  # type: ignore[assignment,method-assign]
    socket.socket.connect_ex = guarded_connect_ex  # type: ignore[assignment,method-assign]
    socket.getaddrinfo = guarded_look_up
    try:
        with _environment():
            yield refused
    finally:
        socket.socket.connect = connect  # type: ignore[method-assign]
        socket.socket.connect_ex = connect_ex  # type: ignore[method-assign]
        socket.getaddrinfo = look_up


@contextmanager
def _environment() -> Iterator[None]:
    """The switches by which libraries keep off the network, here and in child processes."""
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
