"""What the colours and marks mean."""

from __future__ import annotations

from agent.dialogue.pictures.choose import Choice
from agent.dialogue.pictures.labels import text_width
from agent.dialogue.pictures.stream import WIDTH
from agent.dialogue.pictures.style import KIND_COLOURS, text_on
from agent.dialogue.pictures.svg import Drawing, mark, paint, tag, write
from agent.dialogue.pictures.words import Words, counted

_BOX = 15.0


def draw_legend(choice: Choice, words: Words) -> Drawing:
    """One entry per kind that occurs, with its mark in its colour, then the rest."""
    parts, x = [], 16.0
    for kind in choice.kinds:
        colour = KIND_COLOURS[kind][0]
        parts.append(tag("rect", x=x, y=4, width=_BOX, height=_BOX, rx=2, **paint(colour)))
        parts.append(mark(kind, x + 3, 7, fill=text_on(colour)))
        parts.append(write(words.kinds[kind], x + _BOX + 6, 16))
        x += _BOX + text_width(words.kinds[kind], 12) + 22
    if choice.n_other:
        parts.append(tag("rect", x=x, y=4, width=_BOX, height=_BOX, rx=2, **paint("rest")))
        parts.append(write(counted(words.other, choice.n_other), x + _BOX + 6, 16, fill="soft"))
    return Drawing(WIDTH, 26, "".join(parts))
