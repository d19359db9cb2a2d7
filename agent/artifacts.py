"""What is fitted from a workspace and kept in its cache: each artefact under a key of all it depends on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.data.feedback import gift_key
from agent.data.log import Catalogue, InteractionLog
from agent.errors import NotFittedError
from agent.interests.population import PopulationModel, fit_population
from agent.interests.room import InterestRoom
from agent.interests.scan import Drift
from agent.ranking.ranker import Ranker
from agent.settings import Settings

ProgressCallback = Callable[[str, int, int | None], None]
# Raised when a fitted file means something else than before: older caches are then fitted anew.
_FORMAT = 7
# Looking back at a few moments in turn must not throw out that of now.
_POPULATIONS_KEPT = 6
# Looking back at a few moments in turn must not throw out the ranker of now.
_RANKERS_KEPT = 4
_SCANS_KEPT = 3
# Of the test that a scan makes: it stands in the key, so that no other test's results are taken for its own.
_TEST = "beside the seasons of the moment"
_LAST_FIT = "last-fit.json"


def artefact_key(log: InteractionLog, catalogue: Catalogue, parts: object) -> str:
    """16 hex digits that change whenever the events, the items, their vectors or `parts` do.

    Events are append-only in the store, so their newest id and number stand for them; their weights and
    whose days they are counted in, which the settings decide, and the items, which a corrected file may
    change, go in by content.
    """
    newest = int(log.interaction_id.max()) if len(log) else 0
    plain = [_FORMAT, len(log), newest, log.zone, catalogue.digest, parts]
    content = hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode())
    content.update(log.weight.tobytes())
    return content.hexdigest()[:16]


def load_or_encode(
    cache: Path,
    name: str,
    texts: Sequence[str],
    encode: Callable[[list[str]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """`(n, dim)` vectors of sentences that never change, by the embedder of that name; kept in the cache.

    Not for what people say: the cache is not forgotten with a talk.
    """
    digest = hashlib.sha256("\0".join([str(_FORMAT), name, *texts]).encode()).hexdigest()[:16]
    path = cache / f"sentences-{digest}.npy"
    if _touched(path):
        with suppress(ValueError, EOFError):
            kept: NDArray[np.float32] = np.load(path, allow_pickle=False)
            return kept
    found = encode(list(texts))
    cache.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("wb") as file:
        np.save(file, found, allow_pickle=False)
    partial.replace(path)
    return found


def load_or_fit_population(
    cache: Path, log: InteractionLog, catalogue: Catalogue, settings: Settings, *, progress: ProgressCallback
) -> PopulationModel | None:
    """The population model of `log`, from the cache or fitted and kept; None without categories."""
    parts = [settings.interests.n_topics, settings.interests.seed, "voices"]
    path = cache / f"population-{artefact_key(log, catalogue, parts)}.npz"
    if _touched(path):
        return PopulationModel.load(path)
    progress("Fitting the population model", 0, 1)
    model = fit_population(log, catalogue, settings.interests)
    if model is not None:
        cache.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npz")
        model.save(partial)
        partial.replace(path)
        _keep_newest(cache, "population-*", most=_POPULATIONS_KEPT)
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
    folder = ranker_folder(cache, past, catalogue, settings, now_ms=now_ms)
    if _touched(folder):
        # A folder of another version, or one that a kill left half-written, is fitted anew.
        with suppress(NotFittedError):
            return Ranker.load(folder, catalogue=catalogue, settings=settings.ranking)

    def report(done: int, total: int | None) -> None:
        progress("Fitting the ranking", done, total)

    start = time.perf_counter()
    ranker = Ranker.fit(
        past, catalogue, settings.ranking, now_ms=now_ms, repeats=settings.items.repeats, progress=report
    )
    ranker.save(folder)
    _keep_newest(cache, "ranker-*", most=_RANKERS_KEPT)
    measured = {"seconds": round(time.perf_counter() - start, 2), "events": len(past)}
    (cache / _LAST_FIT).write_text(json.dumps(measured), encoding="utf-8")
    return ranker


def ranker_folder(
    cache: Path, past: InteractionLog, catalogue: Catalogue, settings: Settings, *, now_ms: int
) -> Path:
    """Where the ranker fitted on the events of `past` at a moment is kept, made or not."""
    parts = [settings.ranking.model_dump(mode="json"), settings.items.repeats, now_ms]
    return cache / f"ranker-{artefact_key(past, catalogue, parts)}"


def last_fit_seconds(cache: Path) -> float | None:
    """Seconds that the last fit of a ranking took in this workspace; None when none was measured."""
    try:
        return float(json.loads((cache / _LAST_FIT).read_text(encoding="utf-8"))["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def load_or_scan(
    cache: Path, room: InterestRoom, *, min_sessions: int, progress: ProgressCallback
) -> list[Drift]:
    """`InterestRoom.scan` over all users, from the cache or made and kept."""
    parts = [room.settings.model_dump(mode="json"), min_sessions, gift_key(room.store), _TEST]
    path = cache / f"scan-{artefact_key(room.log, room.catalogue, parts)}.json"
    if _touched(path):
        return [Drift(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    stage = "Testing every user for change"
    found = room.scan(min_sessions=min_sessions, progress=lambda done, total: progress(stage, done, total))
    cache.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps([asdict(entry) for entry in found]), encoding="utf-8")
    partial.replace(path)
    _keep_newest(cache, "scan-*", most=_SCANS_KEPT)
    return found


def _touched(path: Path) -> bool:
    """Whether an artefact is there; if so it counts as just used, so that others are removed before it."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _keep_newest(cache: Path, pattern: str, *, most: int) -> None:
    """Removes all but the `most` lately used artefacts of a kind: they are caches, and large.

    Another process may use or remove the same files: what is gone already is no error.
    """
    found = []
    for path in cache.glob(pattern):
        with suppress(FileNotFoundError):
            found.append((path.stat().st_mtime_ns, path))
    for _, path in sorted(found, reverse=True)[most:]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
