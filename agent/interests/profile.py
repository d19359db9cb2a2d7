"""The profile of one user at a moment: facets with recency-weighted shares. Words come from outside."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from agent.data.days import day_number, day_start_ms
from agent.data.log import Catalogue, InteractionLog
from agent.interests.evidence import collect_evidence
from agent.interests.feedback import FeedbackState
from agent.interests.frame import FacetFrame
from agent.interests.migration import moment
from agent.interests.notes import profile_note, say
from agent.interests.sessions import SessionShares, compute_recency_shares
from agent.interests.words import FacetWords, Language
from agent.schema import Facet, FacetMark, ItemId, Migration, OtherEvidence, Profile, UserId
from agent.settings import InterestSettings

_ITEMS_SHOWN = 10
_DISLIKES_SHOWN = 12


def compute_profile(
    user_id: UserId,
    log: InteractionLog,
    catalogue: Catalogue,
    *,
    frame: FacetFrame,
    sessions: SessionShares,
    moment_ms: int,
    words: Mapping[str, FacetWords],
    settings: InterestSettings,
    feedback: FeedbackState | None = None,
    with_evidence: bool = True,
    n_left_out: int = 0,
    language: Language = "en",
) -> Profile:
    """The profile of one user as it stood at `moment_ms`; version 0, not stored yet.

    Args:
        log: that user's interactions before `moment_ms`, the ones `sessions` was computed from.
        words: what each facet key is called.
        feedback: what the user asked for; pinned facets are shown however small, the others marked.
        with_evidence: collect the interaction ids of each facet, shown or not; else they stay empty.
        n_left_out: events of the user that do not count and are not in `log`; for the note.
        language: of the note.

    Raises:
        ValueError: `log` holds an event at or after the moment.
    """
    if not len(log):
        note = say(language, "all left out", n=n_left_out) if n_left_out else say(language, "unknown")
        return _empty(user_id, moment(moment_ms, log.zone), note)
    first_ms, last_ms = int(log.timestamp_ms.min()), int(log.timestamp_ms.max())
    if last_ms >= moment_ms:
        raise ValueError(f"the log reaches {moment(last_ms)}, not only to before {moment(moment_ms)}")
    newest = day_start_ms(day_number(last_ms, log.zone) + 1, log.zone)
    shares = compute_recency_shares(sessions, newest, settings.half_life_days)
    shown = _leading(shares, sessions, settings.max_worded, pinned=_pinned(frame, feedback))
    facets = tuple(
        _facet(
            log,
            catalogue,
            sessions,
            position,
            share=float(shares[position]),
            key=frame.keys[position],
            named=words[frame.keys[position]],
            marks=feedback.marks(frame.keys[position]) if feedback else (),
            with_evidence=with_evidence,
        )
        for position in shown
    )
    return Profile(
        user_id=user_id,
        version=0,
        parent=None,
        moment=moment(moment_ms, log.zone),
        window=(moment(first_ms, log.zone), moment(last_ms, log.zone)),
        facets=facets,
        other_share=max(0.0, 1.0 - sum(facet.share for facet in facets)) if facets else 0.0,
        n_interactions=len(log),
        n_sessions=sessions.n_sessions,
        dislikes=_dislikes(log, catalogue),
        other_evidence=_other_evidence(log, sessions, frame, shown) if with_evidence else (),
        note=profile_note(len(log), sessions.n_sessions, len(facets), settings=settings, language=language),
    )


def _empty(user_id: UserId, at: datetime, note: str) -> Profile:
    return Profile(
        user_id=user_id,
        version=0,
        parent=None,
        moment=at,
        window=None,
        facets=(),
        other_share=0.0,
        n_interactions=0,
        n_sessions=0,
        note=note,
    )


def _pinned(frame: FacetFrame, feedback: FeedbackState | None) -> frozenset[int]:
    """Positions of the pinned facets."""
    wanted = feedback.pinned if feedback else frozenset[str]()
    return frozenset(position for position, key in enumerate(frame.keys) if key in wanted)


def _leading(
    shares: NDArray[np.float64], sessions: SessionShares, limit: int, *, pinned: frozenset[int]
) -> list[int]:
    """Positions of the facets that matter most: the pinned, those of two sessions or more, then by share."""
    support = (sessions.shares > 0).sum(axis=0)
    order = sorted(
        np.flatnonzero(shares > 0),
        key=lambda spot: (int(spot) not in pinned, support[spot] < 2, -shares[spot], spot),
    )
    limit = max(limit, len(pinned))
    return sorted((int(spot) for spot in order[:limit]), key=lambda spot: (-shares[spot], spot))


def _facet(
    log: InteractionLog,
    catalogue: Catalogue,
    sessions: SessionShares,
    position: int,
    *,
    share: float,
    key: str,
    named: FacetWords,
    marks: tuple[FacetMark, ...],
    with_evidence: bool,
) -> Facet:
    everything = np.full(sessions.n_sessions, with_evidence)
    evidence = collect_evidence(log, catalogue, sessions, facet=position, sessions_mask=everything)
    rows = np.flatnonzero(sessions.facet == position)
    codes, counts = np.unique(log.item[rows], return_counts=True)
    most_used = codes[np.argsort(-counts, kind="stable")][:_ITEMS_SHOWN]
    return Facet(
        key=key,
        label=named.label,
        description=named.description,
        share=share,
        n_sessions=int((sessions.shares[:, position] > 0).sum()),
        first_seen=moment(int(log.timestamp_ms[rows].min()), log.zone),
        last_seen=moment(int(log.timestamp_ms[rows].max()), log.zone),
        evidence=evidence,
        item_ids=tuple(ItemId(catalogue.item_ids[code]) for code in most_used),
        worded_by=named.worded_by,
        marks=marks,
    )


def _other_evidence(
    log: InteractionLog, sessions: SessionShares, frame: FacetFrame, shown: Collection[int]
) -> tuple[OtherEvidence, ...]:
    """The interactions of every facet that is not shown: what a version rests on stays in the next ones."""
    return tuple(
        OtherEvidence(frame.keys[spot], tuple(log.interaction_id[sessions.facet == spot].tolist()))
        for spot in np.unique(sessions.facet[sessions.facet >= 0]).tolist()
        if spot not in shown
    )


def _dislikes(log: InteractionLog, catalogue: Catalogue) -> tuple[str, ...]:
    rows = np.flatnonzero((log.weight < 0) & (log.item >= 0))[::-1]
    return tuple(dict.fromkeys(catalogue.titles[log.item[row]] for row in rows))[:_DISLIKES_SHOWN]


def profile_to_json(profile: Profile) -> str:
    """`profile` as JSON text, read back by `profile_from_json`."""
    return TypeAdapter(Profile).dump_json(profile).decode()


def profile_from_json(text: str) -> Profile:
    """The profile that `profile_to_json` wrote."""
    return TypeAdapter(Profile).validate_json(text)


def migration_to_json(migration: Migration) -> str:
    """`migration` as JSON text, read back by `migration_from_json`."""
    return TypeAdapter(Migration).dump_json(migration).decode()


def migration_from_json(text: str) -> Migration:
    """The migration that `migration_to_json` wrote."""
    return TypeAdapter(Migration).validate_json(text)
