"""`python -m eval`: benchmarks and protocols."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from agent.errors import DriftrecError
from eval.audits.commands import register as register_audits
from eval.chat.commands import register as register_chat
from eval.commands import register as register_harness

app = typer.Typer(name="eval", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def root() -> None:
    """Measures what driftrec promises."""


@app.command()
def bench(
    model: Annotated[str, typer.Option(help="Language model, or none.")] = "qwen2.5-coder-0.5b",
    only: Annotated[str | None, typer.Option(help="One part only.")] = None,
    keep: Annotated[bool, typer.Option(help="Reuse the workspace of the last run.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    readme: Annotated[Path | None, typer.Option(help="Markdown file to put the table into.")] = None,
) -> None:
    """Print the table of promised figures; exit code 1 when one is missed."""
    from eval.bench.run import run_bench

    raise typer.Exit(run_bench(model=model, only=only, as_json=as_json, keep=keep, readme=readme))


@app.command()
def figures(
    readme: Annotated[Path, typer.Option(help="Markdown file with the tables.")] = Path("README.md"),
) -> None:
    """Check that the README shows the tables as they were measured, on this version; exit code 1 if not."""
    from eval.figures import find_problems, measured_on

    for line in measured_on(readme):
        typer.echo(line)
    problems = list(find_problems(readme))
    for problem in problems:
        typer.echo(problem)
    raise typer.Exit(int(bool(problems)))


@app.command()
def picture(
    user: Annotated[str, typer.Argument(help="Household to show.")] = "27",
    workspace: Annotated[str, typer.Option("--workspace", "-w")] = "grocery",
    model: Annotated[str, typer.Option(help="Language model, or none.")] = "qwen2.5-coder-0.5b",
) -> None:
    """Draw the README's two pictures from the demo workspace."""
    from eval.bench.picture import draw, draw_stream

    typer.echo(draw(user, workspace=workspace, model=model))
    typer.echo(draw_stream(user, workspace=workspace, model=model))


@app.command()
def migration(
    data: Annotated[str, typer.Option(help="Data sets, comma between.")] = "",
    users: Annotated[int, typer.Option(min=5, help="Users of each table at most.")] = 300,
    seed: Annotated[int, typer.Option(help="Of every draw.")] = 0,
    only: Annotated[
        str,
        typer.Option(
            help="Parts, comma between: alarms, planted, returns, telling, seasons, crowd, adaptation, "
            "ahead, time."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    readme: Annotated[Path | None, typer.Option(help="Markdown file to put the table into.")] = None,
) -> None:
    """Measure the migration: false alarms, planted changes, what it says, adaptation. No language model."""
    from eval.migration.run import DATA, Plan, run_migration

    names = tuple(data.split(",")) if data else DATA
    plan = Plan(names, users, seed, tuple(only.split(",")) if only else ())
    raise typer.Exit(run_migration(plan, as_json=as_json, readme=readme))


@app.command()
def naming(
    model: Annotated[
        list[str] | None, typer.Option(help="Local model; repeatable. Default: both that word things.")
    ] = None,
    per_data: Annotated[int, typer.Option(min=2, help="Groups of each of the four data sets.")] = 18,
    out: Annotated[Path | None, typer.Option(help="File for every name and figure, as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    readme: Annotated[Path | None, typer.Option(help="Markdown file to put the table into.")] = None,
) -> None:
    """Measure how well the local models name groups of items whose category is known."""
    from eval.audits.naming import MODELS, run_naming

    typer.echo(run_naming(models=model or MODELS, per_data=per_data, as_json=as_json, out=out, readme=readme))


register_audits(app)
register_chat(app)
register_harness(app)


def main() -> None:
    """Runs the commands; an error of ours ends in one clear line and exit code 1."""
    # Idle OpenMP threads spin by default and take the cores from the other library's threads.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except DriftrecError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
