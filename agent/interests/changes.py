"""What became of each facet between two windows: its kind, its figures, its evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue, InteractionLog
from agent.interests.affinity import session_affinity
from agent.interests.change_test import MIN_RETURN_SESSIONS, ChangeTest, change_test
from agent.interests.evidence import collect_evidence
from agent.interests.frame import FacetFrame
from agent.interests.permutation import (
    DifferenceTest,
    absence_p_value,
    benjamini_hochberg,
    difference_test,
    shuffled_orders,
    window_contrast,
)
from agent.interests.population import crowd_shift
from agent.interests.season import find_seasons
from agent.interests.sessions import SessionShares
from agent.interests.threads import one_thread
from agent.interests.timeline import find_spells, spell_moments
from agent.schema import ChangeKind, FacetChange, Season
from agent.settings import InterestSettings

# A facet seen in fewer sessions than this can be a single errand: it is never called a change.
MIN_FACET_SESSIONS = 3
# Sessions per window below which shuffling has too few arrangements to tell anything.
MIN_WINDOW_SESSIONS = 3
# What stands for the overall test where nothing is left beside the seasons.
_UNMOVED = ChangeTest(0.0, 1.0, 1.0, 1.0, None)
# An interest has left for an interlude when it is in at most this part of the sessions usual around it.
_LEFT_RATE = 0.25
# Chance of a full absence above which a facet is too rare to be missed.
_MISSABLE = 0.02


@dataclass(frozen=True, slots=True)
class Tested:
    """Everything the kinds are decided from.

    Attributes:
        sessions: those of both windows, in time order; the first `n_before` are the earlier window.
        rest: the same beside the seasonal facets; `n_rest_before` of them are in the earlier window.
        seasons: the seasonal facets by column, with what is known of their seasons.
        whole: the test of all other facets together: without it nothing is a change. Its interlude is in
            places of `rest`.
        columns: facets with enough sessions; what follows has one entry each.
        test: of the difference of shares; `q_value` its false discovery rate.
        own_p: of the difference with the crowd's shift taken out.
        return_q: false discovery rate of having been away during the interlude by chance.
    """

    sessions: SessionShares
    n_before: int
    rest: SessionShares
    n_rest_before: int
    seasons: Mapping[int, Season]
    whole: ChangeTest
    columns: NDArray[np.int64]
    test: DifferenceTest
    q_value: NDArray[np.float64]
    own_p: NDArray[np.float64]
    return_q: NDArray[np.float64]

    @property
    def rest_sizes(self) -> tuple[int, int]:
        """Sessions in the earlier and the later window that hold more than seasonal facets."""
        return self.n_rest_before, self.rest.n_sessions - self.n_rest_before

    def masks(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which of `sessions` lie in the earlier window, and which in the later."""
        before = np.arange(self.sessions.n_sessions) < self.n_before
        return before, ~before

    def share_of(self, column: int) -> tuple[float, float]:
        """Mean share per session before and after, of the activity that the facet was judged in."""
        held, n_before = (
            (self.sessions, self.n_before) if column in self.seasons else (self.rest, self.n_rest_before)
        )
        before, after = held.shares[:n_before, column], held.shares[n_before:, column]
        return float(before.mean()) if len(before) else 0.0, float(after.mean()) if len(after) else 0.0


def enough_columns(sessions: SessionShares) -> NDArray[np.int64]:
    """The facets that were active in enough sessions to be judged."""
    return np.flatnonzero((sessions.shares > 0).sum(axis=0) >= MIN_FACET_SESSIONS)


def seasonal_columns(
    sessions: SessionShares,
    everything: SessionShares,
    settings: InterestSettings,
    *,
    today: int | None = None,
) -> dict[int, Season]:
    """The facets with a yearly rhythm, by column, from everything up to the end of the windows.

    Args:
        sessions: of both windows; not empty.
        everything: all sessions of the user.
        today: day number of the moment that is asked about; None: the day of the newest of `sessions`.
    """
    past = everything.days <= sessions.days[-1]
    columns = enough_columns(sessions)
    active = everything.shares[past][:, columns] > 0
    found = find_seasons(everything.days[past], active, settings, zone=everything.zone, today=today)
    return {int(columns[spot]): season for spot, season in found.items()}


def beside_seasons(
    sessions: SessionShares, n_before: int, seasons: Collection[int]
) -> tuple[SessionShares, int]:
    """`sessions` without the seasonal columns, and how many of what is left are in the earlier window."""
    rest = sessions.without(seasons)
    return rest, int(np.isin(rest.days, sessions.days[:n_before]).sum())


