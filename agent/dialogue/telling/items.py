"""Why an item, why not, whether the evidence mattered, and one item against another."""

from __future__ import annotations

import dataclasses
import random
from typing import Final

from agent.dialogue.talk.answers import Draft, Sentence
from agent.dialogue.talk.context import RANKED, ToolContext
from agent.dialogue.talk.host import ListQuery
from agent.dialogue.talk.phrases import KINDS, SOURCES, say
from agent.dialogue.telling.lost import lost, taken_words
from agent.interests.words import percent, season_item
from agent.schema import FacetChange, Recommendation, RecommendationList

# How deep a list is made to find an item in it with its evidence.
DEPTH: Final = 50
_CLOSE_NAMED: Final = 2
_RANDOM_SEED: Final = 7
# A smaller part of a score is not worth a word.
_SHARE_NAMED: Final = 0.01


def explain(ctx: ToolContext, item_id: str) -> Draft:
    """Why an item is recommended: events, interest, sources, effect of the migration, confidence, proof."""
    query = ctx.query(DEPTH)
    found = ctx.host.recommend(query)
    entry = next((entry for entry in found if entry.item_id == item_id), None)
    if entry is None:
        return why_not(ctx, item_id)
    code = ctx.code(item_id)
    lead = say(ctx, "rank", title=ctx.title(code, whole=True), rank=entry.rank)
    sentences = [Sentence(lead, (f"item:{item_id}", "fact:rank"))]
    facts: dict[str, object] = {"rank": entry.rank}
    sentences += _events(ctx, entry)
    sentences += _interest(ctx, entry, facts)
    sentences += _sources(ctx, entry, facts)
    sentences += _moved(ctx, entry, query, facts)
    sentences += _confidence(ctx, entry, found, facts)
    sentences += _proof(ctx, entry, query, facts)
    return Draft(tuple(sentences), facts, (item_id,))


def _events(ctx: ToolContext, entry: Recommendation) -> list[Sentence]:
    """What the person did that speaks for the item."""
    ids = cited_ids(entry)
    rows = ctx.rows_of_ids(ids)
    if not len(rows):
        return [Sentence(say(ctx, "no_events"), (f"item:{entry.item_id}",))]
    code = ctx.code(entry.item_id)
    own = [int(row) for row in ctx.rows_of_item(code) if ctx.host.log.weight[row] > 0]
    if own:
        return [Sentence(taken_words(ctx, own), ctx.marks(reversed(own)))]
    sentences: list[Sentence] = []
    for item in dict.fromkeys(int(ctx.host.log.item[row]) for row in rows[::-1]):
        members = [int(row) for row in rows[::-1] if ctx.host.log.item[row] == item]
        key = "close" if not sentences else "also_close"
        text = say(ctx, key, title=ctx.title(item), verb=ctx.verb(members[0]), day=ctx.day(members[0]))
        sentences.append(Sentence(text, ctx.marks(members)))
    if len(sentences) > _CLOSE_NAMED:
        rest = sentences[_CLOSE_NAMED:]
        marks = tuple(mark for sentence in rest for mark in sentence.evidence)
        sentences = [*sentences[:_CLOSE_NAMED], Sentence(say(ctx, "more_close", n=len(rest)), marks)]
    return sentences


