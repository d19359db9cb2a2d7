"""One measured figure, and a table of them: what the bench and the migration protocol print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BENCH_WORKSPACE = "bench"


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure. `met` is None where there is no target."""

    what: str
    figure: str
    target: str = ""
    met: bool | None = None


def to_markdown(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    marks = {True: "met", False: "**missed**", None: ""}
    lines = ["| what | measured | target | |", "|---|---|---|---|"]
    lines += [f"| {row.what.strip()} | {row.figure} | {row.target} | {marks[row.met]} |" for row in rows]
    return "\n".join(lines)
