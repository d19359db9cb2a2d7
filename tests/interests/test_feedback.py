"""The fold over feedback: pure, undoable, bounded; and what a person types against what they mean."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import SettingsError
from agent.interests.feedback import MAX_STEPS, FeedbackState, effective_feedback, gift_rows
from agent.interests.frame import form_frame
from agent.interests.frames import match_facets
from agent.interests.sessions import compute_session_shares
from agent.interests.state import UserState
from agent.interests.targets import TargetFinder
from agent.interests.words import FacetWords
from agent.schema import Feedback
from agent.settings import InterestSettings

WHEN = datetime(2024, 1, 1, tzinfo=UTC)
SETTINGS = InterestSettings()


def said(number, action, kind="facet", target="f0", value=""):
    return Feedback(number, "ann", WHEN, action, kind, target, value)


def test_each_word_has_its_effect():
    state = effective_feedback(
        [
            said(1, "pin"),
            said(2, "mute", "category", "Soap"),
            said(3, "rename", value="My cheese"),
            said(4, "more", "item", "i03"),
            said(5, "less", "facet", "f1"),
            said(6, "less", "facet", "f1"),
            said(7, "gift", "interaction", "12"),
            said(8, "gift", "item", "i05", "2017-01-02"),
        ]
    )
    assert state == FeedbackState(
        labels={"f0": "My cheese"},
        pinned=frozenset({"f0"}),
        muted=frozenset({("category", "Soap")}),
        steps={("item", "i03"): 1, ("facet", "f1"): -2},
        gifts=frozenset({12}),
        gift_items=frozenset({("i05", "2017-01-02")}),
    )
    assert state.marks("f0") == ("pinned", "renamed") and state.marks("f1") == ("less",)
    assert state and not FeedbackState()


def test_the_later_of_two_that_contradict_holds():
    assert effective_feedback([said(1, "pin"), said(2, "mute")]).pinned == frozenset()
    assert effective_feedback([said(1, "mute"), said(2, "pin")]).muted == frozenset()
    assert effective_feedback([said(1, "more"), said(2, "less")]).steps == {}
    assert effective_feedback([said(2, "rename", value="B"), said(1, "rename", value="A")]).labels == {
        "f0": "B"
    }


ACTIONS = st.sampled_from(["pin", "mute", "less", "more", "rename", "gift"])
TARGETS = st.sampled_from(["1", "2", "3"])


@given(st.lists(st.tuples(ACTIONS, TARGETS), max_size=12), st.data())
def test_what_was_undone_was_never_said(words, data):
    given_words = [
        said(
            n,
            action,
            "interaction" if action == "gift" else "facet",
            target,
            "x" if action == "rename" else "",
        )
        for n, (action, target) in enumerate(words, start=1)
    ]
    gone = data.draw(st.sets(st.integers(1, max(len(words), 1))))
    undos = [said(100 + n, "undo", "feedback", str(n)) for n in gone]
    kept = [entry for entry in given_words if entry.feedback_id not in gone]
    state = effective_feedback([*given_words, *undos])
    assert state == effective_feedback(kept)
    assert all(0 < abs(step) <= MAX_STEPS for step in state.steps.values())
    assert effective_feedback(
        [*given_words, *(said(200 + n, "undo", "feedback", str(n)) for n in range(1, 13))]
    ) == (FeedbackState())


def test_gifts_by_number_by_item_and_by_day(catalogue, make_log):
    log = make_log([[0, 5], [0, 1], [0]])
    codes = catalogue.item_codes

    def rows(*words):
        return np.flatnonzero(gift_rows(log, effective_feedback(words), codes)).tolist()

    assert rows() == []
    assert rows(said(1, "gift", "interaction", "2")) == [1]
    assert rows(said(1, "gift", "item", "i00")) == [0, 2, 4]
    assert rows(said(1, "gift", "item", "i00", "2017-01-02")) == [2]
    assert rows(said(1, "gift", "item", "no longer there")) == []


def test_facets_are_found_again_by_their_items(catalogue, make_log):
    """At another moment the same facets may have other keys: what was said follows the items."""
    whole = form_frame(make_log([[10, 11], [0, 1, 2], [5, 6]]), catalogue, SETTINGS)
    part = form_frame(make_log([[0, 1], [5, 6]]), catalogue, SETTINGS)
    cheese = whole.keys[whole.facet_of(np.array([0], np.int32))[0]]
    names = match_facets(whole, part)
    assert names[cheese] == part.keys[part.facet_of(np.array([0], np.int32))[0]]
    fish = whole.keys[whole.facet_of(np.array([10], np.int32))[0]]
    assert fish not in names
    state = effective_feedback([said(1, "mute", target=fish), said(2, "pin", target=cheese)]).renamed(names)
    assert state.muted == frozenset() and state.pinned == frozenset({names[cheese]})


@pytest.fixture(scope="module")
def finder(catalogue, make_log):
    log = make_log([[0, 1], [5, 6], [0, 25]])
    frame = form_frame(log, catalogue, SETTINGS)
    words = {
        key: FacetWords(label, "") for key, label in zip(frame.keys, ("Cheese", "Bread", "Soap"), strict=True)
    }
    feedback = FeedbackState(labels={"f1": "Daily bread"})
    state = UserState("ann", log, frame, compute_session_shares(log, frame), words, 0, feedback)
    return TargetFinder(state, log, catalogue)


@pytest.mark.parametrize(
    ("action", "text", "expected"),
    [
        ("pin", "f0", ("facet", "f0", "")),
        ("mute", "cheese", ("facet", "f0", "")),
        ("mute", "daily bread", ("facet", "f1", "")),
        ("mute", "Bread", ("facet", "f1", "")),  # the old name still finds it
        ("less", "WINE", ("category", "Wine", "")),
        ("more", "i07", ("item", "i07", "")),
        ("mute", "tea kind 1, 101 g", ("item", "i21", "")),
        ("gift", "#3", ("interaction", "3", "")),
        ("gift", "i00@2017-01-03", ("item", "i00", "2017-01-03")),
        ("gift", "i00", ("item", "i00", "")),
    ],
)
def test_what_is_typed_is_found(finder, action, text, expected):
    found = finder.find(action, text)
    assert (found.kind, found.name, found.value) == expected


@pytest.mark.parametrize(
    ("action", "text", "options", "message"),
    [
        ("mute", "Chese", {}, "near: 'Cheese'"),
        ("pin", "Wine", {}, "'pin' expects facet of user 'ann', got 'Wine'"),
        ("gift", "999", {}, "interaction or item"),
        ("gift", "i07", {}, "has no event with item 'i07'"),
        ("gift", "i00@2020-01-01", {}, "no event with item 'i00' on 2020-01-01"),
        ("gift", "i00", {"value": "yesterday"}, "2017-05-01, got 'yesterday'"),
        ("rename", "f0", {"value": ""}, "1 to 60 printable characters"),
        ("rename", "f0", {"value": "two\nlines"}, "printable"),
        ("rename", "f0", {"value": "SOAP"}, "is called 'SOAP' already"),
        ("mute", "f0", {"value": "x"}, "takes no value"),
        ("mute", "f0", {"kind": "interaction"}, "expects a target among facet, category, item"),
        ("undo", "1", {}, "undo has its own call"),
    ],
)
def test_what_cannot_be_meant_is_said(finder, action, text, options, message):
    with pytest.raises(SettingsError, match=message):
        finder.find(action, text, **options)


def relabelled(finder, labels):
    state = dataclasses.replace(finder.state, feedback=FeedbackState(labels=labels))
    return TargetFinder(state, finder.log, finder.catalogue)


def test_what_is_on_the_screen_is_meant_before_an_old_name(finder):
    renamed = relabelled(finder, {"f0": "Alpha", "f1": "Cheese"})
    assert renamed.find("mute", "cheese").name == "f1"
    assert renamed.find("mute", "alpha").name == "f0"
    assert renamed.find("mute", "Bread").name == "f1"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"f1": "Cheese"}, ["Cheese (f0)", "Cheese", "Soap"]),  # f0 was renamed first, and that taken back
        ({"f0": "soap", "f1": "Soap"}, ["soap", "Soap (f1)", "Soap (f2)"]),
    ],
)
def test_no_two_interests_are_shown_under_one_name(finder, labels, expected):
    renamed = relabelled(finder, labels)
    assert [entry.label for entry in renamed.state.shown.values()] == expected
    for key, label in zip(("f0", "f1", "f2"), expected, strict=True):
        assert renamed.find("mute", label, kind="facet").name == key or label.casefold() == "soap"


def test_a_kind_that_is_given_is_the_only_one_tried(finder):
    assert finder.find("mute", "Cheese", kind="category").kind == "category"
