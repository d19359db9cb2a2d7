"""The loaded state of an open workspace: each part is made when first needed and kept until an ingest."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from agent.artifacts import load_or_fit_population, load_or_fit_ranker, load_or_scan, ranker_folder
from agent.data.calls import CallTable
from agent.data.chroma_index import ChromaIndex
from agent.data.embedders import Embedder
from agent.data.embedding import catalogue_texts, embed_catalogue, non_latin_share, open_embedder
from agent.data.index import BuildReport
from agent.data.live import LiveEvents
from agent.data.log import Catalogue, InteractionLog
from agent.data.store import Store
from agent.errors import WorkspaceBusyError
from agent.interests.forgetting import Emphasis
from agent.interests.population import PopulationModel
from agent.interests.room import InterestRoom
from agent.interests.scan import Drift
from agent.interests.wording import Wording
from agent.interests.words import Language
from agent.llm.backend import Backend
from agent.llm.compose import compose_backend
from agent.ranking.llm_weight import resolve_llm_weight
from agent.ranking.ranker import Ranker
from agent.ranking.windows import Task
from agent.schema import FacetChange
from agent.settings import Settings
from agent.workspace import Workspace

ProgressCallback = Callable[[str, int, int | None], None]
T = TypeVar("T")
_LANGUAGE_SAMPLE = 500
_EMBEDDER_META = "embedder chosen by auto"
_CHINESE_SHARE = 0.3
# Moments whose fitted models stay in memory: now, and a few looked back at.
_MOMENTS_KEPT = 3
# Users whose movement stays in memory: a list for each message of a chat must not test it anew.
_USERS_KEPT = 256
# How each facet of a user moves, by key, and how much each of their interactions still counts (None: fully).
Movement = tuple[Mapping[str, FacetChange], Emphasis | None]


class Recent(Generic[T]):
    """The values of the last few keys asked for; looking back at many moments must not fill the memory."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[Hashable, T] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of `key`, made when it is not among those kept."""
        value = self._kept.pop(key) if key in self._kept else make()
        self._kept[key] = value
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        return value

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def clear(self) -> None:
        """Forgets every value."""
        self._kept.clear()


