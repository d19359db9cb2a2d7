from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agent.interests.story_check import check_story
from agent.interests.words import (
    FacetExamples,
    FacetWords,
    change_from_facts,
    make_unique,
    percent,
    short_title,
    story_from_facts,
    window_phrases,
)
from agent.schema import FacetChange, Migration, Season


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


WINDOWS = (
    (datetime(2017, 1, 1, tzinfo=UTC), datetime(2017, 4, 1, tzinfo=UTC)),
    (datetime(2017, 4, 1, tzinfo=UTC), datetime(2017, 7, 11, tzinfo=UTC)),
)


def migration_of(changes, *, windows=(None, None), abstained=False, note=""):
    return Migration(
        user_id="ann",
        before=windows[0],
        after=windows[1],
        n_sessions_before=20,
        n_sessions_after=20,
        drift_score=5.0,
        p_value=0.001,
        abstained=abstained,
        changes=changes,
        note=note,
    )


@pytest.mark.parametrize(("changes", "language"), [(CHANGES, "en"), (CHANGES_ZH, "zh")])
def test_the_plain_facts_pass_their_own_check(changes, language):
    story = story_from_facts(migration_of(changes), language)
    assert check_story(story, changes, language) == []


@pytest.mark.parametrize(
    ("language", "label", "said"),
    [
        ("en", "Candy", "Everyone moved so in that time: Candy."),
        ("zh", "糖果", "同一时期大家都有这种变化：糖果。"),
    ],
)
def test_the_crowd_is_named_with_the_facet_and_checked(language, label, said):
    crowd, own = (change(label, "rising", 0.1, 0.3, crowd=flag) for flag in (True, False))
    story = story_from_facts(migration_of((crowd, change("X", "rising", 0.1, 0.2))), language)
    assert said in story and "X" not in story.split(said[:6])[1]
    assert check_story(story, (crowd, change("X", "rising", 0.1, 0.2)), language) == []
    problems = check_story(story, (own, change("X", "rising", 0.1, 0.2)), language)
    assert problems == [f"{label!r} is not everyone's change"]
    assert check_story("Candy rose for everyone.", (crowd,), "en")
    assert check_story("Everyone moved so in that time: .", (crowd,), "en") == [
        "everyone's change is told without a facet",
        "the story names none of the facets that moved",
    ]


@pytest.mark.parametrize(
    ("language", "changes", "said"),
    [
        (
            "en",
            CHANGES[:1],
            "This compares 2017-01-01 to 2017-03-31 (20 sessions) "
            "with 2017-04-01 to 2017-07-10 (20 sessions).",
        ),
        (
            "zh",
            CHANGES_ZH[:1],
            "这是2017-01-01至2017-03-31（20次会话）与2017-04-01至2017-07-10（20次会话）的比较。",
        ),
    ],
)
def test_a_story_says_its_times_and_they_are_checked(language, changes, said):
    migration = migration_of(changes, windows=WINDOWS)
    story, periods = story_from_facts(migration, language), window_phrases(migration, language)
    assert story.endswith(said)
    assert check_story(story, changes, language, periods=periods) == []
    assert check_story(story, changes, language)
    for wrong in (story.replace("2017-07-10", "2017-07-12"), story.replace("20", "21")):
        assert check_story(wrong, changes, language, periods=periods)
    first, second = periods
    swapped = story.replace(first, "@").replace(second, first).replace("@", second)
    assert any(
        "before the earlier" in entry for entry in check_story(swapped, changes, language, periods=periods)
    )


def test_a_story_has_two_to_five_sentences():
    many = tuple(change(f"Thing {letter}", "rising", 0.1, 0.2, crowd=letter == "A") for letter in "ABCDEF")
    for changes in (many, many[1:], many[:1], ()):
        note = "" if changes else "The mix moved beyond chance, spread over many interests."
        story = story_from_facts(migration_of(changes, windows=WINDOWS, note=note), "en")
        assert 2 <= story.count(".") <= 5, story


def test_no_clear_change_is_said_only_where_it_abstains():
    spread = migration_of((), windows=WINDOWS, note="The mix moved beyond chance.")
    assert story_from_facts(spread, "en").startswith("The mix moved beyond chance. This compares")
    still = migration_of((), windows=WINDOWS, abstained=True, note="No change beyond chance.")
    assert story_from_facts(still, "en").startswith("No clear change. No change beyond chance. This")
    assert (
        story_from_facts(migration_of((), abstained=True, note="还没有。"), "zh")
        == "没有明显的变化。还没有。"
    )


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


@pytest.mark.parametrize(
    ("language", "label", "said", "claim"),
    [
        (
            "en",
            "Wine",
            "8% of activity now beside what comes with the seasons",
            "Wine is new: 8% of activity now.",
        ),
        ("zh", "葡萄酒", "除随季节而来的以外现在占8%", "葡萄酒是新的，占活动8%。"),
    ],
)
def test_shares_beside_the_seasons_are_not_told_as_of_everything(language, label, said, claim):
    season = Season(WINDOWS, 0.001, 0.01, False)
    wine = change(label, "new", 0.0, 0.08)
    soap = replace(change("Soap", "seasonal", 0.1, 0.3), season=season)
    story = story_from_facts(migration_of((wine, soap)), language)
    assert said in story and said in change_from_facts(wine, language, beside_seasons=True)
    assert check_story(story, (wine, soap), language) == []
    assert any("of everything" in problem for problem in check_story(claim, (wine, soap), language))
    assert check_story(claim, (wine,), language) == []
    # Without a season nothing is left out.
    plain = story_from_facts(migration_of((wine,)), language)
    assert said not in plain and check_story(plain, (wine,), language) == []
    beside = change_from_facts(wine, language, beside_seasons=True)
    assert check_story(beside, (wine,), language) == ["no season is left out"]
