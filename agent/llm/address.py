"""Addresses of model servers: which stay on this machine, and how they are told without secrets."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit, urlunsplit

from agent.settings import LlmSettings


def server_of(settings: LlmSettings) -> tuple[str, str | None, bool]:
    """Model, base URL and whether the key goes there, of an `openai:NAME` or `openai:NAME@URL`.

    A key is meant for one server: it goes to `llm.base_url` (None: the vendor's), never to another address.
    """
    name = settings.model.partition(":")[2]
    # Not every @ begins an address: some servers have it in their models' names.
    spot = max(name.find("@http://"), name.find("@https://"))
    if spot < 0:
        return name, settings.base_url, True
    url = name[spot + 1 :]
    return name[:spot], url, url == settings.base_url


def is_loopback(base_url: str | None) -> bool:
    """Whether a server's address is on this machine."""
    host = urlsplit(base_url).hostname if base_url else None
    if not host:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def public_url(url: str | None) -> str:
    """A server's address for messages and keys: without user, password, query and fragment.

    >>> public_url("https://me:secret@models.example.com/v1/?key=secret")
    'https://models.example.com/v1'
    """
    if not url:
        return "the vendor's server"
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))


def public_model(name: str) -> str:
    """A model of the settings for messages: of an address in it, without user, password, query and fragment.

    >>> public_model("openai:m@https://me:secret@models.example.com/v1?key=secret")
    'openai:m@https://models.example.com/v1'
    """
    # Up to the last @, for a password may hold characters that it should not.
    return re.sub(r"(?s)(?<=://)([^?#]*)[?#].*", r"\1", re.sub(r"(?s)(?<=://).*@", "", name))


def url_secrets(url: str | None) -> tuple[str, ...]:
    """What of an address must not be shown: its password and its query."""
    parts = urlsplit(url or "")
    return tuple(text for text in (parts.password, parts.query) if text)
