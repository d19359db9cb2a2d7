"""Plain words from facts: facet names, summaries and stories that need no language model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

import numpy as np

from agent.data.log import Catalogue, InteractionLog
from agent.interests.frame import FacetFrame
from agent.interests.sessions import SessionShares
from agent.schema import ChangeKind, Facet, FacetChange, Migration, Season, WordedBy

Language = Literal["en", "zh"]

# A category names a facet when at least this part of the facet's activity carries it.
_NAMING_SHARE = 0.5
_MAX_LABEL = 48
# A category on more than exp(-1.2) = 30 % of the catalogue tells a facet from nothing.
_TELLING_RARITY = 1.2
_EXAMPLES = 8


@dataclass(frozen=True, slots=True)
class FacetWords:
    """What a facet is called.

    Attributes:
        asked: the model that was asked last and whose label did not follow from the items: asking it again
            would give the same.
    """

    label: str
    description: str
    worded_by: WordedBy = "facts"
    prompt_hash: str = ""
    model: str = "none"
    asked: str = ""

    def is_settled(self, model: str) -> bool:
        """Whether `model` has named this facet, or has tried and failed."""
        return model == self.asked or (self.worded_by == "model" and model == self.model)


@dataclass(frozen=True, slots=True)
class FacetExamples:
    """What a facet is named from: its most used titles and categories, with counts, most used first."""

    titles: tuple[tuple[str, int], ...]
    categories: tuple[tuple[str, int], ...]
    n_interactions: int
    domain: str = ""


# Titles recur, from one user to the next: a memo of a pure function, bounded.
@lru_cache(maxsize=65_536)
def short_title(title: str) -> str:
    """`title` without what follows the first comma or bracket: the thing, not its size or brand.

    >>> short_title("Italian/French bread, 14 oz (store brand)")
    'Italian/French bread'
    """
    cut = min(
        (spot for mark in (", ", " (", "（", "，") if (spot := title.find(mark)) > 0), default=len(title)
    )
    return title[:cut].strip()


def collect_examples(
    log: InteractionLog, catalogue: Catalogue, frame: FacetFrame, sessions: SessionShares
) -> dict[str, FacetExamples]:
    """For each facet key, what it can be named from."""
    found = {}
    counted = sessions.facet >= 0
    pairs = sessions.facet[counted].astype(np.int64) * len(catalogue) + log.item[counted]
    pair, pair_counts = np.unique(pairs, return_counts=True)
    bounds = np.searchsorted(pair, np.arange(frame.n_facets + 1) * len(catalogue))
    for position, key in enumerate(frame.keys):
        of_facet = slice(bounds[position], bounds[position + 1])
        codes, counts = pair[of_facet] % len(catalogue), pair_counts[of_facet]
        titles: Counter[str] = Counter()
        categories: Counter[str] = Counter()
        domains: Counter[str] = Counter()
        for code, count in zip(codes, counts, strict=True):
            titles[short_title(catalogue.titles[code])] += int(count)
            for name in catalogue.categories[code]:
                categories[name] += int(count)
            domains[catalogue.domains[code]] += int(count)
        found[key] = FacetExamples(
            tuple(_most_common(titles)[:_EXAMPLES]),
            _telling(_most_common(categories), catalogue),
            int(counts.sum()),
            next((name for name, _ in _most_common(domains)), ""),
        )
    return found


def _telling(categories: list[tuple[str, int]], catalogue: Catalogue) -> tuple[tuple[str, int], ...]:
    """`categories` without those that a large part of the catalogue carries, unless there are no others."""
    rarity = catalogue.category_rarity
    rare = [(name, count) for name, count in categories if rarity.get(name, 0.0) >= _TELLING_RARITY]
    return tuple(rare or categories)


def _most_common(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))


def name_from_facts(examples: FacetExamples, catalogue: Catalogue) -> FacetWords:
    """The facet's rarest category that most of it shares, else its two most used titles."""
    shared = [
        name
        for name, count in examples.categories
        if count >= _NAMING_SHARE * max(examples.n_interactions, 1)
    ]
    titles = [title for title, _ in examples.titles]
    if shared:
        label = max(shared, key=lambda name: (catalogue.category_rarity.get(name, 0.0), name))
    else:
        label = " / ".join(titles[:2])
    description = ", ".join(titles[:4])
    return FacetWords(label[:_MAX_LABEL].strip(), description)


def make_unique(words: dict[str, FacetWords], examples: dict[str, FacetExamples]) -> dict[str, FacetWords]:
    """`words` with labels told apart: of facets named alike, each gets its most telling title as well."""
    taken = Counter(entry.label.casefold() for entry in words.values())
    unique: dict[str, FacetWords] = {}
    seen: set[str] = set()
    for key, entry in words.items():
        label = entry.label
        if taken[label.casefold()] > 1:
            extra = next(
                (title for title, _ in examples[key].titles if title.casefold() != label.casefold()), key
            )
            label = f"{label}: {extra}"
        if label.casefold() in seen:
            label = f"{label} ({key})"
        seen.add(label.casefold())
        unique[key] = replace(entry, label=label)
    return unique


