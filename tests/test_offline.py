from __future__ import annotations

import os
import socket
import threading
import urllib.request

import pytest

from agent.errors import OfflineError
from agent.offline import is_local, network_fence


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *[("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("", True)],
        ("10.0.0.1", False),
        ("192.168.1.1", False),
        ("8.8.8.8", False),
        ("example.org", False),
        ("fe80::1%eth0", False),
    ],
)
def test_what_is_this_machine(host, local):
    assert is_local(host) is local


def test_connections_and_look_ups_are_refused_and_counted():
    with network_fence() as refused:
        with pytest.raises(OfflineError, match=r"example\.org"):
            socket.getaddrinfo("example.org", 443)
        with socket.socket() as plain, pytest.raises(OfflineError, match=r"192\.0\.2\.1"):
            plain.connect(("192.0.2.1", 80))
        with socket.socket() as plain, pytest.raises(OfflineError, match=r"192\.0\.2\.2"):
            plain.connect_ex(("192.0.2.2", 80))
        with pytest.raises((OfflineError, OSError)):
            urllib.request.urlopen("http://example.org/")
        assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert refused == ["example.org", "192.0.2.1", "192.0.2.2", "example.org"]


def test_this_machine_stays_reachable_and_the_fence_comes_down():
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].close())
        thread.start()
        with network_fence() as refused, socket.create_connection(server.getsockname()) as client:
            assert client.recv(1) == b""
        thread.join()
    assert refused == []
    assert socket.getaddrinfo("127.0.0.1", 80)
    with network_fence(active=False) as nothing:
        assert socket.socket.connect.__qualname__ != "network_fence.<locals>.guarded_connect"
    assert nothing == []
