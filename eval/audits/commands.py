"""The audits as commands of `python -m eval`. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

if TYPE_CHECKING:
    from agent.llm.backend import Backend
    from eval.data.datasets import ProgressCallback

DataOption = Annotated[str, typer.Option("--data", help="Data set, workspace or event file.")]
ItemsOption = Annotated[Path | None, typer.Option("--items", help="Item file beside an event file.")]
ModelOption = Annotated[str, typer.Option("--model", help="Language model to audit.")]
UsersOption = Annotated[int, typer.Option("--users", min=2, help="How many users are asked for.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Of every draw.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ReadmeOption = Annotated[Path | None, typer.Option("--readme", help="Markdown file to put the table into.")]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Refuse every use of the network.")]


class _Report(Protocol):
    def to_dict(self) -> dict[str, Any]: ...

    def to_markdown(self) -> str: ...


def bias(
    data: DataOption = "movietweetings-100k",
    items: ItemsOption = None,
    model: ModelOption = "qwen2.5-coder-0.5b",
    method: Annotated[str, typer.Option(help="likelihood, scores, or auto.")] = "auto",
    users: UsersOption = 20,
    orders: Annotated[int, typer.Option(min=1, help="Orders that each list is shown in.")] = 3,
    rounds: Annotated[int, typer.Option(min=1, help="Shuffles averaged per answer of scores.")] = 1,
    seed: SeedOption = 0,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
    readme: ReadmeOption = None,
) -> None:
    """Audit a model's ranking: place in the prompt, copying, popularity, agreement with itself."""
    from eval.audits.bias_report import run_bias

    if method not in ("auto", "likelihood", "scores"):
        raise typer.BadParameter(f"expected --method likelihood, scores or auto, got {method!r}")
    chosen: Any = method
    with _model(model, offline=offline, quiet=as_json) as (backend, progress):
        report = run_bias(
            data,
            backend,
            items=items,
            method=chosen,
            n_users=users,
            n_orders=orders,
            rounds=rounds,
            seed=seed,
            progress=progress,
        )
    _hand_out(report, "bias", as_json=as_json, readme=readme)


def contamination(
    data: DataOption = "movietweetings-100k",
    items: ItemsOption = None,
    model: ModelOption = "qwen2.5-coder-0.5b",
    titles: Annotated[int, typer.Option(min=2, help="Titles of each kind to have completed.")] = 60,
    users: UsersOption = 40,
    seed: SeedOption = 0,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
    readme: ReadmeOption = None,
) -> None:
    """Ask whether a model knows a data set by heart: its titles, its histories, and what names are worth."""
    from eval.audits.contamination import run_contamination

    with _model(model, offline=offline, quiet=as_json) as (backend, progress):
        report = run_contamination(
            data, backend, items=items, n_titles=titles, n_users=users, seed=seed, progress=progress
        )
    _hand_out(report, "contamination", as_json=as_json, readme=readme)


def judge(
    data: Annotated[
        str, typer.Option("--data", help="Data set to judge lists on; none for the fixed cases alone.")
    ] = "none",
    items: ItemsOption = None,
    model: ModelOption = "qwen2.5-coder-0.5b",
    users: UsersOption = 10,
    seed: SeedOption = 0,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
    readme: ReadmeOption = None,
) -> None:
    """Let a model grade lists; how far it can be trusted on fixed cases, and beside what people did."""
    from eval.audits.judging import run_judge

    with _model(model, offline=offline, quiet=as_json) as (backend, progress):
        report = run_judge(data, backend, items=items, n_users=users, seed=seed, progress=progress)
    _hand_out(report, "judge", as_json=as_json, readme=readme)


def satisfaction(
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="Name or folder.")] = "shop",
    as_json: JsonOption = False,
    readme: ReadmeOption = None,
) -> None:
    """Sum up what people asked for: pin and more against less, mute and undo."""
    from eval.audits.satisfaction import summarise_workspace

    _hand_out(summarise_workspace(workspace), "satisfaction", as_json=as_json, readme=readme)


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    for command in (bias, contamination, judge, satisfaction):
        app.command()(command)


@contextmanager
def _model(name: str, *, offline: bool, quiet: bool) -> Iterator[tuple[Backend, ProgressCallback]]:
    """A model that is closed afterwards, and bars on standard error."""
    from agent.console import progress_bars
    from agent.offline import network_fence
    from eval.audits.rankers import open_model

    with progress_bars(quiet) as progress, network_fence(offline):
        backend = open_model(name, offline=offline, progress=progress)
        try:
            yield backend, progress
        finally:
            backend.close()


def _finite(value: Any) -> Any:
    """`value` with null for what is not a number, which JSON has no word for."""
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _hand_out(report: _Report, name: str, *, as_json: bool, readme: Path | None) -> None:
    from eval.figures import publish

    if as_json:
        sys.stdout.write(json.dumps(_finite(report.to_dict()), ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.write(report.to_markdown())
    if readme is not None:
        command = "python -m eval " + " ".join(sys.argv[1:])
        publish(readme, name, report.to_markdown(), command=command)
