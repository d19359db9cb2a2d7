"""The page in a real browser: it shows the interests, asks for nothing, and hostile names stay text."""

from __future__ import annotations

import re
from html import unescape

import numpy as np
import pytest

from agent.dialogue.pictures.svg import clean
from tests.dialogue.pictures.picture_worlds import HOSTILE, picture_of

OUTSIDE = "<img src='http://outside.example/a.png'><link rel=stylesheet href='http://outside.example/b.css'>"


def texts_of(dom):
    """The visible texts of SVG and of table cells."""
    return [unescape(text) for text in re.findall(r">([^<>]+)</(?:text|td|h1)>", dom)]


@pytest.fixture
def page(tmp_path):
    def write(picture):
        return picture.save(tmp_path / "page.html")

    return write


def test_the_page_opens_shows_the_interests_and_asks_for_nothing(browser, page):
    labels = ["Cheese", "Beer", "Bread and rolls", "编程入门"]
    dom = browser.dom(page(picture_of(labels, story="Cheese rose.")))
    shown = " ".join(texts_of(dom))
    assert all(label in shown for label in labels)
    assert "Cheese up" not in shown  # it falls in the other half of the facets
    assert dom.count("<svg") >= 3 and "Cheese rose." in dom
    assert browser.requests == set()


def test_a_request_would_be_seen(browser, tmp_path):
    page = tmp_path / "control.html"
    page.write_text(f"<!doctype html><body>{OUTSIDE}")
    browser.dom(page)
    assert browser.requests == {"http://outside.example/a.png", "http://outside.example/b.css"}


def test_hostile_names_neither_run_nor_load_nor_break_out(browser, page):
    dom = browser.dom(page(picture_of([*HOSTILE, OUTSIDE], n_dislikes=3, story=OUTSIDE, user=HOSTILE[0])))
    assert browser.requests == set()
    assert "<title>owned" not in dom
    for element in ("<script", "<img", "<link", "<iframe", "<b>"):
        assert element not in dom
    assert dom.rstrip().endswith("</html>") and "</footer>" in dom
    names = [unescape(name) for name in re.findall(r"<td>([^<>]+)<details>", dom)]
    assert clean(HOSTILE[0]) in names and clean(HOSTILE[5]) in names


def test_the_policy_alone_would_stop_what_got_through(browser, page, tmp_path):
    html = picture_of(["Cheese", "Beer"]).html
    broken = tmp_path / "broken.html"
    broken.write_text(html.replace("<footer>", f"{OUTSIDE}<script>document.title='owned'</script><footer>"))
    dom = browser.dom(broken)
    assert browser.requests == set()
    assert "<title>owned" not in dom


def test_light_and_dark_ground_both_have_dark_and_light_parts(browser, page):
    resvg = pytest.importorskip("resvg_py", reason="the extra `plots` reads no PNG otherwise")
    assert resvg
    target = page(picture_of(["Cheese", "Beer", "Bread"]))
    light, dark = browser.shot(target), browser.shot(target, dark=True)
    assert corner(light) == (255, 255, 255)
    assert corner(dark) == (13, 17, 23)


def corner(png):
    """Red, green and blue of the first pixel, whatever filter its row has: it has no neighbours."""
    import struct
    import zlib

    assert png.startswith(b"\x89PNG")
    spot, data = 8, b""
    while spot < len(png):
        (length,) = struct.unpack(">I", png[spot : spot + 4])
        if png[spot + 4 : spot + 8] == b"IDAT":
            data += png[spot + 8 : spot + 8 + length]
        spot += 12 + length
    return tuple(int(value) for value in np.frombuffer(zlib.decompress(data)[1:4], np.uint8))


def test_no_name_lies_on_another_as_the_browser_draws_them(browser, page, tmp_path):
    """The widths that names are placed by are estimates; the browser's own are measured by a script."""
    labels = [f"Interest with a name {number}" for number in range(14)]
    picture = picture_of(labels)
    script = (
        "<script>document.title=JSON.stringify([...document.querySelectorAll('svg text')].map(t=>{"
        "const b=t.getBoundingClientRect(),s=t.ownerSVGElement.getBoundingClientRect();"
        "return [b.left,b.top,b.right,b.bottom,s.left,s.right]}))</script>"
    )
    measured = tmp_path / "measured.html"
    measured.write_text(f"<!doctype html><body style='margin:0'>{picture.svg}{script}", encoding="utf-8")
    dom = browser.dom(measured)
    import json

    title = re.search(r"<title>(\[\[.*?\]\])</title>", dom)
    boxes = json.loads(unescape(title[1]))
    assert len(boxes) > 40
    for left, _, right, _, edge, end in boxes:
        assert edge <= left and right <= end
    for spot, one in enumerate(boxes):
        for other in boxes[spot + 1 :]:
            wide = min(one[2], other[2]) - max(one[0], other[0])
            high = min(one[3], other[3]) - max(one[1], other[1])
            # Boxes are a line high, letters are not.
            assert wide <= 1 or high <= 4, (one, other)
