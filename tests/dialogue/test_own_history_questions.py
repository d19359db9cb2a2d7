"""Questions about one's own history: most, spent, how regularly, given up, supposed, thought in; Chinese."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from agent.chat_host import WorkspaceHost
from agent.dialogue.reading.search import read_search
from agent.dialogue.sentences.goods_zh import across
from agent.dialogue.sentences.lexicon import content_words
from agent.dialogue.sentences.mentions import usual_words
from agent.dialogue.sentences.periods import find_periods
from agent.dialogue.talk.item_choice import likeliest
from tests.dialogue.conftest import check_evidence

NOW = datetime(2017, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shown", "relation"),
    [
        ("as of june 1", "2017-06-01", "in"),
        ("1 June 2017", "2017-06-01", "in"),
        ("what did I buy on july 4th", "2017-07-04", "in"),
        ("since the 4th of July", "2017-07-04", "since"),
        ("before 1 June", "2017-06-01", "before"),
        ("3月5日", "2017-03-05", "in"),
        ("十二月二十五号", "2017-12-25", "in"),
        ("去年5月6日", "2016-05-06", "in"),
    ],
)
def test_a_day_within_a_month_is_that_day(text, shown, relation):
    assert [(found.shown, found.relation) for found in find_periods(text, NOW)] == [(shown, relation)]


def test_a_number_beside_a_month_is_not_always_a_day():
    assert find_periods("2 may be better", NOW) == []
    assert [found.shown for found in find_periods("in march 3 times", NOW)] == ["2017-03-01 – 2017-03-31"]


def test_contractions_are_no_topic():
    assert content_words("what if I hadn't bought anything, doesn't it, couldn't I still?") == []


def own_titles(agent, user):
    log = agent.session.interests.user_log(user)
    return [agent.session.catalogue.titles[item] for item in log.item if item >= 0], log


def test_what_was_bought_most_is_counted_by_thing(en):
    talk = en.chat("c01", keep=False)
    answer = talk.ask("what did i buy most?")
    check_evidence(en, answer, "c01")
    counts = answer.facts["most"]["counts"]
    assert answer.tool == "search" and counts == sorted(counts, reverse=True) and "most first" in answer.text
    assert answer.args["words"] == [] and f"{counts[0]} × " in answer.text
    in_may = talk.ask("what did I buy most in May 2024?")
    assert in_may.facts["most"]["counts"] and "2024-05-01" in in_may.text


def test_a_rhythm_is_counted_in_the_units_asked_for(en):
    talk = en.chat("c01", keep=False)
    answer = talk.ask("do I buy a book every month?")
    check_evidence(en, answer, "c01")
    figures = answer.facts["regular"]
    assert figures["unit"] == "monthly" and 0 < figures["with"] <= figures["of"]
    assert f"In {figures['with']} of the {figures['of']} months" in answer.text


def test_spending_is_summed_or_said_to_be_unknown(en, monkeypatch):
    talk = en.chat("c01", keep=False)
    assert "No amounts are stored" in talk.ask("how much did i spend on books?").text
    real = WorkspaceHost.log.fget

    def with_values(self):
        log = real(self)
        return dataclasses.replace(log, value=np.full_like(log.value, 2.5))

    monkeypatch.setattr(WorkspaceHost, "log", property(with_values))
    answer = en.chat("c01", keep=False).ask("how much did i spend on books?")
    figures = answer.facts["spent"]
    assert figures["sum"] == pytest.approx(2.5 * figures["with_value"]) and "no currency" in answer.text
    check_evidence(en, answer, "c01")


@pytest.mark.parametrize(
    "question", ["when did I stop buying knives?", "why have I gone off knives?", "do I still like knives?"]
)
def test_what_was_given_up_is_told_from_the_history(en, question):
    answer = en.chat("c01", keep=False).ask(question)
    check_evidence(en, answer, "c01")
    assert answer.facts["thing"]["words"] == ["knives"]
    if answer.facts["thing"]["events"]:
        assert "you last" in answer.text and answer.facts["gap"]["since"] >= 0
    assert "no place in your list" not in answer.text


def test_a_false_premise_is_not_confirmed(en, zh):
    talk = en.chat("c01", keep=False)
    none = talk.ask("why do you think I'm vegetarian?")
    assert none.text == "I do not: nothing in your history says “vegetarian”."
    title = own_titles(en, "c01")[0][0].split()[-1].lower()
    some = talk.ask(f"how come you claim I have a {title}?")
    assert "more than I can know" in some.text and some.facts["thing"]["events"] > 0
    check_evidence(en, some, "c01")
    assert "我没有这样认为" in zh.chat("u01", keep=False).ask("你为什么认为我是素食者？").text


def test_whether_events_are_cited_is_answered_without_a_new_fit(en):
    talk = en.chat("c01", keep=False)
    talk.ask("recommend something")
    answer = talk.ask("was it the candy i bought in october that made you recommend this?")
    check_evidence(en, answer, "c01")
    assert answer.text.startswith("No") and answer.facts["cause"]["both"] == 0
    again = talk.ask("was it the books that made you recommend it?")
    assert again.facts["cause"]["cited"] == answer.facts["cause"]["cited"]
    listed = talk.ask("I have lost interest in knives, recommend something")
    assert "thing" not in listed.facts


def test_events_are_thought_away_only(en, zh):
    talk = en.chat("c01", keep=False)
    for question in ("what if i bought more books?", "what if I had bought a knife?"):
        assert "nothing was tried" in talk.ask(question).text, question
    assert "nothing was tried" not in talk.ask("what if I hadn't bought anything in May?").text
    assert talk.last.facts["without"]["events"] > 0
    assert "没有试算" in zh.chat("u01", keep=False).ask("如果我多买书呢？").text


def test_chinese_goods_are_looked_up_in_an_english_catalogue(en):
    talk = en.chat("c01", keep=False)
    answer = talk.ask("我上次买书是什么时候")
    assert answer.args["words"] == ["book"] and "“书”按“book”查找" in answer.note
    unknown = talk.ask("我买过豆腐吗")
    assert "无法查找“豆腐”" in unknown.text and "没有找到" not in unknown.text
    assert unknown.evidence == () and unknown.note == ""


def test_a_chinese_catalogue_keeps_chinese_words(zh, en):
    assert across("我上次买咖啡是什么时候", zh.session.catalogue).pairs == ()
    catalogue = en.session.catalogue
    assert across("我买过牛奶和啤酒吗", catalogue).pairs == (("牛奶", "milk"), ("啤酒", "beer"))
    assert across("买茶", catalogue).pairs == (("茶", "tea"),) and across("茶几", catalogue).pairs == ()
    assert "豆腐" not in across("我买过豆腐吗", catalogue).note("您没有豆腐", "zh")


def test_everyday_names_become_those_of_the_catalogue():
    names = SimpleNamespace(categories={"soft drinks": "Soft drinks"}, titles={"sweets": (1,), "candy": (2,)})
    assert usual_words(("soda", "sweets", "gas"), names) == ("soft", "drinks", "sweets", "gas")


def test_a_name_with_a_word_for_consuming_stays_whole(en):
    talk = en.chat("c01", keep=False)
    ctx = talk._context("how often did I buy soft drinks?", "en")
    assert read_search(ctx).words == ("soft",)
    names = SimpleNamespace(categories={"soft drinks": "Soft drinks"}, titles={})
    assert read_search(dataclasses.replace(ctx, names=names)).words == ("soft", "drinks")


def test_a_word_means_what_ends_with_it(en):
    talk = en.chat("c01", keep=False)
    ctx = talk._context("-", "en")
    titles = en.session.catalogue.titles
    changed = list(titles)
    creamer, ground, alcohol = 0, 1, 2
    changed[creamer], changed[ground] = "Qvist creamer, dry", "Ground qvist, 12 oz (store brand)"
    changed[alcohol] = "Zorp, non-alcoholic"
    catalogue = dataclasses.replace(en.session.catalogue, titles=tuple(changed))

    class Host:
        def __getattr__(self, name):
            return catalogue if name == "catalogue" else getattr(ctx.host, name)

    narrowed = dataclasses.replace(ctx, host=Host())
    assert likeliest(narrowed, "qvist")[0] == catalogue.item_ids[ground]
    assert likeliest(narrowed, "alcoholic") == []


def test_what_no_source_proposes_is_said_with_ones_own_purchases(en, monkeypatch):
    real = WorkspaceHost.trace

    def lost(self, query, item_id):
        found = real(self, query, item_id)
        detail = "no source that counts here has it among its best 300"
        return dataclasses.replace(found, rank=None, stage="not retrieved", detail=detail)

    monkeypatch.setattr(WorkspaceHost, "trace", lost)
    talk = en.chat("c01", keep=False)
    own = own_titles(en, "c01")[0][0]
    answer = talk.ask(f"why not {own}?")
    check_evidence(en, answer, "c01")
    assert "among its best 300" in answer.text and "although you have taken it yourself" in answer.text
    assert "nothing in your history" not in answer.text


def test_the_largest_named_interest_is_said_to_be_that(en):
    chat = en.settings.chat.model_copy(update={"sensitive_categories": ("mystery",)})
    en.settings = en.settings.model_copy(update={"chat": chat})
    told = en.chat("c01", keep=False).ask("what do you know about me?").text
    assert "the largest that is named here" in told and "declared sensitive: 1" in told
