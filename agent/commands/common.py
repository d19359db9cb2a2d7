"""What the commands share: options, the opened workspace, JSON output. Nothing heavy is imported here."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from agent.agent import Agent

WorkspaceOption = Annotated[
    str, typer.Option("--workspace", "-w", envvar="DRIFTREC_WORKSPACE", help="Name or folder.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, nothing else.")]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Refuse every use of the network.")]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="Language model: a known name such as qwen2.5-coder-1.5b, a .gguf file, openai:NAME, none; "
        "or a chain after commas, each tried when the one before fails: openai:NAME,qwen2.5-coder-0.5b,none.",
    ),
]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", help="A moment, such as 2017-05-01: only events before it count.")
]
UserArgument = Annotated[str, typer.Argument(help="User id, as in the events.")]


@contextmanager
def opened(
    workspace: str,
    *,
    offline: bool = False,
    model: str | None = None,
    quiet: bool = False,
    report: Callable[[str, int, int | None], None] | None = None,
) -> Iterator[Agent]:
    """The agent of a workspace; progress goes to bars on standard error unless `quiet`, or to `report`."""
    from agent.agent import Agent
    from agent.console import progress_bars
    from agent.offline import network_fence

    with (
        progress_bars(quiet or report is not None) as bars,
        Agent.open(workspace, offline=offline or None, model=model, progress=report or bars) as agent,
        network_fence(agent.settings.offline),
    ):
        yield agent


def print_json(value: Any) -> None:
    """Writes `value` as JSON to standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def moment_option(text: str | None) -> Any:
    """The datetime an option speaks of, in the zone of the workspace unless it names one; None without."""
    from agent.moments import parse_moment

    return None if text is None else parse_moment(text)