def percent(share: float) -> str:
    """`share` (0–1) as whole percent, `<1%` when it would round to nothing.

    >>> percent(0.138), percent(0.001), percent(0.0)
    ('14%', '<1%', '0%')
    """
    if 0 < share < 0.005:
        return "<1%"
    return f"{share * 100:.0f}%"


def summary_from_facts(facets: Sequence[Facet], language: Language) -> str:
    """One or two sentences that name the leading facets with their shares."""
    if not facets:
        return (
            "目前还没有足够的记录来描述兴趣。"
            if language == "zh"
            else "There is too little activity to describe interests."
        )
    lead = facets[:3]
    if language == "zh":
        return "主要兴趣：" + "，".join(f"{entry.label}（{percent(entry.share)}）" for entry in lead) + "。"
    return "Mostly " + ", ".join(f"{entry.label} ({percent(entry.share)})" for entry in lead) + "."


_PLAIN: dict[Language, dict[ChangeKind, str]] = {
    "en": {
        "new": "{label} is new: {after} of activity now, none before.",
        "rising": "{label} rose from {before} to {after}.",
        "fading": "{label} fell from {before} to {after}.",
        "dropped": "{label} stopped: {before} before, none now.",
        "returned": "{label} came back after a pause: {before} before, {after} now.",
        "seasonal": "{label} is back in its season: {before} before, {after} now.",
        "stable": "{label} stayed about the same: {before} before, {after} now.",
    },
    "zh": {
        "new": "{label}是新出现的兴趣：现在占{after}，以前没有。",
        "rising": "{label}从{before}上升到{after}。",
        "fading": "{label}从{before}下降到{after}。",
        "dropped": "{label}停止了：以前占{before}，现在没有。",
        "returned": "{label}在中断后又回来了：以前占{before}，现在占{after}。",
        "seasonal": "{label}到了季节又回来了：以前占{before}，现在占{after}。",
        "stable": "{label}基本不变：以前占{before}，现在占{after}。",
    },
}
# What shares are told of where something comes with the season: that is left out of them.
BESIDE_SEASONS: dict[Language, str] = {"en": "beside what comes with the seasons", "zh": "除随季节而来的以外"}
_NEW_BESIDE: dict[Language, str] = {
    "en": "{label} is new: {after} of activity now " + BESIDE_SEASONS["en"] + ", none before.",
    "zh": "{label}是新出现的兴趣：" + BESIDE_SEASONS["zh"] + "现在占{after}，以前没有。",
}
_CROWD: dict[Language, str] = {
    "en": " Everyone moved so in that time.",
    "zh": "同一时期大家都有这种变化。",
}
# What a sentence of the crowd's changes begins with; the labels follow.
CROWD_LEAD: dict[Language, str] = {
    "en": "Everyone moved so in that time: ",
    "zh": "同一时期大家都有这种变化：",
}
# What a sentence of seasonal interests begins with; each label follows, with its times in brackets.
SEASON_LEAD: dict[Language, str] = {"en": "With the season: ", "zh": "随季节而来："}
_SEASON: dict[Language, dict[str, str]] = {
    "en": {
        "current": "here again in {last}, as in {before}",
        "past": "last in {last}, as in {before}",
        "due": ", due again in {due}",
        "and": " and ",
    },
    "zh": {
        "current": "{last}又到时节，与{before}一样",
        "past": "最近一次在{last}，与{before}一样",
        "due": "，预计{due}再来",
        "and": "和",
    },
}
_MONTHS = ("January February March April May June July August September October November December").split()
_YEARS_NAMED = 3
_SEASONS_NAMED = 3
_WINDOWS: dict[Language, tuple[str, str]] = {
    "en": ("{first} to {last} ({n} sessions)", "This compares {before} with {after}."),
    "zh": ("{first}至{last}（{n}次会话）", "这是{before}与{after}的比较。"),
}
_STORY_SENTENCES = 5


def change_from_facts(change: FacetChange, language: Language, *, beside_seasons: bool = False) -> str:
    """What one facet did, for a line of its own: how it moved, and whether everyone moved so.

    Args:
        beside_seasons: whether its shares are of what is left without the seasonal interests.
    """
    return _plain_change(change, language, beside_seasons) + (_CROWD[language] if change.crowd else "")


def _plain_change(change: FacetChange, language: Language, beside_seasons: bool) -> str:
    if change.season is not None:
        stop = "。" if language == "zh" else "."
        return f"{SEASON_LEAD[language]}{season_item(change.label, change.season, language)}{stop}"
    new = beside_seasons and change.kind == "new"
    text = _NEW_BESIDE[language] if new else _PLAIN[language][change.kind]
    return text.format(
        label=change.label, before=percent(change.share_before), after=percent(change.share_after)
    )


