"""Keys, passwords, proxies, redirects: what leaves this machine and what is never repeated."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from agent.errors import BackendError, SettingsError
from agent.llm.openai_compat import OpenAICompatBackend, is_loopback
from agent.llm.streams import collect
from tests.llm.asks import HELLO, KEY
from tests.llm.servers import chat, refuse, streamed


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_the_key_is_in_no_message(server, remote, status):
    server.handle = lambda body: refuse(f"bad key {KEY} given", status)
    with pytest.raises(BackendError) as caught:
        remote.complete(HELLO)
    assert KEY not in f"{caught.value!r}"
    assert "***" in str(caught.value)


def test_the_key_is_in_no_answer(server, remote):
    server.handle = lambda body: (
        streamed("my key: ", KEY) if body.get("stream") else chat(f"your key is {KEY}")
    )
    assert remote.complete(HELLO).text == "your key is ***"
    pieces, completion = collect(remote.stream(HELLO))
    assert pieces == ["my key: ", "***"] and KEY not in completion.text
    assert server.keys[0] == f"Bearer {KEY}"


def test_a_key_from_the_environment_and_a_password_in_the_address_are_secrets_too(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    server.handle = lambda body: refuse(f"bad key {KEY}", 401)
    backend = OpenAICompatBackend("m", timeout_s=2)
    with pytest.raises(BackendError) as caught:
        backend.complete(HELLO)
    assert KEY not in str(caught.value)
    backend.close()
    address = server.url.replace("//", "//me:pass-word-9@")
    server.handle = lambda body: refuse("pass-word-9 is wrong", 401)
    backend = OpenAICompatBackend("m", base_url=address, timeout_s=2)
    with pytest.raises(BackendError) as caught:
        backend.complete(HELLO)
    assert "pass-word-9" not in f"{caught.value} {backend.capabilities.identity}"
    backend.close()


def test_proxies_of_the_environment_are_not_used_for_this_machine(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    backend = OpenAICompatBackend("m", base_url=server.url, timeout_s=2)
    assert backend.complete(HELLO).text == "hello"
    backend.close()


def test_redirects_away_from_this_machine_are_not_followed(server):
    server.handle = lambda body: (307, {"Location": "http://127.0.0.2:9/v1/chat/completions"}, b"")
    backend = OpenAICompatBackend("m", base_url=server.url, timeout_s=2)
    with pytest.raises(BackendError, match="HTTP 307"):
        backend.complete(HELLO)
    assert len(server.bodies) == 1
    backend.close()


def test_the_vendor_needs_a_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(SettingsError, match="DRIFTREC_LLM__API_KEY"):
        OpenAICompatBackend("gpt-5")
    backend = OpenAICompatBackend("gpt-5", api_key=SecretStr(KEY))
    assert backend.capabilities.remote
    backend.close()


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:1/v1", True),
        ("http://127.0.0.1/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://127.0.0.1.example.com/v1", False),
        ("https://models.example.com/v1", False),
        (None, False),
    ],
)
def test_what_stays_on_this_machine(url, local):
    assert is_loopback(url) is local
