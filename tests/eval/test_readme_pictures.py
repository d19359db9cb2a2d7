"""The stream graph that the README shows: as an image it loads nothing, and it is made by the command."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from eval.bench.picture import STREAM, draw, draw_stream
from tests.conftest import ROOT
from tests.shops import new_shop

MOST_BYTES = 150_000


def check_image(svg):
    """Well formed, small, and nothing in it that a page's image may not have."""
    assert len(svg.encode()) < MOST_BYTES
    root = ET.fromstring(svg)
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        *("svg", "style", "rect", "g", "path", "line", "text", "title"),
    }
    assert set(re.findall(r"https?://[^\"']*", svg)) == {"http://www.w3.org/2000/svg"}
    assert "@import" not in svg and "url(" not in svg
    assert "prefers-color-scheme:dark" in svg


def test_the_readme_image_is_there():
    check_image((ROOT / STREAM).read_text(encoding="utf-8"))


def test_the_command_draws_it_from_a_workspace(tmp_path, en_files):
    with new_shop(tmp_path / "shop", en_files) as agent:
        agent.index()
        labels = {change.label for change in agent.migration("c03").changes}
    targets = [tmp_path / "images" / name for name in ("one.svg", "two.svg")]
    for target in targets:
        assert draw_stream("c03", workspace=str(tmp_path / "shop"), model="none", target=target) == target
    one, two = (target.read_text(encoding="utf-8") for target in targets)
    check_image(one)
    assert one == two
    assert labels and all(label in one for label in labels)
    with pytest.raises(RuntimeError, match="got user 'nobody'"):
        draw_stream("nobody", workspace=str(tmp_path / "shop"), model="none", target=tmp_path / "none.svg")
    assert not (tmp_path / "none.svg").exists()


def test_the_command_draws_what_two_commands_print(tmp_path, en_files):
    with new_shop(tmp_path / "shop", en_files) as agent:
        agent.index()
    target = draw(
        "c03", workspace=str(tmp_path / "shop"), model="none", target=tmp_path / "images" / "demo.svg"
    )
    svg = target.read_text(encoding="utf-8")
    ET.fromstring(svg)
    assert "@font-face" not in svg and "url(http" not in svg
    text = " ".join(re.sub("<[^>]+>", " ", svg).replace("&#160;", " ").split())
    assert "driftrec migration c03 -w" in text and "Recommendations for c03" in text
    with pytest.raises(RuntimeError, match="failed"):
        draw("c03", workspace=str(tmp_path / "nowhere"), model="none", target=tmp_path / "none.svg")
