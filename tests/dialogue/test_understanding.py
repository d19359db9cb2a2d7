"""What people say in few words: a kind of thing, a filter, a dislike, so many of their own events."""

from __future__ import annotations

import pytest

from agent.dialogue.sentences.numbers import NUMBER_EN, NUMBER_ZH, read_number
from tests.dialogue.conftest import check_evidence


def own_events(agent, user_id, kind):
    log = agent.session.interests.user_log(user_id)
    return [
        f"#{n}" for n, event in zip(log.interaction_id, log.event, strict=True) if log.events[event] == kind
    ]


def listed_rows(answer):
    return [sentence for sentence in answer.sentences if sentence.row]


@pytest.mark.parametrize(
    ("language", "user", "question", "label"),
    [("en", "c01", "why hiking?", "Hiking"), ("zh", "u01", "为什么是编程？", "编程入门")],
)
def test_why_a_kind_of_thing_is_the_interest_and_its_items_in_the_list(
    language, user, question, label, request
):
    agent = request.getfixturevalue(language)
    talk = agent.chat(user, keep=False)
    listed = talk.ask({"en": "recommend", "zh": "给我推荐点东西"}[language]).listed
    answer = talk.ask(question)
    assert answer.tool == "explain" and answer.args["kind"] == "facet" and label in answer.text
    assert answer.facts["interest"]["share"] > 0.3
    ranks = answer.facts["in_list"]["ranks"]
    shown = [rank for rank in ranks if rank <= 5]
    assert shown and {f"item:{listed[rank - 1]}" for rank in shown[:4]} <= set(answer.evidence)
    after = answer.facts["without"]["ranks"]
    assert any(rank is None or rank > before for before, rank in zip(shown, after, strict=False))
    check_evidence(agent, answer, user)


def test_why_a_category_without_events_says_so_and_why_nothing_asks_back(en):
    talk = en.chat("c01", keep=False)
    answer = talk.ask("why knives?")
    assert answer.args == {"kind": "category", "target": "Knives", "name": "“Knives”"}
    assert answer.facts["events"] == 0 or "in “Knives”" in answer.text
    check_evidence(en, answer, "c01")
    talk.ask("less knives")
    assert "Your feedback counts: less of “Knives”" in talk.ask("why knives?").text
    unknown = talk.ask("why zeppelins?")
    assert unknown.tool == "explain" and "Nothing here is called “zeppelins”" in unknown.text


@pytest.mark.parametrize("question", ["only Knives", "nothing but knives please", "recommend knives"])
def test_only_a_category_is_a_constraint(en, question):
    talk = en.chat("c01", keep=False)
    answer = talk.ask(question)
    assert answer.tool == "recommend" and [entry.shown("en") for entry in talk.constraints] == ["only Knives"]
    codes = [en.session.catalogue.item_codes[item] for item in answer.listed]
    assert codes and all("Knives" in en.session.catalogue.categories[code] for code in codes)


def test_only_a_word_is_a_constraint_that_another_replaces(en, zh):
    talk = en.chat("c01", keep=False)
    answer = talk.ask("only coffee grinders")
    catalogue = en.session.catalogue
    titles = [catalogue.titles[catalogue.item_codes[item]] for item in answer.listed]
    assert titles and all("grinder" in title for title in titles)
    assert "takes the place of" in talk.ask("only Mystery").text and len(talk.constraints) == 1
    none = talk.ask("only zeppelins")
    assert "Nothing in this catalogue says “zeppelins”" in none.text and len(talk.constraints) == 1
    chinese = zh.chat("u01", keep=False)
    assert chinese.ask("只要绘本").listed and chinese.constraints[0].value == "绘本"
    assert "没有含“啤酒”" in chinese.ask("只要啤酒").text


@pytest.mark.parametrize(
    "question", ["I don't like Mystery", "no more mystery please", "I hate mystery novels"]
)
def test_a_dislike_mutes(en, question):
    talk = en.chat("c01", keep=False)
    answer = talk.ask(question)
    assert answer.tool == "mute" and "Muted “Mystery”" in answer.text
    assert {entry.action for entry in en.feedback("c01")} == {"mute"}


@pytest.mark.parametrize(
    ("language", "user", "question", "kind", "n"),
    [
        ("en", "c01", "show my last five purchases", "purchase", 5),
        ("en", "c01", "show me my 12 latest views", "view", 12),
        ("en", "c01", "my last couple of ratings", "rate", 2),
        ("zh", "u01", "列出我最近的五次购买", "purchase", 5),
    ],
)
def test_so_many_of_a_kind_are_shown_newest_first(language, user, question, kind, n, request):
    agent = request.getfixturevalue(language)
    answer = agent.chat(user, keep=False).ask(question)
    rows = listed_rows(answer)
    wanted = own_events(agent, user, kind)[: -n - 1 : -1]
    assert answer.tool == "search" and [row.evidence for row in rows] == [(mark,) for mark in wanted]
    check_evidence(agent, answer, user)


