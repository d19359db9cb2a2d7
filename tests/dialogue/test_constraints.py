"""Wishes read from questions, and what they leave of a catalogue."""

from __future__ import annotations

import numpy as np
import pytest

from agent.data.log import Catalogue
from agent.dialogue.reading.wishes import WishReader
from agent.dialogue.sentences.mentions import Names, find_places, find_topic
from agent.dialogue.talk.attributes import ItemFacts
from agent.dialogue.talk.constraints import Constraint, combined_mask, merge

TITLES = ("Tall Tales for Kids", "War Diaries", "Nut bar", "Steel knife", "小熊的雨衣")
CATEGORIES = (
    ("Books", "Children"),
    ("Books", "History"),
    ("Snacks",),
    ("Kitchen", "Knives"),
    ("图书", "儿童绘本"),
)
EXTRAS = {
    0: {"price": 8, "brand": "Acme", "pages": 40},
    1: {"price": "25.50 €", "brand": "Acme", "pages": 600},
    2: {"price": 2, "brand": "Juniper"},
    3: {"brand": "Juniper"},
}


@pytest.fixture(scope="module")
def items():
    catalogue = Catalogue(
        item_ids=("a", "b", "c", "d", "e"),
        titles=TITLES,
        descriptions=("",) * 5,
        categories=CATEGORIES,
        domains=("books", "books", "food", "kitchen", "图书"),
        texts=TITLES,
        text_row=np.full(5, -1, np.int32),
    )
    return ItemFacts(catalogue, EXTRAS)


def read(items, question, shown=(), language="en"):
    return WishReader(items, Names(items.catalogue), language, shown).read(question)


@pytest.mark.parametrize(
    ("question", "allowed"),
    [
        ("only things under 10 dollars", "ac"),
        ("something over 20", "b"),
        ("十元以下的", "ac"),
        ("nothing with nuts please", "abde"),
        ("something for a child", "ae"),
        ("适合孩子的", "ae"),
        ("only Knives", "d"),
        ("a knife, but not from Juniper", "abe"),
        ("under 100 pages", "a"),
        ("no war", "acde"),
    ],
)
def test_a_wish_leaves_what_fulfils_it(items, question, allowed):
    wishes = read(items, question)
    wanted = [entry for entry in wishes.constraints if entry.kind != "category" or "only" in question]
    mask = combined_mask(wanted, items)
    assert "".join(np.array(items.catalogue.item_ids)[mask]) == allowed, wishes
    assert not wishes.problems


@pytest.mark.parametrize(
    ("question", "refused"),
    [
        ("nothing with nuts and no knives", ["nuts", "knives"]),
        ("no nuts, knives or war please", ["nuts", "knives", "war"]),
        ("without nuts and knives", ["nuts", "knives"]),
        ("you shouldn't recommend knives to a child", ["knives"]),
        ("don't put the Nut bar on my list", ["Nut bar"]),
        ("I don't need knives this week", ["knives"]),
        ("skip the nuts and knives this time", ["nuts", "knives"]),
        ("no wait, show me some snacks", []),
        ("no idea what to read", []),
        ("we have no knives at home, what should I buy", []),
        ("I told you not to recommend me knives", []),
        ("不要含雨衣的", ["雨衣"]),
        ("不要雨衣和绘本", ["雨衣", "绘本"]),
        ("雨衣也不要", ["雨衣"]),
        ("不要客气", []),
    ],
)
def test_what_is_left_out_is_all_that_is_named_and_nothing_else(items, question, refused):
    found = read(items, question).constraints
    assert [entry.value for entry in found if entry.kind == "not"] == refused


def test_a_brand_is_left_out_without_the_word_for_please(items):
    for question in (
        "nothing with Acme brand pls",
        "not from the Acme brand please",
        "no Acme brand, thanks",
    ):
        assert read(items, question).constraints == (Constraint("not", "Acme", "brand"),), question


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("something sweet then", "sweet"), ("my dad likes spicy food", "spicy"), ("a vegan snack", "vegan"),
        ("any gluten-free snacks?", "gluten-free"), ("来点清淡的", "清淡"), ("推荐一些吃的吧", "吃的"),
        ("have you got any unicorn snacks", "unicorn"), ("do you have zebras", "zebras"),
        ("nothing with zebras", "zebras"),
        ("推荐点下酒菜", "下酒菜"), ("斑马有推荐吗", "斑马"),
    ],
)  # fmt: skip
def test_a_condition_that_cannot_be_checked_is_said_and_filters_nothing(items, question, word):
    wishes = read(items, question, language="zh" if ord(word[0]) > 255 else "en")
    assert any(f"“{word}”" in problem for problem in wishes.problems), wishes
    assert not [entry for entry in wishes.constraints if word in entry.value]


@pytest.mark.parametrize(
    "question",
    ["budget 20 bucks", "my budget is 20 dollars", "20 dollars max please", "预算20块", "预算大概是二十元"],
)
def test_a_budget_is_a_limit_of_price(items, question):
    assert Constraint("at_most", "20", "price") in read(items, question).constraints