def run_whole_test(
    log: InteractionLog,
    catalogue: Catalogue,
    sessions: SessionShares,
    n_before: int,
    *,
    settings: InterestSettings,
) -> ChangeTest | None:
    """The overall test; None with too few sessions in a window.

    Args:
        sessions: of both windows; the first `n_before` are the earlier one. What comes with the season is to
            be left out of them before.
    """
    if min(n_before, sessions.n_sessions - n_before) < MIN_WINDOW_SESSIONS:
        return None
    orders = shuffled_orders(sessions.n_sessions, permutations=settings.permutations, seed=settings.seed)
    contrast = window_contrast(orders, n_before)
    with one_thread():
        affinity = session_affinity(log, catalogue, sessions)
        return change_test(affinity, orders, n_before, contrast=contrast)


def _contrast(n_sessions: int, n_before: int, settings: InterestSettings) -> NDArray[np.float32]:
    orders = shuffled_orders(n_sessions, permutations=settings.permutations, seed=settings.seed)
    return window_contrast(orders, n_before)


def run_facet_tests(
    log: InteractionLog,
    catalogue: Catalogue,
    sessions: SessionShares,
    n_before: int,
    *,
    seasons: Mapping[int, Season],
    crowd: NDArray[np.float32] | None,
    settings: InterestSettings,
) -> Tested:
    """The overall test and that of every facet.

    A facet with a yearly rhythm is left out of the overall test and of the shares of the others: that it was
    up in one window says which part of the year that was. Beside seasons alone nothing can have moved.

    Args:
        sessions: of both windows; the first `n_before` are the earlier one. Enough for a test in each.
        seasons: the seasonal facets by column.
        crowd: `(n_rest_sessions, n_facets)` from `crowd_shares`, of the sessions that are left beside the
            seasons; None ascribes nothing to the crowd.
    """
    rest, n_rest_before = beside_seasons(sessions, n_before, seasons)
    whole = run_whole_test(log, catalogue, rest, n_rest_before, settings=settings) or _UNMOVED
    columns = enough_columns(sessions)
    of_season = np.isin(columns, list(seasons))
    # Nothing of a season is ever ascribed to the crowd.
    found = _test_columns(sessions, columns, n_before, None if seasons else crowd, settings)
    if seasons and min(n_rest_before, rest.n_sessions - n_rest_before) >= MIN_WINDOW_SESSIONS:
        others = _test_columns(rest, columns, n_rest_before, crowd, settings)
        found = tuple(np.where(of_season, one, other) for one, other in zip(found, others, strict=True))
    difference, effect, p_value, own_p = found
    q_value = benjamini_hochberg(p_value)
    q_value[~of_season] = benjamini_hochberg(p_value[~of_season])
    return_q = np.ones(len(columns))
    return_q[~of_season] = _return_q(rest.shares[:, columns[~of_season]] > 0, whole.interlude)
    return Tested(
        sessions=sessions,
        n_before=n_before,
        rest=rest,
        n_rest_before=n_rest_before,
        seasons=seasons,
        whole=whole,
        columns=columns,
        test=DifferenceTest(difference, effect, p_value),
        q_value=q_value,
        own_p=own_p,
        return_q=return_q,
    )


def _test_columns(
    sessions: SessionShares,
    columns: NDArray[np.int64],
    n_before: int,
    crowd: NDArray[np.float32] | None,
    settings: InterestSettings,
) -> tuple[NDArray[np.float64], ...]:
    """Difference, effect, p-value and p-value beside the crowd, `(n_columns,)` each."""
    contrast = _contrast(sessions.n_sessions, n_before, settings)
    shares = sessions.shares[:, columns]
    with one_thread():
        test = difference_test(shares, contrast)
        own_p = test.p_value
        if crowd is not None:
            shift = crowd_shift(shares, crowd[:, columns], contrast[0])
            own_p = difference_test(shares, contrast, centre=shift).p_value
    return test.difference, test.effect, test.p_value, own_p


def _return_q(active: NDArray[np.bool_], interlude: tuple[int, int] | None) -> NDArray[np.float64]:
    """`(n_columns,)` false discovery rate of each facet's having left during the interlude and come back.

    1 for facets that were there, and for those that never came back.

    Args:
        active: `(n_sessions, n_columns)`.
        interlude: of the overall test.
    """
    q_values = np.ones(active.shape[1])
    if interlude is None:
        return q_values
    n, (begin, end) = len(active), interlude
    length, totals = end - begin, active.sum(axis=0)
    # What is too rare to be missed in a stretch of that length cannot tell, and must not count as a trial
    # (Tarone 1990, "A modified Bonferroni method for discrete data", doi 10.2307/2531456).
    can_tell = [
        spot
        for spot, total in enumerate(totals)
        if absence_p_value(n_sessions=n, n_active=int(total), length=length) <= _MISSABLE
    ]
    inside = active[begin:end].sum(axis=0)
    p_values = [
        absence_p_value(n_sessions=n, n_active=int(totals[spot]), length=length, inside=int(inside[spot]))
        for spot in can_tell
    ]
    q_values[can_tell] = benjamini_hochberg(np.array(p_values))
    usual = (totals - inside) / (n - length)
    back = np.minimum(active[:begin].sum(axis=0), active[end:].sum(axis=0)) >= MIN_RETURN_SESSIONS
    q_values[~back | (inside / length > _LEFT_RATE * usual)] = 1.0
    return q_values