def _interest(ctx: ToolContext, entry: Recommendation, facts: dict[str, object]) -> list[Sentence]:
    facet = next((facet for facet in ctx.profile.facets if facet.key in entry.facets), None)
    if facet is None:
        return []
    change = find_change(ctx, facet.key)
    values = {"label": ctx.label(facet), "share": percent(facet.share)}
    facts["interest"] = {"key": facet.key, "share": round(facet.share, 4)}
    if change is None or change.kind == "stable":
        return [Sentence(say(ctx, "interest", **values), (f"facet:{facet.key}", "fact:interest"))]
    if change.season is not None:
        facts["change"] = {"kind": change.kind, "season": season_item(change.label, change.season, "en")}
        when = season_item(ctx.label(facet), change.season, ctx.language)
        return [
            Sentence(say(ctx, "interest", **values), (f"facet:{facet.key}", "fact:interest")),
            Sentence(say(ctx, "with_season", when=when), (f"facet:{facet.key}", "fact:change")),
        ]
    text = say(
        ctx,
        "interest_moved",
        **values,
        kind=KINDS[ctx.language][change.kind],
        before=percent(change.share_before),
        after=percent(change.share_after),
    )
    facts["change"] = {"kind": change.kind, "before": change.share_before, "after": change.share_after}
    return [Sentence(text, (f"facet:{facet.key}", "fact:interest", "fact:change"))]


def find_change(ctx: ToolContext, key: str) -> FacetChange | None:
    """How an interest moved; None where nothing moved by more than chance would."""
    migration = ctx.host.migration()
    found = next((change for change in migration.changes if change.key == key), None)
    # A season is a rhythm: it is known also where nothing moved between the windows.
    return None if migration.abstained and (found is None or found.season is None) else found


def _sources(ctx: ToolContext, entry: Recommendation, facts: dict[str, object]) -> list[Sentence]:
    shares = sorted(entry.sources.items(), key=lambda pair: (-pair[1], pair[0]))
    if not shares:
        return []
    facts["sources"] = {name: round(share, 4) for name, share in shares}
    names = SOURCES[ctx.language]
    shown = say(ctx, "comma").join(
        say(ctx, "source_share", name=names.get(name, name), share=percent(share))
        for name, share in shares[:3]
        if share >= _SHARE_NAMED or share == shares[0][1]
    )
    return [Sentence(say(ctx, "sources", shown=shown), ("fact:sources",))]


def _moved(
    ctx: ToolContext, entry: Recommendation, query: ListQuery, facts: dict[str, object]
) -> list[Sentence]:
    """What taking the migration into account changed."""
    static = ctx.rank(dataclasses.replace(query, use_migration=False), entry.item_id)
    facts["static_rank"] = static
    if static is None:
        text = say(ctx, "static_none")
    elif static == entry.rank:
        text = say(ctx, "static_same", rank=static)
    else:
        text = say(ctx, "static_moved", rank=entry.rank, static=static)
    return [Sentence(text, ("fact:rank", "fact:static_rank"), aside=True)]


def _confidence(
    ctx: ToolContext, entry: Recommendation, found: RecommendationList, facts: dict[str, object]
) -> list[Sentence]:
    stage = next((stage for stage in found.stages if stage.name == "confidence"), None)
    calibrated = stage is not None and stage.status == "ran"
    facts["confidence"] = {"value": round(entry.confidence, 4), "calibrated": calibrated}
    of_hundred = f"{100 * entry.confidence:.0f}" if entry.confidence >= 0.01 else "<1"
    key = "confidence" if calibrated else "confidence_rank"
    text = say(ctx, key, value=f"{entry.confidence:.2f}", of=of_hundred, days=f"{ctx.host.horizon_days:g}")
    return [Sentence(text, ("fact:confidence",), aside=True)]


def _proof(
    ctx: ToolContext, entry: Recommendation, query: ListQuery, facts: dict[str, object]
) -> list[Sentence]:
    """How far the item falls when the cited events do not count."""
    ids = cited_ids(entry)
    if not ids:
        return []
    after = ctx.rank(dataclasses.replace(query, without=frozenset(ids)), entry.item_id)
    facts["without_evidence"] = {"events": len(ids), "rank": after}
    marks = (*(f"#{number}" for number in ids), "fact:rank", "fact:without_evidence")
    return [Sentence(_fall(ctx, len(ids), entry.rank, after), marks, aside=True)]


