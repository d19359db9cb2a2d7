from __future__ import annotations

import json

import numpy as np
import pytest

from agent.errors import BackendError
from agent.llm.backend import Completion
from agent.llm.llamacpp import LlamaCppBackend
from agent.llm.registry import model_path
from agent.llm.scripted import ScriptedBackend
from agent.ranking.popular import PopularitySource
from eval.audits.judge import judge_pair, judge_schema, read_grades
from eval.audits.judge_cases import CASES
from eval.audits.judging import judge_cases, judge_rows, run_judge
from eval.errors import LeakError
from eval.rankers.baselines import RandomSource
from eval.rankers.recommenders import SourceRow, fixed
from tests.eval.audit_world import cinema_question

CASE = CASES[0]


def grades(a, b, reason="because"):
    return {"reason": reason, "A": a, "B": b}


def sensible(request):
    """Looks whether the list shown as A is a good one of the fixed cases."""
    first = request.user.split("List A:" if "List A:" in request.user else "清单 A：")[1].splitlines()[1]
    good = any(first.removeprefix("- ") in case.good for case in CASES)
    return grades(5, 1) if good else grades(1, 5)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"reason": "r", "A": 1, "B": 5}', (1, 5)),
        ('{"reason": "r", "A": 0, "B": 5}', None),
        ('{"reason": "r", "A": true, "B": 5}', None),
        ('{"reason": "r", "A": 4.5, "B": 5}', None),
        ('{"reason": "r", "A": "4", "B": 5}', None),
        ('{"A": 4, "B": 5}', None),
        ("[4, 5]", None),
        ("A is better", None),
        ("", None),
    ],
)
def test_only_a_reason_with_two_whole_grades_is_an_answer(text, read):
    found = read_grades(None, text)
    assert (None if found is None else (found.a, found.b)) == read


def test_both_orders_are_asked_and_a_judge_of_places_cancels_out():
    backend = ScriptedBackend(lambda request: grades(5, 1))
    judged = judge_pair(backend, CASE.person, CASE.good, CASE.bad)
    assert (judged.first, judged.second) == (3.0, 3.0)
    assert judged.prefers == "neither"
    assert not judged.stable
    one, other = (request.user for request in backend.requests)
    assert one.index(CASE.good[0]) < one.index(CASE.bad[0])
    assert other.index(CASE.good[0]) > other.index(CASE.bad[0])


def test_grades_follow_the_list_and_not_the_letter():
    judged = judge_pair(ScriptedBackend(sensible), CASE.person, CASE.bad, CASE.good)
    assert (judged.first, judged.second, judged.prefers, judged.stable) == (1.0, 5.0, "second", True)
    assert judged.reasons == ("because", "because")


def test_half_an_answer_is_used_and_said_and_none_is_none():
    half = judge_pair(ScriptedBackend([grades(4, 2), "garbage"]), CASE.person, CASE.good, CASE.bad)
    assert (half.first, half.second, half.stable) == (4.0, 2.0, False)
    assert "not JSON" in half.problem
    cut = Completion("{", "m", finish_reason="length", degraded=True, note="cut at 160 tokens")
    none = judge_pair(ScriptedBackend([BackendError("gone"), cut]), CASE.person, CASE.good, CASE.bad)
    assert (none.first, none.second, none.prefers, none.stable) == (None, None, None, False)
    assert "gone" in none.problem
    assert "cut at 160" in none.problem


def test_fixed_cases_tell_a_good_judge_from_one_of_places():
    good = run_judge("none", ScriptedBackend(sensible))
    assert good.agreement.mean == good.stable.mean == 1.0
    assert good.verdict.startswith("tells good lists from bad ones")
    placed = run_judge("none", ScriptedBackend(lambda request: grades(5, 1)))
    assert placed.agreement.mean == 0.0
    assert "no evidence" in placed.verdict
    assert "no evidence" in placed.to_markdown()
    assert json.loads(json.dumps(placed.to_dict()))["cases"][0]["agrees"] is False


def test_the_cases_are_fair():
    for case in CASES:
        assert len(case.good) == len(case.bad)
        assert not set(case.good) & set(case.bad)
        assert not set(case.good) & set(case.person.recent)
    assert {case.person.language for case in CASES} == {"en", "zh"}


def test_what_a_judge_says_stands_beside_what_people_took():
    question, exam = cinema_question()
    rows = (SourceRow("popularity", fixed(PopularitySource())), SourceRow("random", fixed(RandomSource())))
    backend = ScriptedBackend(lambda request: grades(4, 4))
    beside = judge_rows(backend, question, exam, rows, n_users=12)
    assert beside.judged.n == 12
    assert beside.judged.mean == 0.0
    assert beside.same_side.n == 0, "a judge without a preference is on nobody's side"
    assert "NDCG@10" in beside.line and "judge +0.00" in beside.line
    assert not np.isnan(beside.behaviour.mean)


def test_a_judge_cannot_look_at_the_labels():
    question, exam = cinema_question()
    rows = (SourceRow("popularity", fixed(PopularitySource())),) * 2
    peeking = ScriptedBackend(lambda request: grades(len(exam.labels.known), 1))
    with pytest.raises(LeakError):
        judge_rows(peeking, question, exam, rows, n_users=1)


@pytest.mark.model
def test_a_real_small_model_answers_in_form_whatever_it_thinks():
    backend = LlamaCppBackend(
        model_path("smollm2-135m"), name="smollm2-135m", context_tokens=1536, timeout_s=120
    )
    try:
        (found,) = judge_cases(backend, CASES[:1])
    finally:
        backend.close()
    assert found.problem == ""
    assert 1 <= found.good <= 5
    assert 1 <= found.bad <= 5
    assert len(found.reasons) == 2
    assert all(len(reason) <= judge_schema()["properties"]["reason"]["maxLength"] for reason in found.reasons)
