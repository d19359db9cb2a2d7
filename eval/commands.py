"""The commands of the harness: run, report, tables, compare, rows. Heavy imports happen inside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from eval.runs.run import ProgressCallback

DEFAULT_DATA = ["grocery", "movietweetings-100k", "movielens-2016"]

DataOption = Annotated[
    list[str] | None,
    typer.Option(
        "--data", "-d", help="Data set, workspace or event file; may be repeated. Default: three sets."
    ),
]
RunArgument = Annotated[str, typer.Argument(help="Name or folder of a run; `last` is the newest.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to `python -m eval`."""
    app.command()(run)
    app.command()(report)
    app.command()(tables)
    app.command()(compare)
    app.command()(rows)
    app.command()(oracles)
    app.command()(rerank_weight)


def run(
    data: DataOption = None,
    items: Annotated[Path | None, typer.Option(help="Item file of an event file.")] = None,
    smoke: Annotated[bool, typer.Option(help="Small and quick: a planted data set, all cheap rows.")] = False,
    task: Annotated[
        list[str] | None, typer.Option(help="new, any (repeats counted); may be repeated.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="temporal or leave-last-out, for the data's own.")] = None,
    windows: Annotated[int, typer.Option(min=1, help="Test windows after T.")] = 1,
    users: Annotated[int, typer.Option(min=0, help="Users drawn per window; 0 for all.")] = 2000,
    min_users: Annotated[int | None, typer.Option(help="Least users of an item, for the preset's.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="A row to run alone; may be repeated.")] = None,
    ablations: Annotated[bool, typer.Option(help="Ours with parts taken out.")] = True,
    product: Annotated[bool, typer.Option(help="Also the whole product through its facade.")] = False,
    product_users: Annotated[int, typer.Option(min=1, help="Users the product is asked for.")] = 200,
    model: Annotated[str, typer.Option(help="Language model of the product's rows, or none.")] = "none",
    name: Annotated[str, typer.Option(help="Of the run; default is the moment.")] = "",
    seed: Annotated[int, typer.Option(help="Of every draw.")] = 0,
) -> None:
    """Run every row on every data set; rows that were done before are kept."""
    from eval.runs.run import Plan
    from eval.runs.run import run as run_plan
    from eval.runs.smoke import SMOKE_PLAN, smoke_data

    plan = Plan(
        data=tuple(data or DEFAULT_DATA),
        items=items,
        tasks=tuple(_task(entry) for entry in (task or ["new", "any"])),
        scheme=_scheme(split),
        n_windows=windows,
        max_users=users,
        min_users=min_users,
        only=tuple(only or ()),
        ablations=ablations,
        model=model,
        product=product or model != "none",
        product_users=product_users,
        seed=seed,
    )
    with _bars() as progress:
        if smoke:
            folder = run_plan(SMOKE_PLAN, name=name or "smoke", progress=progress, datasets=smoke_data())
        else:
            folder = run_plan(plan, name=name, progress=progress)
    _show(folder)


def report(run: RunArgument = "last") -> None:
    """Write one self-contained HTML page about a run."""
    from eval.report.page import write_report
    from eval.runs.tables import find_run

    typer.echo(write_report(find_run(run)))


def tables(
    run: RunArgument = "last",
    readme: Annotated[
        Path | None, typer.Option(help="Markdown file to put the tables into; with --check README.md.")
    ] = None,
    check: Annotated[
        bool, typer.Option(help="Only look whether they are there; exit code 1 if not.")
    ] = False,
    mark: Annotated[str, typer.Option(help="Name of the marks in the file.")] = "eval",
) -> None:
    """Print a run's tables as Markdown, or put them between the marks of a file."""
    from eval.runs.tables import find_run, load_summary, publish_tables, to_markdown

    folder = find_run(run)
    if readme is None and check:
        readme = Path("README.md")
    if readme is None:
        typer.echo(to_markdown(load_summary(folder)))
        return
    problems = publish_tables(folder, readme, check=check, mark=mark)
    for problem in problems:
        typer.echo(problem, err=True)
    raise typer.Exit(int(bool(problems)))


def compare(
    first: RunArgument,
    second: Annotated[str, typer.Argument(help="The run to hold against it.")],
    metric: Annotated[str, typer.Option(help="As in the tables.")] = "NDCG@10",
) -> None:
    """Compare two runs row by row, paired by user."""
    from eval.measures.statistics import sentence
    from eval.runs.compare import compare_runs
    from eval.runs.tables import find_run

    for table, entry in compare_runs(find_run(first), find_run(second), metric=metric):
        typer.echo(f"{table}: {sentence(entry)}")


def rows(task: Annotated[str, typer.Option(help="new or any.")] = "new") -> None:
    """List the rows that a run has."""
    from eval.runs.run import Plan, rows_of

    for row in rows_of(Plan(data=()), _task(task)):
        typer.echo(f"{row.group:<10} {row.name}")


def _task(text: str) -> Literal["new", "any"]:
    if text == "new":
        return "new"
    if text == "any":
        return "any"
    raise typer.BadParameter(f"expected new or any, got {text!r}")


def _scheme(text: str | None) -> Literal["temporal", "leave-last-out"] | None:
    if text is None:
        return None
    if text == "temporal":
        return "temporal"
    if text == "leave-last-out":
        return "leave-last-out"
    raise typer.BadParameter(f"expected temporal or leave-last-out, got {text!r}")


@contextmanager
def _bars() -> Iterator[ProgressCallback]:
    from agent.console import progress_bars

    with progress_bars() as progress:
        yield progress


def _show(folder: Path) -> None:
    from eval.report.page import write_report
    from eval.runs.tables import headline, load_summary, sentences

    summary = load_summary(folder)
    for table in summary["tables"]:
        typer.echo(f"\n{headline(table)}")
        for line in sentences(table):
            typer.echo(f"  {line}")
    typer.echo(f"\nReport: {write_report(folder)}")


def oracles(
    out: Annotated[Path | None, typer.Option(help="File for cases and answers; default: the tests'.")] = None,
) -> None:
    """Ask RecTools, ranx and scikit-surprise on shared cases; the tests compare with what they say."""
    from eval.measures.oracles import STORED, write

    write(out or STORED)
    typer.echo(out or STORED)


def rerank_weight(
    data: Annotated[str, typer.Option("--data", "-d", help="Data set, workspace or event file.")] = "grocery",
    task: Annotated[str, typer.Option(help="new or any.")] = "new",
    model: Annotated[str, typer.Option(help="Language model.")] = "qwen2.5-coder-0.5b",
    method: Annotated[str, typer.Option(help="auto, likelihood or scores.")] = "auto",
    users: Annotated[int, typer.Option(min=2, help="People per window.")] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    readme: Annotated[Path | None, typer.Option(help="Markdown file to put the table into.")] = None,
) -> None:
    """Decide on windows before T how much a language model's order may count; 0 where it gains nothing."""
    import json

    from eval.audits.rerank_weight import measure
    from eval.data.datasets import load_dataset
    from eval.data.splits import make_split
    from eval.figures import publish

    with _bars() as progress:
        question, _ = make_split(load_dataset(data, progress=progress), task=_task(task))[0]
        found = measure(question, model=model, method=_method(method), n_users=users, progress=progress)
    if readme is not None:
        command = f"python -m eval rerank-weight -d {data} --model {model} --readme {readme.name}"
        publish(readme, "rerank-weight", found.to_markdown(), command=command)
    typer.echo(json.dumps(found.to_dict(), ensure_ascii=False) if as_json else found.to_markdown())


def _method(text: str) -> Literal["auto", "likelihood", "scores"]:
    if text == "auto":
        return "auto"
    if text == "likelihood":
        return "likelihood"
    if text == "scores":
        return "scores"
    raise typer.BadParameter(f"expected auto, likelihood or scores, got {text!r}")
