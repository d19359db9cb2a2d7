"""The tables of a run as Markdown, and what may be said about them in words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from eval.errors import EvalError
from eval.runs.added import added_markdown
from eval.runs.run import RUNS
from eval.runs.summary import MAIN

MARK = "eval"


def find_run(name: str) -> Path:
    """The folder of a run: a path, or a name under `.driftrec/eval/runs`; `last` is the newest.

    Raises:
        EvalError: there is none.
    """
    if name == "last":
        found = sorted(RUNS.glob("*/summary.json"), key=lambda path: path.stat().st_mtime)
        if found:
            return found[-1].parent
    for folder in (Path(name), RUNS / name):
        if (folder / "summary.json").is_file():
            return folder
    raise EvalError(f"expected a finished run {name!r} in {RUNS}, found none; run: python -m eval run")


def load_summary(folder: Path) -> dict[str, Any]:
    """Manifest and tables of a run."""
    plain: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return plain


def to_markdown(summary: Mapping[str, Any]) -> str:
    """Every table of a run: how it was made, what did not run, what a model added to the product."""
    parts = [part for table in summary["tables"] for part in (_table_markdown(table), added_markdown(table))]
    return "\n\n".join(part for part in parts if part)


def headline(table: Mapping[str, Any]) -> str:
    """`grocery, new items`."""
    what = "new items" if table["task"] == "new" else "any item, repeats counted"
    return f"{table['data']}, {what}"


def setting(table: Mapping[str, Any]) -> str:
    """Users, items, time: one sentence."""
    users = table["users"]
    if table["scheme"] == "leave-last-out":
        return (
            f"{users['warm']:,} users with five items or more, {table['items']:,} items; "
            "each one's last item is held back, and others' later events are known, as they never are in use"
        )
    windows = "" if table["windows"] == 1 else f", {table['windows']} windows"
    kept = f", {filtered(table)}" if filtered(table) else ""
    each = f"{table['labels_per_user']:.1f} items to find each"
    return (
        f"{users['warm']:,} users with five items or more before T, {table['items']:,} items{kept}, "
        f"{table['horizon_days']:.0f} days after it{windows}, {each}"
    )


def filtered(table: Mapping[str, Any]) -> str:
    """How items were kept; empty where all were. The count looks past T, as the published protocol does."""
    least = table.get("min_users", 1)
    return f"each taken by {least} people or more in the whole log, after T too" if least > 1 else ""


def sentences(table: Mapping[str, Any]) -> Iterator[str]:
    """What the comparisons allow to be said; "better" and "worse" only as `Comparison.verdict` allows."""
    chosen = {row["name"] for row in table["rows"] if row["group"] in ("ours", "product")}
    for entry in table["comparisons"]:
        if entry["row"] in chosen:
            yield words(entry)
    for entry in table["within_product"]:
        if entry["group"] == "warm":
            yield words(entry)
    if pool := pool_sentence(table):
        yield pool


def words(entry: Mapping[str, Any]) -> str:
    """One comparison as a sentence."""
    if entry["mean"] is None:
        return f"{entry['row']} against {entry['reference']}: {entry['verdict']}."
    relative = "" if entry["relative"] is None else f", {entry['relative']:+.1%}"
    text = (
        f"{entry['row']} against {entry['reference']}: {entry['mean']:+.4f} "
        f"(95 % {entry['low']:+.4f} to {entry['high']:+.4f}{relative}): {entry['verdict']}"
    )
    if entry["verdict"] in ("better", "worse", "no difference shown after Holm"):
        return f"{text}, p {entry['p']:.4f}, after Holm {entry['holm']:.4f}."
    if not entry["detectable"] or not entry["users_needed"]:
        return f"{text} ({entry['n']:,} users)."
    return (
        f"{text}; with {entry['n']:,} users a difference of {entry['detectable']:.4f} would be seen, "
        f"this one needs {entry['users_needed']:,}."
    )


def figure(value: float | None, *, digits: int = 4) -> str:
    """A figure as printed, a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def with_interval(entry: Mapping[str, Any] | None) -> str:
    """Mean and interval, a dash where there is none."""
    if entry is None or entry["mean"] is None:
        return "–"
    if "low" not in entry:
        return figure(entry["mean"])
    return f"{entry['mean']:.4f} ({entry['low']:.4f}–{entry['high']:.4f})"