def test_the_oldest_and_spans_of_time_are_honoured(en, zh):
    talk = en.chat("c01", keep=False)
    first = listed_rows(talk.ask("show my first three views"))
    assert [row.evidence[0] for row in first] == own_events(en, "c01", "view")[:3]
    assert len(listed_rows(zh.chat("u01", keep=False).ask("最早的三条评分"))) == 3
    for question, days in (
        ("show my purchases in May", ("2024-05-01", "2024-05-31")),
        ("what did I buy last week", ("2024-12-23", "2024-12-29")),
        ("show what I bought in the last two months", ("2024-10-30", "2024-12-31")),
    ):
        rows = listed_rows(talk.ask(question))
        assert rows, question
        for row in rows:
            assert days[0] <= row.text.split()[0] <= days[1] and " bought " in row.text, question


def test_a_kind_that_the_person_has_none_of_is_said_to_be_missing(en):
    answer = en.chat("canary", keep=False).ask("show my ratings")
    assert "You have no ratings here" in answer.text and not listed_rows(answer)
    assert answer.facts["kinds"]["purchase"] == 7
    also = en.chat("canary", keep=False).ask("did I ever rate a lamp?")
    assert "You have no ratings here" in also.text and "for “lamp”" in also.text


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("seven", 7), ("twenty-one", 21), ("a couple of", 2), ("十五", 15), ("两", 2), ("soon", None)],
)
def test_numbers_in_words(text, number):
    import re

    assert read_number(text) == number
    if number is not None:
        assert re.fullmatch(NUMBER_EN, text) or re.fullmatch(NUMBER_ZH, text)


def test_a_dated_list_says_how_long_the_last_fit_took_and_is_kept(en):
    talk = en.chat("c01", keep=False)
    first = talk.ask("show me recommendations as of April")
    assert "events up to 2024-04-30: the last fit here took" in first.text and len(first.listed) == 5
    again = talk.ask("show me recommendations as of April")
    assert "fitting" not in again.text and again.listed == first.listed
    (en.workspace.cache_dir / "last-fit.json").write_text("no JSON", encoding="utf-8")
    unmeasured = talk.ask("show me recommendations as of March")
    assert "no fit was timed here yet" in unmeasured.text
    assert "the last fit here took" in talk.ask("show me recommendations as of February").text


def held(talk):
    return [entry.value for entry in talk.state.constraints]


def test_filters_are_set_shown_and_withdrawn_in_everyday_words(en):
    talk = en.chat("c01", keep=False)
    for question in ("no knives", "nothing with lamps please", "and no tents this week either"):
        assert talk.ask(question).tool == "recommend", question
    assert held(talk) == ["knives", "lamps", "tents"]
    for question in ("which rules are on at the moment", "what rules are left"):
        answer = talk.ask(question)
        assert answer.tool == "constraints" and "nothing with “lamps”" in answer.text, question
    assert len(held(talk)) == 3
    for question, left in (
        ("remove that filter", ["knives", "lamps"]),
        ("ok forget the lamps rule", ["knives"]),
        ("actually knives are ok, was just kidding", []),
    ):
        talk.ask(question)
        assert held(talk) == left, question
    for question in ("drop all of them", "clear everything", "remove all filters"):
        talk.ask("no knives, lamps or tents")
        talk.ask(question)
        assert held(talk) == [], question
    assert not en.feedback("c01")


def test_a_filter_that_does_not_hold_leaves_the_others(en):
    talk = en.chat("c01", keep=False)
    talk.ask("no knives")
    assert "no such constraint" in talk.ask("forget the zebra rule").text
    assert held(talk) == ["knives"]


def test_filters_in_chinese(zh):
    talk = zh.chat("u01", keep=False)
    talk.ask("不要绘本")
    talk.ask("也不要雨衣")
    talk.ask("可以要绘本了")
    assert "绘本" not in held(talk)
    talk.ask("回到原来的推荐")
    assert held(talk) == [] and not zh.feedback("u01")


def test_things_of_the_list_are_swapped_by_their_place(en):
    talk = en.chat("c01", keep=False)
    for question in (
        "I already have the second one at home",
        "swap the second for something else",
        "replace number 2",
    ):
        second = talk.ask("recommend").listed[1]
        answer = talk.ask(question)
        assert answer.tool == "recommend" and second not in answer.listed, question


def test_the_list_as_it_is_and_whether_it_is_the_same(en, zh):
    talk = en.chat("c01", keep=False)
    listed = talk.ask("recommend").listed
    for question in (
        "what's on the list now?",
        "same list as before?",
        "does my list look any different now?",
    ):
        answer = talk.ask(question)
        assert answer.listed == listed and ("It is the same list" in answer.text) == (
            "list now" not in question
        )
    assert talk.ask("top 3 only").listed == listed[:3]
    other = zh.chat("u01", keep=False)
    for question in ("现在的列表是啥样", "现在给我看看列表", "今天买点啥好"):
        assert other.ask(question).tool == "recommend", question


def test_a_list_of_other_events_names_the_filters_it_is_under(en):
    talk = en.chat("c01", keep=False)
    shown = talk.ask("nothing with lamps").listed
    answer = talk.ask("what would you recommend without my May purchases?")
    assert "nothing with “lamps”" in answer.text and len(answer.facts["after"]) == len(shown)
