"""The person's hand: feedback and undo, what differs between two versions, why an item is where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.commands.common import (
    AsOfOption,
    JsonOption,
    UserArgument,
    WorkspaceOption,
    moment_option,
    opened,
    print_json,
)

if TYPE_CHECKING:
    from agent.schema import Feedback, ProfileDiff

_ACTIONS = ("pin", "mute", "rename", "less", "more", "gift")
_KINDS = ("facet", "category", "item", "interaction")


def feedback(
    user: UserArgument,
    action: Annotated[str | None, typer.Argument(help=f"One of {', '.join(_ACTIONS)}.")] = None,
    target: Annotated[
        str | None,
        typer.Argument(help="Interest (key or name), category, item (id or title), or interaction number."),
    ] = None,
    value: Annotated[str, typer.Argument(help="New name (rename), or day of the gift of an item.")] = "",
    kind: Annotated[
        str | None,
        typer.Option(help=f"What the target is, one of {', '.join(_KINDS)}; default: tried in turn."),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Show what the user said so far.")] = False,
    workspace: WorkspaceOption = "shop",
    as_json: JsonOption = False,
) -> None:
    """Say what a user wants: pin, mute or rename an interest, less or more of it, or "that was a gift"."""
    if listed == (action is not None):
        raise typer.BadParameter("give an action and a target, or --list")
    if action is not None and (action not in _ACTIONS or target is None):
        got = f"{action!r} of {target!r}" if target is not None else f"{action!r} without a target"
        raise typer.BadParameter(f"expected one of {', '.join(_ACTIONS)} and a target, got {got}")
    if kind is not None and kind not in _KINDS:
        raise typer.BadParameter(f"expected --kind among {', '.join(_KINDS)}, got {kind!r}")
    with opened(workspace, model="none", quiet=as_json) as agent:
        if action is None or target is None:
            _show(agent.feedback(user), as_json=as_json, user=user)
            return
        known: Any = (action, kind)
        given = agent.give_feedback(user, known[0], target, target_kind=known[1], value=value)
    _say(given, as_json=as_json)


def undo(
    user: UserArgument,
    feedback_id: Annotated[
        int | None, typer.Argument(help="Number of the feedback; default the last.")
    ] = None,
    workspace: WorkspaceOption = "shop",
    as_json: JsonOption = False,
) -> None:
    """Take back what a user said: the last sentence with all that it did, or the one of that number."""
    from agent.console import say

    with opened(workspace, model="none", quiet=as_json) as agent:
        stood = {entry.feedback_id for entry in agent.feedback(user) if not entry.undone}
        given = agent.undo(user, feedback_id)
        taken = [entry for entry in agent.feedback(user) if entry.undone and entry.feedback_id in stood]
    if as_json:
        print_json({**given.to_dict(), "taken_back": [entry.to_dict() for entry in taken]})
    else:
        say("Taken back: " + "; ".join(map(_describe, taken or [given])) + ".")


def diff(
    user: UserArgument,
    before: Annotated[int, typer.Argument(help="Number of the earlier version.")],
    after: Annotated[int, typer.Argument(help="Number of the later version.")],
    workspace: WorkspaceOption = "shop",
    as_json: JsonOption = False,
) -> None:
    """Show what differs between two stored versions of a user's profile."""
    with opened(workspace, model="none", quiet=as_json) as agent:
        found = agent.diff(user, before, after)
    if as_json:
        print_json(found.to_dict())
    else:
        _show_diff(found)


def trace(
    user: UserArgument,
    item: Annotated[str, typer.Argument(help="Item id.")],
    k: Annotated[int, typer.Option("-k", min=1, max=200, help="Length of the list.")] = 10,
    as_of: AsOfOption = None,
    workspace: WorkspaceOption = "shop",
    as_json: JsonOption = False,
) -> None:
    """Say why an item is in a user's list, or which stage lost it (the list without the language model)."""
    with opened(workspace, model="none", quiet=as_json) as agent:
        found = agent.trace(user, item, k, as_of=moment_option(as_of), rerank=False)
    if as_json:
        print_json(found.to_dict())
        return
    from agent.console import say

    say(f"{found.item_id} {found.title}: {found.stage} ({found.detail})")
    if found.score is not None and found.cut_score is not None:
        say(f"  score {found.score:.3f}, the last item of the list has {found.cut_score:.3f}")
    ranks = ", ".join(f"{name} {rank}" for name, rank in found.source_ranks.items())
    say(f"  rank by source: {ranks or 'no source says anything about it'}")


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    for command in (feedback, undo, diff, trace):
        app.command()(command)


def _say(given: Feedback, *, as_json: bool) -> None:
    if as_json:
        print_json(given.to_dict())
        return
    from agent.console import say

    say(f"{_describe(given)}. Take it back: driftrec undo {given.user_id} {given.feedback_id}")


def _describe(given: Feedback) -> str:
    what = f"{given.action} {given.target_kind} {given.target!r}"
    return f"#{given.feedback_id} {what}{f' ({given.value})' if given.value else ''}"


def _show(given: list[Feedback], *, as_json: bool, user: str) -> None:
    if as_json:
        print_json([entry.to_dict() for entry in given])
        return
    from agent.console import say

    if not given:
        say(f"{user} has said nothing yet.")
    for entry in given:
        say(f"{entry.created:%Y-%m-%d %H:%M}  {_describe(entry)}{'  (undone)' if entry.undone else ''}")


def _show_diff(found: ProfileDiff) -> None:
    from agent.console import say
    from agent.interests.words import percent

    say(
        f"{found.user_id}: version {found.before} ({found.moments[0]:%Y-%m-%d}, "
        f"{found.n_interactions[0]:,} events) against {found.after} ({found.moments[1]:%Y-%m-%d}, "
        f"{found.n_interactions[1]:,} events)."
    )
    rows = [("added", delta) for delta in found.added] + [("removed", delta) for delta in found.removed]
    rows += [("renamed" if delta.key in found.renamed else "kept", delta) for delta in found.kept]
    for word, delta in rows:
        name = delta.label_after or delta.label_before
        if word == "renamed":
            name = f"{delta.label_before} → {delta.label_after}"
        share = f"{percent(delta.share_before)} → {percent(delta.share_after)}"
        say(f"  {word:<8} {name}: {share}, evidence {delta.evidence_before} → {delta.evidence_after}")
    if found.dislikes_added:
        say("  new dislikes: " + ", ".join(found.dislikes_added))
