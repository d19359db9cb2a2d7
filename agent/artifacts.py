"""What is fitted from a workspace and kept in its cache: each artefact under a key of all it depends on."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from agent.data.log import Catalogue, InteractionLog
from agent.interests.population import PopulationModel, fit_population
from agent.interests.room import Drift, InterestRoom
from agent.ranking.ranker import Ranker
from agent.settings import Settings

ProgressCallback = Callable[[str, int, int | None], None]
# Raised when a fitted file means something else than before: older caches are then fitted anew.
_FORMAT = 2


def artefact_key(log: InteractionLog, catalogue: Catalogue, parts: object) -> str:
    """16 hex digits that change whenever the events, the items, their vectors or `parts` do.

    The store is append-only, so the number of events, the newest id and the weights (which the settings
    decide) stand for the whole log.
    """
    plain = json.dumps(
        [
            _FORMAT,
            len(log),
            int(log.interaction_id.max()) if len(log) else 0,
            float(log.weight.sum()),
            len(catalogue),
            catalogue.embedder,
            0 if catalogue.vectors is None else len(catalogue.vectors),
            parts,
        ],
        sort_keys=True,
        default=str,
    )
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def load_or_fit_population(
    cache: Path, log: InteractionLog, catalogue: Catalogue, settings: Settings, *, progress: ProgressCallback
) -> PopulationModel | None:
    """The population model of `log`, from the cache or fitted and kept; None without categories."""
    parts = [settings.interests.n_topics, settings.interests.seed]
    path = cache / f"population-{artefact_key(log, catalogue, parts)}.npz"
    if path.is_file():
        return PopulationModel.load(path)
    progress("Fitting the population model", 0, 1)
    model = fit_population(log, catalogue, settings.interests)
    if model is not None:
        _keep_newest(cache, "population-*")
        cache.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npz")
        model.save(partial)
        partial.replace(path)
    progress("Fitting the population model", 1, 1)
    return model


def load_or_fit_ranker(
    cache: Path,
    log: InteractionLog,
    catalogue: Catalogue,
    settings: Settings,
    *,
    now_ms: int,
    progress: ProgressCallback,
) -> Ranker:
    """The ranker fitted on the events before `now_ms`, from the cache or fitted and kept.

    A few are kept side by side, so that looking back at one moment again costs nothing.
    """
    past = log.before(now_ms)
    parts = [settings.ranking.model_dump(mode="json"), settings.items.repeats, now_ms]
    folder = cache / f"ranker-{artefact_key(past, catalogue, parts)}"
    if (folder / "ranker.json").is_file():
        return Ranker.load(folder, catalogue=catalogue, settings=settings.ranking)

    def report(done: int, total: int | None) -> None:
        progress("Fitting the ranking", done, total)

    ranker = Ranker.fit(
        past, catalogue, settings.ranking, now_ms=now_ms, repeats=settings.items.repeats, progress=report
    )
    _keep_newest(cache, "ranker-*", most=3)
    ranker.save(folder)
    return ranker


def load_or_scan(
    cache: Path, room: InterestRoom, *, min_sessions: int, progress: ProgressCallback
) -> list[Drift]:
    """`InterestRoom.scan` over all users, from the cache or made and kept."""
    parts = [room.settings.model_dump(mode="json"), min_sessions]
    path = cache / f"scan-{artefact_key(room.log, room.catalogue, parts)}.json"
    if path.is_file():
        return [Drift(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    stage = "Testing every user for change"
    found = room.scan(min_sessions=min_sessions, progress=lambda done, total: progress(stage, done, total))
    _keep_newest(cache, "scan-*", most=3)
    cache.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps([asdict(entry) for entry in found]), encoding="utf-8")
    partial.replace(path)
    return found


def _keep_newest(cache: Path, pattern: str, *, most: int = 0) -> None:
    """Removes all but the `most` newest artefacts of a kind: they are caches, and large."""
    found = sorted(cache.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[most:]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
