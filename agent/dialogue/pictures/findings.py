"""What a picture says in words of its own: the finding as its title, the verdict, what has to be noted."""

from __future__ import annotations

from collections.abc import Sequence

from agent.dialogue.pictures.choose import Choice, Shown
from agent.dialogue.pictures.labels import shorten, text_width
from agent.dialogue.pictures.svg import clean, has_chinese
from agent.dialogue.pictures.words import Words
from agent.interests.changes import MIN_WINDOW_SESSIONS
from agent.interests.words import Language
from agent.schema import Migration

TITLE_SIZE = 19.0
TITLE_ROOM = 928.0
_USER_ROOM = 170.0
# A name in the title is cut only as far as it must be.
_NAME_ROOMS = (420.0, 300.0, 240.0, 190.0, 150.0, 110.0)
_MOST_NAMED = 2


def headline(migration: Migration, choice: Choice, words: Words) -> str:
    """The finding: whose interests, and which ones grew and shrank most, two each.

    What everyone's interests did is not this user's finding and is not named. What comes with the season is
    neither growth nor loss: it is named as such where nothing else is.
    """
    user = _cut(migration.user_id, _USER_ROOM)
    if not migration.changes:
        return words.heading.format(user=user)
    title = ""
    for room in _NAME_ROOMS:
        title = words.finding.format(user=user, finding=_finding(migration, choice, words, room=room))
        if text_width(title, TITLE_SIZE) <= TITLE_ROOM:
            break
    return shorten(title, TITLE_SIZE, TITLE_ROOM)


def _finding(migration: Migration, choice: Choice, words: Words, *, room: float) -> str:
    yearly = [entry for entry in choice.shown if entry.kind == "seasonal"]
    season = words.season.format(names=_names(yearly, words, room)) if yearly else ""
    if migration.abstained:
        return words.both.format(up=words.still, down=season) if season else words.still
    own = [
        entry
        for entry in choice.shown
        if entry.moved and entry.kind != "seasonal" and not (entry.change and entry.change.crowd)
    ]
    own.sort(key=lambda entry: -abs(entry.after - entry.before))
    up = _names([entry for entry in own if entry.after > entry.before], words, room)
    down = _names([entry for entry in own if entry.after < entry.before], words, room)
    parts = {"up": words.up.format(names=up), "down": words.down.format(names=down)}
    if up and down:
        return words.both.format(**parts)
    if up or down:
        return parts["up" if up else "down"]
    if season:
        return season
    return words.returned if migration.interlude else words.spread


def _names(entries: Sequence[Shown], words: Words, room: float) -> str:
    return words.join.join(_cut(entry.label, room) for entry in entries[:_MOST_NAMED])


def _cut(text: str, room: float) -> str:
    return shorten(clean(text), TITLE_SIZE, room)


def verdict(migration: Migration, words: Words, language: Language) -> str:
    """One line on whether the user moved at all."""
    if not migration.changes:
        return note_text(migration, words, language) or words.too_little
    p_value = f"{migration.p_value:.4f}"
    if migration.abstained:
        return words.no_change.format(p=p_value)
    return words.verdict.format(score=f"{migration.drift_score:.1f}", p=p_value)


def note_text(migration: Migration, words: Words, language: Language) -> str:
    """The migration's note; without windows, or where it is in another language, the same told from facts.

    A note that no fact explains (which model gave the words, and why) stays as it is.
    """
    note = migration.note
    if migration.before is None:
        return words.few_in_all.format(least=MIN_WINDOW_SESSIONS)
    if not note or language == "en" or has_chinese(note):
        return note
    if not migration.changes:
        return words.few.format(
            before=migration.n_sessions_before,
            after=migration.n_sessions_after,
            least=MIN_WINDOW_SESSIONS,
        )
    if migration.abstained:
        return words.unsure
    if all(change.kind in ("stable", "seasonal") for change in migration.changes):
        return f"{words.spread}。"
    return f"{words.returned}。" if migration.interlude else note
