"""Talks within the context window, and on disk."""

from __future__ import annotations

import os

import pytest

from agent.dialogue.talk.constraints import Constraint
from agent.dialogue.talk.context import TalkState
from agent.dialogue.talk.memory import Turn, estimate_tokens, summarise
from agent.dialogue.talk.saved import SavedTalks
from agent.errors import StoreError

TURNS = [Turn(f"question {n} " + "word " * 40, f"answer {n} " + "text " * 90, "explain") for n in range(40)]


def test_long_talks_are_summed_up_within_the_budget_and_never_cut_silently():
    text, older = summarise(TURNS, 600, "en")
    assert estimate_tokens(text) <= 600 and 0 < older < 40
    assert f"{older} × explain" in text and "question 39" in text
    assert f"question {older}" in text and "question 0 " not in text
    assert summarise(TURNS[:2], 5_000, "en") == (summarise(TURNS[:2], 5_000, "en")[0], 0)
    assert summarise(TURNS, 10, "en") == ("", 40)
    assert summarise([], 100, "zh") == ("", 0)


def test_a_talk_is_kept_turn_by_turn_and_read_back(tmp_path):
    talks = SavedTalks(tmp_path, "ann/../../etc")
    talk_id = talks.begin()
    state = TalkState(listed=("a", "b"), constraints=(Constraint("not", "nuts"),), named=frozenset({"x"}))
    for number in range(3):
        talks.append(talk_id, Turn(f"q{number}", "答", "explain"), state, {"evidence": ("#1",)})
    assert talks.ids() == [talk_id]
    kept = talks.load(talk_id)
    assert [turn.question for turn in kept.turns] == ["q0", "q1", "q2"] and kept.state == state
    (path,) = tmp_path.rglob("*.jsonl")
    assert path.parent.parent == tmp_path and os.stat(path).st_mode & 0o077 == 0
    lines = path.read_text().splitlines()
    talks.append(talk_id, Turn("q3", "a", "help"), state, {})
    assert path.read_text().splitlines()[: len(lines)] == lines  # appended, nothing rewritten


def test_a_torn_last_line_loses_that_turn_only(tmp_path):
    talks = SavedTalks(tmp_path, "ann")
    talks.append("20240101T000000-aa", Turn("q0", "a", "help"), TalkState(), {})
    (path,) = tmp_path.rglob("*.jsonl")
    path.write_text(path.read_text() + '{"question": "q1", "ans')
    kept = talks.load("20240101T000000-aa")
    assert kept.torn and [turn.question for turn in kept.turns] == ["q0"]


def test_what_is_said_after_a_torn_line_is_kept(tmp_path):
    talks = SavedTalks(tmp_path, "ann")
    talk_id = "20240101T000000-aa"
    odd = Turn("a\u2028b\x85c", "d\u2029e", "help")
    talks.append(talk_id, odd, TalkState(), {})
    (path,) = tmp_path.rglob("*.jsonl")
    assert talks.load(talk_id).turns == (odd,) and not talks.load(talk_id).torn
    path.write_bytes(path.read_bytes() + '{"question": "问'.encode()[:-1])
    state = TalkState(constraints=(Constraint("not", "nuts"),))
    talks.append(talk_id, Turn("q2", "a", "help"), state, {})
    kept = talks.load(talk_id)
    assert (
        kept.torn and [turn.question for turn in kept.turns] == [odd.question, "q2"] and kept.state == state
    )


def test_talks_of_others_cannot_be_reached(tmp_path):
    mine, theirs = SavedTalks(tmp_path, "ann"), SavedTalks(tmp_path, "bob")
    theirs.append("20240101T000000-aa", Turn("secret", "a", "help"), TalkState(), {})
    for name in ("20240101T000000-aa", "../bob/20240101T000000-aa", ""):
        with pytest.raises(StoreError, match="expected"):
            mine.load(name)
    theirs.erase("20240101T000000-aa")
    assert theirs.ids() == []
