"""Colours and marks. Kinds of change keep apart for colour-blind eyes, and carry a mark as well.

Hues after M. Okabe and K. Ito, "Color Universal Design", https://jfly.uni-koeln.de/color/; a test simulates
the three forms of colour blindness on them.
"""

from __future__ import annotations

from typing import Literal

from agent.schema import ChangeKind

Kind = ChangeKind | Literal["untested"]
Role = Literal["ink", "soft", "rule", "paper", "rest"]

# Two tints each: neighbours of one kind take turns.
KIND_COLOURS: dict[Kind, tuple[str, str]] = {
    "new": ("#0072B2", "#3D97CC"),
    "rising": ("#56B4E9", "#8DCDF2"),
    "returned": ("#8A63B8", "#AE90D2"),
    "seasonal": ("#CC79A7", "#DFA5C5"),
    "stable": ("#93A8A0", "#B7C7C1"),
    "untested": ("#A3A9B3", "#C3C8CF"),
    "fading": ("#F0B429", "#F7CF73"),
    "dropped": ("#D55E00", "#E58A45"),
}
# From the top of the stream to its bottom: what grows, what stays, what shrinks.
KIND_ORDER: tuple[Kind, ...] = tuple(KIND_COLOURS)
# What the page is drawn with, on light and on dark ground.
ROLES: dict[Role, tuple[str, str]] = {
    "ink": ("#1f2328", "#e6edf3"),
    "soft": ("#59636e", "#9aa4af"),
    "rule": ("#d0d7de", "#3d444d"),
    "paper": ("#ffffff", "#0d1117"),
    "rest": ("#e4e7eb", "#2b3138"),
}
REJECTED = "#D55E00"
_DARK_TEXT, _LIGHT_TEXT = "#111418", "#ffffff"
# Outlines in a box of 10 × 10.
KIND_MARKS: dict[Kind, str] = {
    "new": "M4 0h2v4h4v2h-4v4h-2v-4h-4v-2h4z",
    "rising": "M5 0.5L10 9.5H0Z",
    "returned": "M5 0A5 5 0 1 1 0 5H2.6A2.4 2.4 0 1 0 5 2.6V4.6L1.6 1.3L5 -2Z",
    "seasonal": "M5 0A5 5 0 1 1 4.9 0ZM5 2.6A2.4 2.4 0 1 0 5.1 2.6Z",
    "stable": "M0 1.8H10V4.2H0ZM0 5.8H10V8.2H0Z",
    "untested": "M0 3.8H10V6.2H0Z",
    "fading": "M0 0.5H10L5 9.5Z",
    "dropped": "M1.5 0L5 3.5L8.5 0L10 1.5L6.5 5L10 8.5L8.5 10L5 6.5L1.5 10L0 8.5L3.5 5L0 1.5Z",
}


def stylesheet() -> str:
    """Rules that turn a drawing for dark ground; light colours stand in the elements themselves."""
    rules = []
    for role, (_, dark) in ROLES.items():
        rules.append(f".{role}{{fill:{dark}}}.{role}-line{{stroke:{dark}}}")
    return f"@media (prefers-color-scheme:dark){{{''.join(rules)}}}"


def text_on(colour: str) -> str:
    """Black or white, whichever stands out more on `colour` (WCAG 2.2 contrast ratio).

    >>> text_on("#0072B2"), text_on("#8DCDF2")
    ('#ffffff', '#111418')
    """
    return max((_DARK_TEXT, _LIGHT_TEXT), key=lambda text: contrast(text, colour))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1–21, as WCAG 2.2 defines it (https://www.w3.org/TR/WCAG22/)."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = linear_rgb(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear_rgb(colour: str) -> tuple[float, float, float]:
    """Linear-light red, green and blue, 0–1, of an sRGB colour such as `#0072B2`."""
    red, green, blue = (_linear(int(colour[spot : spot + 2], 16) / 255) for spot in (1, 3, 5))
    return red, green, blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
