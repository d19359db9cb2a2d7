"""`driftrec eval …`: the evaluation harness, reached without the package depending on it."""

from __future__ import annotations

from importlib import import_module

import typer


def register(app: typer.Typer) -> None:
    """Adds `eval`, which hands every argument on to `python -m eval`."""
    app.command(
        "eval",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    )(evaluate)


def evaluate(context: typer.Context) -> None:
    """Evaluate on your own data or on public sets; `driftrec eval --help` lists the commands."""
    # By name, at run time: nothing in this package may import the evaluation, which drives it from outside.
    harness = import_module("eval.__main__").app
    harness(args=context.args, prog_name="driftrec eval")
