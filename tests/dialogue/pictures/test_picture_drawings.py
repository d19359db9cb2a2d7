"""What a picture says: shares of the migration, moments at their place, names apart, equal bytes."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.data.days import day_start, zone_of
from agent.dialogue.pictures.axis import Axis, draw_axis, month_ticks
from agent.dialogue.pictures.choose import choose_facets
from agent.dialogue.pictures.labels import find_spot, shorten, spread, text_width
from agent.dialogue.pictures.smooth import smooth_shares
from agent.dialogue.pictures.stream import WIDTH
from agent.dialogue.pictures.style import KIND_COLOURS, linear_rgb
from agent.dialogue.pictures.svg import clean
from agent.dialogue.pictures.words import words_of
from tests.dialogue.pictures.picture_worlds import (
    HOSTILE,
    migration_of,
    picture_of,
    timeline_of,
)

SVG = "{http://www.w3.org/2000/svg}"
THIRTY = [f"Interest {number}" for number in range(30)]


def texts(svg):
    """Texts of an SVG with their places, hover texts left out."""
    found = []
    for element in ET.fromstring(svg).iter(f"{SVG}text"):
        line = "".join([element.text or "", *(child.tail or "" for child in element)])
        found.append((line, element))
    return found


def lines(svg):
    return [line for line, _ in texts(svg)]


def test_shares_are_those_of_the_migration():
    timeline = timeline_of(["Cheese", "Beer", "Bread"])
    found = migration_of(timeline)
    for entry in choose_facets(timeline, found).shown:
        assert entry.before == pytest.approx(entry.change.share_before)
        assert entry.after == pytest.approx(entry.change.share_after)
    shown = lines(picture_of(["Cheese", "Beer", "Bread"]).svg)
    # Weights 1, 2, 3 of 6 before, mirrored after; the stable one shows one share.
    assert any(line.startswith("Cheese 17% → 50%") for line in shown)
    assert any(line.startswith("Beer 33% → 33%") for line in shown)
    assert any(line.startswith("Bread 33%") for line in shown)


def test_the_title_says_the_finding():
    labels = ["Cheese", "Beer", "Bread", "Wine"]
    kinds = ("rising", "stable", "stable", "fading")
    assert picture_of(labels, kinds=kinds).heading == "User u1: Cheese up; Wine down"
    zh = picture_of(labels, kinds=kinds, language="zh")
    assert zh.heading == "用户 u1：Cheese增多，Wine减少"
    assert picture_of(labels, abstained=True).heading == "User u1: no clear change"
    still = picture_of(labels, kinds=("stable",))
    assert still.heading == "User u1: the mix moved, no single interest stands out"
    assert picture_of(labels, n_sessions=1).heading == "Interests of u1"


def test_what_everyone_did_is_not_the_users_finding():
    labels = ["Cheese", "Beer", "Bread", "Wine"]
    kinds = ("rising", "stable", "stable", "fading")
    assert picture_of(labels, kinds=kinds, crowd=("f0",)).heading == "User u1: Wine down"


def test_a_long_finding_is_cut_to_the_picture():
    labels = [
        f"{kind} interest with a very long name indeed" for kind in ("First", "Second", "Third", "Last")
    ]
    heading = picture_of(labels, kinds=("rising", "new", "fading", "dropped"), user="x" * 200).heading
    assert text_width(heading, 19) <= WIDTH - 32
    assert heading.count("…") >= 4 and "up" in heading and "down" in heading


def test_moments_stand_where_they_are():
    axis = Axis(0.0, 100.0, 200.0, 700.0)
    assert [axis.at(day) for day in (0, 50, 100, -5, 105)] == [200, 450, 700, 200, 700]
    assert axis.of(datetime(1970, 1, 11, tzinfo=UTC)) == 250


def test_the_split_and_the_change_point_share_their_place_with_the_brackets():
    picture = picture_of(["Cheese", "Beer"])
    root = ET.fromstring(picture.stream_svg)
    upright = [line for line in root.iter(f"{SVG}line") if line.get("x1") == line.get("x2")]
    dotted = [line for line in upright if line.get("stroke-dasharray")]
    split = [line for line in upright if line.get("class") == "paper-line"]
    brackets = [path.get("d") for path in root.iter(f"{SVG}path") if "V20H" in path.get("d")]
    (point,), (border,) = dotted, split
    assert point.get("x1") == border.get("x1")
    ends = [tuple(map(float, re.match(r"M([\d.]+) 24V20H([\d.]+)V24", d).groups())) for d in brackets]
    (_, end), (begin, _) = ends
    assert end < float(border.get("x1")) < begin and begin - end == pytest.approx(3, abs=0.2)


@pytest.mark.parametrize(("n_sessions", "every"), [(24, 7), (40, 30), (8, 2), (60, 90)])
def test_months_are_begins_and_stand_apart(n_sessions, every):
    days = timeline_of(["Cheese"], n_sessions=n_sessions, every=every).days
    axis = Axis(days[0].timestamp() / 86_400, days[-1].timestamp() / 86_400 + 1, 86, 876)
    ticks = month_ticks(axis)
    assert all(tick.day == 1 and not tick.hour for tick in ticks)
    assert all(axis.of(b) - axis.of(a) >= 45 for a, b in pairwise(ticks))


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Shanghai", "Asia/Beirut", "UTC"])
def test_months_begin_at_the_midnights_of_the_zone(zone):
    """From before the clocks go forward to after they go back: ticks and ends are days there."""
    first, last = (day_start(day, zone) for day in (19_000, 19_337))  # 2022-01-08, the day after 2022-12-10
    axis = Axis(first.timestamp() / 86_400, last.timestamp() / 86_400, 86, 876, zone_of(zone))
    ticks = month_ticks(axis)
    assert {tick.month for tick in ticks} == set(range(2, 13))
    assert all((tick.day, tick.hour, tick.tzinfo) == (1, 0, zone_of(zone)) for tick in ticks)
    assert axis.of(ticks[0]) == axis.of(day_start(19_024, zone))  # 2022-02-01
    short = replace(axis, last=day_start(19_003, zone).timestamp() / 86_400)
    drawn = draw_axis(short, words_of("en"))
    assert "2022-01-08" in drawn and "2022-01-10" in drawn


def test_the_course_sums_to_one_and_leaves_holes():
    timeline = timeline_of(["Cheese", "Beer", "Bread"], n_sessions=20)
    course = smooth_shares(timeline)
    assert course.known.all()
    np.testing.assert_allclose(course.shares.sum(axis=0), 1)
    # Half a year without a session: nothing is said about its middle, and nothing drawn there.
    days = (*timeline.days[:10], *(day.replace(year=2025) for day in timeline.days[10:]))
    gap = smooth_shares(type(timeline)("u1", "month", (), (), days, timeline.facets))
    assert 0.3 < gap.known.mean() < 0.9
    np.testing.assert_allclose(gap.shares[:, gap.known].sum(axis=0), 1)
    assert not gap.shares[:, ~gap.known].any()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "options",
    [
        {"labels": []},
        {"labels": [], "n_sessions": 0},
        {"labels": ["Cheese"], "n_sessions": 1},
        {"labels": ["Cheese"], "n_sessions": 2},
        {"labels": ["Cheese"]},
        {"labels": THIRTY},
        {"labels": THIRTY, "abstained": True, "n_dislikes": 60},
        {"labels": HOSTILE, "n_dislikes": 2},
    ],
    ids=["none", "no-history", "one-session", "two-sessions", "one", "thirty", "abstained", "hostile"],
)
def test_every_history_gives_well_formed_equal_pictures(options, language):
    picture, again = (picture_of(**options, language=language, note="Why it is so.") for _ in range(2))
    assert (picture.svg, picture.html, picture.stream_svg) == (again.svg, again.html, again.stream_svg)
    for svg in (picture.svg, picture.stream_svg, *re.findall(r"<svg.*?</svg>", picture.html)):
        root = ET.fromstring(svg)
        for element in root.iter():
            assert element.tag.removeprefix(SVG) in {
                *("svg", "style", "rect", "g", "path", "line", "text", "title"),
            }
            assert not [name for name in element.attrib if name.startswith("on") or name.endswith("href")]
    assert "nan" not in picture.svg.lower().replace("banana", "")
    if not options["labels"]:
        assert words_of(language).too_little in lines(picture.svg)


def test_eleven_of_thirty_are_named_and_the_rest_is_counted():
    shown = lines(picture_of(THIRTY).svg)
    assert len({line for line in shown if line in THIRTY}) == 11
    assert "other (19 interests)" in shown
    assert "other (1 interest)" in lines(picture_of(THIRTY[:12]).svg)


def test_names_are_one_line_without_controls_and_cut():
    shown = lines(picture_of(HOSTILE).svg)
    assert any(line.startswith("<script>") for line in shown)
    for line in shown:
        assert not set(line) & set("\x00\n\u202e\u202a\u2066")
        assert len(line) < 200
    assert any(line.endswith("…") for line in shown)
    assert clean("a\u202eb\nc") == "ab c"


def test_figures_after_a_name_from_right_to_left_stay_in_order():
    shown = lines(picture_of(["\u05e9\u05dc\u05d5\u05dd", "Beer"]).svg)
    assert "\u05e9\u05dc\u05d5\u05dd\u200e 33% → 67%" in shown


def test_no_name_lies_on_another():
    labels = [f"Interest with a name {number}" for number in range(14)]
    for svg in (picture_of(labels).stream_svg, picture_of(THIRTY, kinds=("stable",)).stream_svg):
        boxes = []
        for line, element in texts(svg):
            size, x, y = (float(element.get(name)) for name in ("font-size", "x", "y"))
            width = text_width(line, size)
            left = {"end": x - width, "middle": x - width / 2}.get(element.get("text-anchor"), x)
            assert left >= 0 and left + width <= WIDTH, line
            if 60 < y < 440:
                boxes.append((left, left + width, y - 0.72 * size, y, line))
        for one, other in combinations(boxes, 2):
            apart = one[1] <= other[0] or other[1] <= one[0] or one[3] <= other[2] or other[3] <= one[2]
            assert apart, (one, other)


def test_chinese_pictures_have_no_english_of_ours():
    labels = ["编程入门", "儿童绘本", "数学"]
    notes = {
        "abstained": picture_of(labels, language="zh", abstained=True, note="No change beyond chance."),
        "spread": picture_of(labels, language="zh", kinds=("stable",), note="The mix moved."),
        "few": picture_of(labels, language="zh", n_sessions=3, note="No events yet."),
        "moved": picture_of(labels, language="zh", n_dislikes=1, story="编程入门上升了。"),
    }
    for name, picture in notes.items():
        told = " ".join(lines(picture.svg)).replace("u1", "")
        told = re.sub(r"\bp = ", "", told)
        assert not re.search(r"[A-Za-z]{2,}", told), (name, told)
        page = re.sub(r"<style.*?</style>|<svg.*?</svg>|<li>.*?</li>", "", picture.html, flags=re.DOTALL)
        told = " ".join(re.findall(r">([^<>]+)<", page)).replace("driftrec", "")
        assert not re.search(r"[A-Za-z]{3,}", told), (name, told)


def test_a_note_of_another_kind_is_kept_in_any_language():
    picture = picture_of(
        ["编程入门", "绘本"], language="zh", note="About the words: a smaller model answered."
    )
    assert "About the words: a smaller model answered." in picture.html


def test_a_note_stands_once():
    note = "No change beyond chance."
    story = f"No clear change. {note}"
    html = picture_of(["Cheese", "Beer"], abstained=True, note=note, story=story).html
    assert html.count(note) == 1


def confused(colour, form):
    """A colour as seen without one kind of cone.

    G. M. Machado, M. M. Oliveira and L. A. F. Fernandes, "A Physiologically-based Model for Simulation of
    Color Vision Deficiency", 2009, DOI 10.1109/TVCG.2009.113; matrices for severity 1.
    """
    matrix = {
        "none": np.eye(3),
        "protan": [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        "deutan": [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
        "tritan": [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    }[form]
    return lab(np.clip(np.array(matrix) @ linear_rgb(colour), 0, 1))


def lab(linear):
    """CIELAB of linear sRGB, D65."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("form", ["none", "protan", "deutan", "tritan"])
