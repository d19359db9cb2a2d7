"""The one place where a model of the settings gets its wrappers, and the order they stand in.

A call to a server passes, from the outside in:

1. `FallbackBackend`: the chain. Outermost, so that whatever goes wrong below leads to the next model.
2. `CachedBackend`: a kept answer needs none of what follows, and is found by the text as it was asked.
3. `RedactingBackend`: from here on nothing identifies people; kept answers and callers have the real text.
4. `TimeoutBackend`: one limit for all that follows, every retry and wait included.
5. `RetryBackend`: each attempt below is a call of its own, budgeted and accounted for.
6. `BudgetBackend`: outside the ledger, so that what it has set aside is given back only when the true cost
   is written.
7. `LedgerBackend`: sees every attempt, also those whose caller has given up.
8. `ConcurrencyBackend`: a turn is held by an attempt, not by the wait between two.
9. `RecordingBackend`, where asked for: what went over the wire, redacted.
10. `LazyBackend`: the model is opened by the first call that comes this far.

A model in this process needs less: it has its own time limit and its own retry after a crash
(`LlamaCppBackend`), costs nothing and tells nobody. It keeps 1, 2, 7, 9 and 10, and 3 when the settings say
so. A replay has 1 and 3 only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.errors import DriftrecError, SettingsError
from agent.llm import open_backend
from agent.llm.address import is_loopback, public_model, public_url, server_of
from agent.llm.backend import Backend, Capabilities
from agent.llm.budget import Budget, BudgetBackend
from agent.llm.cached import CachedBackend, TextCache
from agent.llm.chain import FallbackBackend
from agent.llm.lazy import LazyBackend
from agent.llm.ledger import CallLog, Ledger, LedgerBackend, MemoryCalls, Price
from agent.llm.limit import ConcurrencyBackend
from agent.llm.model_specs import Progress, find_spec
from agent.llm.names import check_model
from agent.llm.record import RecordingBackend, ReplayBackend
from agent.llm.redact import RedactingBackend
from agent.llm.retry import RetryBackend, RetryPolicy
from agent.llm.timeout import TimeoutBackend
from agent.settings import LlmSettings

_FINGERPRINT_BYTES = 1 << 20


def compose_backend(
    settings: LlmSettings,
    store: TextCache,
    *,
    calls: CallLog | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> Backend | None:
    """The models of the settings with their wrappers; None when `none` is the only one.

    Nothing is loaded, fetched or connected before the first call.

    Args:
        settings: the `llm` room.
        store: keeps answers, and what was found out about servers.
        calls: the ledger; None keeps it in memory.
        offline: see `open_backend`.
        progress: of a pull, called with bytes done and bytes in all.

    Raises:
        SettingsError: a name that can be no model (see `check_model`), `none` before another model, or a
            replay that is no recording.
    """
    names = settings.chain
    if "none" in names[:-1]:
        raise SettingsError(
            "llm.fallback: expected 'none' as the last of the chain if at all, "
            f"got {[public_model(name) for name in names]!r}"
        )
    for name in names:
        check_model(settings.model_copy(update={"model": name}))
    log = calls or MemoryCalls()
    own = MemoryCalls()
    by_process = settings.cost.scope == "process"
    ledger = Ledger(log, own) if by_process else Ledger(log)
    parts = _Parts(
        store=store,
        ledger=ledger,
        budget=Budget(settings.cost, own if by_process else log, ledger=ledger),
        offline=offline,
        progress=progress,
    )
    members = [
        _member(settings.model_copy(update={"model": name, "fallback": ()}), parts)
        for name in names
        if name != "none"
    ]
    if not members:
        return None
    if len(members) == 1 and "none" not in names:
        return members[0]
    return FallbackBackend(members, ends_in_none=names[-1] == "none")


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the members of a chain share."""

    store: TextCache
    ledger: Ledger
    budget: Budget
    offline: bool
    progress: Progress | None


def _member(settings: LlmSettings, parts: _Parts) -> Backend:
    how = settings.calls
    declared = _declared(settings)
    hides = how.redact == "always" or (how.redact == "remote" and declared.remote)
    if how.replay is not None:
        replaying = ReplayBackend(how.replay, model=public_name(settings))
        return RedactingBackend(replaying) if hides else replaying
    backend: Backend = LazyBackend(public_name(settings), _opener(settings, parts), declared=declared)
    if how.record is not None:
        backend = RecordingBackend(backend, how.record)
    if settings.model.startswith("openai:"):
        backend = _guarded(backend, settings, parts)
    else:
        backend = LedgerBackend(backend, parts.ledger, Price())
    if hides:
        backend = RedactingBackend(backend)
    return CachedBackend(backend, parts.store, ledger=parts.ledger)


def _guarded(backend: Backend, settings: LlmSettings, parts: _Parts) -> Backend:
    """A server's backend with all that keeps its failures and its bills within limits."""
    price = Price(settings.cost.price_in, settings.cost.price_out, metered=True)
    policy = RetryPolicy(attempts=settings.calls.attempts, total_s=settings.timeout_s)
    backend = ConcurrencyBackend(backend, settings.calls.max_concurrent, wait_s=settings.timeout_s)
    backend = LedgerBackend(backend, parts.ledger, price)
    backend = BudgetBackend(backend, parts.budget)
    backend = RetryBackend(backend, policy)
    return TimeoutBackend(backend, settings.timeout_s)


def _opener(settings: LlmSettings, parts: _Parts) -> Callable[[], Backend]:
    def opened() -> Backend:
        backend = open_backend(settings, offline=parts.offline, progress=parts.progress, memory=parts.store)
        assert backend is not None, "only the model 'none' opens to nothing"
        return backend

    return opened


def _declared(settings: LlmSettings) -> Capabilities:
    """What a model can do, as far as its name tells; nothing is opened for it."""
    kind, _, name = settings.model.partition(":")
    context = settings.context_tokens
    if kind == "openai":
        base_url = server_of(settings)[1]
        return Capabilities(
            context_tokens=context, remote=not is_loopback(base_url), identity=public_url(base_url)
        )
    if kind == "llamacpp":
        return Capabilities(structured=True, score=True, context_tokens=context, identity=file_identity(name))
    return Capabilities(structured=True, context_tokens=context)


def public_name(settings: LlmSettings) -> str:
    """The backend's name before it is open: without an address, which its identity has."""
    kind, _, name = settings.model.partition(":")
    if kind == "openai":
        return f"openai:{server_of(settings)[0]}"
    if kind == "llamacpp" and name.lower().endswith(".gguf"):
        return f"llamacpp:{Path(name).stem}"
    return settings.model


def file_identity(name: str) -> str:
    """Tells the file of a local model from another of its name.

    The known hash of a known model; of any other file its size and a hash of its first and last megabyte,
    where the weights' types and the tokenizer stand: hashing all of it would take seconds at each start.
    """
    if not name.lower().endswith(".gguf"):
        try:
            return f"sha256:{find_spec(name).sha256[:16]}"
        except DriftrecError:  # unknown: opening it will say so
            return ""
    try:
        with Path(name).expanduser().open("rb") as source:
            size = source.seek(0, 2)
            source.seek(0)
            digest = hashlib.sha256(source.read(_FINGERPRINT_BYTES))
            source.seek(max(0, size - _FINGERPRINT_BYTES))
            digest.update(source.read(_FINGERPRINT_BYTES))
    except OSError:  # absent: opening it will say so
        return ""
    return f"{size} bytes, ends {digest.hexdigest()[:16]}"
