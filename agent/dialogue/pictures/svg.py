"""SVG by hand: elements, and text that cannot break out of them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from html import escape

from agent.dialogue.pictures.style import KIND_MARKS, ROLES, Kind, Role, stylesheet

# Concrete names before the generic one: renderers without a font configuration know no generic family.
_LATIN_FONTS = "'Segoe UI', 'Helvetica Neue', Arial, 'Noto Sans', 'DejaVu Sans', 'Liberation Sans'"
_CHINESE_FONTS = (
    "'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', 'WenQuanYi Micro Hei', "
    "'WenQuanYi Zen Hei'"
)
# Controls that would turn the direction of the text around them.
_BIDI = frozenset("\u061c\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Drawing:
    """SVG markup without its outer element, and the room it takes, in pixels from (0, 0)."""

    width: float
    height: float
    body: str


def number(value: float) -> str:
    """`value` with one decimal at most.

    >>> number(3.0), number(-0.01), number(12.345)
    ('3', '0', '12.3')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def clean(text: str) -> str:
    r"""`text` on one line, without what XML forbids or what reorders its neighbours; not escaped.

    >>> clean("a\x00b\u202ec\nd")
    'a�bc d'
    """
    return "".join(map(_safe, " ".join(text.split())))


def _safe(char: str) -> str:
    if char in _BIDI:
        return ""
    if unicodedata.category(char) in ("Cc", "Cs") or ord(char) & 0xFFFE == 0xFFFE:
        return "\N{REPLACEMENT CHARACTER}"
    return char


def tag(name: str, content: str = "", /, **attributes: str | float | None) -> str:
    """One element. `content` is markup; attribute values are escaped, and None leaves one out.

    Underscores become hyphens; one at the end is dropped.

    >>> tag("rect", x=1.26, stroke_width=2, class_="a<b", fill=None)
    '<rect x="1.3" stroke-width="2" class="a&lt;b"/>'
    """
    parts = [name]
    for key, value in attributes.items():
        if value is not None:
            shown = value if isinstance(value, str) else number(value)
            parts.append(f'{key.removesuffix("_").replace("_", "-")}="{escape(shown)}"')
    head = " ".join(parts)
    return f"<{head}>{content}</{name}>" if content else f"<{head}/>"


def hover(*lines: str) -> str:
    """The text shown when the pointer rests on the element it is put into."""
    return f"<title>{escape(chr(10).join(map(clean, lines)))}</title>"


def write(
    text: str,
    x: float,
    y: float,
    *,
    size: float = 12,
    anchor: str = "start",
    fill: Role | str = "ink",
    inside: str = "",
    halo: str | None = None,
) -> str:
    """A line of text with its baseline at `y`.

    Args:
        anchor: which end of the text lies at `x`: `start`, `middle` or `end`.
        fill: a role of the page, which follows its ground, or a colour.
        inside: markup before the text, such as `hover(…)`.
        halo: a colour around the letters, which interrupts the lines that they lie across.
    """
    return tag(
        "text",
        inside + escape(clean(text)),
        x=x,
        y=y,
        font_size=size,
        text_anchor=None if anchor == "start" else anchor,
        stroke=halo,
        stroke_width=4 if halo else None,
        stroke_linejoin="round" if halo else None,
        paint_order="stroke" if halo else None,
        **paint(fill),
    )


def paint(fill: Role | str) -> dict[str, str | float | None]:
    """The attributes that fill an element with a role of the page or a colour."""
    for role, (light, _) in ROLES.items():
        if role == fill:
            return {"class_": role, "fill": light}
    return {"fill": fill}


def rule(x: float, y: float, x2: float, y2: float, *, role: Role = "rule", dash: str | None = None) -> str:
    """A thin straight line in a colour of the page."""
    return tag(
        "line",
        x1=x,
        y1=y,
        x2=x2,
        y2=y2,
        class_=f"{role}-line",
        stroke=ROLES[role][0],
        stroke_dasharray=dash,
    )


def mark(kind: Kind, x: float, y: float, *, size: float = 9, fill: Role | str = "ink") -> str:
    """The mark of a kind of change, its upper left corner at (x, y)."""
    place = f"translate({number(x)} {number(y)}) scale({size / 10:.2f})"
    return tag("path", d=KIND_MARKS[kind], transform=place, **paint(fill))


def shift(body: str, x: float, y: float) -> str:
    """`body` moved by (x, y)."""
    return tag("g", body, transform=f"translate({number(x)} {number(y)})")


def has_chinese(text: str) -> bool:
    """Whether any character is Chinese."""
    return any("\u2e80" <= char <= "\u9fff" for char in text)


def fonts_for(text: str) -> str:
    """The font families for `text`: Chinese ones first where there is Chinese.

    Renderers look for a missing glyph in any font at hand, a serif one as well, not along this list.
    """
    first, second = (_CHINESE_FONTS, _LATIN_FONTS) if has_chinese(text) else (_LATIN_FONTS, _CHINESE_FONTS)
    return f"{first}, {second}, sans-serif"


def document(drawing: Drawing, *, label: str, style: bool = True, ground: bool = True) -> str:
    """A complete SVG document.

    Args:
        label: what the picture shows, for those who cannot see it.
        style: let it follow the reader's light or dark ground; renderers without CSS keep the light one.
        ground: paint the ground; inside a page the page's own shows.
    """
    size = {"width": drawing.width, "height": drawing.height}
    body = tag("style", stylesheet()) if style else ""
    if ground:
        body += tag("rect", **size, **paint("paper"))
    return tag(
        "svg",
        body + drawing.body,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(drawing.width)} {number(drawing.height)}",
        **size,
        font_family=fonts_for(drawing.body),
        role="img",
        aria_label=clean(label),
    )
