"""Who does not plainly command is asked back; what is taken back is what was named."""

from __future__ import annotations

import pytest

from agent.dialogue.planning import _of_you
from agent.dialogue.reading.steer import clauses
from agent.dialogue.reading.undo import topic_words
from agent.dialogue.reading.wish_numbers import limits
from agent.dialogue.router import Router, route_by_rules
from agent.dialogue.sentences.guard import only_repeats
from agent.dialogue.sentences.mentions import Topic, is_wider
from agent.dialogue.sentences.rules import is_question
from agent.dialogue.sentences.stance import (
    corrected,
    keeps,
    reports,
    reverses,
    spelled,
    supposes,
    supposes_command,
)
from tests.dialogue.conftest import check_evidence


def in_force(agent, user):
    live = (entry for entry in agent.feedback(user) if not entry.undone and entry.action != "undo")
    return [(entry.action, entry.target_kind) for entry in live]


@pytest.mark.parametrize(
    "text",
    [
        "please don't hide milk", "please don't stop recommending milk", "don't mute cheese",
        "un-mute snacks", "unhide milk", "no less milk please", "could you not hide milk?",
        "I don't want you to hide milk",
        "never mute cheese", "stop hiding milk", "there is no need to mute it", "oh wait it wasn't a gift",
        "不要再屏蔽啤酒", "别屏蔽啤酒", "取消对啤酒的屏蔽", "不用少推荐啤酒", "那不是礼物",
        "解除cigarettes的屏蔽",
    ],
)  # fmt: skip
def test_a_denied_change_is_taken_back_and_never_made(text):
    language = "en" if text.isascii() else "zh"
    assert keeps(text) and Router(None).route(text, language).tool == "undo"


@pytest.mark.parametrize(
    "text",
    [
        "mute cheese", "never show me beer again", "don't show me milk", "why don't you hide milk?",
        "no less than five", "stop recommending milk", "屏蔽啤酒", "不要推荐啤酒", "少推荐啤酒",
    ],
)  # fmt: skip
def test_a_change_is_no_denial_of_one(text):
    assert not keeps(text)


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("shall I mute chicken?", True), ("why would you ever show less cheese?", True),
        ("if I said mute cheese, what would happen?", True), ("could you hide beer?", False),
        ("ok, would you hide beer", False), ("please hide beer", False), ("hide beer if you can", False),
        ("would it make sense to hide beer?", True),
        ("what would you say if I asked for beer?", True),
    ],
)  # fmt: skip
def test_only_a_request_at_the_beginning_is_one(text, asks):
    assert is_question(text) is asks


def test_suppositions_reports_and_commands_are_told_apart():
    supposed = (
        "what happens if you hide milk?",
        "Would you hide it if I asked you to?",
        "如果屏蔽啤酒会怎么样",
    )
    assert all(supposes(text) and supposes_command(text) for text in supposed)
    told = (
        "my wife wants less bread",
        "I used to say mute candy",
        "nobody needs gasoline",
        "我老婆想少吃面包",
    )
    assert all(map(reports, told))
    plain = ("I'd like more cheese", "hide milk, please", "I want less bread", "less beer", "我想少吃面包")
    assert not any(supposes(text) or reports(text) for text in plain)
    assert not supposes_command("what if I had never bought beer?")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("more fruit, no wait, less", "less fruit"), ("hide milk - sorry, cheese", "hide cheese"),
        ("show me bread, actually no, fruit", "show me fruit"), ("not less, more cheese", "more cheese"),
        ("多来点水果，不对，少来点", "少来点水果"), ("less tea, more coffee", "less tea, more coffee"),
        ("Actually, show me beer", "Actually, show me beer"),
        ("no, actually mute it", "no, actually mute it"),
    ],
)  # fmt: skip
def test_of_a_correction_the_last_word_counts(said, meant):
    assert corrected(said) == meant


