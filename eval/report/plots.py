"""Plots as SVG text, drawn by ourselves: no script, no font, no request to anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLOURS = {"baseline": "#7f868f", "ours": "#0072b2", "ablation": "#c77c00", "product": "#009e73"}


@dataclass(frozen=True, slots=True)
class _Layout:
    """Sizes of an interval plot: of a row, and from left to right before the axis, of it, and behind it.

    `over`: names stand above their lines, not beside them.
    """

    row: int
    left: int
    width: int
    right: int
    over: bool


_BESIDE = _Layout(22, 300, 460, 90, over=False)
# As wide as a telephone: scaled to it, its words keep their size.
_OVER = _Layout(40, 8, 280, 72, over=True)


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of an interval plot; `low` and `high` may equal `mean` where there is no interval."""

    label: str
    mean: float
    low: float
    high: float
    group: str


def interval_plot(marks: Sequence[Mark], *, title: str, zero: bool = False, narrow: bool = False) -> str:
    """Points with their 95 % intervals, one line each, in the order given.

    Args:
        marks: at least one.
        title: read aloud by screen readers.
        zero: the axis holds 0 and a line marks it, as for differences; else it starts at 0.
        narrow: drawn for 360 pixels, the names above the lines; else for 850, beside them.
    """
    layout = _OVER if narrow else _BESIDE
    low = min(0.0, *(mark.low for mark in marks))
    high = max(0.0 if zero else 1e-9, *(mark.high for mark in marks))
    span = (high - low) * 1.05 or 1.0
    height = layout.row * len(marks) + 34

    def x(value: float) -> float:
        return layout.left + (value - low) / span * layout.width

    parts = [_open(layout.left + layout.width + layout.right, height, title)]
    for tick in ticks(low, high, n=3 if narrow else 5):
        parts.append(f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="4" y2="{height - 24}"/>')
        parts.append(f'<text class="tick" x="{x(tick):.1f}" y="{height - 8}">{tick:.4g}</text>')
    if zero:
        parts.append(f'<line class="zero" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="4" y2="{height - 24}"/>')
    for place, mark in enumerate(marks):
        middle = 4 + layout.row * (place + (0.7 if layout.over else 0.5))
        figure = f"{mark.mean:+.4f}" if zero else f"{mark.mean:.4f}"
        at = (x(mark.low), x(mark.mean), x(mark.high))
        parts.append(_row(mark, figure, layout, y=middle, at=at))
    return "\n".join([*parts, "</svg>"])


def _row(mark: Mark, figure: str, layout: _Layout, *, y: float, at: tuple[float, float, float]) -> str:
    """One line of the plot, drawn at the height `y`: name, interval, point, figure."""
    colour = COLOURS.get(mark.group, "#555")
    hover = f"{mark.label}: {figure} ({mark.low:.4f} to {mark.high:.4f})"
    spot = 'class="over" x="0"' if layout.over else f'class="name" x="{layout.left - 10}"'
    name_y = y - 14 if layout.over else y + 4
    low, mean, high = at
    return (
        f'<g><title>{escape(hover)}</title><text {spot} y="{name_y:.1f}">{escape(_short(mark.label))}</text>'
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}" stroke-width="3"/>'
        f'<circle cx="{mean:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>'
        f'<text class="value" x="{layout.left + layout.width + 14}" y="{y + 4:.1f}">{figure}</text></g>'
    )


def reliability_plot(table: Sequence[Sequence[float]], *, title: str) -> str:
    """Stated probability against observed share; on the diagonal a figure means what it says."""
    top = max(0.01, *(max(entry[0], entry[1]) for entry in table)) * 1.1
    size, left = 260, 60

    def place(value: float) -> float:
        return value / top * size

    corner = left + size
    parts = [_open(corner + 24, size + 50, title)]
    parts.append(f'<rect class="frame" x="{left}" y="8" width="{size}" height="{size}"/>')
    parts.append(f'<line class="zero" x1="{left}" y1="{8 + size}" x2="{corner}" y2="8"/>')
    for tick in ticks(0.0, top):
        parts.append(f'<text class="tick" x="{left + place(tick):.1f}" y="{size + 24}">{tick:.3g}</text>')
        parts.append(f'<text class="side" x="{left - 8}" y="{12 + size - place(tick):.1f}">{tick:.3g}</text>')
    points = [(left + place(a), 8 + size - place(b), a, b, int(n)) for a, b, n in table]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, *_ in points)
    parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS["ours"]}" stroke-width="2"/>')
    for x, y, stated, observed, n in points:
        hover = f"stated {stated:.3f}, observed {observed:.3f}, {n} listed items"
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{COLOURS["ours"]}">'
            f"<title>{escape(hover)}</title></circle>"
        )
    parts.append(f'<text class="tick" x="{left + size / 2}" y="{size + 44}">stated probability</text>')
    return "\n".join([*parts, "</svg>"])


def ticks(low: float, high: float, *, n: int = 5) -> list[float]:
    """Round values between `low` and `high`, about `n` of them.

    >>> ticks(0.0, 0.1)
    [0.0, 0.02, 0.04, 0.06, 0.08, 0.1]
    """
    span = high - low
    if span <= 0:
        return [low]
    rough = span / n
    power: float = 10.0 ** _floor_log10(rough)
    step = next(s * power for s in (1.0, 2.0, 5.0, 10.0) if s * power >= rough * 0.999)
    first = int(low / step) if low >= 0 else -int(-low / step)
    found = [round(step * number, 10) for number in range(first, first + 2 * n + 4)]
    return [value for value in found if low - 1e-12 <= value <= high + 1e-12]


def _floor_log10(value: float) -> int:
    power = 0
    while value >= 10.0:
        value, power = value / 10.0, power + 1
    while value < 1.0:
        value, power = value * 10.0, power - 1
    return power


def _open(width: float, height: float, title: str) -> str:
    # No xmlns: inline SVG needs none, and a page without any address is easily shown to ask for none.
    return f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img"><title>{escape(title)}</title>'


def _short(label: str, *, length: int = 42) -> str:
    return label if len(label) <= length else label[: length - 1] + "…"
