"""A fitted ranker on disk: the arrays of its sources, and `ranker.json` with all that was decided."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.data.log import Catalogue
from agent.errors import NotFittedError
from agent.ranking.choices import Choices, default_sources
from agent.ranking.confidence import Confidence
from agent.ranking.fusion import FusionDecision
from agent.ranking.training import Trained
from agent.ranking.windows import Task
from agent.schema import StageReport
from agent.settings import RankingSettings

_FORMAT = 3


def save_trained(trained: Trained, folder: Path, *, depth: int) -> None:
    """Writes the sources' arrays, then `ranker.json`: with it the folder is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ranker.json").unlink(missing_ok=True)
    for source in trained.sources:
        source.save(folder)
    plain = {
        "format": _FORMAT,
        "depth": depth,
        "now_ms": trained.now_ms,
        "n_items": trained.n_items,
        "repeats": trained.repeats,
        "choices": asdict(trained.choices),
        "sources": [source.name for source in trained.sources],
        "decisions": {task: decision.to_dict() for task, decision in trained.decisions.items()},
        "confidences": {task: entry.to_dict() for task, entry in trained.confidences.items()},
        "skipped": [[stage.name, stage.status, stage.detail] for stage in trained.skipped],
    }
    partial = folder / ".ranker.json.partial"
    partial.write_text(json.dumps(plain, indent=1), encoding="utf-8")
    partial.replace(folder / "ranker.json")


def read_decisions(cache: Path) -> dict[Task, FusionDecision]:
    """What the ranker of the latest moment in a workspace's cache decided, by task; empty without one.

    Of several the one used last. Those that looking back fitted say nothing of now, however lately used.
    """
    found: list[tuple[int, int, dict[Task, Any]]] = []
    for path in cache.glob("ranker-*/ranker.json"):
        plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if plain.get("format") == _FORMAT:
            found.append((plain["now_ms"], path.parent.stat().st_mtime_ns, plain["decisions"]))
    if not found:
        return {}
    _, _, decisions = max(found, key=lambda entry: entry[:2])
    return {task: FusionDecision.from_dict(entry) for task, entry in decisions.items()}


def load_trained(folder: Path, *, catalogue: Catalogue, settings: RankingSettings) -> tuple[Trained, int]:
    """What `save_trained` wrote, and the proposals per source.

    Raises:
        NotFittedError: there is none, or it was fitted on another catalogue or by another version.
    """
    path = folder / "ranker.json"
    if not path.is_file():
        raise NotFittedError(f"expected a fitted ranker in {folder.name!r}, found none; fit it first")
    plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if plain.get("format") != _FORMAT or plain["n_items"] != len(catalogue):
        raise NotFittedError(
            f"expected a ranker of format {_FORMAT} for {len(catalogue)} items, got format "
            f"{plain.get('format')!r} for {plain.get('n_items')!r}; fit it again"
        )
    choices = Choices(**plain["choices"])
    sources = default_sources(settings, choices, people=bool(catalogue.people.any()))
    known = {source.name: source for source in sources}
    trained = Trained(
        sources=tuple(known[name].load(folder, catalogue=catalogue) for name in plain["sources"]),
        decisions={task: FusionDecision.from_dict(d) for task, d in plain["decisions"].items()},
        confidences={task: Confidence.from_dict(c) for task, c in plain["confidences"].items()},
        repeats=plain["repeats"],
        now_ms=plain["now_ms"],
        n_items=plain["n_items"],
        choices=choices,
        skipped=tuple(StageReport(name, status, 0.0, text) for name, status, text in plain["skipped"]),
    )
    return trained, int(plain["depth"])
