"""`driftrec prompts`: which prompts there are, and what one says for a real user."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.commands.common import JsonOption, WorkspaceOption, opened, print_json

prompts = typer.Typer(
    name="prompts", help="List the prompts, or show one for a real user.", no_args_is_help=True
)


@prompts.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List every prompt with its hash, what it asks, and what `show` needs for it."""
    from agent.llm.prompts import describe, list_prompts

    entries = [describe(name) for name in list_prompts()]
    if as_json:
        print_json(
            [
                {"name": one.name, "hash": one.hash, "about": one.about, "show": _needs(one.name)}
                for one in entries
            ]
        )
        return
    from agent.console import show_table

    rows = [(one.name, one.hash, one.about, _needs(one.name) or "cannot") for one in entries]
    show_table(("prompt", "hash", "about", "show"), rows)


def _needs(name: str) -> str | None:
    """The option that `show` takes for a prompt; None for one that no user of a workspace causes."""
    from agent.chat_preview import CHAT_PROMPTS
    from agent.preview import is_shown

    if name.partition(".")[0] in CHAT_PROMPTS:
        return "--ask"
    return "--user" if is_shown(name) else None


@prompts.command()
def show(
    name: Annotated[str, typer.Argument(help="Such as facet_label, or facet_label.v2.")],
    user: Annotated[str, typer.Option("--user", "-u", help="User id, as in the events.")],
    item: Annotated[
        str | None, typer.Option("--item", help="Item id: its facet, or as the candidate.")
    ] = None,
    ask: Annotated[str, typer.Option("--ask", help="What the user says, for the chat prompts.")] = "",
    workspace: WorkspaceOption = "shop",
    as_json: JsonOption = False,
) -> None:
    """Render a prompt for a real user, by the code that would ask the model. Nothing is sent."""
    from agent.chat_preview import CHAT_PROMPTS, preview_chat
    from agent.preview import preview

    with opened(workspace, model="none", quiet=as_json) as agent:
        if name.partition(".")[0] in CHAT_PROMPTS:
            prompt = preview_chat(agent, name, user, ask)
        else:
            prompt = preview(agent.session, name, user, item_id=item)
    if as_json:
        print_json({"name": prompt.name, "hash": prompt.hash, "system": prompt.system, "user": prompt.user})
        return
    from agent.console import heading, say

    heading(f"{prompt.name} ({prompt.hash}), not sent")
    for part, text in (("system", prompt.system), ("user", prompt.user)):
        if text:
            heading(part)
            say(text)


def register(app: typer.Typer) -> None:
    """Adds `driftrec prompts …`."""
    app.add_typer(prompts)
