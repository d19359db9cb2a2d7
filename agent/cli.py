"""The command line. Heavy imports happen inside commands: `driftrec --help` answers at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.commands import chat, costs, evaluate, feedback, models, prompts, survey
from agent.commands.common import (
    AsOfOption,
    JsonOption,
    ModelOption,
    OfflineOption,
    UserArgument,
    WorkspaceOption,
    moment_option,
    opened,
    print_json,
)
from agent.errors import DriftrecError

app = typer.Typer(
    name="driftrec",
    help="Recommendations that say how a person's interests have moved, and prove it from their own events.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_INTERRUPTED = 130


@app.command()
def init(
    workspace: Annotated[str, typer.Argument(help="Name (kept under .driftrec) or folder.")],
    interactions: Annotated[Path, typer.Option(help="Event file to read the columns of.")],
    items: Annotated[Path | None, typer.Option(help="Item file to read the columns of.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace settings that are there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a workspace; its driftrec.toml is proposed from the files' own columns."""
    from agent.data.sniff import propose_toml
    from agent.workspace import Workspace

    place = Workspace.place(workspace)
    place.create(propose_toml(interactions, items), overwrite=overwrite)
    if as_json:
        print_json({"workspace": str(place.root), "settings": str(place.settings_path)})
        return
    from agent.console import say

    say(f"Made {place.settings_path}. Look it over, then:")
    flags = f"{f' --items {items}' if items else ''} --interactions {interactions}"
    say(f"  driftrec ingest -w {workspace}{flags}")


