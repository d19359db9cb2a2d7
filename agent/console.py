"""What the command line shows: tables, portraits, bars. Text goes to standard output, bars to error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from agent.interests.words import last_day, percent, season_when
from agent.schema import Evidence, FacetChange, Migration, Profile, RecommendationList

if TYPE_CHECKING:
    from agent.data.report import IngestReport
    from agent.doctor import Finding
    from agent.interests.scan import Drift

ProgressCallback = Callable[[str, int, int | None], None]
_COLOURS = {
    "new": "green",
    "rising": "green",
    "returned": "cyan",
    "seasonal": "cyan",
    "fading": "yellow",
    "dropped": "red",
    "stable": "dim",
}
_STABLE_SHOWN = 3
_MOVED_SHOWN = 10
# Piped output has no width of its own; tables then keep this one instead of rich's 80.
_PIPE_WIDTH = 120


def _console(*, stderr: bool = False) -> Console:
    # Texts stand as they are: no colons that turn into pictures.
    console = Console(stderr=stderr, highlight=False, emoji=False)
    if not console.is_terminal:
        return Console(stderr=stderr, highlight=False, emoji=False, width=_PIPE_WIDTH)
    return console


def say(text: str) -> None:
    """Prints one line as it stands."""
    _console().print(escape(text), soft_wrap=True)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "") -> None:
    """Prints a table of plain texts."""
    table = Table(title=escape(title) if title else None, title_justify="left")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*map(escape, row))
    _console().print(table)


def heading(text: str) -> None:
    """Prints a rule with a title."""
    _console().rule(f"[bold]{escape(text)}", align="left")


@contextmanager
def progress_bars(quiet: bool = False) -> Iterator[ProgressCallback]:
    """Gives a callback `(stage, done, total)` that draws one bar per stage on standard error."""
    if quiet:
        yield lambda stage, done, total: None
        return
    console = _console(stderr=True)
    if not console.is_terminal:
        yield _announcer(console)
        return
    bars = Progress(
        TextColumn("{task.description:<34}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
    tasks: dict[str, Any] = {}

    def advance(stage: str, done: int, total: int | None) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, total=total)
        bars.update(tasks[stage], completed=done, total=total)

    with bars:
        yield advance


def _announcer(console: Console) -> ProgressCallback:
    """For a log file or a pipe: one line when a stage begins and one for each further tenth of it."""
    told: dict[str, int] = {}

    def advance(stage: str, done: int, total: int | None) -> None:
        tenth = 10 * done // total if total else 0
        if stage not in told or tenth > told[stage]:
            told[stage] = tenth
            of_total = f" {done:,}/{total:,}" if total else ""
            console.print(f"{escape(stage)} …{of_total}", soft_wrap=True)

    return advance


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "–"


def _days(window: tuple[datetime, datetime]) -> str:
    """The first and the last day of a window; it ends before its second moment."""
    return f"{_day(window[0])} … {_day(last_day(window[1]))}"


def _by_whom(worded_by: str, model: str) -> str:
    return f"worded by {model}" if worded_by == "model" else "plain facts"


def show_ingest(report: IngestReport) -> None:
    """Prints what became of the rows of one file."""
    if report.already_done:
        say(f"{report.path.name}: already ingested, nothing changed ({report.rows_read:,} rows).")
        return
    table = Table(title=f"{report.path.name} ({report.kind})", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name in (
        "rows_read",
        "stored",
        "duplicates",
        "near_duplicates",
        "quarantined",
        "dropped_by_policy",
        "stub_items",
        "untitled_items",
        "new_users",
    ):
        value = getattr(report, name)
        if value or name in ("rows_read", "stored"):
            table.add_row(name.replace("_", " "), f"{value:,}")
    table.add_row("seconds", f"{report.seconds:.1f}")
    console = _console()
    console.print(table)
    for reason, count in list(report.reasons.items())[:8]:
        say(f"  {count:,} × {reason}")
    if report.quarantine_path:
        say(f"Rejected rows, with reason and remedy: {report.quarantine_path}")


def show_fit(summary: Mapping[str, Any]) -> None:
    """Prints what the ranking was fitted to and the weights that were decided."""
    for key, value in summary.items():
        say(f"{key}: {value}")


def show_profile(profile: Profile, *, title: str = "") -> None:
    """Prints one profile version."""
    version = f"version {profile.version}" if profile.version else "computed, not stored"
    name = title or f"Profile of {profile.user_id} as of {_day(profile.moment)}"
    table = Table(title=escape(f"{name} ({version})"), title_justify="left")
    for column, justify in (("interest", "left"), ("share", "right"), ("sessions", "right"), ("", "left")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for facet in profile.facets:
        seen = f"{_day(facet.first_seen)} … {_day(facet.last_seen)}"
        marks = f" ({', '.join(facet.marks)})" if facet.marks else ""
        table.add_row(escape(facet.label + marks), percent(facet.share), str(facet.n_sessions), seen)
    if profile.facets:
        table.add_row("[dim]other[/dim]", percent(profile.other_share), "", "")
        _console().print(table)
    if profile.summary:
        say(f"{profile.summary}  [{_by_whom(profile.worded_by, profile.model)}]")
    if profile.dislikes:
        say("Dislikes: " + ", ".join(profile.dislikes))
    if profile.note:
        say(f"Note: {profile.note}")


def show_history(user_id: str, versions: Sequence[Profile]) -> None:
    """Prints a line per stored version."""
    if not versions:
        say(f"No stored versions of {user_id}; run: driftrec refresh {user_id}")
        return
    table = Table(title=escape(f"Profile versions of {user_id}"), title_justify="left")
    for column in ("version", "parent", "as of", "events", "sessions", "leading interests", "words"):
        table.add_column(column)
    for entry in versions:
        lead = ", ".join(f"{facet.label} {percent(facet.share)}" for facet in entry.facets[:3])
        table.add_row(
            str(entry.version),
            str(entry.parent or "–"),
            _day(entry.moment),
            f"{entry.n_interactions:,}",
            str(entry.n_sessions),
            escape(lead),
            _by_whom(entry.worded_by, entry.model),
        )
    _console().print(table)


def show_migration(migration: Migration) -> None:
    """Prints how a user moved: the changed facets, a few stable ones, the story."""
    console = _console()
    if migration.before and migration.after:
        say(
            f"{migration.user_id}: {_days(migration.before)} "
            f"({migration.n_sessions_before} sessions) against {_days(migration.after)} "
            f"({migration.n_sessions_after} sessions). "
            f"Drift {migration.drift_score:.1f} sd beyond shuffled days, p = {migration.p_value:.4f}."
        )
    moved = [change for change in migration.changes if change.kind != "stable"]
    stable = [change for change in migration.changes if change.kind == "stable"]
    stable.sort(key=lambda change: -max(change.share_before, change.share_after))
    if migration.changes:
        shown = [*moved[:_MOVED_SHOWN], *stable[:_STABLE_SHOWN]]
        asides = [_aside(change) for change in shown]
        table = Table()
        for column, justify in (
            ("change", "left"),
            ("interest", "left"),
            ("before", "right"),
            ("after", "right"),
            ("p", "right"),
            ("q", "right"),
            *([("remark", "left")] if any(asides) else []),
        ):
            table.add_column(column, justify=justify)  # type: ignore[arg-type]
        for change, aside in zip(shown, asides, strict=True):
            colour = _COLOURS[change.kind]
            table.add_row(
                f"[{colour}]{change.kind}[/{colour}]",
                escape(change.label),
                f"{change.share_before:.1%}",
                f"{change.share_after:.1%}",
                f"{change.p_value:.4f}",
                f"{change.q_value:.3f}",
                *([aside] if any(asides) else []),
            )
        console.print(table)
        hidden = len(moved) - len(moved[:_MOVED_SHOWN]), len(stable) - len(stable[:_STABLE_SHOWN])
        if any(hidden):
            more = f"{_count(hidden[0], 'more change')} and {_count(hidden[1], 'more stable interest')}"
            say(f"({more}: --json shows all)")
    console.print(
        Panel(
            escape(migration.story or migration.note),
            title=Text(f"The story ({_by_whom(migration.worded_by, migration.model)})"),
            title_align="left",
        )
    )
    if migration.note and migration.note not in migration.story:
        say(f"Note: {migration.note}")


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _aside(change: FacetChange) -> str:
    """What has to be said beside a change: that everyone moved so, or when its season was."""
    if change.season is None:
        return "everyone moved" if change.crowd else ""
    return escape(season_when(change.season, "en"))


def show_movers(found: Sequence[Drift], *, limit: int, alpha: float) -> None:
    """Prints the users who moved most, and how many moved beyond chance at all."""
    beyond = sum(entry.p_value < alpha for entry in found)
    say(
        f"{beyond} of {len(found)} users moved at p < {alpha:g}; "
        f"{alpha * len(found):.1f} would by chance alone."
    )
    table = Table()
    for column in ("user", "sessions", "drift (sd)", "p"):
        table.add_column(column, justify="right")
    for entry in found[:limit]:
        table.add_row(
            escape(entry.user_id), str(entry.n_sessions), f"{entry.drift_score:.1f}", f"{entry.p_value:.4f}"
        )
    _console().print(table)


def evidence_text(evidence: Sequence[Evidence], *, limit: int = 2) -> str:
    """The cited events in short: day, titles, interaction ids."""
    parts = []
    for entry in evidence[:limit]:
        ids = ", ".join(f"#{number}" for number in entry.interaction_ids[:3])
        parts.append(f"{entry.day} {', '.join(entry.titles[:2])} ({ids})")
    more = sum(len(entry.interaction_ids) for entry in evidence[limit:])
    return "; ".join(parts) + (f"; +{more} more" if more else "")


def show_recommendations(found: RecommendationList) -> None:
    """Prints a list with reasons and evidence, and the stages that made it."""
    table = Table(
        title=escape(f"Recommendations for {found.user_id} as of {_day(found.as_of)}"), title_justify="left"
    )
    table.add_column("#", justify="right")
    table.add_column("item")
    table.add_column("conf.", justify="right")
    table.add_column("why, and the events it rests on")
    for entry in found:
        cited = evidence_text(entry.evidence)
        why = escape(entry.reason) + (f"\n[dim]{escape(cited)}[/dim]" if cited else "")
        title = f"{escape(entry.title)}\n[dim]{escape(entry.item_id)}[/dim]"
        confidence = f"{entry.confidence:.2f}" if entry.confidence >= 0.005 else "<0.01"
        table.add_row(str(entry.rank), title, confidence, why)
    _console().print(table)
    if found.note:
        say(f"Note: {found.note}")
    stages = ", ".join(
        f"{stage.name} {stage.seconds * 1000:.0f} ms"
        + ("" if stage.status == "ran" else f" ({stage.status}: {stage.detail})")
        for stage in found.stages
    )
    say(f"Stages: {stages}")


def show_doctor(findings: Sequence[Finding]) -> None:
    """Prints one line per check."""
    marks = {"fine": "[green]fine[/green]", "note": "[yellow]note[/yellow]", "wrong": "[red]wrong[/red]"}
    table = Table(show_header=False)
    for entry in findings:
        table.add_row(marks[entry.status], escape(entry.name), escape(entry.detail))
    _console().print(table)
