"""Questions reach their tools: by rules, by likelihoods, by a model without them, and not at all."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from agent.dialogue.router import WANTS, Router, choice_schema
from agent.dialogue.sentences.rules import CHANGING, RULES, is_question
from agent.errors import BackendTimeoutError
from agent.llm.scripted import ScriptedBackend
from eval.chat.routing import load_questions, route_all, run_routing, summarise, wilson

UNCLEAR = "frobnicate the whatsit"


def test_the_fixed_questions_are_many_and_balanced():
    questions = load_questions()
    assert len(questions) >= 120 and len({entry.question for entry in questions}) == len(questions)
    counts = Counter((entry.tool, entry.language) for entry in questions)
    assert set(counts) == {(tool, language) for tool in WANTS for language in ("en", "zh")}
    assert min(counts.values()) >= 4
    parts = Counter(entry.part for entry in questions)
    assert parts["test"] >= 0.4 * len(questions)
    assert set(RULES["en"]) == set(RULES["zh"]) == set(WANTS)


def test_without_a_model_what_was_seen_is_routed_and_most_of_what_was_not():
    routed = route_all(load_questions(), Router(None))
    rows = {row["what"]: row for row in summarise(routed)}
    assert rows["dev, en"]["share"] >= 0.98 and rows["dev, zh"]["share"] >= 0.98
    assert (
        rows["test, en"]["share"] >= 0.75
        and rows["test, zh"]["share"] >= 0.85
        and rows["all"]["share"] >= 0.9
    )
    back = [entry for entry in routed if entry.other is not None]
    assert not any(entry.right for entry in back)
    assert rows["all"]["asked back"] == len(back) >= rows["all"]["of asked back offered"] > len(back) / 2


def test_a_changing_tool_is_hardly_ever_reached_by_a_question_that_needs_none():
    """What goes wrong may answer beside the point; it must not change anything."""
    changed = [
        entry.question.question
        for entry in route_all(load_questions(), Router(None))
        if not entry.right and entry.tool in CHANGING and entry.by == "rules" and entry.other is None
        and entry.question.tool not in CHANGING | {"undo", "constraints"}
        and not is_question(entry.question.question)
    ]  # fmt: skip
    assert len(changed) <= 2, changed


def test_the_report_runs_and_fails_below_the_target(monkeypatch):
    monkeypatch.setattr("eval.chat.routing.TARGET", 0.9)
    text, code = run_routing(model="none", as_json=True)
    assert code == 0 and json.loads(text)["rows"][-1]["questions"] == len(load_questions())
    monkeypatch.setattr("eval.chat.routing.TARGET", 1.01)
    assert run_routing(model="none", as_json=False)[1] == 1


def test_wilson_by_hand():
    assert wilson(0, 0) == (0.0, 1.0)
    low, high = wilson(50, 100)
    assert low == pytest.approx(0.4038, abs=1e-4) and high == pytest.approx(0.5962, abs=1e-4)


def test_nonsense_is_not_shown_to_a_model_that_only_compares_likelihoods():
    backend = ScriptedBackend([], score_function=lambda prefix, continuation: [-1.0])
    assert Router(backend).route(UNCLEAR, "en").by == "nothing" and backend.scored == []


def test_a_model_without_likelihoods_answers_with_one_key():
    backend = ScriptedBackend([{"tool": "search"}])
    route = Router(backend).route(UNCLEAR, "en")
    assert (route.tool, route.by) == ("search", "model")
    assert backend.requests[0].schema == choice_schema() and UNCLEAR in backend.requests[0].user


@pytest.mark.parametrize(
    "answer", ["garbage", '{"tool": "rm -rf"}', "", BackendTimeoutError("no answer in 60 s")]
)
def test_a_model_that_fails_leaves_the_question_unclear(answer):
    route = Router(ScriptedBackend([answer])).route(UNCLEAR, "en")
    assert (route.tool, route.by) == ("help", "nothing") and route.note


def test_clear_questions_never_reach_the_model():
    backend = ScriptedBackend([])
    router = Router(backend)
    assert router.route("Why number 2?", "en").by == "rules"
    assert router.route("…?!", "en").tool == "help"
    assert backend.requests == [] and backend.scored == []


def test_a_follow_up_asks_the_same_tool_again():
    router = Router(None)
    assert router.route("And number 3?", "en", previous="why_not").tool == "why_not"
    assert router.route("那第三个呢？", "zh", previous="explain").tool == "explain"
    assert router.route("And number 3?", "en", previous="help").by != "rules"