def season_item(label: str, season: Season, language: Language) -> str:
    """A seasonal interest in words, with the months of its newest years and that of the next one.

    >>> from datetime import UTC
    >>> days = [[datetime(year, 12, day, tzinfo=UTC) for day in (3, 25)] for year in (2015, 2016)]
    >>> season_item("Wine", Season(tuple((a, b) for a, b in days), 0.001, 0.01, False), "en")
    'Wine (last in December 2016, as in December 2015)'
    """
    when = season_when(season, language)
    return f"{label}（{when}）" if language == "zh" else f"{label} ({when})"


def season_when(season: Season, language: Language) -> str:
    """The months of a season's newest years and that of the next one, if it is foretold."""
    words = _SEASON[language]
    *before, last = (_month_span(episode, language) for episode in season.episodes[-_YEARS_NAMED:])
    when = words["current" if season.current else "past"].format(last=last, before=words["and"].join(before))
    if season.expected is not None:
        when += words["due"].format(due=_month(season.expected, language))
    return when


def last_day(end: datetime) -> datetime:
    """A moment of the last day of what ends before `end`, the begin of a day."""
    # Half a day back: where clocks skip midnight a day begins at one.
    return end - timedelta(hours=12)


def _month(day: datetime, language: Language) -> str:
    return f"{day.year}年{day.month}月" if language == "zh" else f"{_MONTHS[day.month - 1]} {day.year}"


def _month_span(episode: tuple[datetime, datetime], language: Language) -> str:
    """The months from that of the first day to that of the last; the year once, where it is the same."""
    first, last = episode[0], last_day(episode[1])
    if (first.year, first.month) == (last.year, last.month):
        return _month(first, language)
    if language == "zh":
        return f"{_month(first, language)}至{_month(last, language).removeprefix(f'{first.year}年')}"
    begin = _MONTHS[first.month - 1] if first.year == last.year else _month(first, language)
    return f"{begin} to {_month(last, language)}"


def leaves_out_seasons(changes: Iterable[FacetChange]) -> bool:
    """Whether the shares of what is not seasonal are told beside something that is."""
    return any(change.season is not None for change in changes)


def seasonal_changes(migration: Migration) -> list[FacetChange]:
    """The seasonal interests that a story tells, the surest first."""
    found = [(change.season.p_value, change) for change in migration.changes if change.season is not None]
    found.sort(key=lambda pair: pair[0])
    return [change for _, change in found[:_SEASONS_NAMED]]


def told_changes(migration: Migration) -> list[FacetChange]:
    """The changes that a story tells one by one: those beyond chance, strongest evidence first.

    As many as leave room, within five sentences, for the windows, the crowd and the seasons.
    """
    moved = [change for change in migration.changes if change.kind not in ("stable", "seasonal")]
    room = _STORY_SENTENCES - 1 - bool(seasonal_changes(migration))
    return moved[: room - 1] if any(change.crowd for change in moved[:room]) else moved[:room]


def window_phrases(migration: Migration, language: Language) -> tuple[str, ...]:
    """The two windows as a story names them: first and last day and number of sessions; empty without."""
    if migration.before is None or migration.after is None:
        return ()
    counts = (migration.n_sessions_before, migration.n_sessions_after)
    phrases = []
    for (start, end), n in zip((migration.before, migration.after), counts, strict=True):
        last = last_day(end)
        phrases.append(_WINDOWS[language][0].format(first=f"{start:%Y-%m-%d}", last=f"{last:%Y-%m-%d}", n=n))
    return tuple(phrases)


def closing_sentences(migration: Migration, language: Language) -> list[str]:
    """What stands after every story, never worded by a model: what everyone did, the seasons, the times."""
    crowd = [change.label for change in told_changes(migration) if change.crowd and not migration.abstained]
    stop, comma = ("。", "、") if language == "zh" else (".", ", ")
    sentences = []
    if crowd:
        sentences.append(f"{CROWD_LEAD[language]}{comma.join(crowd)}{stop}")
    seasons = [
        season_item(change.label, change.season, language)
        for change in seasonal_changes(migration)
        if change.season is not None
    ]
    if seasons:
        sentences.append(f"{SEASON_LEAD[language]}{comma.join(seasons)}{stop}")
    if phrases := window_phrases(migration, language):
        sentences.append(_WINDOWS[language][1].format(before=phrases[0], after=phrases[1]))
    return sentences


def join_sentences(sentences: Sequence[str], language: Language) -> str:
    """One text of whole sentences, as the language puts them side by side."""
    return ("" if language == "zh" else " ").join(sentence for sentence in sentences if sentence)


def story_from_facts(migration: Migration, language: Language) -> str:
    """The migration in plain sentences, strongest evidence first; the abstention when there is one."""
    told = [] if migration.abstained else told_changes(migration)
    beside = leaves_out_seasons(migration.changes)
    lead = [_plain_change(change, language, beside) for change in told]
    if migration.abstained:
        lead = ["没有明显的变化。" if language == "zh" else "No clear change.", migration.note]
    elif not told:  # the whole moved, no facet stands out: the note says so
        lead = [migration.note]
    return join_sentences([*lead, *closing_sentences(migration, language)], language)
