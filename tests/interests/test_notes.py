"""What is noted beside a profile or migration: in the user's language, with what would be needed to tell."""

from __future__ import annotations

import re

import pytest

from agent.interests import notes
from agent.interests.change_test import ChangeTest
from agent.settings import InterestSettings

SETTINGS = InterestSettings()


def test_both_languages_say_the_same_things_with_the_same_figures():
    english, chinese = notes._TEXT["en"], notes._TEXT["zh"]
    assert english.keys() == chinese.keys()
    for said, text in english.items():
        assert sorted(re.findall(r"{.*?}", text)) == sorted(re.findall(r"{.*?}", chinese[said])), said
        assert re.search(r"[\u4e00-\u9fff]", chinese[said])


@pytest.mark.parametrize(("p_value", "needed"), [(0.2, 80), (0.051, 50), (0.35, 180)])
def test_an_abstention_says_how_many_sessions_would_tell(p_value, needed):
    whole = ChangeTest(1.0, p_value, 0.9, p_value, None)
    note = notes.migration_note(whole, 40, (), settings=SETTINGS, language="en")
    assert note.startswith(f"No change beyond chance (p = {p_value:.3f} over 40 sessions)")
    assert f"about {needed} sessions" in note


def test_where_there_is_no_difference_no_number_is_made_up():
    note = notes.migration_note(
        ChangeTest(-0.7, 0.8, 0.9, 0.8, None), 40, (), settings=SETTINGS, language="zh"
    )
    assert "40次会话" in note and "更大的变化" in note and "照此下去" not in note


def test_a_change_that_no_facet_owns_is_said_to_be_spread():
    for shift_p, wanted in ((0.01, "spread over many interests"), (0.6, "A stretch in between")):
        whole = ChangeTest(3.0, shift_p, 0.01, 0.01, (5, 9))
        assert wanted in notes.migration_note(whole, 40, (), settings=SETTINGS, language="en")


def test_a_small_profile_says_what_it_rests_on():
    assert notes.profile_note(90, 40, 5, settings=SETTINGS, language="en") == ""
    assert "3 event(s) in 2 session(s)" in notes.profile_note(3, 2, 1, settings=SETTINGS, language="en")
    assert "3个事件" in notes.profile_note(3, 2, 0, settings=SETTINGS, language="zh")
