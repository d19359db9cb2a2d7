"""The person: interests now and then, how they moved, and everything that is kept about them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import numpy as np

from agent.data.days import moment
from agent.dialogue.sentences.periods import last_day
from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.changes import named
from agent.dialogue.talk.context import ToolContext
from agent.dialogue.talk.phrases import say
from agent.interests.evidence import day_name
from agent.interests.words import percent
from agent.schema import Evidence, Facet, Profile

_ROWS: Final = 6
_ALL_FEEDBACK: Final = 50
# A facet that gained or lost less than this since then is not worth a word.
_WORTH_SAYING: Final = 0.03


def profile(ctx: ToolContext) -> Draft:
    """The interests now."""
    return _profile_draft(ctx, ctx.profile, lead="profile_lead")


def as_of(ctx: ToolContext, moment: datetime) -> Draft:
    """The interests as they stood before a moment, and what became of the largest since."""
    span = span_of(ctx)
    if span is None:
        return nothing_known(ctx)
    if int(moment.timestamp() * 1000) <= int(ctx.host.log.timestamp_ms[0]):
        text = say(ctx, "no_period", first=span[0], last=span[1], asked=last_day(moment))
        return Draft((Sentence(text, ("fact:window",)),), {"window": span})
    then = ctx.host.profile(int(moment.timestamp() * 1000))
    draft = _profile_draft(ctx, then, lead="profile_then")
    since = _since(ctx, then)
    if not since:
        return draft
    names = say(ctx, "comma").join(
        say(ctx, "then_more", label=label, before=percent(before), after=percent(after))
        for label, before, after in since
    )
    facts = {**draft.facts, "since": [[label, round(b, 4), round(a, 4)] for label, b, a in since]}
    closing = Sentence(say(ctx, "then_now", shown=names), ("fact:since",), row=True)
    return Draft((*draft.sentences, closing), facts)


def _since(ctx: ToolContext, then: Profile) -> list[tuple[str, float, float]]:
    """Interests of the same name whose share differs most between then and now.

    Frames of two moments may number their facets differently, so names are compared.
    """
    now = {facet.label.casefold(): facet for facet in ctx.profile.facets}
    pairs = [
        (ctx.label(facet), facet.share, now[facet.label.casefold()].share)
        for facet in then.facets
        if facet.label.casefold() in now and not ctx.hides(facet)
    ]
    pairs = [pair for pair in pairs if abs(pair[1] - pair[2]) >= _WORTH_SAYING]
    return sorted(pairs, key=lambda pair: -abs(pair[1] - pair[2]))[:3]


def _profile_draft(ctx: ToolContext, found: Profile, *, lead: str) -> Draft:
    day = last_day(found.moment)
    facts = {"profile": {"moment": day, "events": found.n_interactions, "sessions": found.n_sessions}}
    marks = ("fact:profile",)
    if not found.facets:
        text = say(ctx, "profile_none", day=day, n=found.n_interactions)
        return Draft((Sentence(text, marks),), facts)
    text = say(ctx, lead, n=found.n_interactions, sessions=found.n_sessions, day=day)
    sentences = [Sentence(text, marks)]
    shown = [facet for facet in found.facets if not ctx.hides(facet)]
    keys = {facet.key for facet in ctx.profile.facets} if lead == "profile_lead" else set()
    sentences += [_facet_row(ctx, facet, known=facet.key in keys) for facet in shown[:_ROWS]]
    rest = found.other_share + sum(facet.share for facet in shown[_ROWS:])
    hidden = len(found.facets) - len(shown)
    if rest > 0 and not hidden:
        sentences.append(Sentence(say(ctx, "profile_other", share=percent(rest)), marks, row=True))
    if hidden:
        sentences.append(Sentence(ctx.care.line("hidden", ctx.language, n=hidden), marks, row=True))
    sentences += _dislikes(ctx, found)
    if found.note and ctx.language == "en":
        sentences.append(Sentence(say(ctx, "profile_note", note=found.note), marks, row=True))
    return Draft(tuple(sentences), facts)


def _facet_row(ctx: ToolContext, facet: Facet, *, known: bool) -> Sentence:
    # The frame of a past moment numbers its facets for itself: only today's keys can be cited.
    text = say(
        ctx,
        "profile_row_once" if facet.n_sessions == 1 else "profile_row",
        label=ctx.label(facet),
        share=percent(facet.share),
        sessions=facet.n_sessions,
        first=f"{facet.first_seen:%Y-%m-%d}",
        last=f"{facet.last_seen:%Y-%m-%d}",
    )
    key = (f"facet:{facet.key}",) if known else ()
    return Sentence(text, (*marks_of(facet.evidence), *key), row=True)


def _dislikes(ctx: ToolContext, found: Profile) -> list[Sentence]:
    log = ctx.host.log
    before = int(found.moment.timestamp() * 1000)
    rows = np.flatnonzero((log.weight < 0) & (log.item >= 0) & (log.timestamp_ms < before))[::-1]
    titles = dict.fromkeys(ctx.title(int(log.item[row])) for row in rows)
    if not titles:
        return []
    shown = say(ctx, "comma").join(list(titles)[:_ROWS])
    return [Sentence(say(ctx, "profile_dislikes", shown=shown), ctx.marks(rows), row=True)]


def marks_of(evidence: Iterable[Evidence], limit: int | None = None) -> tuple[str, ...]:
    """`#12` for the first `limit` interactions of the evidence."""
    ids = [number for session in evidence for number in session.interaction_ids]
    return tuple(f"#{number}" for number in ids[:limit])


def about_me(ctx: ToolContext, n_talks: int) -> Draft:
    """Everything that is kept about the person: events, interests, versions, feedback, constraints, talks."""
    log, span = ctx.host.log, span_of(ctx)
    if span is None:
        return nothing_known(ctx)
    kinds: dict[str, int] = {}
    for row, n in zip(*np.unique(log.event, return_index=True, return_counts=True)[1:], strict=True):
        kinds[ctx.verb(int(row))] = kinds.get(ctx.verb(int(row)), 0) + int(n)
    shown = say(ctx, "comma").join(
        say(ctx, "about_kind", n=f"{n:,}", verb=verb)
        for verb, n in sorted(kinds.items(), key=lambda pair: -pair[1])
    )
    facts: dict[str, object] = {"events": {"n": len(log), "window": span, "kinds": kinds}}
    key = "about_events" if len(kinds) > 1 else "about_events_one"
    verb = next(iter(kinds))
    text = say(ctx, key, n=f"{len(log):,}", first=span[0], last=span[1], kinds=shown, verb=verb)
    sentences = [Sentence(text, ("fact:events",))]
    sentences += _about_interests(ctx, facts)
    sentences += _about_feedback(ctx, facts)
    if ctx.state.constraints:
        held = say(ctx, "comma").join(entry.shown(ctx.language) for entry in ctx.state.constraints)
        facts["constraints"] = [entry.shown(ctx.language) for entry in ctx.state.constraints]
        sentences.append(Sentence(say(ctx, "about_constraints", shown=held), ("fact:constraints",)))
    facts["talks"] = n_talks
    key = "about_talks" if n_talks else "about_no_talks"
    sentences.append(Sentence(say(ctx, key, n=n_talks), ("fact:talks",)))
    return Draft(tuple(sentences), facts)


def _about_interests(ctx: ToolContext, facts: dict[str, object]) -> list[Sentence]:
    found = ctx.profile
    sentences: list[Sentence] = []
    if found.facets:
        facts["interests"] = len(found.facets)
        hidden = sum(ctx.hides(facet) for facet in found.facets)
        lead = next((facet for facet in found.facets if not ctx.hides(facet)), found.facets[0])
        key = "about_interests_named" if 0 < hidden < len(found.facets) else "about_interests"
        n, share = len(found.facets), percent(lead.share)
        text = say(ctx, key, n=n, label=ctx.label(lead), share=share, hidden=hidden)
        sentences.append(Sentence(text, (f"facet:{lead.key}", "fact:interests")))
    versions = ctx.host.versions()
    facts["versions"] = len(versions)
    if versions:
        when = moment(int(versions[-1].moment.timestamp() * 1000), ctx.host.log.zone)
        day = f"{when:%Y-%m-%d}"
        text = say(ctx, "about_versions", n=len(versions), day=day)
        marks = tuple(f"version:{entry.version}" for entry in versions)
        sentences.append(Sentence(text, (*marks, "fact:versions")))
    else:
        sentences.append(Sentence(say(ctx, "about_no_versions"), ("fact:versions",)))
    return sentences


def _about_feedback(ctx: ToolContext, facts: dict[str, object], *, rows: int = _ROWS) -> list[Sentence]:
    given = ctx.host.feedback()
    active = [entry for entry in given if not entry.undone and entry.action != "undo"]
    facts["feedback"] = len(given)
    if not given:
        return [Sentence(say(ctx, "about_no_feedback"), ("fact:feedback",))]
    names = list(dict.fromkeys(named(ctx, entry) for entry in active))
    key = "about_feedback" if names else "about_feedback_undone"
    text = say(ctx, key, shown=say(ctx, "comma").join(names[-rows:]))
    return [Sentence(text, (*(f"feedback:{entry.feedback_id}" for entry in given), "fact:feedback"))]


def feedback_in_force(ctx: ToolContext) -> Draft:
    """What the person has asked for that still counts, and the constraints of the talk."""
    facts: dict[str, object] = {}
    sentences = _about_feedback(ctx, facts, rows=_ALL_FEEDBACK)
    if ctx.state.constraints:
        facts["constraints"] = [entry.shown(ctx.language) for entry in ctx.state.constraints]
        held = say(ctx, "comma").join(entry.shown(ctx.language) for entry in ctx.state.constraints)
        sentences.append(Sentence(say(ctx, "about_constraints", shown=held), ("fact:constraints",)))
    return Draft(tuple(sentences), facts)


def span_of(ctx: ToolContext) -> tuple[str, str] | None:
    """First and last day of the person's events."""
    if not len(ctx.host.log):
        return None
    return day_name(int(ctx.host.log.day[0])), day_name(int(ctx.host.log.day[-1]))


def nothing_known(ctx: ToolContext) -> Draft:
    """That there are no events, so that nothing is known."""
    return Draft((Sentence(say(ctx, "no_history"), ("fact:events",)),), {"events": {"n": 0}})
