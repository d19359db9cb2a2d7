"""Migration: the computed diff between two windows of one user. Pure; no model, no disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from agent.data.log import DAY_MS, Catalogue, InteractionLog
from agent.interests.evidence import collect_evidence
from agent.interests.frame import FacetFrame
from agent.interests.permutation import (
    DifferenceTest,
    benjamini_hochberg,
    difference_test,
    longest_gap_test,
    shuffled_orders,
    window_contrast,
)
from agent.interests.population import PopulationModel, crowd_shares
from agent.interests.sessions import SessionShares
from agent.schema import ChangeKind, FacetChange, Migration, UserId
from agent.settings import InterestSettings

# A facet seen in fewer sessions than this can be a single errand: it is never called a change.
MIN_FACET_SESSIONS = 3
# Sessions per window below which shuffling has too few arrangements to tell anything.
MIN_WINDOW_SESSIONS = 3
# A facet that is back for fewer sessions than this has not come back.
MIN_RETURN_SESSIONS = 2
# A pause ends a spell when chance gives one as long less often than this.
_SPELL_CHANCE = 0.01


@dataclass(frozen=True, slots=True)
class Windows:
    """Two adjacent windows: `[start, split)` and `[split, end)`, milliseconds UTC, days kept whole."""

    start_ms: int
    split_ms: int
    end_ms: int

    def masks(self, sessions: SessionShares) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which sessions lie in the earlier window, and which in the later."""
        return sessions.between(self.start_ms, self.split_ms), sessions.between(self.split_ms, self.end_ms)


