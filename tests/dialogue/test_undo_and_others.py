"""One sentence is one undo, in any talk; what comes from elsewhere is never taken for this talk's doing."""

from __future__ import annotations

import pytest

from agent import Agent, chat_host


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