def _fall(ctx: ToolContext, n: int, rank: int, after: int | None) -> str:
    if after is None:
        return say(ctx, "proof_gone", n=n, rank=rank)
    if after > rank:
        return say(ctx, "proof_fell", n=n, rank=rank, after=after)
    return say(ctx, "proof_same" if after == rank else "proof_rose", n=n, rank=rank, after=after)


def cited_ids(entry: Recommendation) -> tuple[int, ...]:
    """Every interaction a recommendation cites, newest first."""
    return tuple(number for session in entry.evidence for number in session.interaction_ids)


def counterfactual(ctx: ToolContext, item_id: str) -> Draft:
    """The cited events deleted in memory, against as many others drawn at random."""
    query = ctx.query(DEPTH)
    entry = next((entry for entry in ctx.host.recommend(query) if entry.item_id == item_id), None)
    if entry is None:
        return why_not(ctx, item_id)
    title = ctx.title(ctx.code(item_id), whole=True)
    ids = cited_ids(entry)
    if not ids:
        text = say(ctx, "proof_none", title=title)
        return Draft((Sentence(text, (f"item:{item_id}",)),), {}, (item_id,))
    facts: dict[str, object] = {"rank": entry.rank}
    lead = Sentence(say(ctx, "rank", title=title, rank=entry.rank), (f"item:{item_id}", "fact:rank"))
    sentences = [lead, *_proof(ctx, entry, query, facts)]
    others = [
        int(number)
        for number, item, weight in zip(
            ctx.host.log.interaction_id, ctx.host.log.item, ctx.host.log.weight, strict=True
        )
        if int(number) not in ids and item >= 0 and weight > 0
    ]
    if len(others) >= len(ids):
        drawn = frozenset(random.Random(_RANDOM_SEED).sample(others, len(ids)))
        rank = ctx.rank(dataclasses.replace(query, without=drawn), item_id)
        facts["random"] = {"events": len(drawn), "rank": rank, "seed": _RANDOM_SEED}
        place = say(ctx, "nowhere") if rank is None else say(ctx, "place", rank=rank)
        text = say(ctx, "proof_random", n=len(drawn), place=place)
        marks = (*(f"#{number}" for number in sorted(drawn)), "fact:random")
        sentences.append(Sentence(text, marks, aside=True))
    return Draft(tuple(sentences), facts, (item_id,))


def why_not(ctx: ToolContext, item_id: str) -> Draft:
    """The place an item got, which stage lost it, and what would have to change."""
    query = ctx.query()
    trace = ctx.host.trace(query, item_id)
    rank = trace.rank if trace.rank is not None else ctx.rank(query, item_id)
    title = ctx.title(ctx.code(item_id), whole=True)
    facts: dict[str, object] = {
        "trace": {
            "rank": rank,
            "stage": trace.stage,
            "score": trace.score,
            "cut_score": trace.cut_score,
            "sources": dict(trace.source_ranks),
        }
    }
    marks = (f"item:{item_id}", "fact:trace")
    if trace.stage == "listed":
        lead = say(ctx, "is_listed", title=title, rank=trace.rank, k=query.k)
    elif rank is not None:
        lead = say(ctx, "not_listed", title=title, rank=rank, k=query.k)
    else:
        lead = say(ctx, "no_rank", title=title)
    sentences = [Sentence(lead, marks)]
    sentences += lost(ctx, trace, item_id, marks)
    best = sorted(trace.source_ranks.items(), key=lambda pair: (pair[1], pair[0]))[:3]
    if best:
        names = SOURCES[ctx.language]
        shown = say(ctx, "comma").join(
            say(ctx, "source_rank", name=names.get(name, name), rank=f"{rank:,}")
            for name, rank in (best if best[0][1] <= RANKED else best[:1])
        )
        key = "source_ranks" if best[0][1] <= RANKED else "source_far"
        sentences.append(Sentence(say(ctx, key, shown=shown), marks))
    return Draft(tuple(sentences), facts, (item_id,))
