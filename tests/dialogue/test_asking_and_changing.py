"""A question about a thing does not change it; wishes for more, other and negated things are read apart."""

from __future__ import annotations

import numpy as np
import pytest

from agent.dialogue.reading.steer import clauses
from agent.dialogue.router import WANTS, Router, route_by_rules
from agent.dialogue.sentences.examples import EXAMPLES, Nearest, example_pairs, nearest
from agent.dialogue.sentences.guard import picks
from agent.dialogue.sentences.lexicon import content_words
from agent.dialogue.sentences.rules import is_question
from agent.errors import OfflineError
from agent.llm.scripted import ScriptedBackend
from eval.chat.routing import load_questions
from tests.dialogue.conftest import check_evidence


@pytest.mark.parametrize(
    "question",
    [
        "why no more mystery?", "I don't like mystery, do I?", "do I buy too much mystery?",
        "what did I mute?", "what does mute do?", "I don't like this list", "more please", "show me more",
        "give me three more", "do you think I drink too much?", "recommend a gift for my mother",
        "what gift should I buy?", "mystery for my friend", "for the barbecue", "what is seasonal for me?",
        "is mystery too much in here?", "was that a gift?",
    ],
)  # fmt: skip
def test_a_question_changes_nothing(en, question):
    talk = en.chat("c01", keep=False)
    talk.ask("recommend five things")
    answer = talk.ask(question)
    assert en.feedback("c01") == [] and answer.text
    check_evidence(en, answer, "c01")


@pytest.mark.parametrize(
    "question",
    [
        "我不喜欢绘本吗？",
        "我买的绘本太多了吗？",
        "我屏蔽了什么",
        "给我多推荐几个",
        "给孩子推荐点东西",
        "给我老婆推荐几样",
        "再来几个",
    ],
)
def test_a_chinese_question_changes_nothing(zh, question):
    talk = zh.chat("u01", keep=False)
    talk.ask("给我推荐点东西")
    answer = talk.ask(question)
    assert zh.feedback("u01") == [] and answer.text
    check_evidence(zh, answer, "u01")


def test_a_change_put_as_a_question_says_what_it_would_do_and_waits(en):
    talk = en.chat("c01", keep=False)
    asked = talk.ask("isn't it time to hide mystery?")
    assert asked.tool == "mute" and "never show “Mystery” again" in asked.text and en.feedback("c01") == []
    assert "Left as it is" in talk.ask("no").text and en.feedback("c01") == []
    talk.ask("isn't it time to hide mystery?")
    assert "Muted “Mystery”" in talk.ask("yes").text
    assert [entry.action for entry in en.feedback("c01")] == ["mute"]
    assert "Muted" in talk.ask("can you mute knives?").text  # a request is no question


def test_more_shows_what_comes_after_and_nothing_twice(en, zh):
    talk = en.chat("c01", keep=False)
    first = talk.ask("recommend something").listed
    second, third = talk.ask("more please").listed, talk.ask("give me three more").listed
    whole = [str(entry.item_id) for entry in en.recommend("c01", 10, rerank=False)]
    assert [*first, *second] == whole and len(third) == 3 and not set(third) & set(whole)
    assert talk.ask("recommend something").listed == first
    refused = talk.ask("I don't like this list")
    assert refused.listed == second and "tell me what" in refused.text
    assert talk.ask("why number 1?").args["item_id"] == second[0]
    chinese = zh.chat("u01", keep=False)
    shown = chinese.ask("给我推荐点东西").listed
    assert not set(shown) & set(chinese.ask("给我多推荐几个").listed)


def test_only_the_negated_part_is_muted_and_the_rest_is_listed(en):
    talk = en.chat("c01", keep=False)
    answer = talk.ask("stop the mystery, show me knives instead")
    assert [(entry.action, entry.target) for entry in en.feedback("c01")] == [("mute", answer.args["target"])]
    assert "Muted “Mystery”" in answer.text and [c.value for c in talk.constraints] == ["Knives"]
    codes = en.session.catalogue.item_codes
    assert answer.listed and all("Knives" in en.session.catalogue.categories[codes[i]] for i in answer.listed)
    check_evidence(en, answer, "c01")
    assert "exactly what it was" in talk.ask("undo").text
    mixed = talk.ask("请不要推荐Knives，推荐Mystery")
    assert mixed.args["name"] == "“Knives”" and [c.value for c in talk.constraints] == ["Mystery"]


def test_two_topics_of_one_wish_are_both_done_and_one_undo_takes_both_back(en):
    talk = en.chat("c01", keep=False)
    answer = talk.ask("mute Mystery and Knives")
    assert (
        len(en.feedback("c01")) == 2 and "Muted “Mystery”" in answer.text and "Muted “Knives”" in answer.text
    )
    check_evidence(en, answer, "c01")
    assert "exactly what it was" in talk.ask("undo").text
    shown = talk.ask("recommend five things").listed
    placed = talk.ask("never show me number 2 and 4")
    assert {step["target"] for step in placed.args["also"]} | {placed.args["target"]} == {shown[1], shown[3]}


