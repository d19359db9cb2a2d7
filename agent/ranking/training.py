"""How a ranker learns: parameters, weights and confidence from what was taken later, then the final fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from agent.data.log import Catalogue, InteractionLog
from agent.errors import SettingsError
from agent.ranking.choices import (
    N_FOLD_CHOICES,
    WINDOW_EASE,
    Choices,
    available,
    choose_on_folds,
    choose_on_windows,
    default_sources,
    restrict,
)
from agent.ranking.confidence import Confidence, calibrate
from agent.ranking.evidence import (
    N_FOLDS,
    SEGMENTS,
    Asked,
    Fold,
    asked_in,
    cold_items,
    cold_users,
    drifted_users,
    held_out_folds,
    pools_of,
)
from agent.ranking.fusion import (
    MIN_USERS,
    MIN_WINDOWS,
    FusionDecision,
    Grounds,
    Segment,
    decide,
    fuse,
)
from agent.ranking.history import wish_rows
from agent.ranking.segments import decide_segment
from agent.ranking.source import Source
from agent.ranking.windows import Pool, Task, Window, build_pools, rolling_windows
from agent.schema import StageReport
from agent.settings import RankingSettings

__all__ = ["DEFAULT_WEIGHTS", "Trained", "default_sources", "restrict", "train"]

Progress = Callable[[int, int | None], None]

# Chosen on three earlier grocery windows; the repeat domain leans on the user's own rhythm.
DEFAULT_WEIGHTS: Mapping[Task, Mapping[str, float]] = {
    "new": {"ease": 1.0},
    "any": {"repeat": 1.0, "popularity-30d": 0.2, "ease": 0.2},
}

_REPEAT_SHARE = 0.1


@dataclass(frozen=True)
class Trained:
    """What was learned.

    Attributes:
        sources: fitted; all propose, those with a weight decide.
        decisions: by task; `any` only where people repeat.
        confidences: by task.
        choices: of the parameters of sources that have several.
        skipped: sources that could not be fitted, and why.
    """

    sources: tuple[Source, ...]
    decisions: Mapping[Task, FusionDecision]
    confidences: Mapping[Task, Confidence]
    repeats: bool
    now_ms: int
    n_items: int
    choices: Choices
    skipped: tuple[StageReport, ...]


def data_repeats(log: InteractionLog) -> bool:
    """True when at least a tenth of the user–item–days are not the first of that user and item."""
    rows = wish_rows(log)
    if not len(rows):
        return False
    visits = np.unique(np.stack([log.user[rows], log.item[rows], log.day[rows]]).astype(np.int64), axis=1)
    again = (visits[0, 1:] == visits[0, :-1]) & (visits[1, 1:] == visits[1, :-1])
    return bool(again.mean() >= _REPEAT_SHARE) if len(again) else False


def train(
    log: InteractionLog,
    catalogue: Catalogue,
    settings: RankingSettings,
    *,
    now_ms: int,
    repeats: bool | None,
    progress: Progress | None,
) -> Trained:
    """Everything a ranker needs; see `Ranker.fit`."""
    past = log.before(now_ms)
    again = data_repeats(past) if repeats is None else repeats
    _check_weights(settings, catalogue)
    course = _Course(
        log=past,
        catalogue=catalogue,
        settings=settings,
        now_ms=now_ms,
        tasks=("new", "any") if again else ("new",),
        windows=rolling_windows(past, now_ms=now_ms, length_days=settings.horizon_days),
    )
    folds = () if course.windows_decide else held_out_folds(past, settings=settings)
    grounds: Grounds = "held-out" if _enough(folds) else "windows"
    if grounds == "windows":
        folds = ()
    steps = _Steps(progress, course.n_steps(folds))
    choices = _choose(course, folds, steps)
    every = default_sources(settings, choices, people=bool(catalogue.people.any()))
    sources, skipped = available(every)
    found = _ask_windows(course, sources, steps=steps)
    deciding = _ask_folds(course, folds, sources, steps=steps) if folds else found.deciding
    names = [source.name for source in sources]
    decisions = {
        task: _decision(deciding[task], found.segments, names, task=task, settings=settings, grounds=grounds)
        for task in course.tasks
    }
    confidences = {
        task: calibrate(
            found.calibrating[task],
            [fuse(pool.scores, names, decisions[task].weights) for pool in found.calibrating[task]],
            horizon_days=_length_days(course.windows, settings),
        )
        for task in course.tasks
    }
    final = tuple(source.fit(past, catalogue, now_ms=now_ms) for source in sources)
    steps.done()
    return Trained(final, decisions, confidences, again, now_ms, log.n_items, choices, skipped)


_Pools = dict[Task, list[Pool]]


@dataclass(frozen=True)
class _Course:
    """What is learned from, and the windows in it."""

    log: InteractionLog
    catalogue: Catalogue
    settings: RankingSettings
    now_ms: int
    tasks: tuple[Task, ...]
    windows: tuple[Window, ...]

    @property
    def windows_decide(self) -> bool:
        """Whether enough users took something new in the windows, or nothing is to be decided."""
        asked = [asked_in(self.log, window, settings=self.settings)[0] for window in self.windows]
        enough = sum(map(bool, asked)) >= MIN_WINDOWS and len(set().union(*asked)) >= MIN_USERS
        return enough or bool(self.settings.weights)

    def n_steps(self, folds: Sequence[Fold]) -> int:
        """How often a step is counted."""
        if folds:
            return len(self.windows) * 2 + len(folds) * (N_FOLD_CHOICES + 1) + 1
        return len(self.windows) * (len(WINDOW_EASE) + 2) + 1


@dataclass(frozen=True)
class _Windowed:
    """By task one pool per window: of who decides, of who calibrates, and of the segments.

    Weights are compared on users who took something: the others say nothing about order. A probability has
    to hold for everyone, so confidence is calibrated on users drawn without a look at what they took.
    """

    deciding: _Pools
    calibrating: _Pools
    segments: Mapping[Segment, _Pools]


def _enough(folds: Sequence[Fold]) -> bool:
    return len(folds) == N_FOLDS and sum(len(fold.asked.contexts) for fold in folds) >= MIN_USERS


def _ask_windows(course: _Course, sources: Sequence[Source], *, steps: _Steps) -> _Windowed:
    """What sources fitted at each window's start propose, against what was then taken."""
    log, settings, tasks = course.log, course.settings, course.tasks
    depth = settings.n_candidates
    found = _Windowed(
        {task: [] for task in tasks},
        {task: [] for task in tasks},
        {segment: {task: [] for task in tasks} for segment in SEGMENTS},
    )
    for window in course.windows:
        fitted = [source.fit(log, course.catalogue, now_ms=window.cut_ms) for source in sources]
        steps.done()
        both = asked_in(log, window, settings=settings)
        for pools, users in zip((found.deciding, found.calibrating), both, strict=True):
            asked = build_pools(log, fitted, window=window, tasks=tasks, users=users, depth=depth)
            for task in tasks:
                pools[task].append(asked[task])
        for segment, group in _segments(course, window, both[0]).items():
            ours = pools_of(group, fitted, tasks=tasks, n_items=log.n_items, depth=depth)
            for task in tasks:
                found.segments[segment][task].append(ours[task])
        steps.done()
    return found


