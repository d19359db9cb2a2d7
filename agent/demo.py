"""The demo: real purchases of real households, from raw files to recommendations that say who moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

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
from agent.interests.scan import Drift
from agent.offline import network_fence
from agent.schema import Migration, Profile, RecommendationList
from agent.workspace import Workspace

if TYPE_CHECKING:
    from agent.data.index import BuildReport
    from agent.data.report import IngestReport

# Portraits are taken of households with enough sessions on both sides for their facets to be told apart.
_PORTRAIT_SESSIONS = 40
_MIN_SESSIONS = 20


@dataclass(frozen=True, slots=True)
class Portrait:
    """One household: its profiles, how it moved, and what to recommend now.

    Attributes:
        profiles: stored versions: as of the split, and now; only the latter when none is so old.
    """

    user_id: str
    profiles: tuple[Profile, ...]
    migration: Migration
    recommendations: RecommendationList

    def to_dict(self) -> dict[str, Any]:
        """The portrait as JSON-ready data."""
        return {
            "user_id": self.user_id,
            "profiles": [profile.to_dict() for profile in self.profiles],
            "migration": self.migration.to_dict(),
            "recommendations": self.recommendations.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Demo:
    """Everything the demo shows. `problem` says why no language model took part, or is empty."""

    workspace: str
    ingested: tuple[IngestReport, ...]
    index: BuildReport
    movers: tuple[Drift, ...]
    alpha: float
    portraits: tuple[Portrait, ...]
    problem: str

    def to_dict(self) -> dict[str, Any]:
        """The demo as JSON-ready data."""
        return {
            "workspace": self.workspace,
            "ingested": [report.to_dict() for report in self.ingested],
            "index": {
                "action": self.index.action,
                "items": self.index.n_items,
                "texts": self.index.n_entries,
            },
            "movers": [asdict(entry) for entry in self.movers],
            "portraits": [portrait.to_dict() for portrait in self.portraits],
            "problem": self.problem,
        }


def run_demo(
    workspace: str, *, model: str | None, households: int, offline: bool, quiet: bool = False
) -> tuple[Demo, list[str]]:
    """Prepares what is missing and takes the portraits of the households that moved most.

    Returns:
        What there is to show, and the hosts that the offline fence refused (empty when nothing was tried).

    Raises:
        OfflineError: something has to be fetched first, and `offline` is set.
    """
    with network_fence(offline) as refused:
        return _take(workspace, model=model, households=households, offline=offline, quiet=quiet), refused


def _take(workspace: str, *, model: str | None, households: int, offline: bool, quiet: bool) -> Demo:
    from agent.data.datasets import GROCERY_TOML, prepare_grocery

    place = Workspace.place(workspace)
    if not place.settings_path.is_file():  # settings that are there may have been edited: they stand
        place.create(GROCERY_TOML)
    with progress_bars(quiet) as progress:
        progress("Preparing the purchases", 0, 1)
        files = prepare_grocery(place.raw_dir, offline=offline)
        progress("Preparing the purchases", 1, 1)
        with Agent.open(workspace, offline=offline or None, model=model, progress=progress) as agent:
            reports = (agent.ingest_items(files.items), agent.ingest_interactions(files.interactions))
            built = agent.index()
            agent.fit()
            found = agent.scan(min_sessions=_MIN_SESSIONS)
            alpha = agent.settings.interests.alpha
            chosen = choose(found, alpha=alpha, most=households)
            problem = agent.warm_model()
            portraits = []
            for number, entry in enumerate(chosen):
                progress("Taking portraits", number, len(chosen))
                portraits.append(_portrait(agent, entry.user_id))
            progress("Taking portraits", len(chosen), len(chosen))
    return Demo(workspace, reports, built, tuple(found), alpha, tuple(portraits), problem)


def choose(found: Sequence[Drift], *, alpha: float, most: int) -> list[Drift]:
    """The users to portray: moved beyond chance, enough sessions, furthest first."""
    able = [entry for entry in found if entry.p_value < alpha and entry.n_sessions >= _PORTRAIT_SESSIONS]
    return able[:most]


def _portrait(agent: Agent, user_id: str) -> Portrait:
    after = agent.migration(user_id, tell=False).after
    assert after is not None, "a household that was scanned has sessions"
    agent.refresh([user_id], then=after[0])
    return Portrait(
        user_id,
        then_and_now(agent.history(user_id), after[0]),
        agent.migration(user_id),
        agent.recommend(user_id, 10),
    )


def then_and_now(versions: Sequence[Profile], split: datetime) -> tuple[Profile, ...]:
    """The newest version as of `split` or before, and the newest of all; that alone when none is so old.

    Another model, or later events, add versions of now: the last two need not lie on both sides.
    """
    then = [version for version in versions if version.moment <= split]
    return (*then[-1:], versions[-1]) if then and then[-1] is not versions[-1] else (versions[-1],)


def show_demo(demo: Demo, *, offline: bool, refused: Sequence[str]) -> None:
    """Prints the demo."""
    heading("1. Data: Complete Journey, one year of grocery purchases (84.51°, research and education)")
    for report in demo.ingested:
        show_ingest(report)
    index = demo.index
    say(f"Index {index.action}: {index.n_items:,} items under {index.n_entries:,} distinct texts.")
    if demo.problem:
        say(f"No language model, so the facts speak for themselves: {demo.problem}")
    heading("2. Whose interests moved")
    show_movers(list(demo.movers), limit=10, alpha=demo.alpha)
    if not demo.portraits:
        say(f"No household with {_PORTRAIT_SESSIONS} sessions moved beyond chance: no portraits.")
    for number, portrait in enumerate(demo.portraits, start=3):
        heading(f"{number}. Household {portrait.user_id}")
        when = ("Now",) if len(portrait.profiles) == 1 else ("Then", "Now")
        for word, profile in zip(when, portrait.profiles, strict=True):
            show_profile(profile, title=f"{word}, {profile.moment:%Y-%m-%d}")
        show_migration(portrait.migration)
        show_recommendations(portrait.recommendations)
    _what_next(demo)
    if offline:
        asked = f"refused: {', '.join(refused)}" if refused else "none was attempted"
        say(f"Offline: connections beyond this machine are refused; {asked}.")


def _what_next(demo: Demo) -> None:
    user = demo.portraits[0].user_id if demo.portraits else "USER"
    heading("What to type next")
    for line in (
        f"driftrec recommend {user} -w {demo.workspace} --new-only",
        f"driftrec recommend {user} -w {demo.workspace} --as-of 2017-06-01",
        f"driftrec migration {user} -w {demo.workspace} --split 2017-09-01",
        f"driftrec profile {user} -w {demo.workspace} --as-of 2017-05-01",
        f"driftrec movers -w {demo.workspace}",
        f"driftrec doctor -w {demo.workspace}",
    ):
        say(f"  .venv/bin/{line}")
