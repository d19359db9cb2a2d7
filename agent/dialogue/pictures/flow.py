"""The flow: shares before on the left, after on the right, a ribbon for each facet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.dialogue.pictures.choose import Choice, Shown
from agent.dialogue.pictures.labels import shorten, spread
from agent.dialogue.pictures.stream import WIDTH
from agent.dialogue.pictures.style import ROLES, Role
from agent.dialogue.pictures.svg import Drawing, hover, mark, paint, tag, write
from agent.dialogue.pictures.words import Words, counted, span_text
from agent.interests.words import percent
from agent.schema import Migration

_LEFT, _RIGHT = 330.0, 630.0
_BAR = 14.0
_TOP = 52.0
_HEIGHT = 330.0
_GAP = 3.0
_LINE = 16.0
_PERCENT = 38.0
_REACH = 20.0


@dataclass(frozen=True, slots=True)
class _Piece:
    """One facet's (or the rest's, entry None) piece of a column, y downwards."""

    entry: Shown | None
    share: float
    top: float
    bottom: float

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


def draw_flow(migration: Migration, choice: Choice, words: Words) -> Drawing | None:
    """The flow between the two windows; None when there are none."""
    if migration.before is None or migration.after is None:
        return None
    before, after = _column(choice, "before"), _column(choice, "after")
    ends = {_key(piece): piece for piece in after}
    body = []
    # What changed lies over what did not.
    for piece in sorted(before, key=lambda piece: _moved(piece.entry)):
        body.append(_draw_ribbon(piece, ends[_key(piece)], words, choice))
    for column, x in ((before, _LEFT - _BAR), (after, _RIGHT)):
        body += [_draw_bar(piece, x) for piece in column if piece.share > 0]
    body.append(_draw_names(before, "left", words, choice) + _draw_names(after, "right", words, choice))
    body.append(_draw_heads(migration, words))
    return Drawing(WIDTH, _TOP + _HEIGHT + 10, "".join(body))


def _key(piece: _Piece) -> str:
    return piece.entry.facet.key if piece.entry else ""


def _moved(entry: Shown | None) -> bool:
    return entry is not None and entry.moved


def _column(choice: Choice, side: Literal["before", "after"]) -> list[_Piece]:
    """The pieces of one side, the largest on top, the rest at the bottom; gaps only between visible ones."""
    shares = [(entry, entry.before if side == "before" else entry.after) for entry in choice.shown]
    shares.sort(key=lambda pair: (-pair[1], pair[0].facet.key))
    rest = max(1.0 - sum(share for _, share in shares), 0.0)
    parts: list[tuple[Shown | None, float]] = [*shares, (None, rest if rest > 1e-9 else 0.0)]
    visible = sum(share > 0 for _, share in parts)
    scale = _HEIGHT - _GAP * max(visible - 1, 0)
    y, pieces = _TOP, []
    for entry, share in parts:
        height = share * scale
        pieces.append(_Piece(entry, share, y, y + height))
        y += height + (_GAP if share > 0 else 0.0)
    return pieces


def _draw_ribbon(start: _Piece, end: _Piece, words: Words, choice: Choice) -> str:
    """From one piece to the other; where a share is zero the ribbon runs out in a point."""
    a, b = _LEFT, _RIGHT
    middle = (a + b) / 2
    path = (
        f"M{a:.1f} {start.top:.1f}"
        f"C{middle:.1f} {start.top:.1f} {middle:.1f} {end.top:.1f} {b:.1f} {end.top:.1f}"
        f"V{end.bottom:.1f}"
        f"C{middle:.1f} {end.bottom:.1f} {middle:.1f} {start.bottom:.1f} {a:.1f} {start.bottom:.1f}Z"
    )
    if start.entry is None:
        name, kind = counted(words.other, choice.n_other), ""
    else:
        name, kind = start.entry.label, f"{words.kinds[start.entry.kind]}, "
    text = hover(name, f"{kind}{percent(start.share)} → {percent(end.share)}")
    opacity = "0.8" if _moved(start.entry) else "0.45"
    return tag("path", text, d=path, opacity=opacity, **paint(_fill(start.entry)))


def _fill(entry: Shown | None) -> Role | str:
    return entry.colour if entry else "rest"


def _draw_bar(piece: _Piece, x: float) -> str:
    height = max(piece.bottom - piece.top, 0.8)
    fill = "soft" if piece.entry is None else piece.entry.colour
    return tag(
        "rect",
        x=x,
        y=piece.top,
        width=_BAR,
        height=height,
        opacity="0.5" if piece.entry is None else None,
        **paint(fill),
    )


def _draw_names(column: list[_Piece], side: Literal["left", "right"], words: Words, choice: Choice) -> str:
    """Percentages beside the bars and names beyond them, kept apart."""
    named = [piece for piece in column if piece.share > 0]
    places = spread([piece.middle for piece in named], _LINE, _TOP + 6, _TOP + _HEIGHT)
    away = -1 if side == "left" else 1
    edge = _LEFT - _BAR if side == "left" else _RIGHT + _BAR
    anchor = "end" if side == "left" else "start"
    figures = "start" if side == "left" else "end"
    room = min(_LEFT, WIDTH - _RIGHT) - _BAR - _REACH - _PERCENT - 30
    parts = []
    for piece, y in zip(named, places, strict=True):
        near = edge + away * _REACH
        parts.append(
            tag(
                "path",
                d=f"M{edge + away * 2:.1f} {piece.middle:.1f}L{near - away * 4:.1f} {y:.1f}H{near:.1f}",
                fill="none",
                class_="rule-line",
                stroke=ROLES["rule"][0],
            )
        )
        figure_x = near + away * (_PERCENT + 2)
        parts.append(write(percent(piece.share), figure_x, y + 4, anchor=figures))
        name_x = figure_x + away * 8
        if piece.entry is None:
            text = shorten(counted(words.other, choice.n_other), 12, room)
            parts.append(write(text, name_x, y + 4, anchor=anchor, fill="soft"))
            continue
        mark_x = name_x - 9 if side == "left" else name_x
        text = shorten(piece.entry.label, 12, room)
        parts.append(mark(piece.entry.kind, mark_x, y - 4.5, fill=piece.entry.colour))
        parts.append(write(text, name_x + away * 14, y + 4, anchor=anchor, inside=hover(piece.entry.label)))
    return "".join(parts)


def _draw_heads(migration: Migration, words: Words) -> str:
    """The windows over their columns."""
    parts = []
    for window, name, n_sessions, x, anchor in (
        (migration.before, words.before, migration.n_sessions_before, _LEFT, "end"),
        (migration.after, words.after, migration.n_sessions_after, _RIGHT, "start"),
    ):
        if window is None:
            continue
        dates = words.window.format(name=span_text(*window), sessions=counted(words.n_sessions, n_sessions))
        parts.append(write(name, x, 18, size=14, anchor=anchor))
        parts.append(write(dates, x, 35, size=11, anchor=anchor, fill="soft"))
    return "".join(parts)