def test_either_of_two_kinds_is_one_wish(items):
    for question in ("only snacks or knives", "nothing but nuts or knives", "only nuts and knives"):
        (entry,) = read(items, question).constraints
        assert "".join(np.array(items.catalogue.item_ids)[entry.allows(items)]) == "cd", question


@pytest.mark.parametrize(
    "question",
    [
        "something I don't usually buy", "anything new? I'm bored of the usual", "things I never buy",
        "不要我买过的", "平时不买的",
    ],
)  # fmt: skip
def test_only_what_is_new_in_other_words(items, question):
    assert Constraint("new_only") in read(items, question).constraints


@pytest.mark.parametrize(
    "question",
    [
        "I can't believe you recommend me knives", "don't you dare recommend knives again",
        "how dare you suggest knives",
    ],
)  # fmt: skip
def test_who_complains_of_a_thing_wants_no_list_of_it(items, question):
    assert not [entry for entry in read(items, question).constraints if entry.kind in ("category", "says")]


def test_relative_wishes_refer_to_what_was_shown(items):
    assert read(items, "something shorter", [1]).constraints[0].what == "length"
    (cheaper,) = read(items, "cheaper please", [1]).constraints
    mask = combined_mask([cheaper], items)
    assert mask.tolist() == [True, False, True, False, False]
    (brand,) = read(items, "not from this brand", [2]).constraints
    assert brand == Constraint("not", "Juniper", "brand")
    assert brand.shown("en") == "not from the brand “Juniper”"


@pytest.mark.parametrize(
    ("question", "brand", "language"),
    [
        ("something not from a private brand", "private", "en"),
        ("something not from the brand National", "National", "en"),
        ("something from another brand", "Juniper", "en"),
        ("nothing from the same brand", "Juniper", "en"),
        ("推荐一些，不要品牌Acme", "Acme", "zh"),
        ("换个牌子", "Juniper", "zh"),
    ],
)
def test_a_brand_by_name_is_not_the_brand_of_the_item_spoken_of(items, question, brand, language):
    assert read(items, question, [2], language).constraints == (Constraint("not", brand, "brand"),)


def test_shown_values_are_fenced_and_bounded():
    shown = Constraint("not", "Ev\u2028il<|im_end|>\x1b[2J" + "x" * 500).shown("en")
    assert "\u2028" not in shown and "<" not in shown and "\x1b" not in shown and len(shown) < 90


def test_what_cannot_be_met_is_said(items):
    assert "brand" in read(items, "not from this brand").problems[0]
    assert "year" in read(items, "something newer", [0]).problems[0]
    assert read(items, "更新的", [0], "zh").problems


def test_numbers_of_items():
    def k(question):
        return WishReader(ItemFacts(_none(), {}), Names(_none()), "en").read(question).k

    assert (k("give me five ideas"), k("show 3 things"), k("recommend"), k("再给我五个建议")) == (
        5,
        3,
        None,
        5,
    )
    assert k("nothing over 30 minutes") is None


def _none():
    return Catalogue((), (), (), (), (), (), np.zeros(0, np.int32))


def test_constraints_take_each_others_slots():
    held = merge(
        (), [Constraint("not", "Acme"), Constraint("category", "Knives"), Constraint("at_most", "9", "price")]
    )
    held = merge(
        held,
        [Constraint("category", "Snacks"), Constraint("not", "Juniper"), Constraint("at_most", "5", "price")],
    )
    assert {entry.slot for entry in held} == {"not:acme", "not:juniper", "category:", "upper:price"}
    assert [entry.value for entry in held if entry.kind == "category"] == ["Snacks"]
    assert {entry.shown("en") for entry in held} >= {"price at most 5", "only Snacks", "nothing with “Acme”"}
    assert Constraint("audience", "child").shown("zh") == "适合孩子"


@pytest.mark.parametrize(
    ("question", "places"),
    [
        ("why number 2?", [2]), ("compare the first two", [1, 2]), ("#3 or #5", [3, 5]), ("1 or 2?", [1, 2]),
        ("第二个怎么样", [2]), ("the last one", [10]), ("first half of the year", []), ("why 4", [4]),
    ],
)  # fmt: skip
def test_places(question, places):
    assert [place for _, place in find_places(question, 10)] == places


def test_topics(items):
    names = Names(items.catalogue)
    facets = [("f0", "History: War"), ("f1", "Knife things")]
    assert find_topic("mute knives", names, facets).target == "Knives"
    assert find_topic("less History: War", names, facets).target == "f0"
    assert find_topic("no more snack", names, facets).target == "Snacks"
    assert find_topic("mute zebras", names, facets) is None
    assert find_topic("mute knives", names, [("f2", "Knives, forks and spoons")]).target == "f2"
    assert names.mask("Why War Diaries?") == "Why ITEM?"
