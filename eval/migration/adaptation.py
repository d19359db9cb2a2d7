"""Adaptation: how soon a list follows a planted change, with and without the migration, and at what price."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.data.log import DAY_MS
from agent.interests.forgetting import compute_emphasis
from agent.interests.sessions import SessionShares
from agent.interests.state import UserState
from agent.listing.person import facet_queries
from agent.ranking.facet_vectors import FacetVectorSource
from agent.ranking.history import Context, FacetQuery
from agent.ranking.ranker import Ranker
from agent.ranking.windows import best_allowed
from agent.schema import UserId
from agent.session import Session as AgentSession
from eval.measures.proportions import show
from eval.measures.statistics import bootstrap_mean
from eval.migration.alarms import Tick
from eval.migration.histories import Analysed, Histories, Session, analyse
from eval.rows import Row

_BEFORE = 30
_STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 20)
_LENGTH = 10
_WANTED = 3
_SHARE_AT = 8
_NEXT = 5
# Counted for a list that has not followed by the last step.
_NEVER = _STEPS[-1] + 1
WAYS = ("with migration", "without", "static shares")


@dataclass(frozen=True)
class Lists:
    """The two recommenders that are watched: the fused list, and retrieval by facets alone."""

    session: AgentSession
    ranker: Ranker
    facets: FacetVectorSource
    named: NDArray[np.bool_]

    @classmethod
    def open(cls, session: AgentSession, *, left_out: Collection[int]) -> Lists:
        """Fits both on the events of everybody but those whose sessions are put before them, or asked for.

        What the others did at any time is known to them, alike in all of `WAYS`.

        Args:
            left_out: codes of the watched users and of those whose sessions are planted.
        """
        log, now_ms = session.log, session.now_ms
        others = log.take(~np.isin(log.user, sorted(left_out)))
        settings = session.settings
        ranker = Ranker.fit(
            others, session.catalogue, settings.ranking, now_ms=now_ms, repeats=settings.items.repeats
        )
        facets = FacetVectorSource().fit(others, session.catalogue, now_ms=now_ms)
        return cls(session, ranker, facets, session.catalogue.named)

    def fused(self, context: Context) -> list[int]:
        """Ten items of different titles, as the product lists them without a language model."""
        ranked = self.ranker.rank(context, 3 * _LENGTH, allowed=self.named)
        return self._different(ranked.items.tolist())

    def retrieved(self, context: Context) -> list[int]:
        """Ten items of different titles by the facets' quotas alone."""
        scores = self.facets.score([context])[0]
        return self._different(best_allowed(scores, self.named, depth=3 * _LENGTH).tolist())

    def _different(self, items: list[int]) -> list[int]:
        titles = self.session.catalogue.titles
        return list({titles[item]: item for item in reversed(items)}.values())[::-1][:_LENGTH]


def _context(lists: Lists, found: Analysed, *, way: str) -> Context:
    """The question to the recommenders, with the facets' quotas as one of `WAYS` says."""
    now_ms = int(found.log.timestamp_ms[-1]) + DAY_MS
    state = UserState(UserId("made up"), found.log, found.frame, found.sessions, {}, now_ms)
    changes = {change.key: change for change in found.migration.changes} if way == "with migration" else {}
    emphasis = (
        compute_emphasis(found.log, found.sessions, found.migration, frame=found.frame)
        if way == "with migration"
        else None
    )
    weights = None if emphasis is None else emphasis.weights
    facets = facet_queries(lists.session, state, changes, emphasis=weights)
    if way == "static shares":
        facets = _static_queries(found.frame.keys, found.sessions, found)
    return Context(
        None,
        found.log.item,
        found.log.timestamp_ms,
        found.log.weight,
        now_ms=now_ms,
        facets=facets,
        emphasis=weights,
        zone=found.log.zone,
    )


def _static_queries(
    keys: tuple[str, ...], sessions: SessionShares, found: Analysed
) -> tuple[FacetQuery, ...]:
    """Every facet by its share of the whole history, as a profile that is written once would have it."""
    shares = sessions.shares.mean(axis=0, dtype=np.float64)
    top = np.argsort(-shares, kind="stable")[:_LENGTH]
    return tuple(
        FacetQuery(keys[spot], found.frame.centroids[spot], float(shares[spot]), float(shares[spot]))
        for spot in top
        if shares[spot] > 0
    )


@dataclass(frozen=True)
class Followed:
    """One pair of users: per recommender and way, how the lists followed.

    Attributes:
        sessions: sessions after the change until three items of the new taste are listed.
        old: share of the list that is of the old taste, eight sessions after the change.
        hits: for the unchanged history, part of the list that is taken within the next five sessions.
    """

    sessions: dict[tuple[str, str], float]
    old: dict[tuple[str, str], float]
    hits: dict[tuple[str, str], float]


