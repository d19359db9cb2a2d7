"""From sources to one list: fitted, fused, with confidence, explained by where each item came from."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.data.log import DAY_MS, Catalogue, InteractionLog
from agent.ranking.blend import Placement, Ranked, Steer, fill_up, fuse_pool, open_places
from agent.ranking.facet_vectors import FacetVectorSource, VectorIndex
from agent.ranking.files import load_trained, save_trained
from agent.ranking.fusion import FusionDecision
from agent.ranking.history import Context
from agent.ranking.segments import segment_of
from agent.ranking.training import Progress, Trained, train
from agent.ranking.windows import Task, allowed_items
from agent.schema import StageReport, StageStatus
from agent.settings import RankingSettings

__all__ = ["Placement", "Ranked", "Ranker", "Scored", "Steer"]

# Scores by source, and a report of each.
Scored = tuple[dict[str, NDArray[np.float32]], list[StageReport]]

# Leaving out fewer items than this (those without a title) moves no item by many places.
_HARDLY_FILTERED = 0.8
_NO_STEER = Steer()


@dataclass(frozen=True)
class Ranker:
    """Fitted sources, the fusion weights of each task, and calibrated confidence; immutable.

    Attributes:
        trained: everything that was learned.
        depth: proposals per source.
    """

    trained: Trained
    depth: int

    @classmethod
    def fit(
        cls,
        log: InteractionLog,
        catalogue: Catalogue,
        settings: RankingSettings,
        *,
        now_ms: int,
        repeats: bool | None = None,
        progress: Progress | None = None,
    ) -> Ranker:
        """A ranker that knows the events before `now_ms`.

        Args:
            log: events; may be empty.
            catalogue: with vectors, or without: then text says nothing.
            settings: depth, exact items, horizon, fixed weights.
            now_ms: the moment, UTC.
            repeats: whether people take the same item again; None lets the data say.
            progress: called with steps done and their number.

        Raises:
            SettingsError: `settings.weights` names an unknown source.
        """
        trained = train(log, catalogue, settings, now_ms=now_ms, repeats=repeats, progress=progress)
        return cls(trained, settings.n_candidates)

    def with_index(self, index: VectorIndex | None) -> Ranker:
        """The same ranker, its facet queries answered by `index`; None is exact search."""
        sources = tuple(
            replace(source, index=index) if isinstance(source, FacetVectorSource) else source
            for source in self.trained.sources
        )
        return replace(self, trained=replace(self.trained, sources=sources))

    @property
    def repeats(self) -> bool:
        """Whether people take the same item again here."""
        return self.trained.repeats

    def rank(
        self,
        context: Context,
        k: int,
        *,
        exclude_seen: bool | None = None,
        allowed: NDArray[np.bool_] | None = None,
        n: int | None = None,
        steer: Steer = _NO_STEER,
        scored: Scored | None = None,
    ) -> Ranked:
        """The best items for the context's user.

        Args:
            context: history, moment and facet queries.
            k: length of the list.
            exclude_seen: leaves out whatever the user has any event with; None does so unless people repeat.
            allowed: `(n_items,)` bool, False never appears (filters, mutes).
            n: more than `k` when a reranker wants them.
            steer: what the caller adds to the learned fusion.
            scored: from `score` of this context, when several lists are made of it.

        Returns:
            `max(k, n)` items, fewer only when fewer are allowed. Disliked items never appear.
        """
        exclude = self.excludes(exclude_seen)
        task = self._task(exclude)
        mask = allowed_items(context, self.trained.n_items, task="new" if exclude else "any")
        if allowed is not None:
            mask &= allowed
        length = max(k, n or k)
        dense, stages = scored or self.score(context)
        start = time.perf_counter()
        decision = self._decision(task, context, mask, dense)
        dense, decision = _steered(dense, decision, steer)
        order, fused, shares = fuse_pool(
            dense, mask, decision, depth=self.depth, length=length, tilt=steer.tilt
        )
        places = np.arange(1, len(order) + 1)
        if len(order) and allowed is not None and allowed.mean() < _HARDLY_FILTERED:
            open_mask = allowed_items(context, self.trained.n_items, task="new" if exclude else "any")
            places = np.maximum(places, open_places(dense, open_mask, decision, order, depth=self.depth))
        fusion = StageReport("fusion", "ran", time.perf_counter() - start, decision.reason)
        filled, names = fill_up(dense, mask, order, length=length)
        confidence = self.trained.confidences[task]
        last = int(places[-1]) if len(places) else 0
        rank = np.concatenate([places, last + np.arange(1, len(filled) + 1)])
        since = context.now_ms - int(confidence.horizon_days * DAY_MS)
        activity = int((context.timestamp_ms >= since).sum())
        floor = float(fused[-1]) if len(fused) else 0.0
        below = floor - 1.0 - np.arange(len(filled), dtype=np.float32)
        extra = [fusion, *_fill_stage(filled, order)]
        status: StageStatus = "ran" if confidence.calibrated else "degraded"
        extra.append(StageReport("confidence", status, 0.0, confidence.note))
        return Ranked(
            items=np.concatenate([order, filled]).astype(np.int32),
            scores=np.concatenate([fused, below]).astype(np.float32),
            confidence=confidence.probability(rank, activity=activity),
            sources=(*shares, *({name: 1.0} for name in names)),
            stages=(*self.trained.skipped, *stages, *extra),
            note=_note(context, len(order), len(filled)),
        )

    def excludes(self, exclude_seen: bool | None) -> bool:
        """Whether a list leaves out what the user has seen: as asked, else unless people repeat here."""
        return not self.repeats if exclude_seen is None else exclude_seen

    def place(
        self,
        context: Context,
        item: int,
        *,
        exclude_seen: bool | None = None,
        allowed: NDArray[np.bool_] | None = None,
        steer: Steer = _NO_STEER,
        scored: Scored | None = None,
    ) -> Placement:
        """Where one item stands; options as for `rank`. One that may not appear: where it would stand."""
        exclude = self.excludes(exclude_seen)
        mask = allowed_items(context, self.trained.n_items, task="new" if exclude else "any")
        if allowed is not None:
            mask &= allowed
        dense, _ = scored or self.score(context)
        decision = self._decision(self._task(exclude), context, mask, dense)
        mask[item] = True
        dense, decision = _steered(dense, decision, steer)
        order, fused, _ = fuse_pool(
            dense, mask, decision, depth=self.depth, length=self.trained.n_items, tilt=steer.tilt
        )
        ranks = {
            name: 1 + int((mask & (values > values[item])).sum())
            for name, values in dense.items()
            if values[item] != 0
        }
        spots = np.flatnonzero(order == item)
        if not len(spots):
            return Placement(None, None, ranks, self.depth)
        return Placement(float(fused[spots[0]]), int(spots[0]) + 1, ranks, self.depth)

    def _task(self, exclude: bool) -> Task:
        return "any" if not exclude and "any" in self.trained.decisions else "new"

    def _decision(
        self,
        task: Task,
        context: Context,
        mask: NDArray[np.bool_],
        dense: Mapping[str, NDArray[np.float32]],
    ) -> FusionDecision:
        """The decision for this list: of its segment where that differs, else everybody's."""
        decision = self.trained.decisions[task]
        if not any(entry.differs for entry in decision.segments):
            return decision
        taken = dense.get("popularity")
        cold_items = taken is not None and not (mask & (taken > 0)).any()
        return decision.of(segment_of(context, cold_items=cold_items))

    def save(self, folder: Path) -> None:
        """Writes the sources' arrays, then `ranker.json`: with it the folder is whole."""
        save_trained(self.trained, folder, depth=self.depth)

    @classmethod
    def load(cls, folder: Path, *, catalogue: Catalogue, settings: RankingSettings) -> Ranker:
        """The ranker of `save`; `catalogue` and `settings` must be those it was fitted with.

        Raises:
            NotFittedError: there is none, or it was fitted on another catalogue or by another version.
        """
        return cls(*load_trained(folder, catalogue=catalogue, settings=settings))

    @cached_property
    def _threads(self) -> Any:
        """Finds the BLAS libraries once: that takes milliseconds, limiting them microseconds."""
        from threadpoolctl import ThreadpoolController

        return ThreadpoolController()

    def score(self, context: Context) -> Scored:
        """`(n_items,)` scores of the context by every source, by name, and what ran."""
        # One user's products are too small for several BLAS threads: waking them takes longer than the work,
        # many times so on a busy machine (p95 140 ms against 24 at 92,331 items).
        with self._threads.limit(limits=1, user_api="blas"):
            return self._score_alone(context)

    def _score_alone(self, context: Context) -> Scored:
        dense, stages = {}, []
        late = context.now_ms < self.trained.now_ms
        for source in self.trained.sources:
            start = time.perf_counter()
            dense[source.name] = source.score([context])[0]
            seconds = time.perf_counter() - start
            if late:
                detail = "fitted on events later than the moment asked for"
                stages.append(StageReport(f"source:{source.name}", "degraded", seconds, detail))
            else:
                stages.append(StageReport(f"source:{source.name}", "ran", seconds))
        return dense, stages


def _steered(
    dense: dict[str, NDArray[np.float32]], decision: FusionDecision, steer: Steer
) -> tuple[dict[str, NDArray[np.float32]], FusionDecision]:
    """Scores and decision with what the caller adds; unchanged, both, when that is nothing."""
    if not steer.sources:
        return dense, decision
    weights = {**decision.weights, **steer.weights}
    return {**dense, **steer.sources}, replace(decision, weights=weights)


def _fill_stage(filled: NDArray[np.int64], order: NDArray[np.int64]) -> list[StageReport]:
    if not len(filled):
        return []
    detail = f"{len(order)} items had evidence of this user's; {len(filled)} are popular or alike by text"
    return [StageReport("fill", "ran", 0.0, detail)]


def _note(context: Context, n_fused: int, n_filled: int) -> str:
    wishes = len(context.wishes())
    if not n_fused + n_filled:
        return "no item is allowed"
    if wishes == 0:
        return "no events of this user to rest on: what is popular"
    if wishes == 1:
        return "rests on a single event of this user"
    return ""
