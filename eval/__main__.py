"""`python -m eval`: benchmarks and protocols."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
    from eval.bench import run_bench

    raise typer.Exit(run_bench(model=model, only=only, as_json=as_json, keep=keep, readme=readme))


@app.command()
def picture(
    user: Annotated[str, typer.Argument(help="Household to show.")] = "27",
    workspace: Annotated[str, typer.Option("--workspace", "-w")] = "grocery",
    model: Annotated[str, typer.Option(help="Language model, or none.")] = "qwen2.5-coder-0.5b",
) -> None:
    """Draw the README's picture from the demo workspace."""
    from eval.picture import draw

    typer.echo(draw(user, workspace=workspace, model=model))


if __name__ == "__main__":
    app()