@app.command()
def ingest(
    interactions: Annotated[Path | None, typer.Option(help="Event file.")] = None,
    items: Annotated[Path | None, typer.Option(help="Item file.")] = None,
    workspace: WorkspaceOption = "shop",
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Read item and event files (CSV, Parquet, JSONL, also .gz). Safe to repeat and to interrupt."""
    from agent.console import show_ingest

    if interactions is None and items is None:
        raise typer.BadParameter("give --interactions FILE, --items FILE, or both")
    with opened(workspace, offline=offline, quiet=as_json) as agent:
        reports = [agent.ingest_items(items)] if items else []
        reports += [agent.ingest_interactions(interactions)] if interactions else []
    if as_json:
        print_json([report.to_dict() for report in reports])
    else:
        for report in reports:
            show_ingest(report)


@app.command()
def index(
    workspace: WorkspaceOption = "shop", offline: OfflineOption = False, as_json: JsonOption = False
) -> None:
    """Embed the items and index them in Chroma; only what changed is done again."""
    from agent.console import say

    with opened(workspace, offline=offline, quiet=as_json) as agent:
        report = agent.index()
    if as_json:
        print_json(
            {
                name: getattr(report, name)
                for name in ("action", "reason", "n_entries", "n_items", "n_added", "n_removed", "seconds")
            }
        )
    else:
        say(
            f"Index {report.action}: {report.n_items:,} items under {report.n_entries:,} distinct texts "
            f"({report.reason}, {report.seconds:.1f} s)."
        )


@app.command()
def fit(
    decide_llm: Annotated[
        bool, typer.Option("--decide-llm", help="Also let the language model grade past lists, minutes long.")
    ] = False,
    users: Annotated[int, typer.Option(min=2, help="People per window for --decide-llm.")] = 40,
    workspace: WorkspaceOption = "shop",
    model: ModelOption = None,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Fit the ranking and the population model; done by itself when first needed.

    --decide-llm decides, on windows of the past, how much the language model's order counts in lists.
    """
    from agent.console import show_fit

    with opened(workspace, offline=offline, model=model, quiet=as_json) as agent:
        summary = agent.fit(decide_llm=users if decide_llm else 0)
    if as_json:
        print_json(summary)
    else:
        show_fit(summary)


@app.command()
def refresh(
    users: Annotated[list[str] | None, typer.Argument(help="User ids; none with --all.")] = None,
    all_users: Annotated[bool, typer.Option("--all", help="Every user with enough sessions.")] = False,
    due: Annotated[
        bool, typer.Option("--due", help="Only who has moved far enough from the last version.")
    ] = False,
    workspace: WorkspaceOption = "shop",
    model: ModelOption = None,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Store a new profile version for one, some or all users, where something has changed."""
    from agent.console import say

    if not users and not all_users and not due:
        raise typer.BadParameter("name one or more users, or give --all or --due")
    with opened(workspace, offline=offline, model=model, quiet=as_json) as agent:
        if due:
            everybody = agent.session.users_with_sessions() if all_users else None
            profiles = agent.refresh_due(users or everybody)
        else:
            profiles = agent.refresh(None if all_users else users)
    if as_json:
        print_json([profile.to_dict() for profile in profiles])
        return
    for profile in profiles[:20]:
        say(f"{profile.user_id}: version {profile.version}, {len(profile.facets)} facets. {profile.summary}")
    if len(profiles) > 20:
        say(f"… and {len(profiles) - 20} more.")


@app.command()
def profile(
    user: UserArgument,
    as_of: AsOfOption = None,
    workspace: WorkspaceOption = "shop",
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show a user's interests, now or as they stood."""
    from agent.console import show_profile

    with opened(workspace, offline=offline, quiet=as_json) as agent:
        found = agent.profile(user, as_of=moment_option(as_of))
    if as_json:
        print_json(found.to_dict())
    else:
        show_profile(found)


@app.command()
def history(user: UserArgument, workspace: WorkspaceOption = "shop", as_json: JsonOption = False) -> None:
    """List the stored profile versions of a user."""
    from agent.console import show_history

    with opened(workspace, quiet=as_json) as agent:
        versions = agent.history(user)
    if as_json:
        print_json([version.to_dict() for version in versions])
    else:
        show_history(user, versions)


@app.command()
def migration(
    user: UserArgument,
    start: Annotated[str | None, typer.Option("--from", help="Begin of the earlier window.")] = None,
    split: Annotated[str | None, typer.Option("--split", help="Begin of the later window.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the later window.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw it into this .html, .svg or .png file.")] = None,
    workspace: WorkspaceOption = "shop",
    model: ModelOption = None,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show how a user's interests moved between two windows (default: halves of their sessions)."""
    from agent.console import show_migration

    moments = {"start": moment_option(start), "split": moment_option(split), "end": moment_option(end)}
    if plot is not None:
        from agent.dialogue.pictures.picture import check_target

        check_target(plot)
    with opened(workspace, offline=offline, model=model, quiet=as_json) as agent:
        if plot is None:
            found = agent.migration(user, **moments)
        else:
            picture = agent.picture(user, **moments)
            picture.save(plot)
            found = picture.migration
    if as_json:
        print_json(found.to_dict())
    else:
        show_migration(found)


@app.command()
def movers(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many to list.")] = 10,
    min_sessions: Annotated[int, typer.Option(min=6, help="Fewest sessions of a user.")] = 20,
    workspace: WorkspaceOption = "shop",
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the users whose interests moved most beyond chance."""
    from dataclasses import asdict

    from agent.console import show_movers

    with opened(workspace, offline=offline, quiet=as_json) as agent:
        found = agent.scan(min_sessions=min_sessions)
        alpha = agent.settings.interests.alpha
    if as_json:
        print_json([asdict(entry) for entry in found[:limit]])
    else:
        show_movers(found, limit=limit, alpha=alpha)


@app.command()
def recommend(
    user: UserArgument,
    k: Annotated[int, typer.Option("-k", min=1, max=200, help="Length of the list.")] = 10,
    as_of: AsOfOption = None,
    seen: Annotated[
        bool | None,
        typer.Option("--seen/--new-only", help="With items the user has taken; default by domain."),
    ] = None,
    domain: Annotated[str | None, typer.Option(help="Only items of that domain.")] = None,
    category: Annotated[
        list[str] | None, typer.Option(help="Only items of that category; repeatable.")
    ] = None,
    rerank: Annotated[bool, typer.Option(help="Let the language model rerank the top.")] = True,
    explain: Annotated[bool, typer.Option(help="With reasons and evidence.")] = True,
    workspace: WorkspaceOption = "shop",
    model: ModelOption = None,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Recommend items to a user, each with its reason and the events it rests on."""
    from agent.console import show_recommendations

    with opened(workspace, offline=offline, model=model, quiet=as_json) as agent:
        found = agent.recommend(
            user,
            k,
            as_of=moment_option(as_of),
            exclude_seen=None if seen is None else not seen,
            domain=domain,
            categories=category or (),
            rerank=rerank,
            explain=explain,
        )
    if as_json:
        print_json(found.to_dict())
    else:
        show_recommendations(found)


@app.command()
def doctor(workspace: WorkspaceOption = "shop", as_json: JsonOption = False) -> None:
    """Check versions, model file, index against store, and what offline mode would allow."""
    from agent.console import show_doctor
    from agent.doctor import examine

    findings = examine(workspace)
    if as_json:
        print_json([finding.to_dict() for finding in findings])
    else:
        show_doctor(findings)
    if any(finding.status == "wrong" for finding in findings):
        raise typer.Exit(1)


@app.command()
def demo(
    workspace: WorkspaceOption = "grocery",
    model: ModelOption = None,
    households: Annotated[int, typer.Option(min=1, max=20, help="How many portraits.")] = 3,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Bring real purchases of 2,469 households and show whose interests moved, how, and what fits now."""
    from agent.demo import run_demo, show_demo

    found, refused = run_demo(workspace, model=model, households=households, offline=offline, quiet=as_json)
    if as_json:
        print_json({**found.to_dict(), "offline": offline, "refused_connections": refused})
    else:
        show_demo(found, offline=offline, refused=refused)


chat.register(app)
costs.register(app)
evaluate.register(app)
feedback.register(app)
models.register(app)
prompts.register(app)
survey.register(app)


def main() -> None:
    """Runs the command line; an error of ours ends in one clear line and exit code 1, Ctrl-C in 130."""
    # Idle OpenMP threads spin by default and take the cores from the other library's threads.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        code = app(standalone_mode=False)
    except SystemExit as leaving:
        code = leaving.code
    except DriftrecError as error:
        sys.stderr.write(f"driftrec: {error}\n")
        raise SystemExit(1) from None
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except Exception as error:
        # Usage errors: typer ships its own copy of click and exports no base class of them to catch.
        show, exit_code = getattr(error, "show", None), getattr(error, "exit_code", None)
        if show is None or exit_code is None:
            raise
        show()
        raise SystemExit(exit_code) from None
    # typer turns Ctrl-C into this code itself and says nothing.
    if code == _INTERRUPTED:
        sys.stderr.write("driftrec: interrupted; what was done is kept, run the same command to go on\n")
    raise SystemExit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
