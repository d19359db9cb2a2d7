"""Prompts: one strict Jinja file per task and version, rendered into a system and a user text."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import jinja2

from agent.errors import SettingsError
from agent.llm.fence import fence

_BLOCKS = ("system", "user")
_COMMENT = re.compile(r"\{#-?(.*?)-?#\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered prompt. `hash`: first 12 hex digits of the template's SHA-256, whatever the variables."""

    name: str
    system: str
    user: str
    hash: str


def render(name: str, /, **variables: Any) -> Prompt:
    """The prompt `name` (such as `facet_label.v1` or `facet_label.v1.zh`) with `variables` filled in.

    Every template names its variables in the comment at its top. Leading white space is stripped; the end of
    the user text is kept as the template has it, because likelihood scoring goes on from there.

    Raises:
        SettingsError: no such prompt.
        jinja2.UndefinedError: a variable is missing.
    """
    source = load_source(name)
    template = _environment().from_string(source)
    context = template.new_context(variables)
    parts = {block: "".join(template.blocks[block](context)) for block in _BLOCKS if block in template.blocks}
    return Prompt(
        name=name,
        system=parts.get("system", "").strip(),
        user=parts.get("user", "").lstrip(),
        hash=_hash(source),
    )


def list_prompts() -> tuple[str, ...]:
    """Names of all prompts, sorted."""
    suffix = ".jinja"
    names = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(suffix) for name in names if name.endswith(suffix)))


@dataclass(frozen=True, slots=True)
class PromptNote:
    """A prompt that there is: name, hash as in `Prompt`, and the first sentence of its own comment."""

    name: str
    hash: str
    about: str


def describe(name: str) -> PromptNote:
    """What a prompt is for.

    Raises:
        SettingsError: no such prompt.
    """
    source = load_source(name)
    comment = " ".join(_COMMENT.findall(source)[0].split()) if _COMMENT.search(source) else ""
    about, stop, _ = comment.partition(". ")
    return PromptNote(name, _hash(source), f"{about}." if stop else about)


def load_source(name: str) -> str:
    """The template text of a prompt.

    Raises:
        SettingsError: no such prompt.
    """
    known = list_prompts()
    if name not in known:
        raise SettingsError(f"expected one of the prompts {', '.join(known)}; got {name!r}")
    return (_folder() / f"{name}.jinja").read_text(encoding="utf-8")


def _hash(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()[:12]


def _folder() -> Traversable:
    """`agent/prompts` of an installed wheel, else `prompts` of the checkout."""
    packaged = resources.files("agent") / "prompts"
    if packaged.is_dir():
        return packaged
    return Path(__file__).resolve().parents[2] / "prompts"


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["fence"] = fence
    return environment
