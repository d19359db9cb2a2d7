"""What the language models took: calls, tokens, seconds, money."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agent.commands.common import JsonOption, WorkspaceOption, print_json

if TYPE_CHECKING:
    from agent.data.calls import CallTotals


def costs(
    by: Annotated[
        Literal["stage", "user", "model", "day"], typer.Option("--by", help="What to add up by.")
    ] = "stage",
    workspace: WorkspaceOption = "shop",
    as_json: JsonOption = False,
) -> None:
    """Show what the language models took: calls, tokens, seconds and money, from the ledger."""
    from agent.data.calls import CallTable
    from agent.data.store import Store
    from agent.workspace import Workspace

    place = Workspace.find(workspace)
    with Store.open(place.store_path) as store:
        totals = CallTable(store).totals(by)
    if as_json:
        print_json([entry.to_dict() for entry in totals])
        return
    from agent.console import say

    if not totals:
        say("No model has been called in this workspace yet.")
    for line in _lines(totals, by):
        say(line)


def _lines(totals: Sequence[CallTotals], by: str) -> Iterator[str]:
    """A table in plain text, the sums last; nothing without calls."""
    if not totals:
        return
    heads = (by, "calls", "kept", "failed", "tokens in", "tokens out", "seconds", "cost")
    rows = [
        (
            entry.key or "(nobody)",
            f"{entry.calls:,}",
            f"{entry.cached:,}",
            f"{entry.failed:,}",
            f"{entry.prompt_tokens:,}",
            f"{entry.output_tokens:,}",
            f"{entry.seconds:,.1f}",
            f"{entry.cost:,.4f}",
        )
        for entry in (*totals, _sum(totals))
    ]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for name, *figures in (heads, *rows):
        cells = [name.ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(figures, widths[1:], strict=True))]
        yield "  ".join(cells)
    if bounded := sum(entry.estimated for entry in totals):
        yield f"The tokens of {bounded:,} calls are an upper bound: the server gave no counts."


def _sum(totals: Sequence[CallTotals]) -> CallTotals:
    from agent.data.calls import CallTotals

    numbers = {
        field.name: sum(getattr(entry, field.name) for entry in totals)
        for field in dataclasses.fields(CallTotals)
        if field.name != "key"
    }
    return CallTotals("all", **numbers)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(costs)
