"""What the other rows of the whole product add to the plain one: for whom, and at what cost per list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.runs.protocol import SECONDS, TOKENS
from eval.runs.summary import PLAIN_PRODUCT

GAIN_HEAD = ("row", "people", "asked", "difference in NDCG@10 (95 %)", "Holm", "verdict")
COST_HEAD = ("row", "seconds a list (95 %)", "tokens a list (95 %)", "p95 s", "stages degraded")
ADDED_TEXT = (
    f"Against {PLAIN_PRODUCT!r}, on the same people, user by user. Seconds are by the clock of this machine, "
    "whatever else ran on it; tokens are those read and written for one list."
)
_EVERYBODY = "everybody with five items or more"


def gains(table: Mapping[str, Any]) -> list[list[str]]:
    """One line per row and group of people: what it adds; empty for a run without rows of the product."""
    entries = [entry for entry in table["within_product"] if entry["mean"] is not None]
    order = list(dict.fromkeys(entry["row"] for entry in entries))
    entries.sort(key=lambda entry: order.index(entry["row"]))
    return [
        [
            entry["row"],
            _EVERYBODY if entry["group"] == "warm" else entry["group"],
            f"{entry['n']:,}",
            f"{entry['mean']:+.4f} ({entry['low']:+.4f} to {entry['high']:+.4f})",
            f"{entry['holm']:.4f}",
            entry["verdict"],
        ]
        for entry in entries
    ]


def costs(table: Mapping[str, Any]) -> list[list[str]]:
    """One line per row of the product: what a list takes; empty where nothing was measured list by list."""
    rows = [row for row in table["rows"] if row["status"] == "ran" and SECONDS in row["metrics"]]
    return [
        [
            row["name"],
            _interval(row["metrics"][SECONDS], digits=3),
            _interval(row["metrics"][TOKENS], digits=0),
            f"{row['figures']['p95 ms'] / 1000.0:.3f}",
            f"{row['figures']['degraded']:.0f}",
        ]
        for row in rows
    ]


def added_markdown(table: Mapping[str, Any]) -> str:
    """Both as Markdown tables; empty for a run without other rows of the product than the plain one."""
    gained = gains(table)
    if not gained:
        return ""
    parts = [ADDED_TEXT, _markdown(GAIN_HEAD, gained), _markdown(COST_HEAD, costs(table))]
    return "\n\n".join(part for part in parts if part)


def _interval(entry: Mapping[str, Any], *, digits: int) -> str:
    if entry["mean"] is None:
        return "–"
    mean, low, high = (f"{entry[name]:,.{digits}f}" for name in ("mean", "low", "high"))
    return f"{mean} ({low}–{high})"


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
