"""False alarms: how often something is called a change where the days were put in order by chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from agent.interests.changes import run_whole_test, seasonal_columns
from eval.measures.proportions import rate, show
from eval.migration.histories import Analysed, Histories, Session, analyse
from eval.rows import Row

Tick = Callable[[str, int, int], None]
_TARGET = (0.03, 0.07)


def _shuffled(sessions: list[Session], rng: np.random.Generator) -> list[Session]:
    """The whole days in random order."""
    return [sessions[int(spot)] for spot in rng.permutation(len(sessions))]


def _split_at_random(sessions: list[Session], rng: np.random.Generator) -> list[Session]:
    """A random half of the days, in their order, then the other half in theirs."""
    order = rng.permutation(len(sessions))
    half = len(sessions) // 2
    return [sessions[int(spot)] for part in (order[:half], order[half:]) for spot in sorted(part)]


def alarm_rows(
    histories: Histories, *, n_histories: int, min_sessions: int, seed: int, tick: Tick
) -> Iterator[Row]:
    """Two rows: changes reported on shuffled days, and between random halves of a history.

    Days keep their order within the random halves, so what lies across the middle is late days, then early
    ones: a chapter there is real where the user moved. Counted is what the halves differ in.

    Args:
        n_histories: per row; where there are fewer users each is taken several times.
        min_sessions: users with fewer are left out.
    """
    ways = {
        "whole days shuffled, any change": (_shuffled, True),
        "one history split at random into halves, a change between them": (_split_at_random, False),
    }
    for number, (what, (rearrange, count_returns)) in enumerate(ways.items()):
        rng = np.random.default_rng([seed, number])
        eligible = np.flatnonzero(histories.lengths() >= min_sessions)
        if not len(eligible):
            yield Row(f"{histories.name}: {what}", f"no user with {min_sessions} sessions")
            continue
        repeats = -(-n_histories // len(eligible))
        drawn = np.concatenate([rng.permutation(eligible) for _ in range(repeats)])[:n_histories]
        alarms = named = 0
        for done, user in enumerate(drawn, start=1):
            tick(f"{histories.name}: {what}", done, len(drawn))
            found = analyse(histories, rearrange(list(histories.sessions[user]), rng))
            kinds = {change.kind for change in found.migration.changes} - {"stable"}
            alarm = not found.migration.abstained if count_returns else has_shifted(histories, found)
            alarms += alarm
            named += bool(alarm and (kinds if count_returns else kinds - {"returned"}))
        within = _TARGET[0] <= alarms / len(drawn) <= _TARGET[1]
        figure = f"{percent_of(alarms, len(drawn))}; with a facet named {named / len(drawn):.1%}"
        note = f"{len(set(drawn.tolist()))} users, {len(drawn)} histories"
        yield Row(f"{histories.name}: {what}, {note}", figure, "3–7 %", within)


def has_shifted(histories: Histories, found: Analysed) -> bool:
    """Whether a difference between the halves is reported, interludes and seasons aside."""
    settings, sessions = histories.settings, found.sessions
    if found.migration.abstained:
        return False
    rest = sessions.without(seasonal_columns(sessions, sessions, settings))
    n_before = int(np.isin(sessions.days[: sessions.n_sessions // 2], rest.days).sum())
    whole = run_whole_test(found.log, histories.catalogue, rest, n_before, settings=settings)
    return whole is not None and whole.shift_p < settings.alpha


def percent_of(hits: int, n: int) -> str:
    """A rate in percent with its 95 % score interval."""
    found = rate(hits, n)
    return f"{found.mean:.1%} ({found.low:.1%} to {found.high:.1%})"


def natural_row(histories: Histories, *, n_users: int, min_sessions: int, seed: int, tick: Tick) -> Row:
    """How many users have a change in their own order of days, for comparison."""
    rng = np.random.default_rng([seed, 9])
    users = histories.draw(min_sessions, n_users, rng)
    moved = 0
    for done, user in enumerate(users, start=1):
        tick(f"{histories.name}: as it was", done, len(users))
        moved += not analyse(histories, histories.sessions[user]).migration.abstained
    what = f"{histories.name}: days as they were, {len(users)} users with {min_sessions} sessions or more"
    return Row(what, f"{percent_of(moved, len(users))} any change" if len(users) else show(rate(0, 0)))
