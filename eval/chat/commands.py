"""The commands of `python -m eval` about talks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def routing(
    model: Annotated[str, typer.Option(help="Language model for unclear questions, or none.")] = (
        "qwen2.5-coder-0.5b"
    ),
    with_encoder: Annotated[
        bool, typer.Option("--encoder/--no-encoder", help="Let MiniLM help with unclear English questions.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure how many of the fixed questions reach the right tool; exit code 1 under 95 %."""
    from eval.chat.routing import encoder, run_routing

    report, code = run_routing(model=model, as_json=as_json, encode=encoder() if with_encoder else None)
    typer.echo(report)
    raise typer.Exit(code)


def faithfulness(
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="Name or folder.")] = "grocery",
    users: Annotated[int, typer.Option(min=2, help="How many users to measure.")] = 150,
    seed: Annotated[int, typer.Option(help="Of users and random events.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    readme: Annotated[Path | None, typer.Option(help="Markdown file to put the table into.")] = None,
) -> None:
    """Delete the cited events, and as many others, and compare how far items fall; exit code 1 if alike."""
    from eval.chat.faithfulness import run_faithfulness
    from eval.figures import publish

    def progress(done: int, total: int) -> None:
        if done and done % 10 == 0:
            typer.echo(f"{done}/{total} users", err=True)

    report, code = run_faithfulness(
        workspace=workspace, n_users=users, seed=seed, as_json=as_json, progress=progress
    )
    typer.echo(report)
    if readme is not None and not as_json:
        publish(readme, "faithfulness", report, command="python -m eval faithfulness --readme README.md")
    raise typer.Exit(code)


def transcript(
    user: Annotated[str, typer.Argument(help="User id.")] = "27",
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="Name or folder.")] = "grocery",
    model: Annotated[str, typer.Option(help="Language model, or none.")] = "none",
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    readme: Annotated[Path | None, typer.Option(help="Markdown file to put the talk into.")] = None,
) -> None:
    """Record a talk of ten turns with a user of a workspace, as Markdown."""
    from eval.chat.transcript import run_transcript
    from eval.figures import publish

    text = run_transcript(workspace=workspace, user_id=user, model=model, language=language)
    typer.echo(text)
    if readme is not None:
        publish(readme, "transcript", text, command="python -m eval transcript --readme README.md")


def chat_latency(
    user: Annotated[str, typer.Argument(help="User id.")] = "27",
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="Name or folder.")] = "grocery",
    model: Annotated[str, typer.Option(help="Language model, or none.")] = "qwen2.5-coder-0.5b",
    rounds: Annotated[int, typer.Option(min=1, help="How often the talk is held.")] = 3,
) -> None:
    """Measure the wait for words in chat, and which shorts of the model stand; exit code 1 when too slow."""
    from eval.chat.latency import run_latency

    report, code = run_latency(workspace=workspace, user_id=user, model=model, rounds=rounds)
    typer.echo(report)
    raise typer.Exit(code)


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    for command in (routing, faithfulness, transcript, chat_latency):
        app.command()(command)