def halve(sessions: SessionShares) -> Windows | None:
    """Windows with the same number of sessions each; None with fewer than two sessions."""
    if sessions.n_sessions < 2:
        return None
    start, end = int(sessions.days[0]), int(sessions.days[-1]) + 1
    split = int(sessions.days[sessions.n_sessions // 2])
    return Windows(start * DAY_MS, split * DAY_MS, end * DAY_MS)


def moment(milliseconds: int) -> datetime:
    """The aware UTC datetime of `milliseconds` since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


@dataclass(frozen=True, slots=True)
class _Tested:
    """Everything the kinds are decided from; columns are facets with enough sessions."""

    columns: NDArray[np.int64]
    test: DifferenceTest
    q_value: NDArray[np.float64]
    own_p: NDArray[np.float64]
    gap_q: NDArray[np.float64]


def compute_drift(
    sessions: SessionShares, windows: Windows, settings: InterestSettings
) -> tuple[float, float] | None:
    """`(drift_score, p_value)` of one user, or None with too few sessions: the fast scan over all users."""
    before, after = windows.masks(sessions)
    if min(before.sum(), after.sum()) < MIN_WINDOW_SESSIONS:
        return None
    shares = sessions.shares[before | after]
    columns = (shares > 0).sum(axis=0) >= MIN_FACET_SESSIONS
    if not columns.any():
        return None
    orders = shuffled_orders(len(shares), permutations=settings.permutations, seed=settings.seed)
    test = difference_test(shares[:, columns], window_contrast(orders, int(before.sum())))
    return test.drift_score, test.drift_p


def _test_facets(
    sessions: SessionShares,
    windows: Windows,
    facet_crowd: NDArray[np.float32] | None,
    settings: InterestSettings,
) -> _Tested | None:
    before, after = windows.masks(sessions)
    both = before | after
    n_before = int(before.sum())
    if min(n_before, int(after.sum())) < MIN_WINDOW_SESSIONS:
        return None
    shares = sessions.shares[both]
    columns = np.flatnonzero((shares > 0).sum(axis=0) >= MIN_FACET_SESSIONS)
    if not len(columns):
        return None
    orders = shuffled_orders(len(shares), permutations=settings.permutations, seed=settings.seed)
    contrast = window_contrast(orders, n_before)
    test = difference_test(shares[:, columns], contrast)
    own_p = test.p_value
    if facet_crowd is not None:
        own_p = difference_test(
            shares[:, columns],
            contrast,
            centre=_crowd_shift(shares[:, columns], facet_crowd[both][:, columns], contrast[0]),
        ).p_value
    gaps = [
        longest_gap_test(shares[:, column] > 0)[1] if _came_back(shares[:, column] > 0, n_before) else 1.0
        for column in columns
    ]
    return _Tested(columns, test, benjamini_hochberg(test.p_value), own_p, benjamini_hochberg(np.array(gaps)))


def _crowd_shift(
    shares: NDArray[np.float32], crowd: NDArray[np.float32], true_contrast: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The difference each facet would show had the user kept their level and moved with everyone."""
    level = shares.mean(axis=0, dtype=np.float64)
    typical = crowd.mean(axis=0, dtype=np.float64)
    ratio = np.divide(level, typical, out=np.zeros_like(level), where=typical > 0)
    shift: NDArray[np.float64] = (true_contrast.astype(np.float64) @ crowd.astype(np.float64)) * ratio
    return shift


def _came_back(active: NDArray[np.bool_], n_before: int) -> bool:
    """Whether the longest pause began in the earlier window and ended in the later, with a real return."""
    spots = np.flatnonzero(active)
    if len(spots) < 2 * MIN_RETURN_SESSIONS:
        return False
    longest = int(np.diff(spots).argmax())
    left, back = spots[longest], spots[longest + 1]
    enough = longest + 1 >= MIN_RETURN_SESSIONS and len(spots) - longest - 1 >= MIN_RETURN_SESSIONS
    return bool(enough and left < n_before <= back)


def find_spells(active: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last position of each spell of activity, in order.

    A pause of g sessions ends a spell when `(1 − rate)^g` falls under 1 %: what is usual for a facet of
    that rate is no pause.
    """
    spots = np.flatnonzero(active)
    if not len(spots):
        return []
    rate = len(spots) / len(active)
    allowed = np.inf if rate >= 1 else np.log(_SPELL_CHANCE) / np.log1p(-rate)
    cuts = np.flatnonzero(np.diff(spots) - 1 > allowed)
    starts = np.concatenate([[0], cuts + 1])
    ends = np.concatenate([cuts, [len(spots) - 1]])
    return [(int(spots[a]), int(spots[b])) for a, b in zip(starts, ends, strict=True)]


def _kind(
    *,
    active_before: int,
    active_after: int,
    active_earlier: int,
    difference: float,
    significant: bool,
    returned: bool,
) -> ChangeKind:
    if returned or (significant and not active_before and active_earlier and active_after):
        return "returned"
    if not significant:
        return "stable"
    if not active_before:
        return "new"
    if not active_after:
        return "dropped"
    return "rising" if difference > 0 else "fading"


def facet_category_parts(
    log: InteractionLog, catalogue: Catalogue, frame: FacetFrame, population: PopulationModel
) -> NDArray[np.float32]:
    """`(n_facets, n_categories)` float32: the part of a category, as the user has it, that is in a facet."""
    column = {name: position for position, name in enumerate(population.categories)}
    parts = np.zeros((frame.n_facets, len(column)), np.float32)
    facet = np.where(log.weight > 0, frame.facet_of(log.item), -1)
    items, inverse = np.unique(log.item[facet >= 0], return_inverse=True)
    counts = np.bincount(inverse)
    for item, position, count in zip(items, frame.facet_of(items), counts, strict=True):
        names = catalogue.categories[item]
        for name in names:
            if name in column:
                parts[position, column[name]] += count / len(names)
    total = parts.sum(axis=0, keepdims=True)
    np.divide(parts, total, out=parts, where=total > 0)
    return parts


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
) -> Migration:
    """How one user's interests moved between two windows.

    Args:
        log: that user's interactions, the ones `sessions` was computed from.
        windows: None gives an abstention.
        labels: facet key → words for it.
        population: without it no change is ascribed to the crowd.
        with_evidence: collect interaction ids on both sides and the intervals; else they stay empty.

    Returns:
        The migration with all facets that are shown or changed; `story` is left empty.
    """
    if windows is None:
        return _abstain(user_id, None, (0, 0), "No events yet: nothing can be said about change.")
    before, after = windows.masks(sessions)
    crowd = None
    if population is not None:
        crowd = crowd_shares(
            population, facet_category_parts(log, catalogue, frame, population), sessions.days
        )
    tested = _test_facets(sessions, windows, crowd, settings)
    sizes = (int(before.sum()), int(after.sum()))
    if tested is None:
        return _abstain(
            user_id,
            windows,
            sizes,
            f"Too few sessions to tell: {sizes[0]} before and {sizes[1]} after; "
            f"at least {MIN_WINDOW_SESSIONS} in each are needed, and 20 in all to see a moderate change.",
        )
    changes = _list_changes(sessions, windows, tested, frame=frame, settings=settings, labels=labels)
    if with_evidence:
        changes = tuple(
            _with_evidence(change, log, catalogue, position=position, sessions=sessions, windows=windows)
            for change in changes
            for position in (frame.keys.index(change.key),)
        )
    drifted = tested.test.drift_p < settings.alpha
    moved = any(change.kind != "stable" for change in changes)
    return Migration(
        user_id=user_id,
        before=(moment(windows.start_ms), moment(windows.split_ms)),
        after=(moment(windows.split_ms), moment(windows.end_ms)),
        n_sessions_before=sizes[0],
        n_sessions_after=sizes[1],
        drift_score=tested.test.drift_score,
        p_value=tested.test.drift_p,
        abstained=not drifted and not moved,
        changes=changes,
        note=_note(tested.test.drift_p, sum(sizes), drifted=drifted, moved=moved),
    )


def _note(drift_p: float, n_sessions: int, *, drifted: bool, moved: bool) -> str:
    """What has to be said beside the changes; empty when the whole and single facets moved alike."""
    if drifted and moved:
        return ""
    if drifted:
        return (
            "The mix moved beyond chance, spread over many interests; no single one stands out "
            "after correction for their number."
        )
    if moved:
        return (
            f"The mix as a whole is where it was (p = {drift_p:.3f}), but an interest left and "
            "came back in between."
        )
    return (
        f"No change beyond chance (p = {drift_p:.3f} over {n_sessions} sessions). "
        "A longer history, or a larger change, would be needed to tell."
    )


def _abstain(user_id: UserId, windows: Windows | None, sizes: tuple[int, int], note: str) -> Migration:
    return Migration(
        user_id=user_id,
        before=(moment(windows.start_ms), moment(windows.split_ms)) if windows else None,
        after=(moment(windows.split_ms), moment(windows.end_ms)) if windows else None,
        n_sessions_before=sizes[0],
        n_sessions_after=sizes[1],
        drift_score=0.0,
        p_value=1.0,
        abstained=True,
        changes=(),
        note=note,
    )


def _list_changes(
    sessions: SessionShares,
    windows: Windows,
    tested: _Tested,
    *,
    frame: FacetFrame,
    settings: InterestSettings,
    labels: Mapping[str, str],
) -> tuple[FacetChange, ...]:
    """Every tested facet with its kind, the changed ones first, strongest effect first; no evidence yet."""
    before, after = windows.masks(sessions)
    earlier = ~before & (sessions.days * DAY_MS < windows.start_ms)
    drifted = tested.test.drift_p < settings.alpha
    changes = []
    for spot, column in enumerate(tested.columns):
        active = sessions.shares[:, column] > 0
        kind = _kind(
            active_before=int(active[before].sum()),
            active_after=int(active[after].sum()),
            active_earlier=int(active[earlier].sum()),
            difference=float(tested.test.difference[spot]),
            significant=drifted and bool(tested.q_value[spot] <= settings.facet_fdr),
            returned=bool(tested.gap_q[spot] <= settings.alpha),
        )
        changes.append(
            FacetChange(
                key=frame.keys[column],
                label=labels.get(frame.keys[column], frame.keys[column]),
                kind=kind,
                share_before=float(sessions.shares[before, column].mean()),
                share_after=float(sessions.shares[after, column].mean()),
                effect=float(tested.test.effect[spot]),
                p_value=float(tested.test.p_value[spot]),
                q_value=float(tested.q_value[spot]),
                crowd=_is_crowd(kind, float(tested.test.p_value[spot]), float(tested.own_p[spot]), settings),
                evidence_before=(),
                evidence_after=(),
            )
        )
    changes.sort(key=lambda change: (change.kind == "stable", -abs(change.effect), change.key))
    return tuple(changes)


def _is_crowd(kind: ChangeKind, p_value: float, own_p: float, settings: InterestSettings) -> bool:
    """Whether a shift between the windows is there as it stands and gone without the crowd's.

    A return is no shift between the windows, so nothing of it can be everyone's.
    """
    shifted = kind in ("new", "rising", "fading", "dropped")
    return shifted and p_value < settings.alpha <= own_p


def _with_evidence(
    change: FacetChange,
    log: InteractionLog,
    catalogue: Catalogue,
    *,
    position: int,
    sessions: SessionShares,
    windows: Windows,
) -> FacetChange:
    """`change` with the interactions on both sides and its spells of activity."""
    before, after = (
        collect_evidence(log, catalogue, sessions, facet=position, sessions_mask=mask)
        for mask in windows.masks(sessions)
    )
    spells = find_spells(sessions.shares[:, position] > 0)
    days = sessions.days
    return dataclasses.replace(
        change,
        evidence_before=before,
        evidence_after=after,
        intervals=tuple(
            (moment(int(days[first]) * DAY_MS), moment((int(days[last]) + 1) * DAY_MS))
            for first, last in spells
        ),
    )
