"""One sentence is one undo, in any talk; what comes from elsewhere is never taken for this talk's doing."""

from __future__ import annotations

import pytest

from agent import Agent, chat_host
from tests.dialogue.conftest import check_evidence


def ids_of(agent, k=50):
    return [entry.item_id for entry in agent.recommend("c01", k, rerank=False)]


def standing(agent):
    return [entry for entry in agent.feedback("c01") if not entry.undone and entry.action != "undo"]


@pytest.mark.parametrize("how", ["a new talk", "the agent"])
@pytest.mark.parametrize("question", ["forget my March purchases", "less mystery"])
def test_one_sentence_is_one_undo_everywhere(en, how, question):
    before = ids_of(en)
    en.give_feedback("c01", "mute", "Cycling")
    talk = en.chat("c01", keep=False)
    talk.ask(question)
    if talk.state.pending:
        talk.ask("yes")
    said = [entry for entry in standing(en) if entry.utterance]
    assert len(said) > 1 and len({entry.utterance for entry in said}) == 1
    if how == "the agent":
        en.undo("c01")
    else:
        en.chat("c01", keep=False).ask("undo")
    assert [entry.action for entry in standing(en)] == ["mute"], "only what was said last goes"
    en.undo("c01")
    assert ids_of(en) == before


def test_feedback_from_elsewhere_is_announced_once_and_not_compared_with(en):
    with Agent.open(en.workspace.root, model="none") as other:
        talk = en.chat("c01", keep=False)
        talk.ask("recommend")
        given = other.give_feedback("c01", "mute", "Mystery")
        answer = talk.ask("less hiking")
        assert "changed elsewhere (mute “Mystery”)" in answer.text
        assert "“Mystery”" not in answer.text.partition("Less of")[2]
        assert "elsewhere" not in talk.ask("recommend").text
        other.undo("c01", given.feedback_id)
        assert "changed elsewhere (undo mute “Mystery”)" in talk.ask("recommend").text


def test_feedback_that_comes_in_between_leaves_the_difference_unattributed(en, monkeypatch):
    with Agent.open(en.workspace.root, model="none") as other:
        talk, given = en.chat("c01", keep=False), []
        talk.ask("recommend")
        real = chat_host.give_feedback

        def at_the_same_time(*arguments, **options):
            given.append(other.give_feedback("c01", "mute", "Camping"))
            return real(*arguments, **options)

        monkeypatch.setattr(chat_host, "give_feedback", at_the_same_time)
        answer = talk.ask("mute mystery")
        assert "Muted “Mystery”" in answer.text and "at the same time (mute “Camping”)" in answer.text
        assert "Your next list" not in answer.text and "before" not in answer.facts
        monkeypatch.undo()
        assert "elsewhere" not in talk.ask("recommend").text
        assert "Taken back: mute “Mystery”" in talk.ask("undo").text
        assert standing(en) == given


@pytest.mark.parametrize(
    "question",
    [
        "don't undo the mystery please", "I never asked you to undo that", "no need to take it back",
        "did you undo the mystery?", "what exactly did you undo?", "can I undo that later?", "别撤销",
        "我没让你撤销啊", "你撤销了什么？", "forget it", "too much, forget it", "is mystery still muted?",
    ],
)  # fmt: skip
def test_what_is_asked_or_denied_undoes_and_forgets_nothing(en, question):
    talk = en.chat("c01", keep=False)
    talk.ask("mute mystery")
    answer = talk.ask(question)
    assert [entry.action for entry in en.feedback("c01")] == [
        "mute"
    ] and "No change in force" not in answer.text
    check_evidence(en, answer, "c01")


@pytest.mark.parametrize(
    ("question", "left"),
    [
        ("undo everything", []), ("take everything back", []), ("undo mystery and knives", ["mute"]),
        ("undo camping and mystery", ["less"]), ("undo coffee and knives", ["mute", "mute"]),
        ("undo both", ["mute"]), ("都恢复吧", []), ("撤销所有改动", []),
    ],
)  # fmt: skip
def test_several_changes_are_taken_back_by_one_sentence(en, question, left):
    talk = en.chat("c01", keep=False)
    before = ids_of(en)
    for wish in ("mute camping", "mute mystery", "less knives"):
        talk.ask(wish)
    answer = talk.ask(question)
    assert sorted(action for action, _ in {(entry.action, entry.target) for entry in standing(en)}) == left
    assert left or ids_of(en) == before
    assert ("still hold" in answer.text) == (question == "undo camping and mystery")
    assert ("No change in force is about “coffee”" in answer.text) == ("coffee" in question)
    check_evidence(en, answer, "c01")


@pytest.mark.parametrize(
    "softer", ["less mystery", "no, I meant less, not never", "too harsh, only less of it"]
)
def test_less_of_what_is_muted_lifts_the_mute_and_its_undo_brings_it_back(en, softer):
    talk = en.chat("c01", keep=False)
    talk.ask("mute mystery")
    muted = ids_of(en)
    answer = talk.ask(softer)
    assert "that is lifted" in answer.text and {entry.action for entry in standing(en)} == {"less"}
    assert ids_of(en) != muted
    talk.ask("undo")
    assert [entry.action for entry in standing(en)] == ["mute"] and ids_of(en) == muted


def test_only_the_turn_before_is_turned_round(en, zh):
    talk = en.chat("c01", keep=False)
    talk.ask("mute mystery")
    talk.ask("recommend something")
    talk.ask("no, more")
    assert [entry.action for entry in standing(en)] == ["mute"]
    talk.ask("less knives")
    assert "Muted “Knives”" in talk.ask("no, mute it after all").text
    chinese = zh.chat("u01", keep=False)
    chinese.ask("少推荐绘本")
    assert "屏蔽" in chinese.ask("不，还是屏蔽掉吧").text
    assert {entry.action for entry in zh.feedback("u01")} == {"less", "mute"}


@pytest.mark.parametrize(
    "question", ["show mystery again", "put mystery back on", "mystery is fine again", "恢复mystery"]
)
def test_what_was_hidden_comes_back_by_its_name(en, question):
    talk = en.chat("c01", keep=False)
    talk.ask("less knives")
    talk.ask("mute mystery")
    talk.ask(question)
    assert {entry.action for entry in standing(en)} == {"less"}


def test_what_was_set_aside_was_the_persons_own_after_all(en):
    talk = en.chat("c01", keep=False)
    talk.ask("the trekking poles were a gift for my sister")
    assert [entry.action for entry in standing(en)] == ["gift"]
    talk.ask("no wait, they were mine")
    assert standing(en) == []
    assert "single purchases" in talk.ask("forget everything about me").text and standing(en) == []