def _table_markdown(table: Mapping[str, Any]) -> str:
    verdicts = {entry["row"]: entry for entry in table["comparisons"]}
    lines = [f"**{headline(table)}** ({setting(table)})", ""]
    lines.append(f"| row | {MAIN} (95 %) | recall@50 | coverage | against {table['reference']} |")
    lines.append("|---|---|---|---|---|")
    for row in sorted_rows(table):
        if row["status"] != "ran":
            lines.append(f"| {row['name']} | {row['status']}: {row['note']} | | | |")
            continue
        name = f"**{row['name']}**" if row["group"] in ("ours", "product") else row["name"]
        against = _against(verdicts.get(row["name"]))
        lines.append(
            f"| {name} | {with_interval(row['metrics'].get(MAIN))} | "
            f"{figure(_mean(row, 'recall@50'), digits=3)} | {figure(row['figures']['coverage'], digits=2)} | "
            f"{against} |"
        )
    if pool := pool_sentence(table):
        lines += ["", pool]
    return "\n".join(lines)


def pool_sentence(table: Mapping[str, Any]) -> str:
    """Whether our first fifty hold as much more as was aimed at; empty where it was not measured."""
    pool = table.get("pool")
    if not pool or pool["ratio"] is None:
        return ""
    met = "met" if pool["ratio"] >= pool["target"] else "missed"
    hindsight = pool.get("hindsight")  # runs kept from earlier versions have none
    afterwards = (
        f" Who learned afterwards which single source was best for each user would reach {hindsight:.2f} ×."
        if hindsight is not None
        else ""
    )
    return (
        f"Recall@50 of the {pool['row']} over that of the best single source, {pool['reference']}: "
        f"{pool['ratio']:.2f} × (95 % {pool['low']:.2f} to {pool['high']:.2f}); "
        f"aimed at {pool['target']} ×: {met}.{afterwards}"
    )


def sorted_rows(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows by falling mean of the main metric, those that did not run last."""

    def key(row: Mapping[str, Any]) -> tuple[bool, float]:
        mean = _mean(row, MAIN)
        return (mean is None, 0.0 if mean is None else -mean)

    return sorted(table["rows"], key=key)


def _mean(row: Mapping[str, Any], metric: str) -> float | None:
    entry = row["metrics"].get(metric)
    return None if entry is None else entry["mean"]


def _against(entry: Mapping[str, Any] | None) -> str:
    if entry is None or entry["mean"] is None:
        return ""
    relative = "" if entry["relative"] is None else f" ({entry['relative']:+.1%})"
    return f"{entry['mean']:+.4f}{relative}: {entry['verdict']}"


def publish_tables(folder: Path, readme: Path, *, check: bool, mark: str = MARK) -> list[str]:
    """Puts the run's tables between the marks of a Markdown file; problems found, empty for none.

    Args:
        folder: of the run.
        readme: the file.
        check: change nothing, and report whether the file shows these very tables.
        mark: name of the marks.
    """
    from eval.figures import publish

    summary = load_summary(folder)
    table = to_markdown(summary)
    marked = "" if mark == MARK else f" --mark {mark}"
    putting = f"python -m eval tables {folder.name} --readme {readme.name}{marked}"
    if check:
        shown = _between(readme.read_text(encoding="utf-8"), readme, mark)
        if shown.strip() == table.strip():
            return []
        return [f"{readme.name}: the {mark!r} tables are not those of the run {folder.name}; run: {putting}"]
    _between(readme.read_text(encoding="utf-8"), readme, mark)  # says what is missing before anything changes
    publish(readme, mark, table, command=f"{summary['manifest']['command']}; {putting}")
    return []


def _between(text: str, path: Path, mark: str) -> str:
    opening, closing = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    _, found, rest = text.partition(opening)
    inside, closed, _ = rest.partition(closing)
    if not found or not closed:
        raise EvalError(f"expected {opening} and {closing} in {path}, found no such pair; add them")
    return inside


def all_rows(tables: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of every row of some tables, each once, in order."""
    return list(dict.fromkeys(row["name"] for table in tables for row in table["rows"]))
