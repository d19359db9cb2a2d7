"""The mechanical check of a told story: does every claim follow from the computed changes?

A story is accepted only when every clause speaks of known facets, in the right direction, with the right
figures, in words that name nothing else. The check knows a closed vocabulary; what it does not know, it
rejects: a false rejection costs a plainer text, a false acceptance would cost the reader's trust.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.interests.story_words import ALLOWED_EN, ALLOWED_ZH, DIRECTION_EN, DIRECTION_ZH, Direction
from agent.interests.words import (
    BESIDE_SEASONS,
    CROWD_LEAD,
    SEASON_LEAD,
    Language,
    leaves_out_seasons,
    percent,
    season_item,
)
from agent.schema import ChangeKind, FacetChange

_AGREES: dict[ChangeKind, frozenset[Direction]] = {
    "new": frozenset({"up", "start"}),
    "rising": frozenset({"up"}),
    "fading": frozenset({"down"}),
    "dropped": frozenset({"down", "end"}),
    "returned": frozenset({"back", "up"}),
    "seasonal": frozenset(),  # told in a sentence of its own, with its times, and nowhere else
    "stable": frozenset({"same"}),
}
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|[;；]|\n")
_CLAUSE = re.compile(
    r",\s*(?:while|but|whereas|although|though|yet|and|as)\s+|\s+(?:while|but|whereas)\s+|，(?:而|但是?|同时|并且|不过)?"
)
_NUMBER = re.compile(r"<?\d+(?:\.\d+)?%?")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
# Chinese puts no space between words: beside a Latin label its characters are no letters of the same word.
_LETTER = r"[^\W\u3400-\u9fff]"
_MARK = "\x00"
# What a share would be of everything by: not so where seasons are left out.
_OF_ALL = {"en": re.compile(r"\bactivity\b", re.IGNORECASE), "zh": re.compile("活动")}


def check_story(
    story: str, changes: Sequence[FacetChange], language: Language, *, periods: Sequence[str] = ()
) -> list[str]:
    """What is wrong with `story`, in words; empty when every claim follows from `changes`.

    Args:
        changes: the changes the story was told from; stable ones may be mentioned as such.
        periods: names of the windows, earlier first, allowed verbatim and in that order; no other time is.
    """
    text = story.strip()
    if not text:
        return ["the story is empty"]
    problems = _check_order(text, periods)
    mentioned: set[str] = set()
    for sentence in (part.strip() for part in _SENTENCE.split(text)):
        if not sentence:
            continue
        if sentence.startswith(lead := CROWD_LEAD[language].strip()):
            problems += _check_crowd(sentence.removeprefix(lead), changes, language)
            continue
        if sentence.startswith(lead := SEASON_LEAD[language].strip()):
            problems += _check_season(sentence.removeprefix(lead), changes, language)
            continue
        subject: list[FacetChange] = []
        for clause in _CLAUSE.split(sentence):
            masked, found = _mask(clause, changes, periods)
            masked, whole = _check_whole(masked, changes, language)
            problems += whole
            mentioned.update(change.key for change in found)
            # A clause that names no facet goes on about those of the clause before it.
            subject = found or subject
            problems += _check_direction(masked, subject, language, named=bool(found))
            problems += _check_numbers(masked, subject)
            problems += _check_words(masked, language)
    moved = [change for change in changes if change.kind not in ("stable", "seasonal")]
    if moved and not mentioned & {change.key for change in moved}:
        problems.append("the story names none of the facets that moved")
    return problems


def _check_order(text: str, periods: Sequence[str]) -> list[str]:
    """The windows may be named only as what they are, the earlier before the later."""
    places = [place for period in periods if (place := text.casefold().find(period.casefold())) >= 0]
    return [] if places == sorted(places) else ["the later window is named before the earlier"]


def _check_crowd(said: str, changes: Sequence[FacetChange], language: Language) -> list[str]:
    """What is said to be everyone's must be facets whose change was found to be the crowd's."""
    masked, found = _mask(said, changes, ())
    problems = [f"{change.label!r} is not everyone's change" for change in found if not change.crowd]
    if not found:
        problems.append("everyone's change is told without a facet")
    return problems + _check_numbers(masked, ()) + _check_words(masked, language)


def _check_season(said: str, changes: Sequence[FacetChange], language: Language) -> list[str]:
    """What is said to come with the season must be seasonal facets, each with its own times and no others."""
    rest = said
    items = [
        season_item(change.label, change.season, language) for change in changes if change.season is not None
    ]
    for item in sorted(items, key=len, reverse=True):
        rest = rest.replace(item, "", 1)
    if rest == said:
        return ["a season is told without a seasonal facet and its times"]
    return [f"{rest.strip()!r} is no season in the facts"] if rest.strip(" ,.、。") else []


def _mask(
    clause: str, changes: Sequence[FacetChange], periods: Sequence[str]
) -> tuple[str, list[FacetChange]]:
    """`clause` with labels and period names blanked, and the changes whose labels it held."""
    found = []
    # Longest first: "Frozen pizza" must not be read as "Pizza" with a stray word.
    for change in sorted(changes, key=lambda entry: -len(entry.label)):
        clause, times = label_pattern(change.label).subn(_MARK, clause)
        if times:
            found.append(change)
    for period in sorted(periods, key=len, reverse=True):
        clause = re.sub(re.escape(period), " ", clause, flags=re.IGNORECASE)
    return clause, found


def _check_whole(masked: str, changes: Sequence[FacetChange], language: Language) -> tuple[str, list[str]]:
    """What shares are said to be of must be what they are of; and the clause without saying so."""
    rest = masked.replace(BESIDE_SEASONS[language], " ")
    if not leaves_out_seasons(changes):
        return rest, [] if rest == masked else ["no season is left out"]
    if rest == masked and _OF_ALL[language].search(masked):
        return rest, ["the shares are told as of everything, and the seasons are left out"]
    return rest, []


def label_pattern(label: str) -> re.Pattern[str]:
    """What finds a label in a text, as whole words where it is of a script that has them."""
    exact = re.escape(label)
    whole = rf"(?<!{_LETTER}){exact}(?!{_LETTER})"
    return re.compile(whole if label.isascii() else exact, re.IGNORECASE)


def _directions(masked: str, language: Language) -> set[Direction]:
    table = DIRECTION_ZH if language == "zh" else DIRECTION_EN
    found: set[Direction] = set()
    rest = masked.casefold()
    for phrase, direction in table:  # longest phrases first: "no longer" before "longer"
        pattern = re.escape(phrase) if language == "zh" else rf"\b{re.escape(phrase)}\b"
        rest, times = re.subn(pattern, " ", rest)
        if times:
            found.add(direction)
    return found


def _check_direction(
    masked: str, subject: Sequence[FacetChange], language: Language, *, named: bool
) -> list[str]:
    said = _directions(masked, language)
    problems = []
    for change in subject:
        if named and not said:
            problems.append(f"{change.label!r} is named without saying how it moved ({change.kind})")
        elif not said <= _AGREES[change.kind]:
            wrong = ", ".join(sorted(said - _AGREES[change.kind]))
            problems.append(f"{change.label!r} is {change.kind}, the story says {wrong}")
    return problems


def _check_numbers(masked: str, found: Sequence[FacetChange]) -> list[str]:
    known: set[str] = set()
    for change in found:
        for share in (change.share_before, change.share_after):
            known |= {percent(share), percent(share).rstrip("%")}
    figures = _NUMBER.findall(masked)
    problems = [f"the figure {figure!r} is not in the facts" for figure in figures if figure not in known]
    if not problems and len(found) == 1 and len(figures) == 1:
        problems += _check_single(figures[0], found[0])
    if not problems and len(found) == 1 and len(figures) == 2:
        pair = [percent(found[0].share_before), percent(found[0].share_after)]
        if [figure.rstrip("%") for figure in figures] != [figure.rstrip("%") for figure in pair]:
            problems.append(
                f"{found[0].label!r} went from {pair[0]} to {pair[1]}, not {' to '.join(figures)}"
            )
    return problems


def _check_single(figure: str, change: FacetChange) -> list[str]:
    """A lone figure must be the telling one: what is new has no past, what stopped has no present."""
    only = {"new": change.share_after, "dropped": change.share_before}.get(change.kind)
    if only is None or figure.rstrip("%") == percent(only).rstrip("%"):
        return []
    return [f"{change.label!r} is {change.kind}: its figure is {percent(only)}, not {figure}"]


def _check_words(masked: str, language: Language) -> list[str]:
    plain = _NUMBER.sub(" ", masked)
    if language == "zh":
        rest = plain
        for phrase in ALLOWED_ZH:  # longest first
            rest = rest.replace(phrase, " ")
        unknown = re.findall(r"[^\W\d_]+", rest)
    else:
        unknown = [
            word for word in _WORD.findall(plain) if word.casefold().replace("’", "'") not in ALLOWED_EN
        ]
    return [f"{word!r} is not in the facts" for word in unknown]
