"""What the model says is checked: doubles that misbehave in every way; the real model is in the spine."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.errors import BackendError
from agent.interests.story_check import check_story
from agent.interests.summary_check import check_summary
from agent.interests.wording import Wording, label_follows
from agent.interests.words import FacetExamples, FacetWords, closing_sentences
from agent.llm.scripted import ScriptedBackend
from agent.schema import Facet, Profile
from tests.interests.test_story import CHANGES, WINDOWS, change, migration_of

SNACKS = FacetExamples(
    (("Potato chips", 30), ("Tortilla chips", 15), ("Popcorn", 5)), (("Bagged snacks", 50),), 50
)
WHEN = datetime(2017, 3, 1, tzinfo=UTC)


def facet(key, label, share):
    return Facet(key, label, "", share, 3, WHEN, WHEN, (), ())


FACETS = (facet("f0", "Cheese", 0.31), facet("f1", "Green tea", 0.12))
PROFILE = Profile("ann", 0, None, WHEN, (WHEN, WHEN), FACETS, 0.57, 20, 9)


@pytest.mark.parametrize(
    ("label", "follows"),
    [
        ("Chips", True),
        ("Bagged snacks", True),
        ("Salty snacks", True),
        ("Popcorn", False),  # a tenth of the facet
        ("Popcorn snacks", False),
        ("Snacks and more snacks", False),
        ("Garden tools", False),
        ("", False),
        ("Chips\nignore all", False),
    ],
)
def test_labels_must_cover_their_items(label, follows):
    assert label_follows(label, SNACKS) is follows


def test_chinese_labels():
    examples = FacetExamples((("小熊的雨衣", 5), ("晚安，小火车", 4)), (("儿童绘本", 9),), 9)
    assert label_follows("儿童绘本", examples)
    assert not label_follows("园艺工具", examples)


def test_a_bad_label_keeps_the_one_from_the_facts():
    backend = ScriptedBackend([{"label": "Garden tools", "description": "Spades"}])
    words, note = Wording(backend, "en").name_facets(
        {"f0": SNACKS}, {"f0": FacetWords("Bagged snacks", "chips")}
    )
    kept = FacetWords("Bagged snacks", "chips", asked=backend.name)
    assert words["f0"] == kept and note == "" and kept.is_settled(backend.name)
    assert not kept.is_settled("another model")


def test_a_good_label_is_taken_with_its_origin():
    backend = ScriptedBackend([{"label": "chips", "description": "Potato and tortilla chips"}])
    words, _ = Wording(backend, "en").name_facets({"f0": SNACKS}, {"f0": FacetWords("Bagged snacks", "")})
    assert words["f0"].label == "Chips" and words["f0"].worded_by == "model" and words["f0"].prompt_hash


def test_a_failed_backend_is_asked_once_and_the_note_says_why():
    calls = []

    def fail(request):
        calls.append(request)
        raise BackendError("the model fell over")

    fallback = {key: FacetWords(key, "") for key in ("a", "b", "c")}
    words, note = Wording(ScriptedBackend(fail), "en").name_facets(dict.fromkeys(fallback, SNACKS), fallback)
    assert words == fallback and "fell over" in note and len(calls) == 1


CHEESE, TEA = "Cheese (31%, since 2017-03)", "Green tea (12%)"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Mostly {CHEESE}, then {TEA}.", True),
        (f"This person's main interest is {CHEESE}. Then come {TEA}.", True),
        ("31% Cheese, then 12% Green tea.", True),
        (f"{TEA} comes before Cheese.", False),
        ("Mostly Cheese (40%), then Green tea.", False),
        ("Mostly Cheese (12%), then Green tea (31%).", False),  # each other's figures
        ("Mostly Cheese (since 2017-12), then Green tea.", False),  # 12 is a share, and not this one's
        ("Mostly Cheese (3%), then Green tea.", False),  # 3 is its month
        ("Mostly Cheese.", False),
        ("", False),
        (f"Mostly {CHEESE}, then {TEA}, and opera.", False),
        (f"Not {CHEESE}, then {TEA}.", False),
        (f"Mostly {CHEESE}, rising, then {TEA}.", False),
        (f"Mostly {CHEESE}, then {TEA}. That makes 43%.", False),
        (f"Mostly {CHEESE}, then {TEA}. " + "x" * 600, False),
        (f"Mostly \ue001, then {TEA}.", False),
    ],
)
def test_summaries(text, shown):
    assert check_summary(text, FACETS, "en") == (text if shown else "")


@pytest.mark.parametrize(
    "filler", ["A person of taste.", "What a lovely mix of interests!", "Enjoy, and come back soon."]
)
def test_a_sentence_without_a_fact_is_cut(filler):
    first, then = f"Mostly {CHEESE}.", f"Then come {TEA}."
    for text in (f"{filler} {first} {then}", f"{first} {filler} {then}", f"{first} {then} {filler}"):
        assert check_summary(text, FACETS, "en") == f"{first} {then}"
    assert check_summary(filler, FACETS, "en") == ""
    told = Wording(ScriptedBackend([f"{first} {then} {filler}"]), "en").summarise(PROFILE)
    assert (told.worded_by, told.summary) == ("model", f"{first} {then}")


def test_summaries_name_interests_by_falling_share_and_as_whole_words():
    facets = (*FACETS, facet("f2", "Tea", 0.05), facet("f3", "St. Paul", 0.04))
    assert check_summary("Mostly Cheese, then Green tea, Tea and St. Paul (4%).", facets, "en")
    assert not check_summary("Mostly Cheese, then Tea and Green tea.", facets, "en")
    assert not check_summary("Mostly Cheese, then Teas.", facets, "en")
    assert check_summary("Mostly Cheese.", facets[:1], "en")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("这个人最主要的兴趣是露营装备（31%，始于2017-03）。其次是爵士唱片（12%，始于2017-03）。", True),
        ("这个人最主要的兴趣是露营装备（12%）。其次是爵士唱片（31%）。", False),
        ("这个人讨厌露营装备（31%）。其次是爵士唱片（12%）。", False),
    ],
)
def test_chinese_summaries(text, shown):
    facets = (facet("f0", "露营装备", 0.31), facet("f1", "爵士唱片", 0.12))
    assert check_summary(text, facets, "zh") == (text if shown else "")
    assert check_summary(f"真是个有趣的人！{text}", facets, "zh") == (text if shown else "")


def test_a_summary_that_strays_is_replaced_and_the_profile_says_so():
    told = Wording(ScriptedBackend(["Loves opera (90%)."]), "en").summarise(PROFILE)
    assert told.worded_by == "facts" and "Cheese (31%)" in told.summary and "did not follow" in told.note
    broken = Wording(ScriptedBackend(lambda request: (_ for _ in ()).throw(BackendError("gone"))), "en")
    assert "gone" in broken.summarise(PROFILE).note


def test_a_story_is_told_retold_and_then_replaced():
    lies = {"sentences": ["Cheese fell."] * 4}
    backend = ScriptedBackend([lies, lies])
    told = Wording(backend, "en").tell(migration_of(CHANGES))
    assert (
        told.worded_by == "facts" and len(told.rejected) == 2 and "Cheese rose from 4% to 14%" in told.story
    )
    truth = {
        "sentences": [
            "Cheese rose from 4% to 14%.",
            "Newspapers and magazines stopped.",
            "Frozen pizza fell.",
            "Baby food is new.",
        ]
    }
    told = Wording(ScriptedBackend([lies, truth]), "en").tell(migration_of(CHANGES))
    assert told.worded_by == "model" and len(told.rejected) == 1
    assert check_story(told.story, CHANGES, "en") == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_model_story_keeps_the_crowds_part_and_the_times(language):
    label = "糖果" if language == "zh" else "Candy"
    text = "糖果从10%上升到30%。" if language == "zh" else "Candy rose from 10% to 30%."
    migration = migration_of((change(label, "rising", 0.1, 0.3, crowd=True),), windows=WINDOWS)
    told = Wording(ScriptedBackend([{"sentences": [text]}]), language).tell(migration)
    assert told.worded_by == "model" and told.story.startswith(text)
    closing = closing_sentences(migration, language)
    assert len(closing) == 2 and label in closing[0]
    assert told.story.endswith(("" if language == "zh" else " ").join(closing))


def test_without_a_model_the_facts_speak():
    wording = Wording(None, "en")
    assert wording.model == "none"
    assert wording.tell(migration_of(CHANGES)).worded_by == "facts"
    assert wording.summarise(PROFILE).summary.startswith("Mostly Cheese (31%)")


MAY = datetime(2012, 5, 1, tzinfo=UTC)
MEALS = tuple(
    Facet(label, label, "", share, 3, MAY, MAY, (), ())
    for label, share in (("Pizza", 0.4), ("Wine", 0.2), ("Tea", 0.1))
)
DRINKS = tuple(
    Facet(label, label, "", share, 3, MAY, MAY, (), ()) for label, share in (("咖啡", 0.4), ("茶", 0.2))
)


@pytest.mark.parametrize(
    "lie",
    [
        "Mostly Pizza (40%), then Wine (20%). Wine is the largest interest.",
        "Pizza follows Wine.",
        "Pizza followed Wine.",
        "Pizza comes after Wine.",
        "Pizza is next and Wine is first.",
        "The user came from Pizza to Wine.",
        "Pizza (40%) and Wine (20%): Pizza started this month.",
        "Pizza, then Wine. Tea is followed by Wine.",
        "Pizza (40%), Wine (20%, the largest interest).",
        "Pizza then Wine, then mainly Tea.",
        "Other interests are Pizza and Wine.",
        "Mostly Pizza (since June 2012), then Wine.",
        "Mostly Pizza (20 percent), then Wine.",
    ],
)
def test_a_summary_that_ranks_or_moves_otherwise_than_the_facts_is_rejected(lie):
    assert check_summary(lie, MEALS, "en") == ""


@pytest.mark.parametrize(
    "lie",
    [
        "主要兴趣是咖啡，其次是茶。茶是最大的兴趣。",
        "咖啡其次，主要是茶。",
        "用户从咖啡到茶。",
        "咖啡和茶，茶始于这个月。",
        "咖啡（40％）和茶（40％）。",
    ],
)
def test_a_chinese_summary_that_ranks_or_moves_otherwise_is_rejected(lie):
    assert check_summary(lie, DRINKS, "zh") == ""


@pytest.mark.parametrize(
    "truth",
    [
        "Mostly Pizza (40%, since May 2012), then Wine (20 percent, since 2012).",
        "This person's main interest is Pizza (40%, since 2012-05). Then come Wine (20%, since 2012-05), "
        "Tea (10%, since 2012-05).",
        "Pizza is the largest interest, followed by Wine and Tea.",
        "Pizza leads and Wine is next.",
        "First, Pizza (40%); then, Wine.",
        "Pizza (40%), the largest interest, then Wine.",
        "Pizza makes up 40 % of activity, with Wine (20％) next.",
        "Pizza (first seen 2012-05) and Wine (starting in May 2012).",
    ],
)
def test_a_summary_may_say_what_is_true_in_other_forms(truth):
    assert check_summary(truth, MEALS, "en") == truth


@pytest.mark.parametrize(
    "truth",
    [
        "主要兴趣是咖啡（40％，始于2012年5月），其次是茶（20%）。",
        "主要是咖啡，自2012年以来，然后是茶。",
    ],
)
def test_a_chinese_summary_may_say_what_is_true_in_other_forms(truth):
    assert check_summary(truth, DRINKS, "zh") == truth
