"""SVG to PNG by resvg, which needs no browser and no system library."""

from __future__ import annotations

import re
import unicodedata
from html import unescape
from types import ModuleType

from agent.dialogue.pictures.svg import fonts_for
from agent.errors import MissingExtraError, SettingsError

_SCALE = 2.0
# No font has a glyph for a noncharacter: it shows what a missing glyph looks like.
_MISSING = "\U0009fffe"


def load_renderer() -> ModuleType:
    """The module that renders.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import resvg_py
    except ImportError:
        raise MissingExtraError("resvg-py", "plots") from None
    module: ModuleType = resvg_py
    return module


def render_png(svg: str) -> bytes:
    """The picture at two pixels per unit, on light ground.

    Raises:
        MissingExtraError: the renderer is not installed.
        SettingsError: no installed font can write some of the text; it would be missing from the picture.
    """
    renderer = load_renderer()
    _check_fonts(renderer, svg)
    return bytes(renderer.svg_to_bytes(svg_string=svg, zoom=_SCALE))


def _check_fonts(renderer: ModuleType, svg: str) -> None:
    """Tries one letter of each script that occurs."""
    samples: dict[str, str] = {}
    for char in unescape("".join(re.findall(r">([^<>]+)</text>", svg))):
        if char.isalpha():
            samples.setdefault(unicodedata.name(char, "?").split()[0], char)
    unknown = _draw(renderer, _MISSING)
    for char in samples.values():
        if _draw(renderer, char) in (unknown, _draw(renderer, " ")):
            raise SettingsError(
                f"expected an installed font with a glyph for {char!r}, found none; install one (on Debian: "
                "fonts-dejavu-core for Latin, fonts-noto-cjk for Chinese), or save as .html or .svg"
            )


def _draw(renderer: ModuleType, char: str) -> bytes:
    text = f'<text x="5" y="25" font-size="20" font-family="{fonts_for(char)}">{char}</text>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">{text}</svg>'
    return bytes(renderer.svg_to_bytes(svg_string=svg))
