"""From sources to one list: fitted, fused, with confidence, explained by where each item came from."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.data.log import DAY_MS, Catalogue, InteractionLog
from agent.errors import NotFittedError
from agent.ranking.confidence import Confidence
from agent.ranking.facet_vectors import FacetVectorSource, VectorIndex
from agent.ranking.fusion import FusionDecision
from agent.ranking.history import Context
from agent.ranking.training import Progress, Trained, default_sources, train
from agent.ranking.windows import Task, allowed_items, best_allowed, standardise
from agent.schema import StageReport, StageStatus
from agent.settings import RankingSettings

# Scores by source, and a report of each.
Scored = tuple[dict[str, NDArray[np.float32]], list[StageReport]]

_FORMAT = 1
_REACH_PLACE = 10
# What stands in, in turn, when the weighted sources have no more to say.
_FILL = ("popularity-30d", "popularity", "ease", "facet-vectors")
# Leaving out fewer items than this (those without a title) moves no item by many places.
_HARDLY_FILTERED = 0.8


@dataclass(frozen=True, slots=True)
class Ranked:
    """One list, best first.

    Attributes:
        items: int32 item codes, all different.
        scores: float32 fused scores, descending, comparable within this list only.
        confidence: probability 0–1 that the user takes the item within `horizon_days` of the ranker.
        sources: per item, share of the fused score by source name; the shares sum to 1.
        stages: sources, fusion, fill and confidence: what ran, and what not.
        note: what the list rests on, when that is little.
    """

    items: NDArray[np.int32]
    scores: NDArray[np.float32]
    confidence: NDArray[np.float64]
    sources: tuple[Mapping[str, float], ...]
    stages: tuple[StageReport, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Steer:
    """What a caller adds to the learned fusion, for one list.

    Attributes:
        sources: further scores, `(n_items,)` float32 each, higher is better, 0 says nothing; they propose
            items as the fitted sources do.
        weights: of those, on their standardised scores.
        tilt: `(n_items,)` float32, added to the fused scores in reaches of the pool; None: none. A reach is
            the distance from its median to its tenth place: 1 lifts what is middling to the edge of a list,
            however the scores are spread.
    """

    sources: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    tilt: NDArray[np.float32] | None = None


_NO_STEER = Steer()


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one item stands among all that could be listed.

    Attributes:
        score: fused score; None when no weighted source proposes the item.
        rank: place from 1 in the whole fused order; None with it.
        source_ranks: by source, rank from 1 among the items that may appear; absent where it says nothing.
        depth: how many items each source proposes.
    """

    score: float | None
    rank: int | None
    source_ranks: Mapping[str, int]
    depth: int


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
        dense, decision = self._steered(dense, self.trained.decisions[task], steer)
        order, fused, shares = self._fuse(dense, mask, decision, length=length, tilt=steer.tilt)
        places = np.arange(1, len(order) + 1)
        if len(order) and allowed is not None and allowed.mean() < _HARDLY_FILTERED:
            open_mask = allowed_items(context, self.trained.n_items, task="new" if exclude else "any")
            places = np.maximum(places, self._open_places(dense, open_mask, decision, order))
        fusion = StageReport("fusion", "ran", time.perf_counter() - start, decision.reason)
        filled, names = self._fill(dense, mask, order, length=length)
        confidence = self.trained.confidences[task]
        last = int(places[-1]) if len(places) else 0
        rank = np.concatenate([places, last + np.arange(1, len(filled) + 1)])
        since = context.now_ms - int(confidence.horizon_days * DAY_MS)
        activity = int((context.timestamp_ms >= since).sum())
        floor = float(fused[-1]) if len(fused) else 0.0
        below = floor - 1.0 - np.arange(len(filled), dtype=np.float32)
        extra = [fusion, *self._fill_stage(filled, order)]
        status: StageStatus = "ran" if confidence.calibrated else "degraded"
        extra.append(StageReport("confidence", status, 0.0, confidence.note))
        return Ranked(
            items=np.concatenate([order, filled]).astype(np.int32),
            scores=np.concatenate([fused, below]).astype(np.float32),
            confidence=confidence.probability(rank, activity=activity),
            sources=(*shares, *({name: 1.0} for name in names)),
            stages=(*self.trained.skipped, *stages, *extra),
            note=self._note(context, len(order), len(filled)),
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
        mask[item] = True
        dense, _ = scored or self.score(context)
        dense, decision = self._steered(dense, self.trained.decisions[self._task(exclude)], steer)
        order, fused, _ = self._fuse(dense, mask, decision, length=self.trained.n_items, tilt=steer.tilt)
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

    def _steered(
        self, dense: dict[str, NDArray[np.float32]], decision: FusionDecision, steer: Steer
    ) -> tuple[dict[str, NDArray[np.float32]], FusionDecision]:
        """Scores and decision with what the caller adds; unchanged, both, when that is nothing."""
        if not steer.sources:
            return dense, decision
        weights = {**decision.weights, **steer.weights}
        return {**dense, **steer.sources}, replace(decision, weights=weights)

    def save(self, folder: Path) -> None:
        """Writes the sources' arrays, then `ranker.json`: with it the folder is whole."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ranker.json").unlink(missing_ok=True)
        for source in self.trained.sources:
            source.save(folder)
        trained = self.trained
        plain = {
            "format": _FORMAT,
            "depth": self.depth,
            "now_ms": trained.now_ms,
            "n_items": trained.n_items,
            "repeats": trained.repeats,
            "ease": trained.ease_choice,
            "sources": [source.name for source in trained.sources],
            "decisions": {task: decision.to_dict() for task, decision in trained.decisions.items()},
            "confidences": {task: entry.to_dict() for task, entry in trained.confidences.items()},
            "skipped": [[stage.name, stage.status, stage.detail] for stage in trained.skipped],
        }
        partial = folder / ".ranker.json.partial"
        partial.write_text(json.dumps(plain, indent=1), encoding="utf-8")
        partial.replace(folder / "ranker.json")

    @classmethod
    def load(cls, folder: Path, *, catalogue: Catalogue, settings: RankingSettings) -> Ranker:
        """The ranker of `save`; `catalogue` and `settings` must be those it was fitted with.

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
        known = {source.name: source for source in default_sources(settings, ease_choice=plain["ease"])}
        trained = Trained(
            sources=tuple(known[name].load(folder, catalogue=catalogue) for name in plain["sources"]),
            decisions={task: FusionDecision.from_dict(d) for task, d in plain["decisions"].items()},
            confidences={task: Confidence.from_dict(c) for task, c in plain["confidences"].items()},
            repeats=plain["repeats"],
            now_ms=plain["now_ms"],
            n_items=plain["n_items"],
            ease_choice=plain["ease"],
            skipped=tuple(StageReport(name, status, 0.0, text) for name, status, text in plain["skipped"]),
        )
        return cls(trained, plain["depth"])

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

    def _fuse(
        self,
        dense: Mapping[str, NDArray[np.float32]],
        mask: NDArray[np.bool_],
        decision: FusionDecision,
        *,
        length: int,
        tilt: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], list[dict[str, float]]]:
        """Codes, fused scores and shares of the best of the pool; empty when no weighted source speaks."""
        weights = {name: w for name, w in decision.weights.items() if name in dense and w > 0}
        tops = {name: best_allowed(values, mask, depth=self.depth) for name, values in dense.items()}
        if not any(len(tops[name]) for name in weights):
            return np.empty(0, np.int64), np.empty(0, np.float32), []
        pool = np.unique(np.concatenate(list(tops.values())))
        parts = np.stack([w * standardise(dense[name], tops[name], pool) for name, w in weights.items()])
        fused = parts.sum(axis=0)
        if tilt is not None:
            fused = fused + tilt[pool] * _reach(fused)
        # Those that no weighted source proposed have no score of their own to stand on: the fill's business.
        proposed = np.isin(pool, np.concatenate([tops[name] for name in weights]))
        best = np.flatnonzero(proposed)
        best = best[np.lexsort((pool[best], -fused[best]))][:length]
        shares = [_shares(list(weights), parts[:, place]) for place in best]
        return pool[best], fused[best].astype(np.float32), shares

    def _open_places(
        self,
        dense: Mapping[str, NDArray[np.float32]],
        mask: NDArray[np.bool_],
        decision: FusionDecision,
        order: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Rank, from 1, that each item of `order` would have had without the caller's filter.

        Confidence was calibrated on lists without filters: the best of a narrow category may be the
        thousandth of all, and is taken as often as that.
        """
        weights = {name: w for name, w in decision.weights.items() if name in dense and w > 0}
        tops = {name: best_allowed(values, mask, depth=self.depth) for name, values in dense.items()}
        pool = np.unique(np.concatenate([tops[name] for name in weights]))

        def fused(codes: NDArray[np.int64]) -> NDArray[np.float32]:
            parts = [w * standardise(dense[name], tops[name], codes) for name, w in weights.items()]
            total: NDArray[np.float32] = np.sum(parts, axis=0)
            return total

        above = np.sort(fused(pool))
        return np.maximum.accumulate(1 + len(pool) - np.searchsorted(above, fused(order), side="right"))

    def _fill(
        self,
        dense: Mapping[str, NDArray[np.float32]],
        mask: NDArray[np.bool_],
        order: NDArray[np.int64],
        *,
        length: int,
    ) -> tuple[NDArray[np.int64], list[str]]:
        """What is missing to `length`: popular lately, popular ever, near the user's own by text, the rest.

        Nobody has taken a new item, so where only such are allowed the weighted sources may all be silent:
        the sources that read texts still know which of them suit.
        """
        left = mask.copy()
        left[order] = False
        codes: list[int] = []
        names: list[str] = []
        for name in _FILL:
            missing = length - len(order) - len(codes)
            if missing <= 0 or name not in dense:
                continue
            best = best_allowed(dense[name], left, depth=missing)
            left[best] = False
            codes.extend(int(code) for code in best)
            names.extend([name] * len(best))
        rest = np.flatnonzero(left)[: max(length - len(order) - len(codes), 0)]
        codes.extend(int(code) for code in rest)
        names.extend(["catalogue"] * len(rest))
        return np.array(codes, np.int64), names

    def _fill_stage(self, filled: NDArray[np.int64], order: NDArray[np.int64]) -> list[StageReport]:
        if not len(filled):
            return []
        detail = f"{len(order)} items had evidence of this user's; {len(filled)} are popular or alike by text"
        return [StageReport("fill", "ran", 0.0, detail)]

    def _note(self, context: Context, n_fused: int, n_filled: int) -> str:
        wishes = len(context.wishes())
        if not n_fused + n_filled:
            return "no item is allowed"
        if wishes == 0:
            return "no events of this user to rest on: what is popular"
        if wishes == 1:
            return "rests on a single event of this user"
        return ""


def _reach(fused: NDArray[np.float32]) -> np.float32:
    """From the median of the pool to its tenth place, its standard deviation at least."""
    tenth = np.partition(fused, -min(_REACH_PLACE, len(fused)))[-min(_REACH_PLACE, len(fused))]
    return np.float32(max(float(tenth - np.median(fused)), float(fused.std())))


def _shares(names: Sequence[str], parts: NDArray[np.floating[Any]]) -> dict[str, float]:
    """Share of each source in the positive part of the score; the largest alone when none is positive."""
    positive = np.maximum(parts, 0.0)
    total = float(positive.sum())
    if total <= 0:
        return {names[int(np.argmax(parts))]: 1.0}
    return {name: float(value / total) for name, value in zip(names, positive, strict=True) if value > 0}