@pytest.mark.parametrize("question", ["less salty", "more fruity please", "too greasy"])
def test_a_taste_is_no_kind_of_thing(en, question):
    talk = en.chat("c01", keep=False)
    talk.ask("recommend something")
    talk.ask(question)
    assert en.feedback("c01") == []


def test_a_report_before_a_command_does_not_stop_it(en, zh):
    answer = en.chat("c01", keep=False).ask("my wife says I read too much, show me less mystery please")
    assert "Less of “Mystery”" in answer.text
    assert en.chat("c01", keep=False).ask("my wife wants more knives").args and len(en.feedback("c01")) < 4
    zh.chat("u01", keep=False).ask("我老婆说我买太多了，少推荐绘本")
    assert {entry.action for entry in zh.feedback("u01")} == {"less"}


def test_what_a_filter_hides_does_not_make_a_change_go_further(en):
    top = en.recommend("c01", 1, rerank=False).recommendations[0]
    label = next(facet.label for facet in en.profile("c01").facets if facet.key in top.facets)
    talk = en.chat("c01", keep=False)
    talk.ask(f"less {label}")
    n_free = len(en.feedback("c01"))
    talk.ask("undo")
    held = en.chat("c01", keep=False)
    held.ask("only knives" if label != "Knives" else "only mystery")
    answer = held.ask(f"less {label}")
    assert (
        len([entry for entry in en.feedback("c01") if not entry.undone and entry.action == "less"]) == n_free
    )
    assert "because of what holds for it" in answer.text


def test_what_was_changed_is_listed(en):
    talk = en.chat("c01", keep=False)
    assert "You have given no feedback" in talk.ask("what did I mute?").text
    talk.ask("mute Mystery")
    talk.ask("only Knives")
    answer = talk.ask("what did I mute?")
    assert answer.tool == "about_me" and "mute “Mystery”" in answer.text and "only Knives" in answer.text
    assert "events of yours, from" not in answer.text
    check_evidence(en, answer, "c01")


def test_a_gift_that_is_looked_for_is_a_list_and_nothing_is_known_of_the_receiver(en, zh):
    answer = en.chat("c01", keep=False).ask("recommend a gift for my mother")
    assert answer.tool == "recommend" and answer.listed and "I know nothing of your mother" in answer.text
    told = zh.chat("u01", keep=False).ask("给我老婆推荐几样")
    assert told.listed and "一无所知" in told.text
    assert route_by_rules("the tent was a gift for my boss", "en") == "gift"
    assert route_by_rules("那是给老婆买的", "zh") == "gift"


def test_what_a_command_does_is_explained(en, zh):
    answer = en.chat("c01", keep=False).ask("what does mute do?")
    assert answer.tool == "help" and answer.text.startswith("“Mute beer” lets nothing")
    assert "不再显示" in zh.chat("u01", keep=False).ask("屏蔽是什么意思？").text


def test_much_or_enough_is_counted_and_not_judged(en):
    answer = en.chat("c01", keep=False).ask("do I buy too much mystery?")
    assert answer.tool == "search" and answer.args["words"] == ["mystery"] and answer.args["mode"] == "count"
    assert "not for me to say" in answer.text


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("do I like beer?", True), ("I drink too much, right?", True), ("我不喜欢啤酒吗", True),
        ("can you hide beer?", False), ("please stop the beer", False), ("don't remember this talk", False),
        ("能不能少推荐啤酒？", False), ("mute beer", False),
    ],
)  # fmt: skip
def test_questions_and_requests_are_told_apart(text, asks):
    assert is_question(text) is asks


def test_clauses_by_hand():
    assert clauses("no more tea, but recommend coffee", "mute") == ("no more tea", "recommend coffee")
    assert clauses("less tea and more coffee", "less") == ("less tea", "more coffee")
    assert clauses("show me tea", "mute") == ("show me tea", "")


def test_words_whose_ends_look_like_particles_stay_whole():
    assert content_words("我上次什么时候买月饼？") == ["月饼"]
    assert content_words("我三月买的面条") == ["面条"]
    assert content_words("以后不要啤酒了") == ["啤酒"]


def test_two_close_tools_are_asked_about_and_a_number_chooses(en, monkeypatch):
    monkeypatch.setattr("agent.chat_host.WorkspaceHost.encode", lambda self, texts: None)
    monkeypatch.setattr(
        Nearest, "scores", lambda self, question, encode=None: {"profile": 0.6, "help": 0.55, "mute": 0.5}
    )
    talk = en.chat("c01", keep=False)
    asked = talk.ask("tell me Mystery")
    assert "or 2)" in asked.text and "Say “1” or “2”" in asked.text
    assert talk.ask("yes").text == asked.text
    chosen = talk.ask("1")
    assert (chosen.tool, chosen.routed_by) == ("profile", "confirmation")
    talk.ask("tell me Mystery")
    assert talk.ask("the second one").tool == "mute" and len(en.feedback("c01")) == 1