class Session:
    """Log, catalogue, index, models and rooms of one workspace, loaded lazily."""

    def __init__(
        self, workspace: Workspace, settings: Settings, store: Store, *, progress: ProgressCallback
    ) -> None:
        self.workspace = workspace
        self.settings = settings
        self.store = store
        self.progress = progress
        self.index_report: BuildReport | None = None
        self._rankers = Recent[Ranker](_MOMENTS_KEPT)
        self._populations = Recent[PopulationModel | None](_MOMENTS_KEPT)
        self._indexed = Recent[Ranker](_MOMENTS_KEPT)
        self._taken = Recent[NDArray[np.int64]](_MOMENTS_KEPT)
        self.movements = Recent[Movement](_USERS_KEPT)

    def close(self) -> None:
        """Frees the language model and the index."""
        for name in ("backend", "index"):
            part = self.__dict__.pop(name, None)
            if part is not None:
                part.close()

    @cached_property
    def log(self) -> InteractionLog:
        """Every interaction of the workspace."""
        zone = self.settings.interests.day_zone
        return replace(self.store.load_log(self.settings.interactions), zone=zone)

    @cached_property
    def catalogue(self) -> Catalogue:
        """Every item, with vectors; new texts are embedded on the way."""
        bare = self.store.load_catalogue(self.settings.items)
        texts = [text for text in catalogue_texts(bare) if text]
        # What `auto` chose once is kept: a few titles in another script must not change the vector space.
        chosen = self.settings.embedding.model
        kept = self.store.get_meta(_EMBEDDER_META) if chosen == "auto" else None
        embedder = open_embedder(
            kept or chosen,
            sample_texts=texts[:: max(len(texts) // _LANGUAGE_SAMPLE, 1)][:_LANGUAGE_SAMPLE],
            offline=self.settings.offline,
            batch_size=self.settings.embedding.batch_size,
        )
        embedded = embed_catalogue(
            self.store,
            bare,
            embedder,
            settings=self.settings.embedding,
            progress=lambda done, total: self.progress("Embedding item texts", done, total),
        )
        if chosen == "auto" and kept is None and texts:
            self.store.set_meta(_EMBEDDER_META, embedder.name)
        return embedded

    @cached_property
    def item_embedder(self) -> Embedder | None:
        """The model that made the item vectors, loaded at its first use; None when items have no vectors."""
        if self.catalogue.vectors is None or not self.catalogue.embedder:
            return None
        return open_embedder(self.catalogue.embedder.partition("+pca")[0], offline=self.settings.offline)

    @cached_property
    def index(self) -> ChromaIndex:
        """The item index, brought up to date with the catalogue.

        Raises:
            WorkspaceBusyError: another live process holds it.
        """
        catalogue = self.catalogue
        index = ChromaIndex(self.workspace.index_dir)
        try:
            self.index_report = index.build(
                catalogue, progress=lambda done, total: self.progress("Indexing items", done, total)
            )
        except BaseException:
            index.close()
            raise
        return index

    def build_index(self) -> BuildReport:
        """Brings vectors and index up to date; what was done."""
        self._indexed.clear()
        self.movements.clear()
        for name in ("index", "catalogue", "item_embedder"):
            part = self.__dict__.pop(name, None)
            if name == "index" and part is not None:
                part.close()
        self.index.count()
        assert self.index_report is not None, "opening the index builds it"
        return self.index_report

    @cached_property
    def population(self) -> PopulationModel | None:
        """What everyone takes, and when."""
        return load_or_fit_population(
            self.workspace.cache_dir, self.log, self.catalogue, self.settings, progress=self.progress
        )

    def population_before(self, moment_ms: int) -> PopulationModel | None:
        """The same of the events before a moment alone: looking back sees nothing of the future."""
        return self._populations.get(
            moment_ms,
            lambda: load_or_fit_population(
                self.workspace.cache_dir,
                self.log.before(moment_ms),
                self.catalogue,
                self.settings,
                progress=self.progress,
            ),
        )

    @cached_property
    def language(self) -> Language:
        """Of every wording: the settings', or that of the item titles."""
        chosen = self.settings.llm.language
        if chosen != "auto":
            return chosen
        titles = self.catalogue.titles
        sample = titles[:: max(len(titles) // _LANGUAGE_SAMPLE, 1)]
        return "zh" if non_latin_share(sample) > _CHINESE_SHARE else "en"

    @cached_property
    def backend(self) -> Backend | None:
        """The language model, opened at its first call; None when the settings say `none`."""
        return compose_backend(
            self.settings.llm,
            self.store,
            calls=CallTable(self.store),
            offline=self.settings.offline,
            progress=lambda done, total: self.progress("Fetching the language model", done, total),
        )

    @cached_property
    def interests(self) -> InterestRoom:
        """The interests room over this snapshot."""
        return InterestRoom(
            store=self.store,
            log=self.log,
            catalogue=self.catalogue,
            settings=self.settings.interests,
            wording=Wording(self.backend, self.language),
            population=self.population,
            live=self.live,
            population_before=self.population_before,
        )

    @cached_property
    def live(self) -> LiveEvents:
        """What was observed since the log was loaded."""
        return LiveEvents(self.log, self.catalogue, self.settings.interactions)

    @property
    def _loaded_ms(self) -> int:
        """The moment just after the newest event of the loaded log: the latest that is fitted on."""
        return int(self.log.timestamp_ms[-1]) + 1 if len(self.log) else 0

    def _fitted_at(self, moment_ms: int) -> int:
        """The moment whose ranker serves `moment_ms`: itself, but no event observed since moves it on.

        Otherwise every event observed would move "now", and with it ask for another fit.
        """
        return min(moment_ms, self._loaded_ms) if self.live.n_events else moment_ms

    @property
    def now_ms(self) -> int:
        """The moment just after the newest event: the default for everything that asks when."""
        return self.interests.now_ms

    def ranker(self, moment_ms: int) -> Ranker:
        """The ranker fitted on the events before a moment; what was observed since the load is not in it."""
        moment_ms = self._fitted_at(moment_ms)
        return self._rankers.get(
            moment_ms,
            lambda: load_or_fit_ranker(
                self.workspace.cache_dir,
                self.log,
                self.catalogue,
                self.settings,
                now_ms=moment_ms,
                progress=self.progress,
            ),
        )

    def has_ranker(self, moment_ms: int) -> bool:
        """Whether the ranker of a moment is at hand, in memory or fitted before: asking costs no fit."""
        moment_ms = self._fitted_at(moment_ms)
        if moment_ms in self._rankers:
            return True
        past = self.log.before(moment_ms)
        folder = ranker_folder(
            self.workspace.cache_dir, past, self.catalogue, self.settings, now_ms=moment_ms
        )
        return folder.is_dir()

    def taken(self, moment_ms: int) -> NDArray[np.int64]:
        """`(n_items,)`, how often each item was taken, by anybody, before a moment; of the loaded log."""
        moment_ms = min(moment_ms, self._loaded_ms)
        return self._taken.get(moment_ms, lambda: self._count_taken(moment_ms))

    def _count_taken(self, moment_ms: int) -> NDArray[np.int64]:
        past = self.log.before(moment_ms)
        items = past.item[(past.item >= 0) & (past.weight > 0)]
        return np.bincount(items, minlength=len(self.catalogue))

    def indexed_ranker(self, moment_ms: int) -> tuple[Ranker, str]:
        """The ranker of a moment whose facets ask the Chroma index, and why they do not, if so.

        While another process holds the index the search is exact, in memory; the next call tries again.
        """
        moment_ms = self._fitted_at(moment_ms)
        try:
            return self._indexed.get(moment_ms, lambda: self.ranker(moment_ms).with_index(self.index)), ""
        except WorkspaceBusyError as error:
            return self.ranker(moment_ms), str(error)

    def fit(self) -> dict[str, Any]:
        """Fits what is out of date; a summary for people."""
        population = self.population
        ranker = self.ranker(self.now_ms)
        return {
            "events": len(self.log),
            "items": len(self.catalogue),
            "topics": 0 if population is None else len(population.topic_categories),
            "people take items again": ranker.repeats,
            **{
                f"weights, {'new items' if task == 'new' else 'with repeats'}": {
                    "sources": dict(decision.weights),
                    "why": decision.describe(),
                }
                for task, decision in ranker.trained.decisions.items()
            },
        }

    def llm_weights(self) -> dict[str, Any]:
        """How much the language model's order counts in lists, and why, for people."""
        if self.settings.llm.model == "none":
            return {}
        tasks: tuple[Task, ...] = ("new", "any") if self.ranker(self.now_ms).repeats else ("new",)
        n_events = len(self.log)
        found = {
            task: resolve_llm_weight(self.store, self.settings, task=task, n_events=n_events)
            for task in tasks
        }
        return {
            f"language model, {'new items' if task == 'new' else 'with repeats'}": {
                "weight": entry.weight,
                "why": entry.detail,
            }
            for task, entry in found.items()
        }

    def scan(self, min_sessions: int) -> list[Drift]:
        """How far every user with enough sessions moved, furthest first."""
        return load_or_scan(
            self.workspace.cache_dir, self.interests, min_sessions=min_sessions, progress=self.progress
        )

    def users_with_sessions(self) -> list[str]:
        """Ids of the users with `min_sessions` sessions or more, in id order of the store."""
        least = self.settings.interests.min_sessions
        pairs = np.unique(np.stack([self.log.user, self.log.day]), axis=1)
        counts = np.bincount(pairs[0], minlength=self.log.n_users)
        return [user_id for user_id, n in zip(self.log.user_ids, counts, strict=True) if n >= least]
