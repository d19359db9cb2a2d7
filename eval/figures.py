"""Measured tables in the README: put there by the command that measured them, and checked to be those.

What a command measured is kept beside the README, in `.github/figures.json`: the table, the command, the
version and the revision of the code it ran on. A table that was edited by hand, or was measured on another
version, is a problem that `python -m eval figures` names and a test fails on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from eval.manifest import git_revision


def publish(readme: Path, name: str, table: str, *, command: str) -> None:
    """Puts `table` between `<!-- NAME -->` and `<!-- /NAME -->` of a Markdown file and keeps its record.

    Args:
        readme: the Markdown file.
        name: of the marks.
        table: Markdown.
        command: what measured it, as a reader would type it.

    Raises:
        ValueError: the file has no such marks.
    """
    before, _, after = _parts(readme.read_text(encoding="utf-8"), name, readme)
    readme.write_text(f"{before}\n{table.strip()}\n{after}", encoding="utf-8")
    path = _record_path(readme)
    record = _load(path)
    record[name] = {
        "command": command,
        "version": version("driftrec"),
        "revision": git_revision(),
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
        "table": table.strip(),
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def measured_on(readme: Path) -> Iterator[str]:
    """One line for each recorded table: the revision it was measured on, the day, the command."""
    for name, entry in _load(_record_path(readme)).items():
        changed = " with changes not committed" if entry["revision"].endswith("+") else ""
        revision = entry["revision"].removesuffix("+")
        yield f"{name}: revision {revision}{changed}, {entry['day']}, by: {entry['command']}"


def find_problems(readme: Path) -> Iterator[str]:
    """One line for each recorded table that the README does not show as measured, with the remedy."""
    text = readme.read_text(encoding="utf-8")
    for name, entry in _load(_record_path(readme)).items():
        remedy = f"run: {entry['command']}"
        try:
            _, shown, _ = _parts(text, name, readme)
        except ValueError as error:
            yield str(error)
            continue
        if shown.strip() != entry["table"]:
            yield f"{readme.name}: the table {name!r} is not the one that was measured; {remedy}"
        if entry["version"] != version("driftrec"):
            yield (
                f"{readme.name}: the table {name!r} was measured on version {entry['version']}, "
                f"this is {version('driftrec')}; {remedy}"
            )


def _parts(text: str, name: str, path: Path) -> tuple[str, str, str]:
    """Text up to and with the opening mark, between the marks, and from the closing mark on."""
    opening, closing = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = text.partition(opening)
    inside, closed, after = rest.partition(closing)
    if not found or not closed:
        raise ValueError(f"expected {opening} and {closing} in {path}, found no such pair")
    return before + opening, inside, closing + after


def _record_path(readme: Path) -> Path:
    return readme.parent / ".github" / "figures.json"


def _load(path: Path) -> dict[str, dict[str, Any]]:
    if not path.is_file():
        return {}
    record: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return record