def _choose(course: _Course, folds: Sequence[Fold], steps: _Steps) -> Choices:
    catalogue, settings = course.catalogue, course.settings
    if folds:
        return choose_on_folds(folds, catalogue, now_ms=course.now_ms, settings=settings, done=steps.done)
    return choose_on_windows(course.log, catalogue, course.windows, settings=settings, done=steps.done)


def _segments(course: _Course, window: Window, users: Sequence[int]) -> dict[Segment, Asked]:
    """Who of each segment is asked in a window; nobody where weights are fixed."""
    if course.settings.weights:
        return {}
    log, settings = course.log, course.settings
    return {
        "cold item": cold_items(log, window, settings=settings),
        "cold user": cold_users(log, window, settings=settings),
        "drifted user": drifted_users(log, course.catalogue, window, users, settings=settings),
    }


def _ask_folds(course: _Course, folds: Sequence[Fold], sources: Sequence[Source], *, steps: _Steps) -> _Pools:
    """What sources fitted without the held-out parts propose, against those parts."""
    pools: _Pools = {task: [] for task in course.tasks}
    for fold in folds:
        fitted = [source.fit(fold.log, course.catalogue, now_ms=course.now_ms) for source in sources]
        found = pools_of(
            fold.asked,
            fitted,
            tasks=course.tasks,
            n_items=course.log.n_items,
            depth=course.settings.n_candidates,
        )
        for task in course.tasks:
            pools[task].append(found[task])
        steps.done()
    return pools


class _Steps:
    """Counts steps for a progress callback."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._count = progress, total, 0

    def done(self) -> None:
        self._count += 1
        if self._progress is not None:
            self._progress(self._count, self._total)


def _check_weights(settings: RankingSettings, catalogue: Catalogue) -> None:
    every = default_sources(settings, Choices(), people=bool(catalogue.people.any()))
    known = [source.name for source in every]
    unknown = sorted(set(settings.weights) - set(known))
    if unknown:
        raise SettingsError(f"ranking.weights: expected names among {known!r}, got {unknown!r}")


def _decision(
    pools: Sequence[Pool],
    segments: Mapping[Segment, _Pools],
    names: Sequence[str],
    *,
    task: Task,
    settings: RankingSettings,
    grounds: Grounds,
) -> FusionDecision:
    if settings.weights:
        reason = "fixed by ranking.weights"
        return FusionDecision(task, dict(settings.weights), {}, (), 0, 0, reason, "settings")
    default = {name: weight for name, weight in DEFAULT_WEIGHTS[task].items() if name in names}
    decision = decide(pools, names, task=task, default=default, grounds=grounds)
    found = [
        decide_segment(segment, asked[task], names, overall=decision) for segment, asked in segments.items()
    ]
    return replace(decision, segments=tuple(found))


def _length_days(windows: Sequence[Window], settings: RankingSettings) -> float:
    if not windows:
        return settings.horizon_days
    return (windows[0].end_ms - windows[0].cut_ms) / 86_400_000