def test_small_readings_by_hand():
    assert reverses("not less, more") and not reverses("not less, more cheese")
    assert reverses("no, more") and reverses("不对，多来点") and not reverses("no more")
    assert spelled("Whats changed, and dont you know?") == "What's changed, and don't you know?"
    assert (
        topic_words("undo the soft drinks one") == ["soft", "drinks"] and topic_words("撤销刚才的操作") == []
    )
    assert limits("价格别超过3块") == [("at_most", "price", 3.0)]
    assert limits("至少20元") == [("at_least", "price", 20.0)]
    assert only_repeats("why " * 25) and not only_repeats("why is beer listed?")
    joined = Topic("category", "x", "Baking powder and soda")
    assert is_wider(joined, ["soda"]) and not is_wider(joined, ["baking", "powder"])
    assert not is_wider(Topic("category", "x", "Soft drinks"), ["soda"])
    assert _of_you("know how their interests have changed") == "know how your interests have changed"
    assert clauses("less tea, more coffee", "less") == ("less tea", "more coffee")


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("Would you stop showing me chicken if I asked you to?", "mute"), ("did you hide milk?", "about_me"),
        ("remind me what I told you so far", "about_me"), ("ok thx, you're great", "help"),
        ("and now back to today", "profile"), ("not so expensive pls", "recommend"),
        ("no frozen pizza in my list please", "mute"), ("nah beer isn't really my thing anymore", "mute"),
        ("could you maybe not show soda?", "mute"), ("allow pizza again", "undo"),
        ("changed my mind about the pizza, bring it back", "undo"), ("show me fruit", "recommend"),
        ("don't give me more cheese", "less"), ("别多推荐啤酒", "less"),
        ("I never want to see beer again", "mute"),
        ("少来点啤酒", "less"), ("你屏蔽了牛奶吗？", "about_me"), ("回到今天", "profile"),
    ],
)  # fmt: skip
def test_colloquial_wishes_reach_their_tools(text, tool):
    assert route_by_rules(text, "en" if text.isascii() else "zh") == tool


def test_in_a_talk_only_commands_change_anything(en):
    talk = en.chat("c01", keep=False)
    for question in (
        "please don't hide mystery", "no less mystery please", "what happens to my list if you hide mystery?",
        "Would you stop showing me mystery if I asked you to?", "If I were you I'd hide mystery",
        "I used to say mute mystery all the time", "why would you ever show less mystery?",
        "my wife wants less mystery but I want more", "I wouldn't mind less mystery",
        "what happens if I only want knives?", "what if you stopped showing mystery?",
        "if I muted mystery, what would the list be?", "would it make sense to hide mystery?",
    ):  # fmt: skip
        answer = talk.ask(question)
        assert en.feedback("c01") == [] and talk.constraints == () and answer.text, question
        check_evidence(en, answer, "c01")
    asked = talk.ask("what happens to my list if you hide mystery?")
    assert "Nothing was changed" in asked.text and "never show “Mystery” again" in asked.text
    assert "Muted “Mystery”" in talk.ask("yes").text
    lifted = talk.ask("please don't hide mystery")
    assert "Taken back: mute “Mystery”" in lifted.text and in_force(en, "c01") == []
    check_evidence(en, lifted, "c01")


def test_undo_takes_back_what_is_named_or_asks(en):
    talk = en.chat("c01", keep=False)
    talk.ask("mute mystery")
    talk.ask("less knives")
    assert "mute “Mystery”, less of “Knives”" in talk.ask("undo everything").text and not in_force(en, "c01")
    talk.ask("mute mystery")
    talk.ask("less knives")
    assert "Nothing was taken back" not in talk.ask("changed my mind about mystery, bring it back").text
    assert {action for action, _ in in_force(en, "c01")} == {"less"}
    none = talk.ask("undo the camping one")
    assert "No change in force is about “camping”" in none.text and "Knives" in none.text
    kept = talk.ask("don't forget this talk")
    assert "Nothing was forgotten" in kept.text and len(talk.turns) == 8
    assert "do not know which" in talk.ask("not less, more").text, (
        "nothing older than the turn before is turned"
    )
    talk.ask("less knives")
    turned = talk.ask("not less, more")
    assert turned.tool == "more" and "More of “Knives”" in turned.text
    gift = talk.ask("it wasn't a gift")
    assert "set aside as a gift" in gift.text and in_force(en, "c01")
    assert "Taken back" in talk.ask("undo").text
    talk.ask("mute camping")
    talk.ask("pin coffee")
    assert "Taken back: mute “Camping”" in talk.ask("undo the mute").text
    shown = talk.ask("recommend something, but don't show coffee")
    assert [entry.value for entry in talk.constraints] == ["coffee"] and shown.listed


