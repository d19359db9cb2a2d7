"""Migration: the computed diff between two windows of one user. Pure; no model, no disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from agent.data.days import day_number, day_start
from agent.data.log import Catalogue, InteractionLog
from agent.interests.changepoints import find_splits
from agent.interests.changes import (
    MIN_WINDOW_SESSIONS,
    Tested,
    add_evidence,
    beside_seasons,
    list_changes,
    run_facet_tests,
    run_whole_test,
    seasonal_columns,
)
from agent.interests.dislikes import compute_dislikes
from agent.interests.frame import FacetFrame
from agent.interests.notes import migration_note, nothing_note, say
from agent.interests.population import PopulationModel, crowd_shares, facet_category_parts
from agent.interests.sessions import SessionShares
from agent.interests.sessions import moment as moment
from agent.interests.windows import Windows as Windows
from agent.interests.windows import halve as halve
from agent.interests.words import Language
from agent.schema import ChangePoint, DislikeChange, FacetChange, Migration, UserId
from agent.settings import InterestSettings


def compute_drift(
    sessions: SessionShares,
    windows: Windows,
    settings: InterestSettings,
    *,
    log: InteractionLog,
    catalogue: Catalogue,
    moment_ms: int | None = None,
) -> tuple[float, float] | None:
    """`(drift_score, p_value)` of one user, or None with too few sessions: the fast scan over all users.

    Args:
        log: that user's interactions, the ones `sessions` was computed from.
        moment_ms: as for `compute_migration`.
    """
    before, after = windows.masks(sessions)
    both = sessions.take(before | after)
    n_before = int(before.sum())
    if min(n_before, both.n_sessions - n_before) < MIN_WINDOW_SESSIONS:
        return None
    today = _today(windows, moment_ms, sessions.zone)
    seasons = seasonal_columns(both, sessions, settings, today=today)
    rest, n_rest_before = beside_seasons(both, n_before, seasons)
    found = run_whole_test(log, catalogue, rest, n_rest_before, settings=settings)
    # Beside seasons alone nothing can have moved.
    return (0.0, 1.0) if found is None else (found.drift_score, found.p_value)


def compute_migration(
    user_id: UserId,
    log: InteractionLog,
    catalogue: Catalogue,
    *,
    frame: FacetFrame,
    sessions: SessionShares,
    windows: Windows | None,
    settings: InterestSettings,
    labels: Mapping[str, str],
    population: PopulationModel | None = None,
    with_evidence: bool = True,
    n_left_out: int = 0,
    language: Language = "en",
    moment_ms: int | None = None,
) -> Migration:
    """How one user's interests moved between two windows.

    Args:
        log: that user's interactions, the ones `sessions` was computed from.
        windows: None gives an abstention.
        labels: facet key → words for it.
        population: of the other users; without it no change is ascribed to the crowd.
        with_evidence: collect interaction ids on both sides, intervals, change points and dislikes; else
            they stay empty.
        n_left_out: events of the user that do not count and are not in `log`; for the note.
        language: of the note.
        moment_ms: the moment that is asked about, in milliseconds UTC: which seasons are on, due or missed by
            then; None: the end of the windows.

    Returns:
        The migration with all facets that are shown or changed; `story` is left empty.
    """
    if windows is None:
        note = nothing_note(
            len(log), sessions.n_sessions, n_left_out=n_left_out, least=MIN_WINDOW_SESSIONS, language=language
        )
        end_ms = int(log.timestamp_ms.max()) + 1 if len(log) else 0
        rejected = _dislikes(log, catalogue, frame, settings, (end_ms, end_ms), wanted=with_evidence)
        return _abstain(user_id, None, (0, 0), note, dislikes=rejected, zone=log.zone)
    before, after = windows.masks(sessions)
    sizes = (int(before.sum()), int(after.sum()))
    both = sessions.take(before | after)
    moments = (windows.split_ms, windows.end_ms)
    dislikes = _dislikes(log, catalogue, frame, settings, moments, wanted=with_evidence)
    if min(sizes) < MIN_WINDOW_SESSIONS:
        note = say(language, "few", before=sizes[0], after=sizes[1], least=MIN_WINDOW_SESSIONS)
        return _abstain(user_id, windows, sizes, note, dislikes=dislikes, zone=log.zone)
    seasons = seasonal_columns(both, sessions, settings, today=_today(windows, moment_ms, log.zone))
    crowd = None
    if population is not None:
        crowd = _crowd(log, catalogue, frame, population, both, n_before=sizes[0], seasons=seasons)
    tested = run_facet_tests(log, catalogue, both, sizes[0], seasons=seasons, crowd=crowd, settings=settings)
    changes = list_changes(tested, sessions, frame=frame, settings=settings, labels=labels)
    if with_evidence:
        changes = _evidenced(changes, log, catalogue, tested, sessions, frame=frame)
    abstained = tested.whole.p_value >= settings.alpha
    return Migration(
        user_id=user_id,
        before=(moment(windows.start_ms, log.zone), moment(windows.split_ms, log.zone)),
        after=(moment(windows.split_ms, log.zone), moment(windows.end_ms, log.zone)),
        n_sessions_before=sizes[0],
        n_sessions_after=sizes[1],
        drift_score=tested.whole.drift_score,
        p_value=tested.whole.p_value,
        abstained=abstained,
        changes=changes,
        note=_note(tested, changes, settings, language),
        change_points=_change_points(tested) if with_evidence and not abstained else (),
        dislikes=dislikes,
        interlude=_interlude(tested, settings),
    )


def _today(windows: Windows, moment_ms: int | None, zone: str) -> int:
    """The day that holds the last millisecond before the moment asked about."""
    return day_number((windows.end_ms if moment_ms is None else moment_ms) - 1, zone)


def _note(
    tested: Tested, changes: tuple[FacetChange, ...], settings: InterestSettings, language: Language
) -> str:
    before, after = tested.rest_sizes
    if min(before, after) < MIN_WINDOW_SESSIONS:
        return say(language, "few beside seasons", before=before, after=after, least=MIN_WINDOW_SESSIONS)
    return migration_note(tested.whole, tested.rest.n_sessions, changes, settings=settings, language=language)


def _dislikes(
    log: InteractionLog,
    catalogue: Catalogue,
    frame: FacetFrame,
    settings: InterestSettings,
    moments: tuple[int, int],
    *,
    wanted: bool,
) -> tuple[DislikeChange, ...]:
    """What was rejected, by `moments` (split, end) in milliseconds UTC; empty where it is not wanted."""
    if not wanted or not len(log):
        return ()
    split_ms, end_ms = moments
    return compute_dislikes(log, catalogue, frame, settings, split_ms=split_ms, end_ms=end_ms)


def _evidenced(
    changes: tuple[FacetChange, ...],
    log: InteractionLog,
    catalogue: Catalogue,
    tested: Tested,
    sessions: SessionShares,
    *,
    frame: FacetFrame,
) -> tuple[FacetChange, ...]:
    place = {key: spot for spot, key in enumerate(frame.keys)}
    return tuple(
        add_evidence(change, log, catalogue, tested=tested, everything=sessions, position=place[change.key])
        for change in changes
    )


def _crowd(
    log: InteractionLog,
    catalogue: Catalogue,
    frame: FacetFrame,
    population: PopulationModel,
    sessions: SessionShares,
    *,
    n_before: int,
    seasons: Collection[int],
) -> NDArray[np.float32]:
    """The crowd's shares in each session that is left beside the seasons, and of what is left there."""
    rest, n_rest_before = beside_seasons(sessions, n_before, seasons)
    parts = facet_category_parts(log, catalogue, frame, population)
    return crowd_shares(population, parts, rest.days, n_before=n_rest_before, left_out=seasons)


