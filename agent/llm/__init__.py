"""Language models: backends, registry, prompts. Importing this loads no model library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import OfflineError, SettingsError
from agent.llm.backend import Backend
from agent.llm.model_specs import Progress
from agent.settings import LlmSettings

if TYPE_CHECKING:
    from agent.llm.cached import TextCache

__all__ = ["open_backend"]


def open_backend(
    settings: LlmSettings,
    *,
    offline: bool,
    progress: Progress | None = None,
    memory: TextCache | None = None,
) -> Backend | None:
    """The bare backend that `settings.model` names; None for `none`. `compose_backend` adds the wrappers.

    `llamacpp:NAME` or `llamacpp:/path/file.gguf` runs on this machine, its file is pulled when absent;
    `openai:NAME` speaks to `settings.base_url` (default: the vendor's), `openai:NAME@URL` to the server at
    that address, without a key; `scripted:` echoes, for trials. Nothing is loaded or connected before the
    first request.

    Args:
        settings: the `llm` room.
        offline: never touch the network (a server on this machine is not the network).
        progress: of a pull, called with bytes done and bytes in all.
        memory: keeps what was found out about a server.

    Raises:
        SettingsError: a name of no known kind.
        OfflineError: a model or server off this machine, and `offline`.
        ModelNotFoundError, ModelFileError, FetchError: see `registry.model_path`.
    """
    kind, _, name = settings.model.partition(":")
    if settings.model == "none":
        return None
    if kind == "llamacpp" and name:
        from agent.llm.llamacpp import LlamaCppBackend
        from agent.llm.registry import model_path

        path = model_path(name, offline=offline, progress=progress)
        return LlamaCppBackend(
            path,
            name=name if not name.lower().endswith(".gguf") else "",
            threads=settings.threads,
            context_tokens=settings.context_tokens,
            timeout_s=settings.timeout_s,
        )
    if kind == "openai" and name:
        return _open_server(settings, offline=offline, memory=memory)
    if kind == "scripted":
        from agent.llm.scripted import ScriptedBackend

        return ScriptedBackend(lambda request: request.user)
    from agent.llm.address import public_model

    raise SettingsError(
        "llm.model: expected 'llamacpp:NAME', 'llamacpp:FILE.gguf', 'openai:NAME' or 'none', "
        f"got {public_model(settings.model)!r}"
    )


def _open_server(settings: LlmSettings, *, offline: bool, memory: TextCache | None) -> Backend:
    from agent.llm.address import is_loopback, public_model, server_of

    model, base_url, takes_key = server_of(settings)
    if offline and not is_loopback(base_url):
        raise OfflineError(
            f"model {public_model(settings.model)!r} is on another machine, and offline mode is on; "
            "use a llamacpp: one"
        )
    from agent.llm.openai_compat import OpenAICompatBackend

    return OpenAICompatBackend(
        model,
        base_url=base_url,
        api_key=settings.api_key if takes_key else None,
        timeout_s=settings.timeout_s,
        context_tokens=settings.context_tokens,
        memory=memory,
    )
