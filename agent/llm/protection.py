"""What keeps private data, money and time within limits, in words for the check-up."""

from __future__ import annotations

from collections.abc import Iterator

from agent.errors import SettingsError
from agent.llm.address import is_loopback, public_model, public_url, server_of
from agent.llm.names import check_model
from agent.settings import CostSettings, LlmSettings

_HIDDEN = "emails, telephone and card numbers, IBANs, IP addresses and URLs are replaced before each call"


def describe_protection(settings: LlmSettings) -> list[tuple[str, str]]:
    """Name and words of each protection of the settings' models, in a fixed order. Opens nothing."""
    chain = " → ".join(public_model(name.partition("@http")[0]) for name in settings.chain)
    found = [("chain", chain if settings.fallback else f"{chain}, nothing after it")]
    found += [
        (f"data sent to {name}", words)
        for name, words in (_data(settings.model_copy(update={"model": name})) for name in settings.chain)
        if words
    ]
    if any(name.startswith("openai:") for name in settings.chain):
        calls = settings.calls
        limits = f"{settings.timeout_s:g} s for a call with its retries, {calls.attempts} attempts"
        found.append(("server calls", f"{limits}, {calls.max_concurrent} at once"))
        found.append(("budget", "; ".join(_budget(settings.cost)) or "none: set llm.cost.tokens_per_day"))
    if settings.calls.record is not None:
        found.append(("recording", f"every call is added to {settings.calls.record}"))
    if settings.calls.replay is not None:
        found.append(("replay", f"answers come from {settings.calls.replay}, no model is asked"))
    return found


def _data(settings: LlmSettings) -> tuple[str, str]:
    """A member of the chain, and what it gets to see; no words for one that stays in this process."""
    redact = settings.calls.redact
    if not settings.model.startswith("openai:"):
        hidden = redact == "always" and settings.model != "none"
        return public_model(settings.model), _HIDDEN if hidden else ""
    try:
        check_model(settings)
    except SettingsError as error:
        return public_model(settings.model), str(error)
    model, base_url, takes_key = server_of(settings)
    where = public_url(base_url)
    if is_loopback(base_url):
        place = f"{where}, on this machine"
        hidden = redact == "always"
    else:
        place = f"{where}, on another machine; item titles and facet names are sent"
        hidden = redact != "never"
    key = "with a key" if takes_key and settings.api_key else "without a key of the settings"
    replaced = _HIDDEN if hidden else "nothing is replaced (llm.calls.redact)"
    return f"openai:{model}", f"{place}, {key}; {replaced}"


def _budget(cost: CostSettings) -> Iterator[str]:
    for most, unit in (
        (cost.tokens_per_day, "tokens a day"),
        (cost.tokens_total, "tokens in all"),
        (cost.money_per_day, "in money a day"),
        (cost.money_total, "in money in all"),
    ):
        if most is not None:
            yield f"{most:,g} {unit}" if isinstance(most, float) else f"{most:,} {unit}"
    if cost.price_in or cost.price_out:
        yield f"prices {cost.price_in:g} in, {cost.price_out:g} out per million tokens"
    if cost.scope == "process":
        yield "counted for each process alone"