def test_what_grows_and_what_shrinks_keep_apart_for_every_eye(form):
    """Ten is far beyond a just noticeable difference (about 2.3 in CIELAB); marks tell the kinds as well."""
    grown = [KIND_COLOURS[kind][0] for kind in ("new", "rising")]
    shrunk = [KIND_COLOURS[kind][0] for kind in ("fading", "dropped")]
    for one in grown:
        for other in (*shrunk, KIND_COLOURS["stable"][0]):
            assert np.linalg.norm(confused(one, form) - confused(other, form)) > 10, (one, other)
    for one in shrunk:
        assert np.linalg.norm(confused(one, form) - confused(KIND_COLOURS["stable"][0], form)) > 10


@given(st.text(max_size=60), st.floats(0, 300))
@settings(max_examples=60, deadline=None)
def test_a_cut_name_fits(text, room):
    short = shorten(text, 11, room)
    assert short == "" or text_width(short, 11) <= room + 1e-9
    assert short == text or short == "" or short.endswith("…")


@given(st.lists(st.floats(0, 100), max_size=12), st.floats(1, 30))
@settings(max_examples=60, deadline=None)
def test_spread_places_keep_order_and_distance(wanted, gap):
    places = spread(wanted, gap, 0, 100)
    assert len(places) == len(wanted)
    least = min(gap, 100 / max(len(wanted) - 1, 1))
    order = np.argsort(wanted, kind="stable")
    assert all(places[b] - places[a] >= least - 1e-6 for a, b in pairwise(order))
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in places)


def test_a_spot_is_the_highest_free_one():
    x = np.arange(11.0)
    bottom = np.array([1, 1, 1, 5, 5, 5, 1, 1, 3, 3, 3.0])
    spot = find_spot(x, np.zeros(11), bottom, width=1.5)
    assert (spot.x, spot.y, spot.height) == (4.0, 2.5, 5.0)
    beside = find_spot(x, np.zeros(11), bottom, width=1.5, avoid=[4.0])
    assert (beside.x, beside.height) == (9.0, 3.0)
    assert find_spot(x, np.zeros(11), bottom, width=20) is None
    assert find_spot(x, np.zeros(11), bottom, width=8, avoid=[4.0, 7.0]) is None