def _texts(histories: Histories, contents: list[Session], *, least: int) -> set[int]:
    """Texts that are taken in so many sessions or more."""
    counts: dict[int, int] = {}
    for one in contents:
        for text in set(histories.catalogue.text_row[histories.log.item[one]].tolist()):
            counts[text] = counts.get(text, 0) + 1
    return {text for text, count in counts.items() if count >= least}


def draw_pairs(histories: Histories, n_users: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Positions of users with sessions enough to be watched, each with the one whose taste they take up."""
    last = _STEPS[-1]
    users = (int(user) for user in histories.draw(_BEFORE + last, n_users, rng))
    pairs = ((user, histories.partner(user, last, rng)) for user in users)
    return [(user, partner) for user, partner in pairs if partner is not None]


def follow(histories: Histories, lists: Lists, user: int, partner: int) -> Followed:
    """Watches the lists of one user through a planted change to a partner's taste, and through none."""
    last = _STEPS[-1]
    own = list(histories.sessions[user][: _BEFORE + last])
    theirs = list(histories.sessions[partner][:last])
    days = np.array([int(histories.log.day[one[0]]) for one in own], np.int64)
    kept = own[:_BEFORE]
    new = _texts(histories, theirs, least=2) - _texts(histories, kept, least=1)
    old = _texts(histories, kept, least=2) - _texts(histories, theirs, least=1)
    watched = Followed({}, {}, {})
    for step in _STEPS:
        n = _BEFORE + step
        changed = analyse(histories, kept + theirs[:step], days=days[:n])
        for key, texts in _listed(histories, lists, changed).items():
            if key not in watched.sessions and sum(text in new for text in texts) >= _WANTED:
                watched.sessions[key] = float(step)
            if step == _SHARE_AT:
                watched.old[key] = sum(text in old for text in texts) / _LENGTH
    still = analyse(histories, own[: _BEFORE + _SHARE_AT], days=days[: _BEFORE + _SHARE_AT])
    coming = _texts(histories, own[_BEFORE + _SHARE_AT :][:_NEXT], least=1)
    for key, texts in _listed(histories, lists, still).items():
        watched.sessions.setdefault(key, float(_NEVER))
        watched.hits[key] = sum(text in coming for text in texts) / _LENGTH
    return watched


def _listed(histories: Histories, lists: Lists, found: Analysed) -> dict[tuple[str, str], list[int]]:
    text_row = histories.catalogue.text_row
    listed = {}
    for way in WAYS:
        context = _context(lists, found, way=way)
        listed["fused list", way] = [int(text_row[item]) for item in lists.fused(context)]
        listed["retrieval by facets", way] = [int(text_row[item]) for item in lists.retrieved(context)]
    return listed


def adaptation_rows(
    histories: Histories, session: AgentSession, *, n_users: int, seed: int, tick: Tick
) -> Iterator[Row]:
    """Sessions until the list has followed, what is left of the old taste, the price for the unchanged.

    Nothing of the watched users or of their partners was fitted on: their next sessions are the label.
    """
    rng = np.random.default_rng([seed, 4])
    pairs = draw_pairs(histories, n_users, rng)
    if len(pairs) < 5:
        yield Row(f"{histories.name}: adaptation", f"not measured: {len(pairs)} users have as many sessions")
        return
    lists = Lists.open(session, left_out={histories.users[one] for pair in pairs for one in pair})
    watched = []
    for done, (user, partner) in enumerate(pairs, start=1):
        tick(f"{histories.name}: adaptation", done, len(pairs))
        watched.append(follow(histories, lists, user, partner))
    for which in ("retrieval by facets", "fused list"):
        where = f"{histories.name}, {len(watched)} users, {which}"
        yield from _compare_rows(watched, which, where)


def _compare_rows(watched: list[Followed], which: str, where: str) -> Iterator[Row]:
    measures = {
        f"sessions until {_WANTED} of {_LENGTH} are of the new taste ({_NEVER} when not by then)": "sessions",
        f"share of the old taste {_SHARE_AT} sessions after": "old",
        f"unchanged users: part of the list taken in their next {_NEXT} sessions": "hits",
    }
    for what, name in measures.items():
        values = {
            way: np.array([getattr(entry, name)[which, way] for entry in watched], np.float64) for way in WAYS
        }
        means = ", ".join(f"{way} {values[way].mean():.3g}" for way in WAYS)
        gap = bootstrap_mean(values["with migration"] - values["without"])
        static = bootstrap_mean(values["with migration"] - values["static shares"])
        figure = (
            f"{means}; migration − without {show(gap, digits=3, signed=True)}, "
            f"− static {show(static, digits=3, signed=True)}"
        )
        if name == "hits":
            yield Row(f"{where}: {what}", figure, "no loss", not gap.worse)
        else:
            yield Row(f"{where}: {what}", figure, "lower than without", gap.high < 0)
