from __future__ import annotations

import pytest

from agent.errors import BackendError, BudgetError, CapabilityError, SchemaError, SettingsError
from agent.llm.backend import Capabilities, Completion, LlmRequest
from agent.llm.chain import FallbackBackend
from agent.llm.lazy import LazyBackend
from agent.llm.scripted import ScriptedBackend
from agent.llm.streams import collect

REQUEST = LlmRequest("", "hello", "test")
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
OBJECT = LlmRequest("", "hello", "test", schema=SCHEMA)


def member(name, answers, **options):
    return ScriptedBackend(answers, name=name, **options)


def test_the_first_answers_alone_while_it_can():
    second = member("b:", [])
    answer = FallbackBackend([member("a:", ["yes"]), second]).complete(REQUEST)
    assert answer.text == "yes" and answer.model == "a:" and not answer.degraded and not second.requests


@pytest.mark.parametrize("error", [BackendError("down"), BudgetError("spent")])
def test_the_next_answers_in_its_place_and_says_so(error):
    chain = FallbackBackend([member("a:", [error]), member("b:", ["yes"])])
    answer = chain.complete(REQUEST)
    assert answer.text == "yes" and answer.model == "b:" and answer.degraded
    assert answer.note == f"answered by b:, because a: failed: {error}"
    assert chain.name == "a: → b:"


def test_an_answer_without_the_object_leads_on_and_is_better_than_none():
    chain = FallbackBackend([member("a:", ["no JSON"]), member("b:", [{"a": 1}])])
    answer = chain.complete(OBJECT)
    assert answer.data == {"a": 1} and "not JSON" in answer.note and answer.model == "b:"
    chain = FallbackBackend([member("a:", ["no JSON"]), member("b:", [BackendError("down")])])
    answer = chain.complete(OBJECT)
    assert answer.data is None and answer.text == "no JSON" and answer.model == "a:"


def test_a_cut_answer_would_be_cut_by_every_model():
    second = member("b:", [])
    cut = Completion('{"a', "a:", finish_reason="length", degraded=True, note="cut")
    assert FallbackBackend([member("a:", [cut]), second]).complete(OBJECT) is cut
    assert not second.requests


def test_when_every_one_fails_each_is_named_and_what_follows():
    members = [member("a:", lambda r: BackendError("down")), member("b:", lambda r: BackendError("late"))]
    with pytest.raises(BackendError, match=r"a: failed: down; b: failed: late; no further model"):
        FallbackBackend(members).complete(REQUEST)
    with pytest.raises(BackendError, match="the facts speak"):
        FallbackBackend(members, ends_in_none=True).complete(REQUEST)
    with pytest.raises(BackendError, match="a: failed: down"):
        collect(FallbackBackend(members).stream(REQUEST))


def test_a_bad_schema_is_called_one():
    bad = LlmRequest("", "hello", "test", schema={"type": "objekt"})
    with pytest.raises(SchemaError, match="not supported"):
        FallbackBackend([member("a:", []), member("b:", [])]).complete(bad)


def test_members_without_scores_are_passed_over_for_scores():
    scorer = member("b:", [], score_function=lambda prefix, text: [-1.0])
    chain = FallbackBackend([member("a:", []), scorer])
    scores = chain.score("p", ["c"])
    assert scores.model == "b:" and "without a score function" in scores.note
    assert FallbackBackend([scorer, member("a:", [])]).score("p", ["c"]).note == ""
    with pytest.raises(CapabilityError):
        FallbackBackend([member("a:", []), member("c:", [])]).score("p", ["c"])


@pytest.mark.parametrize("error", [BackendError("down"), BudgetError("spent")])
def test_whether_a_chain_scores_is_up_to_the_member_whose_turn_it_is(error):
    now = [0.0]
    hosted = member("a:", [error, "yes"])
    local = member("b:", lambda request: "yes", score_function=lambda prefix, text: [-1.0])
    chain = FallbackBackend([hosted, local], rest_s=30, clock=lambda: now[0])
    assert not chain.capabilities.score, "the hosted model is asked, not passed over"
    chain.complete(REQUEST)
    assert chain.capabilities.score and chain.score("p", ["c"]).model == "b:"
    now[0] = 31.0
    assert not chain.capabilities.score
    assert FallbackBackend([local, hosted]).capabilities.score


def test_streams_go_on_to_the_next_before_the_first_piece_only():
    chain = FallbackBackend([member("a:", [BackendError("down")]), member("b:", ["one two"])])
    pieces, answer = collect(chain.stream(REQUEST))
    assert pieces == ["one", " two"] and answer.degraded and "a: failed: down" in answer.note

    class Breaks(ScriptedBackend):
        def stream(self, request):
            yield "half "
            raise BackendError("the line is dead")

    second = member("b:", ["whole"])
    pieces, answer = collect(FallbackBackend([Breaks([], name="a:"), second]).stream(REQUEST))
    assert pieces == ["half "] and answer.finish_reason == "error" and "the line is dead" in answer.note
    assert not second.requests


def test_opening_takes_the_first_that_can_be_opened():
    opened = []

    def make(name, error=None):
        def open_inner():
            opened.append(name)
            if error:
                raise error
            return member(name, ["yes"])

        return LazyBackend(name, open_inner, declared=Capabilities())

    chain = FallbackBackend([make("a:", BackendError("no file")), make("b:"), make("c:")])
    assert chain.capabilities.context_tokens == 4096 and not opened
    chain.open()
    assert opened == ["a:", "b:"]
    with pytest.raises(BackendError, match="no file"):
        FallbackBackend([make("a:", BackendError("no file"))]).open()
    chain.close()


def test_a_model_that_broke_down_rests_while_another_can_answer():
    now = [0.0]
    first = member("a:", lambda request: BackendError("no answer within 60 s"))
    second = member("b:", lambda request: "yes")
    chain = FallbackBackend([first, second], rest_s=30, clock=lambda: now[0])
    for _ in range(3):
        answer = chain.complete(REQUEST)
        assert answer.degraded and "within 60 s" in answer.note
    assert "not asked again for 30 s" in answer.note and len(first.requests) == 1
    assert collect(chain.stream(REQUEST))[1].degraded and len(first.requests) == 1
    now[0] = 31.0
    chain.complete(REQUEST)
    assert len(first.requests) == 2
    alone = FallbackBackend([first], ends_in_none=True, clock=lambda: now[0])
    for _ in range(2):
        with pytest.raises(BackendError):
            alone.complete(REQUEST)
    assert len(first.requests) == 4, "nobody else could answer"


@pytest.mark.parametrize("error", [BudgetError("spent"), SchemaError("bad"), CapabilityError("no")])
def test_a_refusal_is_no_break_down(error):
    first, second = member("a:", [error, "yes"]), member("b:", lambda request: "no")
    chain = FallbackBackend([first, second])
    assert chain.complete(REQUEST).model == "b:" and chain.complete(REQUEST).model == "a:"


def test_when_all_rest_all_are_tried():
    down = BackendError("down")
    chain = FallbackBackend([member("a:", [down, down]), member("b:", [down, "back"])])
    with pytest.raises(BackendError):
        chain.complete(REQUEST)
    assert chain.complete(REQUEST).text == "back"


def test_an_empty_chain_is_refused():
    with pytest.raises(SettingsError):
        FallbackBackend([])
