"""The demo: real purchases of real households, from raw files to recommendations that say who moved."""

from __future__ import annotations

from datetime import datetime

from agent.agent import Agent
from agent.console import (
    heading,
    progress_bars,
    say,
    show_ingest,
    show_migration,
    show_movers,
    show_profile,
    show_recommendations,
)
from agent.interests.room import Drift
from agent.offline import network_fence
from agent.workspace import Workspace

# Portraits are taken of households with enough sessions on both sides for their facets to be told apart.
_PORTRAIT_SESSIONS = 40


def run_demo(workspace: str, *, model: str | None, households: int, offline: bool) -> None:
    """Prepares what is missing, then prints the portraits of the households that moved most.

    Raises:
        OfflineError: something has to be fetched first, and `offline` is set.
    """
    with network_fence(offline) as refused:
        found, chosen = _prepare(workspace, model=model, households=households, offline=offline)
        heading("2. Whose interests moved")
        with Agent.open(workspace, offline=offline or None, model=model) as agent:
            show_movers(found, limit=10, alpha=agent.settings.interests.alpha)
            for number, entry in enumerate(chosen, start=3):
                _portrait(agent, entry, number)
    _what_next(workspace, chosen)
    if offline:
        asked = f"refused: {', '.join(refused)}" if refused else "none was attempted"
        say(f"Offline: connections beyond this machine are refused; {asked}.")


def _prepare(
    workspace: str, *, model: str | None, households: int, offline: bool
) -> tuple[list[Drift], list[Drift]]:
    """Brings data, index, models and words up to date; the scan, and the households to portray."""
    from agent.data.datasets import GROCERY_TOML, prepare_grocery

    place = Workspace.place(workspace)
    heading("1. Data: Complete Journey, one year of grocery purchases (84.51°, research and education)")
    place.create(GROCERY_TOML)
    files = prepare_grocery(place.raw_dir, offline=offline)
    with (
        progress_bars() as progress,
        Agent.open(workspace, offline=offline or None, model=model, progress=progress) as agent,
    ):
        reports = [agent.ingest_items(files.items), agent.ingest_interactions(files.interactions)]
        built = agent.index()
        agent.fit()
        found = agent.scan(min_sessions=20)
        chosen = [entry for entry in found if entry.n_sessions >= _PORTRAIT_SESSIONS][:households]
        problem = agent.warm_model()
        for entry in chosen:
            agent.refresh([entry.user_id], then=_split_of(agent, entry))
    for report in reports:
        show_ingest(report)
    say(f"Index {built.action}: {built.n_items:,} items under {built.n_entries:,} distinct texts.")
    if problem:
        say(f"No language model, so the facts speak for themselves: {problem}")
    return found, chosen


def _split_of(agent: Agent, entry: Drift) -> datetime:
    """The moment that halves a household's sessions: the profile then is as of that day."""
    after = agent.migration(entry.user_id, tell=False).after
    assert after is not None, "a household that was scanned has sessions"
    return after[0]


def _portrait(agent: Agent, entry: Drift, number: int) -> None:
    heading(f"{number}. Household {entry.user_id}")
    versions = agent.history(entry.user_id)
    migration = agent.migration(entry.user_id)
    if len(versions) > 1:
        show_profile(versions[-2], title=f"Then, {versions[-2].moment:%Y-%m-%d}")
    show_profile(versions[-1], title=f"Now, {versions[-1].moment:%Y-%m-%d}")
    show_migration(migration)
    show_recommendations(agent.recommend(entry.user_id, 10))


def _what_next(workspace: str, chosen: list[Drift]) -> None:
    user = chosen[0].user_id if chosen else "USER"
    heading("What to type next")
    for line in (
        f"driftrec recommend {user} -w {workspace} --new-only",
        f"driftrec recommend {user} -w {workspace} --as-of 2017-06-01",
        f"driftrec migration {user} -w {workspace} --split 2017-09-01",
        f"driftrec profile {user} -w {workspace} --as-of 2017-05-01",
        f"driftrec movers -w {workspace}",
        f"driftrec doctor -w {workspace}",
    ):
        say(f"  .venv/bin/{line}")
