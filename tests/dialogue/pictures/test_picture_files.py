"""Saving a picture: three formats, and plain errors for what cannot be written."""

from __future__ import annotations

import doctest
import struct
import sys

import pytest
from typer.testing import CliRunner

from agent import SettingsError
from agent.cli import app
from agent.dialogue.pictures import labels, style, svg, words
from agent.dialogue.pictures.picture import check_target
from agent.errors import MissingExtraError
from tests.dialogue.pictures.picture_worlds import picture_of


@pytest.mark.parametrize("module", [labels, style, svg, words])
def test_the_examples_in_docstrings_hold(module):
    result = doctest.testmod(module)
    assert result.attempted and not result.failed


def test_html_and_svg_are_utf8_and_equal_each_time(tmp_path):
    picture = picture_of(["编程入门", "Beer"])
    for suffix, text in ((".html", picture.html), (".SVG", picture.svg)):
        target = picture.save(tmp_path / f"out{suffix}")
        assert target.read_text(encoding="utf-8") == text
        assert picture.save(target).read_bytes() == text.encode()


def test_a_png_has_twice_the_size_of_its_drawing(tmp_path):
    pytest.importorskip("resvg_py", reason="needs the extra `plots`")
    picture = picture_of(["Cheese", "Beer"])
    raw = picture.save(tmp_path / "out.png").read_bytes()
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", raw[16:24])
    stated = [
        float(part.split('"')[1]) for part in picture.svg.split(" ") if part.startswith(("width=", "height="))
    ]
    assert [width, height] == [round(2 * value) for value in stated[:2]]
    assert picture.png() == raw


@pytest.mark.parametrize("name", ["out.pdf", "out", "out.png.txt", ""])
def test_another_format_is_refused(tmp_path, name):
    with pytest.raises(SettingsError, match=r"ends in \.html, \.svg, \.png, got .*; rename it"):
        picture_of(["Cheese"]).save(tmp_path / name if name else name)


def test_a_missing_folder_a_folder_and_a_place_that_refuses_are_told(tmp_path):
    picture = picture_of(["Cheese"])
    with pytest.raises(SettingsError, match="make it first"):
        picture.save(tmp_path / "none" / "out.svg")
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(SettingsError, match="got the folder"):
        picture.save(tmp_path / "folder.svg")
    # A link that leads nowhere: there is no file to see, and none can be made.
    (tmp_path / "link.svg").symlink_to(tmp_path / "gone" / "out.svg")
    with pytest.raises(SettingsError, match="writable, got 'No such file or directory'; choose another"):
        picture.save(tmp_path / "link.svg")


def test_a_png_without_the_extra_names_it_before_anything_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'driftrec\[plots\]'"):
        check_target(tmp_path / "out.png")
    with pytest.raises(MissingExtraError):
        picture_of(["Cheese"]).png()
    assert check_target(tmp_path / "out.svg")


def test_text_that_no_font_can_write_is_told():
    pytest.importorskip("resvg_py", reason="needs the extra `plots`")
    # Vithkuqi: no font of common distributions has it.
    with pytest.raises(SettingsError, match="an installed font with a glyph for"):
        picture_of(["\U00010570\U00010571"]).png()


def test_the_command_refuses_before_it_opens_the_workspace(tmp_path):
    done = CliRunner().invoke(app, ["migration", "u1", "--plot", str(tmp_path / "out.gif"), "-w", "none"])
    assert done.exit_code != 0
    assert "ends in .html, .svg, .png" in str(done.exception or done.output)
