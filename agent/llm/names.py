"""Whether a model of the settings can be meant at all; a mistyped one must not pass for a failing one."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from agent.errors import ModelNotFoundError, SettingsError
from agent.llm.address import public_model, server_of
from agent.llm.model_specs import find_spec
from agent.settings import LlmSettings


def check_model(settings: LlmSettings) -> None:
    """Checks the name in `settings.model`. Nothing is opened, fetched or connected.

    A known model that is not on this machine yet and a server that does not answer are fine: what becomes of
    them shows when they are called. With a replay, files are not looked for: no model is opened.

    Raises:
        SettingsError: no known kind, no known local model, no file at that path, or no address.
    """
    kind, _, name = settings.model.partition(":")
    if settings.model == "none" or kind == "scripted":
        return
    if kind == "llamacpp" and name:
        if settings.calls.replay is None:
            _check_local(name)
        return
    if kind == "openai" and server_of(settings)[0]:
        _check_address(settings)
        return
    raise SettingsError(
        "llm.model: expected 'llamacpp:NAME', 'llamacpp:FILE.gguf', 'openai:NAME' or 'none', "
        f"got {public_model(settings.model)!r}"
    )


def _check_local(name: str) -> None:
    try:
        if not name.lower().endswith(".gguf"):
            find_spec(name)
        elif not _is_file(name):
            raise ModelNotFoundError(f"expected a model file, and there is none at {name!r}")
    except ModelNotFoundError as error:
        raise SettingsError(f"llm.model: {error}") from None


def _is_file(name: str) -> bool:
    try:
        return Path(name).expanduser().is_file()
    except RuntimeError:  # the home of a user that does not exist
        return False


def _check_address(settings: LlmSettings) -> None:
    url = server_of(settings)[1]
    if url is None:
        return
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, half an IPv6 address
        valid = False
    if not valid:
        raise SettingsError(
            "llm.base_url: expected 'http://HOST/v1' or 'https://HOST/v1', also after openai:NAME@, "
            f"got {public_model(url)!r}"
        )
