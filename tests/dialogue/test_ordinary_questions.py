"""What people ask in their first week: politeness, places in the list, sums, what was spoken of before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.dialogue.reading.wishes import WishReader
from agent.dialogue.router import Router, route_by_rules
from agent.dialogue.sentences.families import family
from agent.dialogue.sentences.mentions import Names, find_places
from agent.dialogue.sentences.periods import find_periods
from agent.dialogue.talk.attributes import ItemFacts
from agent.dialogue.talk.constraints import word_pattern
from tests.dialogue.conftest import check_evidence


@pytest.mark.parametrize(
    "text",
    [
        "thanks, thats all for now",
        "you've been great",
        "ok, bye",
        "good night",
        "That's all for today, thanks",
        "谢谢啦",
        "拜拜",
        "好的，谢谢您",
        "辛苦了",
        "知道了",
    ],
)
def test_thanks_and_goodbyes_are_answered_as_such(en, text):
    answer = en.chat("c01", keep=False).ask(text)
    assert answer.tool == "help" and answer.args["what"] == "thanks", answer.text


@pytest.mark.parametrize("text", ["hi", "你好呀", "hi 在吗", "哈喽"])
def test_a_greeting_is_greeted(en, text):
    assert en.chat("c01", keep=False).ask(text).args["what"] == "hello"


@pytest.mark.parametrize(
    ("text", "language", "tool"),
    [
        ("thanks, but show me something else", "en", "recommend"),
        ("tell me about number 2", "en", "explain"),
        ("what is the third one?", "en", "explain"),
        ("what the heck is number 4?", "en", "explain"),
        ("第二个是什么", "zh", "explain"),
        ("第4个是什么鬼", "zh", "explain"),
        ("说说第一个", "zh", "explain"),
        ("how much have I spent in 2017 altogether?", "en", "search"),
        ("how much money goes to gas?", "en", "search"),
        ("how much did I pay for cheese?", "en", "search"),
        ("when was my last visit?", "en", "search"),
        ("is my seafood up or down?", "en", "search"),
        ("我平时都买什么牛奶", "zh", "search"),
        ("加油花了多少钱", "zh", "search"),
        ("多久买一次牛奶", "zh", "search"),
        ("我最常买的是什么", "zh", "search"),
        ("我对海鲜的兴趣是不是下降了", "zh", "search"),
        ("置信度0.76是什么意思", "zh", "help"),
        ("请问您能做什么", "zh", "help"),
        ("are you a robot?", "en", "help"),
    ],
)
def test_ordinary_questions_reach_their_tool_by_rules(text, language, tool):
    assert route_by_rules(text, language) == tool


def test_after_a_list_what_about_asks_for_a_list_of_it():
    router = Router(None)
    assert router.route("what about some cheese?", "en", previous="recommend").tool == "recommend"
    assert router.route("what about some cheese?", "en", previous="explain").by != "rules"
    assert router.route("what about you?", "en", previous="recommend").tool != "recommend"


def test_what_was_spoken_of_is_what_is_asked_about(en):
    talk = en.chat("c01", keep=False)
    talk.ask("what do you recommend?")
    title = en.session.catalogue.titles[en.session.catalogue.item_codes[talk.state.listed[1]]]
    talk.ask("tell me about number 2")
    for question in ("did I ever buy it?", "how many times?"):
        answer = talk.ask(question)
        check_evidence(en, answer, "c01")
        assert answer.tool == "search"
        assert {word.casefold() for word in answer.args["words"]} <= set(title.casefold().split()), question
        assert answer.args["words"]


def test_when_and_how_often_are_answered_together(en):
    answer = en.chat("c01", keep=False).ask("when did I last buy something, and how often?")
    assert answer.tool == "search" and answer.args["mode"] == "last"


def test_a_number_of_the_list_is_no_day_of_a_month():
    assert find_places("6号不要了", 10) == [(0, 6)]
    assert find_places("3月6号买了什么", 10) == [] and find_places("6号买了什么", 10) == []


def test_a_month_that_began_today_is_not_the_one_looked_back_on():
    now = datetime(2018, 1, 1, tzinfo=UTC)
    assert [found.shown for found in find_periods("in january", now)] == ["2017-01-01 – 2017-01-31"]
    assert [found.shown for found in find_periods("in december", now)] == ["2017-12-01 – 2017-12-31"]


def test_a_change_of_a_thing_is_told_from_its_own_events(en):
    for text in ("am I buying more coffee than before?", "is my coffee up or down?"):
        answer = en.chat("c01", keep=False).ask(text)
        assert answer.tool == "search" and answer.args.get("what") == "change", text
        assert answer.args["words"] == ["coffee"] or answer.args["words"] == ("coffee",)


def test_a_word_for_a_family_leaves_out_what_bears_the_names_of_its_members():
    out = word_pattern(" or ".join(("dairy", *family("dairy"))))
    assert out.search("white milk, 1 gallon") and out.search("shredded cheeses") and not out.search("bananas")
    assert family("alcohol")[:3] == ("beer", "wine", "liquor") and family("bread") == ()


def test_leaving_out_a_family_says_by_which_names(en):
    answer = en.chat("c01", keep=False).ask("no meat, i'm a vegetarian")
    assert answer.tool == "recommend" and "nothing to leave out" in answer.text  # boots and books hold none
    reader = WishReader(ItemFacts(en.session.catalogue, {}), Names(en.session.catalogue), "en", [], "en")
    note = reader._contents("alcohol")
    assert "beer, wine, liquor" in note and reader._contents("knives") == ""


def test_both_are_the_two_of_the_last_sentence_where_it_held_two(en):
    talk = en.chat("c01", keep=False)
    talk.ask("less knives")
    first = [entry.target for entry in en.feedback("c01") if not entry.undone and entry.action != "undo"]
    talk.ask("less mystery, more coffee")
    talk.ask("undo both")
    left = [entry for entry in en.feedback("c01") if not entry.undone and entry.action != "undo"]
    assert [entry.target for entry in left] == first


def test_what_is_new_is_new_by_its_title_too(en):
    talk = en.chat("c01", keep=False)
    answer = talk.ask("something new that I never bought")
    titles, log = en.session.catalogue.titles, en.session.interests.user_log("c01")
    had = {titles[item] for item in log.item if item >= 0}
    assert answer.listed and not had & {
        titles[en.session.catalogue.item_codes[item]] for item in answer.listed
    }


def test_windows_outside_of_the_history_are_told_in_plain_words(en):
    answer = en.chat("c01", keep=False).ask("how have I changed between 2001 and 2002?")
    assert "expected whole days" not in answer.text


def test_what_stands_before_the_comma_is_meant_and_not_what_was_spoken_of_before(zh):
    talk = zh.chat("u01", keep=False)
    talk.ask("推荐点东西")
    talk.ask("第一个为什么推荐给我？")
    before = {entry.feedback_id for entry in zh.feedback("u01")}
    answer = talk.ask("儿童绘本我不想要了，别再推荐")
    assert answer.tool == "mute" and "儿童绘本" in answer.args["name"]
    assert "完全一样" in talk.ask("撤消").text and len(zh.feedback("u01")) > len(before)


@pytest.mark.parametrize("text", ["儿童绘本不用固定了", "儿童绘本不用置顶了", "取消固定儿童绘本"])
def test_what_is_pinned_is_let_go_in_chinese_too(zh, text):
    talk = zh.chat("u01", keep=False)
    assert talk.ask("把儿童绘本固定住").tool == "pin"
    assert talk.ask(text).tool == "undo"
    assert not [one for one in zh.feedback("u01") if one.action == "pin" and not one.undone]


def test_this_year_on_its_first_day_is_the_one_looked_back_on():
    now = datetime(2018, 1, 1, 10, tzinfo=UTC)
    assert [found.shown for found in find_periods("我今年买了多少次", now)] == ["2017-01-01 – 2017-12-31"]


def test_this_year_points_at_no_thing(en):
    talk = en.chat("c01", keep=False)
    talk.ask("what do you recommend?")
    talk.ask("tell me about number 2")
    assert talk.ask("what did I buy this year").args["words"] in ((), [])
