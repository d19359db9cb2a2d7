"""The files beside the Chroma folder: what the index holds, and whether its last write ended."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

_STATE_FILE = "index.json"
_MEMBERS_FILE = "members.json"
_VERSION_FOLDER = re.compile(r"v(\d+)")


@dataclass(frozen=True, slots=True)
class IndexState:
    """What `index.json` says.

    Attributes:
        folder: the subfolder in use.
        content: hash of entries, items and embedder.
        complete: False while a write is under way, so also after a killed one.
    """

    folder: str
    embedder: str
    dim: int
    content: str
    n_entries: int
    complete: bool


def read_state(folder: Path) -> IndexState | None:
    """The state in `folder`; None when there is none or it cannot be read (the index is then rebuilt)."""
    try:
        return IndexState(**json.loads((folder / _STATE_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_state(folder: Path, state: IndexState) -> None:
    """Replaces the state in one step."""
    _replace_text(folder / _STATE_FILE, json.dumps(asdict(state), indent=1))


def read_members(folder: Path) -> dict[str, tuple[str, ...]] | None:
    """Item ids by entry, or None when the file is missing or damaged."""
    try:
        plain = json.loads((folder / _MEMBERS_FILE).read_text(encoding="utf-8"))
        return {str(key): tuple(items) for key, items in plain.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def write_members(folder: Path, members: Mapping[str, tuple[str, ...]]) -> None:
    """Replaces the members file in one step."""
    _replace_text(folder / _MEMBERS_FILE, json.dumps(members))


def next_version(folder: Path) -> str:
    """Name of a subfolder that does not exist yet."""
    numbers = [int(match[1]) for path in folder.iterdir() if (match := _VERSION_FOLDER.fullmatch(path.name))]
    return f"v{max(numbers, default=0) + 1}"


def remove_versions_except(folder: Path, keep: str) -> None:
    """Deletes the subfolders of earlier builds."""
    for path in folder.iterdir():
        if path.is_dir() and _VERSION_FOLDER.fullmatch(path.name) and path.name != keep:
            shutil.rmtree(path)


def _replace_text(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
