"""How the interests moved between two windows, and what comes with the season."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.phrases import say
from agent.dialogue.telling.person import marks_of, nothing_known, span_of
from agent.errors import SettingsError
from agent.interests.words import change_from_facts, leaves_out_seasons
from agent.schema import Facet, FacetChange

_CHANGES: Final = 4
_IDS_PER_CHANGE: Final = 12


def migration(ctx: ToolContext, windows: tuple[int | None, int | None, int | None]) -> Draft:
    """How the interests moved between two windows; each change with the events before and after."""
    if not len(ctx.host.log):
        return nothing_known(ctx)
    try:
        found = ctx.host.migration(*windows)
    except SettingsError:
        # Windows that hold nothing on one side: “than a year ago” of a history of eleven months.
        first, last = span_of(ctx) or ("", "")
        text = say(ctx, "windows_outside", first=first, last=last)
        return Draft((Sentence(text, claim=False),))
    facts: dict[str, object] = {
        "migration": {"p": found.p_value, "drift": found.drift_score, "abstained": found.abstained}
    }
    sentences: list[Sentence] = []
    if found.before and found.after:
        text = say(
            ctx,
            "windows",
            before=_shown(found.before),
            after=_shown(found.after),
            n_before=found.n_sessions_before,
            n_after=found.n_sessions_after,
        )
        sentences.append(Sentence(text, ("fact:migration",), aside=True))
    moved = [change for change in found.changes if change.kind != "stable"]
    if found.abstained:
        # Without a test there is no p to tell: the note says what was too little.
        key = "abstained" if found.before and found.p_value < 1 else "abstained_short"
        text = say(ctx, key, p=f"{found.p_value:.2g}", note=found.note)
        sentences.append(Sentence(text, ("fact:migration",)))
        # A season is a rhythm, no change: it is told beside "no clear change" too.
        moved = [change for change in moved if change.season is not None]
        if not moved:
            return Draft(tuple(sentences), facts)
    else:
        text = say(ctx, "moved" if moved else "moved_unnamed", p=f"{found.p_value:.2g}")
        sentences.append(Sentence(text, ("fact:migration",), aside=bool(moved)))
        if not moved:
            return Draft(tuple(sentences), facts)
    facts["changes"] = {
        change.key: [change.kind, round(change.share_before, 4), round(change.share_after, 4)]
        for change in moved
    }
    keys = {facet.key: facet for facet in ctx.profile.facets}
    shown = [change for change in moved if not _hidden_change(ctx, change, keys.get(change.key))]
    beside = leaves_out_seasons(found.changes)
    sentences += [_change_row(ctx, change, beside_seasons=beside) for change in shown[:_CHANGES]]
    if len(shown) < len(moved):
        text = ctx.care.line("hidden", ctx.language, n=len(moved) - len(shown))
        sentences.append(Sentence(text, ("fact:changes",), row=True))
    return Draft(tuple(sentences), facts)


def seasons(ctx: ToolContext) -> Draft:
    """The interests that come with the season, with the months of their years and when they are due."""
    span = span_of(ctx)
    if span is None:
        return nothing_known(ctx)
    found = ctx.host.migration()
    keys = {facet.key: facet for facet in ctx.profile.facets}
    yearly = [change for change in found.changes if change.season is not None]
    shown = [change for change in yearly if not _hidden_change(ctx, change, keys.get(change.key))]
    facts = {"changes": {change.key: change.kind for change in yearly}, "window": span}
    if not yearly:
        text = say(ctx, "seasons_none", first=span[0], last=span[1])
        return Draft((Sentence(text, ("fact:changes", "fact:window")),), facts)
    sentences = [_change_row(ctx, change) for change in shown]
    if len(shown) < len(yearly):
        text = ctx.care.line("hidden", ctx.language, n=len(yearly) - len(shown))
        sentences.append(Sentence(text, ("fact:changes",), row=True))
    return Draft(tuple(sentences), facts)


def _shown(window: tuple[datetime, datetime]) -> str:
    """First and last day of a window whose end is not in it any more."""
    return f"{window[0]:%Y-%m-%d} – {window[1] - timedelta(milliseconds=1):%Y-%m-%d}"


def _hidden_change(ctx: ToolContext, change: FacetChange, facet: Facet | None) -> bool:
    if facet is not None and ctx.hides(facet):
        return True
    ids = [
        n for part in (change.evidence_before, change.evidence_after) for s in part for n in s.interaction_ids
    ]
    items = (int(ctx.host.log.item[row]) for row in ctx.rows_of_ids(ids))
    return ctx.care.hides_items((item for item in items if item >= 0), ctx.state.named)


def _change_row(ctx: ToolContext, change: FacetChange, *, beside_seasons: bool = False) -> Sentence:
    marks = (
        *marks_of(change.evidence_before, _IDS_PER_CHANGE),
        *marks_of(change.evidence_after, _IDS_PER_CHANGE),
        "fact:changes",
    )
    return Sentence(change_from_facts(change, ctx.language, beside_seasons=beside_seasons), marks, row=True)
