from __future__ import annotations

import pytest

from agent.interests.story_check import check_story
from agent.interests.words import (
    FacetExamples,
    FacetWords,
    make_unique,
    percent,
    short_title,
    story_from_facts,
)
from agent.schema import FacetChange, Migration


def change(label, kind, before, after, *, key=None, crowd=False):
    return FacetChange(
        key=key or label,
        label=label,
        kind=kind,
        share_before=before,
        share_after=after,
        effect=3.0,
        p_value=0.001,
        q_value=0.01,
        crowd=crowd,
        evidence_before=(),
        evidence_after=(),
    )


CHANGES = (
    change("Cheese", "rising", 0.035, 0.138),
    change("Newspapers and magazines", "dropped", 0.024, 0.0),
    change("Frozen pizza", "fading", 0.12, 0.05),
    change("Baby food", "new", 0.0, 0.08),
    change("Wine", "returned", 0.01, 0.06),
    change("Bread", "stable", 0.1, 0.1),
)
CHANGES_ZH = (
    change("儿童绘本", "fading", 0.60, 0.10),
    change("编程入门", "new", 0.0, 0.45),
    change("手工", "stable", 0.2, 0.2),
)


@pytest.mark.parametrize(
    "story",
    [
        "Cheese rose from 4% to 14%. Newspapers and magazines stopped.",
        "Interest in cheese has grown, while frozen pizza fell from 12% to 5%.",
        "Baby food is new. Wine came back after a pause.",
        "Cheese is rising, but newspapers and magazines are gone.",
        "Bread stayed the same, while Cheese grew.",
        "Baby food is new, at 8% now.",
    ],
)
def test_true_stories_pass(story):
    assert check_story(story, CHANGES, "en") == []


@pytest.mark.parametrize(
    ("story", "reason"),
    [
        ("Cheese fell from 4% to 14%.", "down"),
        ("Cheese rose from 14% to 4%.", "went from"),
        ("Cheese rose from 5% to 14%.", "not in the facts"),
        ("Cheese rose, and noir films appeared.", "noir"),
        ("Newspapers and magazines are rising.", "up"),
        ("Cheese is new.", "start"),
        ("Frozen pizza stopped.", "end"),
        ("Bread rose.", "up"),
        ("There was a change.", "names none"),
        ("Cheese.", "without saying"),
        ("", "empty"),
        ("Frozen pizza, like cheese, rose.", "up"),
        ("Cheese rose because of a wedding.", "wedding"),
        ("Cheese rose in 2019.", "2019"),
        ("Cheese rose, but fell of late.", "down"),
        ("Baby food is new, at 0% now.", "8%"),
        ("Newspapers and magazines stopped, at 0% before.", "2%"),
        ("Cheese rose, and it is at 5% now.", "5%"),
    ],
)
def test_false_stories_are_rejected_with_the_reason(story, reason):
    problems = check_story(story, CHANGES, "en")
    assert problems and any(reason in problem for problem in problems), problems


def test_a_label_within_a_label_is_not_confused():
    changes = (change("Pizza", "rising", 0.1, 0.3), change("Frozen pizza", "fading", 0.3, 0.1))
    assert check_story("Frozen pizza fell. Pizza rose.", changes, "en") == []
    assert check_story("Frozen pizza rose.", changes, "en")


def test_period_names_may_be_used():
    assert check_story("In spring 2017 cheese rose.", CHANGES, "en")
    assert check_story("In spring 2017 cheese rose.", CHANGES, "en", periods=("spring 2017",)) == []


@pytest.mark.parametrize(
    ("story", "accepted"),
    [
        ("儿童绘本从60%下降到10%。编程入门是新出现的兴趣。", True),
        ("对儿童绘本的兴趣逐渐减少，而编程入门新出现。", True),
        ("编程入门新出现，现在占45%。", True),
        ("编程入门新出现，现在占40%。", False),
        ("儿童绘本上升。", False),
        ("儿童绘本下降，钓鱼新出现。", False),
        ("编程入门从0%上升到40%。", False),
        ("手工上升。", False),
    ],
)
def test_chinese_stories(story, accepted):
    assert (check_story(story, CHANGES_ZH, "zh") == []) is accepted, check_story(story, CHANGES_ZH, "zh")


def migration_of(changes):
    return Migration(
        user_id="ann",
        before=None,
        after=None,
        n_sessions_before=20,
        n_sessions_after=20,
        drift_score=5.0,
        p_value=0.001,
        abstained=False,
        changes=changes,
    )


@pytest.mark.parametrize(("changes", "language"), [(CHANGES, "en"), (CHANGES_ZH, "zh")])
def test_the_plain_facts_pass_their_own_check(changes, language):
    story = story_from_facts(migration_of(changes), language)
    assert check_story(story, changes, language) == []


def test_the_crowd_is_named():
    story = story_from_facts(migration_of((change("Candy", "rising", 0.1, 0.3, crowd=True),)), "en")
    assert "Everyone moved" in story
    assert check_story(story, (change("Candy", "rising", 0.1, 0.3),), "en") == []


def test_percent_and_titles():
    assert [percent(share) for share in (0, 0.004, 0.005, 0.138, 1)] == ["0%", "<1%", "0%", "14%", "100%"]
    assert short_title("奶酪（大）") == "奶酪"
    assert short_title("plain") == "plain"


def test_labels_are_told_apart():
    words = {"f0": FacetWords("Drama", ""), "f1": FacetWords("Drama", ""), "f2": FacetWords("Comedy", "")}
    examples = {
        "f0": FacetExamples((("Gravity", 3),), (), 3),
        "f1": FacetExamples((("Gravity", 2),), (), 2),
        "f2": FacetExamples((), (), 0),
    }
    labels = [entry.label for entry in make_unique(words, examples).values()]
    assert labels == ["Drama: Gravity", "Drama: Gravity (f1)", "Comedy"]