def test_what_only_examples_suggest_changes_nothing_without_a_yes(en, monkeypatch):
    monkeypatch.setattr(
        Nearest, "scores", lambda self, question, encode=None: {"mute": 0.9, "profile": 0.1, "help": 0.0}
    )
    talk = en.chat("c01", keep=False)
    asked = talk.ask("tell me Mystery")
    assert asked.routed_by == "examples" and "please say “yes”" in asked.text and en.feedback("c01") == []
    assert "Muted" in talk.ask("yes").text


def test_choices_by_hand():
    assert [picks(text) for text in ("1", "second", "第一个", "the latter", "two beers")] == [
        1,
        2,
        1,
        2,
        None,
    ]


def test_examples_hold_none_of_the_questions_that_measure_them():
    held_out = {entry.question for entry in load_questions() if entry.part == "test"}
    for language in EXAMPLES:
        pairs = example_pairs(language)
        assert len(pairs) > 300 and not held_out & {text for text, _ in pairs}
        assert len({text for text, _ in pairs}) == len(pairs)


def test_an_example_is_nearest_to_its_own_tool_and_nonsense_to_none():
    pairs = example_pairs("en")
    scores = [(nearest("en").scores(text), tool) for text, tool in pairs[::12]]
    assert all(max(found, key=lambda name: found[name]) == tool for found, tool in scores)
    assert Router(None).route("zzz qqq", "en").by == "nothing"


def test_vectors_join_in_only_where_words_leave_it_open(monkeypatch):
    calls = []

    def encode(texts):
        calls.append(len(texts))
        return None

    assert nearest("en").scores("tell me beer", encode) == nearest("en").scores("tell me beer")
    assert calls == [1]
    close, far = {"profile": 0.6, "mute": 0.5, "help": 0.1}, {"profile": 0.9, "mute": 0.2, "help": 0.1}
    leads = iter([close, close, far])
    monkeypatch.setattr(Nearest, "scores", lambda self, question, encode=None: next(leads))
    assert Router(None, encode).route("frobnicate", "en").other == "mute"
    assert Router(None, encode).route("frobnicate", "en").other is None


def test_vectors_decide_what_words_do_not():
    axes = {tool: spot for spot, tool in enumerate(nearest("en").tools)}

    def encode(texts):
        vectors = np.zeros((len(texts), len(axes)), np.float32)
        known = dict(example_pairs("en"))
        for row, text in enumerate(texts):
            vectors[row, axes[known.get(text, "compare")]] = 1
        return vectors

    found = Nearest(example_pairs("en"), "en").scores("blorp", encode)
    assert max(found, key=lambda name: found[name]) == "compare"


def test_a_sentence_encoder_that_fails_is_told():
    def encode(texts):
        raise OfflineError("no encoder here")

    route = Router(None, encode).route("my beer", "en")
    assert "no encoder here" in route.note


def test_a_model_of_likelihoods_chooses_among_the_best_what_is_offered(monkeypatch):
    close = {"profile": 0.6, "help": 0.55, "compare": 0.5, "mute": 0.4, "gift": 0.0}
    monkeypatch.setattr(Nearest, "scores", lambda self, question, encode=None: close)
    seen = []

    def likes(word):
        def score(prefix, continuation):
            seen.append(continuation)
            return [-1.0 if word in continuation and "frobnicate" in prefix else -9.0]

        return ScriptedBackend([], score_function=score)

    route = Router(likes("compare two")).route("frobnicate", "en")
    assert (route.tool, route.by, route.other) == ("profile", "model", "compare")
    assert len(seen) == len(WANTS) + 3 and not any("unrelated" in text for text in seen[-3:])
    assert Router(likes("interests as they")).route("frobnicate", "en").other == "compare"


def test_what_is_always_for_others_is_set_aside_whole_and_one_occasion_alone(en):
    talk = en.chat("c01", keep=False)
    one = talk.ask("the trekking poles were for my brother's birthday")
    assert one.tool == "gift" and len(one.args["interaction_ids"]) == 1 and "latest occasion" in one.text
    talk.ask("undo")
    whole = talk.ask("the trekking poles are for my son")
    assert len(whole.args["interaction_ids"]) == 3 and "latest occasion" not in whole.text
    talk.ask("undo")
    both = talk.ask("so the trekking poles were for the neighbours, and also hide mystery")
    assert both.tool == "gift" and "Not done: “also hide mystery”" in both.text


def test_more_of_them_after_one_item_is_more_of_that_item(en):
    talk = en.chat("c01", keep=False)
    shown = talk.ask("recommend something").listed
    talk.ask("why number 2?")
    assert talk.ask("give me more of them").args["target"] == shown[1]
    told = en.chat("c01", keep=False).ask("my daughter loves knives, show more of those")
    assert told.tool == "more" and told.args["name"] == "“Knives”"


def test_a_follow_up_gives_way_to_what_the_rules_read():
    router = Router(None)
    assert router.route("那ITEM呢，为什么不推荐ITEM了", "zh", previous="gift").tool == "why_not"
    assert router.route("and ITEM?", "en", previous="why_not").tool == "why_not"
