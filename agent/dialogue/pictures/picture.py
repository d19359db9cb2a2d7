"""A picture of one user: stream and flow, as a page, as SVG, as PNG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent.dialogue.pictures.choose import choose_facets
from agent.dialogue.pictures.findings import TITLE_SIZE, headline, note_text, verdict
from agent.dialogue.pictures.flow import draw_flow
from agent.dialogue.pictures.labels import shorten
from agent.dialogue.pictures.legend import draw_legend
from agent.dialogue.pictures.page import draw_page
from agent.dialogue.pictures.png import load_renderer, render_png
from agent.dialogue.pictures.stream import WIDTH, can_draw, draw_stream
from agent.dialogue.pictures.svg import Drawing, clean, document, hover, shift, write
from agent.dialogue.pictures.words import Words, words_of
from agent.errors import SettingsError
from agent.interests.words import Language
from agent.schema import Migration, Timeline

_FORMATS = (".html", ".svg", ".png")
_PAD = 16.0
_ROOM = WIDTH - 2 * _PAD


@dataclass(frozen=True, slots=True)
class Picture:
    """The drawings of one user, and what they were drawn from. Equal facts give equal texts.

    Attributes:
        heading: the finding, as the picture's title.
        stream: facet shares through time; `flow` between the two windows, None when there are none.
        legend: of both; empty when too few sessions leave nothing to draw.
    """

    timeline: Timeline
    migration: Migration
    language: Language
    heading: str
    stream: Drawing
    flow: Drawing | None
    legend: Drawing

    @property
    def html(self) -> str:
        """One self-contained page: both drawings, story, changes, evidence. No script, no outside request."""
        return draw_page(
            self.migration,
            words_of(self.language),
            self.language,
            heading=self.heading,
            drawings=(self.stream, self.flow, self.legend),
        )

    @property
    def svg(self) -> str:
        """Both drawings under one another, following the reader's light or dark ground."""
        return document(self._together(), label=self.heading)

    @property
    def stream_svg(self) -> str:
        """The stream alone, with its legend."""
        return document(self._compose([self.legend, self.stream]), label=self.heading)

    def png(self) -> bytes:
        """The same as `svg`, in pixels, on light ground.

        Raises:
            MissingExtraError: the renderer is not installed.
            SettingsError: no installed font can write the text.
        """
        return render_png(document(self._together(), label=self.heading, style=False))

    def save(self, path: str | Path) -> Path:
        """Writes the picture in the format that the name asks for: `.html`, `.svg` or `.png`.

        Raises:
            SettingsError: another name, no such folder, or it cannot be written.
            MissingExtraError: a PNG without the renderer.
        """
        target = check_target(path)
        suffix = target.suffix.lower()
        if suffix == ".png":
            content = self.png()
        else:
            content = (self.html if suffix == ".html" else self.svg).encode()
        try:
            target.write_bytes(content)
        except OSError as error:
            raise SettingsError(
                f"expected {str(path)!r} to be writable, got {error.strerror!r}; choose another place"
            ) from error
        return target

    def _together(self) -> Drawing:
        return self._compose([self.legend, self.stream, *([self.flow] if self.flow else [])])

    def _compose(self, drawings: list[Drawing]) -> Drawing:
        words = words_of(self.language)
        said = verdict(self.migration, words, self.language)
        note = note_text(self.migration, words, self.language)
        body = [
            write(self.heading, _PAD, 28, size=TITLE_SIZE),
            _line(said, 48),
        ]
        y = 58.0
        if note and note != said:
            body.append(_line(note, 66))
            y += 18
        for drawing in drawings:
            body.append(shift(drawing.body, 0, y))
            y += drawing.height + _PAD
        return Drawing(WIDTH, y, "".join(body))


def draw_picture(timeline: Timeline, migration: Migration, *, language: Language = "en") -> Picture:
    """Draws one user.

    Args:
        timeline: of the same user, over their whole history; its labels are the ones shown.
        migration: with evidence; its windows are marked in the stream.
        language: of everything but the labels and the story.
    """
    words: Words = words_of(language)
    choice = choose_facets(timeline, migration)
    return Picture(
        timeline=timeline,
        migration=migration,
        language=language,
        heading=headline(migration, choice, words),
        stream=draw_stream(timeline, migration, choice, words),
        flow=draw_flow(migration, choice, words) if choice.shown else None,
        legend=draw_legend(choice, words) if can_draw(timeline) else Drawing(WIDTH, 0, ""),
    )


def _line(text: str, y: float) -> str:
    """A line under the title, cut to the picture's width; the pointer shows all of it."""
    return write(shorten(clean(text), 12, _ROOM), _PAD, y, fill="soft", inside=hover(text))


def check_target(path: str | Path) -> Path:
    """The path a picture is to be saved under, once it is known that it can be.

    Raises:
        SettingsError: the name asks for no known format, or its folder does not exist.
        MissingExtraError: a PNG without the renderer.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in _FORMATS:
        raise SettingsError(
            f"expected a file name that ends in {', '.join(_FORMATS)}, got {str(path)!r}; rename it"
        )
    if not target.parent.is_dir():
        raise SettingsError(f"expected the folder of {str(path)!r} to exist, found none; make it first")
    if target.is_dir():
        raise SettingsError(f"expected a file to write, got the folder {str(path)!r}; choose another name")
    if suffix == ".png":
        load_renderer()
    return target