def list_changes(
    tested: Tested,
    everything: SessionShares,
    *,
    frame: FacetFrame,
    settings: InterestSettings,
    labels: Mapping[str, str],
) -> tuple[FacetChange, ...]:
    """Every tested facet with its kind, the changed ones first, strongest effect first; no evidence yet.

    A facet with a yearly rhythm is seasonal, whatever it does between the windows and whether or not anything
    is called a change: that it was up in one of them says no more than which part of the year that was.

    Args:
        everything: all sessions of the user, those before the windows too: what was known then is not new.
    """
    changes = []
    for spot, column in enumerate(tested.columns):
        season = tested.seasons.get(int(column))
        share_before, share_after = tested.share_of(int(column))
        kind: ChangeKind = "seasonal" if season else _kind(tested, everything, spot, settings=settings)
        p_value = float(tested.test.p_value[spot])
        changes.append(
            FacetChange(
                key=frame.keys[column],
                label=labels.get(frame.keys[column], frame.keys[column]),
                kind=kind,
                share_before=share_before,
                share_after=share_after,
                effect=float(tested.test.effect[spot]),
                p_value=p_value,
                q_value=float(tested.q_value[spot]),
                crowd=_is_crowd(kind, p_value, float(tested.own_p[spot]), settings),
                evidence_before=(),
                evidence_after=(),
                intervals=season.episodes if season else (),
                season=season,
            )
        )
    last = {"stable": 2, "seasonal": 1}
    changes.sort(key=lambda change: (last.get(change.kind, 0), -abs(change.effect), change.key))
    return tuple(changes)


def _kind(tested: Tested, everything: SessionShares, spot: int, *, settings: InterestSettings) -> ChangeKind:
    column = tested.columns[spot]
    active = tested.rest.shares[:, column] > 0
    was, now = bool(active[: tested.n_rest_before].any()), bool(active[tested.n_rest_before :].any())
    if tested.whole.return_p < settings.alpha and tested.return_q[spot] <= settings.facet_fdr:
        return "returned"
    if tested.whole.shift_p >= settings.alpha or tested.q_value[spot] > settings.facet_fdr:
        return "stable"
    if not was:
        known = (everything.shares[everything.days < tested.sessions.days[0], column] > 0).any()
        return "returned" if known else "new"
    if not now:
        return "dropped"
    return "rising" if tested.test.difference[spot] > 0 else "fading"


def _is_crowd(kind: ChangeKind, p_value: float, own_p: float, settings: InterestSettings) -> bool:
    """Whether a shift between the windows is there as it stands and gone without the crowd's.

    A return is no shift between the windows, so nothing of it can be everyone's; nor is a season.
    """
    shifted = kind in ("new", "rising", "fading", "dropped")
    return shifted and p_value < settings.alpha <= own_p


def add_evidence(
    change: FacetChange,
    log: InteractionLog,
    catalogue: Catalogue,
    *,
    tested: Tested,
    everything: SessionShares,
    position: int,
) -> FacetChange:
    """`change` with the interactions on both sides and its spells of activity; seasons stay as they are.

    Args:
        everything: all sessions of the user; spells may begin before the windows.
        position: of the facet in the frame.
    """
    before, after = (
        collect_evidence(log, catalogue, tested.sessions, facet=position, sessions_mask=mask)
        for mask in tested.masks()
    )
    if change.season is not None:
        return dataclasses.replace(change, evidence_before=before, evidence_after=after)
    interlude = None
    if change.kind == "returned" and tested.whole.interlude is not None:
        begin, end = tested.whole.interlude
        first, last = np.searchsorted(everything.days, tested.rest.days[[begin, end - 1]])
        interlude = (int(first), int(last) + 1)
    spells = find_spells(everything.shares[:, position] > 0, interlude=interlude)
    return dataclasses.replace(
        change,
        evidence_before=before,
        evidence_after=after,
        intervals=spell_moments(everything, spells),
    )