def _interlude(tested: Tested, settings: InterestSettings) -> tuple[datetime, datetime] | None:
    found = tested.whole.interlude
    if found is None or tested.whole.return_p >= settings.alpha:
        return None
    first, last = (int(tested.rest.days[spot]) for spot in (found[0], found[1] - 1))
    return day_start(first, tested.sessions.zone), day_start(last + 1, tested.sessions.zone)


def _change_points(tested: Tested) -> tuple[ChangePoint, ...]:
    """Where the mix beside the seasonal facets changed, in places of the sessions of both windows."""
    days, zone = tested.sessions.days, tested.sessions.zone
    found = []
    for split in find_splits(tested.rest.shares):
        day = int(tested.rest.days[split.session])
        found.append(ChangePoint(day_start(day, zone), int(np.searchsorted(days, day)), split.log_odds))
    return tuple(found)


def _abstain(
    user_id: UserId,
    windows: Windows | None,
    sizes: tuple[int, int],
    note: str,
    *,
    dislikes: tuple[DislikeChange, ...] = (),
    zone: str,
) -> Migration:
    return Migration(
        user_id=user_id,
        before=(moment(windows.start_ms, zone), moment(windows.split_ms, zone)) if windows else None,
        after=(moment(windows.split_ms, zone), moment(windows.end_ms, zone)) if windows else None,
        n_sessions_before=sizes[0],
        n_sessions_after=sizes[1],
        drift_score=0.0,
        p_value=1.0,
        abstained=True,
        changes=(),
        note=note,
        dislikes=dislikes,
    )
