"""The README's pictures: what the demo prints about one household, and its stream, made by running it."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.ansi import AnsiDecoder
from rich.console import Console

from agent import Agent

_WIDTH = 118
TARGET = Path(".github") / "demo.svg"
STREAM = Path(".github") / "stream.svg"


def draw(user: str, *, workspace: str, model: str, target: Path = TARGET) -> Path:
    """Writes the migration and the first recommendations of one household to `target`; the path."""
    console = Console(record=True, width=_WIDTH, file=io.StringIO())
    for arguments in (["migration", user], ["recommend", user, "-k", "5"]):
        console.print(f"[bold green]$[/] driftrec {' '.join(arguments)} -w {workspace}")
        for line in AnsiDecoder().decode(_output([*arguments, "-w", workspace, "--model", model])):
            console.print(line)
    target.parent.mkdir(exist_ok=True)
    # The default style asks a content network for its font; the reader's own monospaced one will do.
    svg = re.sub(r"@font-face\s*\{.*?\}", "", console.export_svg(title="driftrec"), flags=re.DOTALL)
    target.write_text(svg, encoding="utf-8")
    return target


def draw_stream(user: str, *, workspace: str, model: str, target: Path = STREAM) -> Path:
    """Writes the stream of one household's interests to `target`; the path.

    It stands in a page as an image, so it has no script and no outside font, and follows the reader's ground.
    """
    with Agent.open(workspace, model=model, offline=True) as agent:
        picture = agent.picture(user)
    if picture.migration.before is None:
        raise RuntimeError(
            f"expected a user with sessions enough to compare, got user {user!r}; choose another"
        )
    target.parent.mkdir(exist_ok=True)
    target.write_text(picture.stream_svg + "\n", encoding="utf-8")
    return target


def _output(arguments: list[str]) -> str:
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(_WIDTH), "TERM": "xterm-256color"}
    done = subprocess.run(
        [sys.executable, "-m", "agent.cli", *arguments],
        capture_output=True,
        text=True,
        env=environment,
    )
    if done.returncode:
        raise RuntimeError(f"driftrec {' '.join(arguments)} failed: {done.stderr[-500:]}")
    return done.stdout