def test_a_second_wish_is_done_too_and_a_kind_is_no_single_size(en):
    talk = en.chat("c01", keep=False)
    answer = talk.ask("less mystery, more knives")
    assert "Less of “Mystery”" in answer.text and "More of “Knives”" in answer.text
    assert {action for action, _ in in_force(en, "c01")} == {"less", "more"}
    assert "exactly what it was" in talk.ask("undo").text and not in_force(en, "c01")
    missed = talk.ask("less mystery, more unobtainium")
    assert "Not done: “more unobtainium”" in missed.text
    talk.ask("recommend something")
    listed = talk.ask("how sure are you?")
    assert listed.args["item_id"] == talk.state.listed[0] and "onfidence" in listed.text
    talk.ask("when did I last buy coffee?")
    if talk.state.focus[0] not in talk.state.listed:
        assert "which item you mean" in talk.ask("how sure are you?").text
    plain = talk.ask("something healthier")
    assert "“healthier”" in plain.text and plain.args["constraints"] == []
    assert "repeats the same word" in talk.ask("why " * 30_000).text


def test_a_name_of_many_sizes_is_the_kind(en, monkeypatch):
    from agent.dialogue.reading import steer as read_steer
    from agent.dialogue.sentences import mentions

    names = mentions.Names(en.session.catalogue)
    codes = (0, 1)
    monkeypatch.setattr(mentions.Names, "find_titles", lambda self, question: [((5, 12), codes)])
    talk = en.chat("c01", keep=False)
    answer = talk.ask("mute mystery")
    assert answer.args["kind"] in ("facet", "category") and names.titles
    assert read_steer.kind_topic("mysteries", names, []).target == "Mystery"


def test_a_name_goes_for_all_its_sizes_and_brands_and_one_undo_takes_them_back(en, monkeypatch):
    from agent.dialogue.sentences import mentions

    ids = en.session.catalogue.item_ids[:3]
    monkeypatch.setattr(mentions.Names, "find_titles", lambda self, question: [((5, 12), (0, 1, 2))])
    talk = en.chat("c01", keep=False)
    before = [(entry.item_id, entry.score) for entry in en.recommend("c01", 20, rerank=False)]
    answer = talk.ask("mute zorblax, my kid is allergic")
    muted = {entry.target for entry in en.feedback("c01") if not entry.undone}
    assert muted == set(ids) and "all 3 items" in answer.text
    assert not muted & {entry.item_id for entry in en.recommend("c01", 20, rerank=False)}
    assert "exactly what it was" in talk.ask("undo").text
    assert [(entry.item_id, entry.score) for entry in en.recommend("c01", 20, rerank=False)] == before


def test_chinese_questions_and_denials_change_nothing(zh):
    talk = zh.chat("u01", keep=False)
    for question in ("别屏蔽儿童绘本", "如果屏蔽儿童绘本会怎么样", "我老婆说少推荐儿童绘本", "那不是礼物"):
        answer = talk.ask(question)
        assert zh.feedback("u01") == [] and answer.text, question
    talk.ask("屏蔽儿童绘本")
    assert in_force(zh, "u01") and "撤销" in talk.ask("撤销科幻小说那个").text
    assert in_force(zh, "u01")
    talk.ask("取消对儿童绘本的屏蔽")
    assert in_force(zh, "u01") == []


@pytest.mark.parametrize("text", ["有什么推荐吗？", "有什么好推荐", "有没有推荐的", "有啥推荐的吗"])
def test_asking_for_recommendations_in_chinese(text):
    assert route_by_rules(text, "zh") == "recommend"


@pytest.mark.parametrize(
    "text", ["What is different about me compared to March?", "和三月相比我有什么变化？"]
)
def test_what_now_is_held_against_comes_first(en, zh, text):
    agent, user = (zh, "u01") if "相比" in text else (en, "c01")
    args = agent.chat(user, keep=False).ask(text).args
    within = (
        agent.chat(user, keep=False)
        .ask("我三月有什么变化？" if agent is zh else "What changed in March?")
        .args
    )
    assert args["start_ms"] == within["split_ms"] and args["split_ms"] == within["end_ms"]
    assert args["end_ms"] is None and within["end_ms"] is not None
