from __future__ import annotations

import threading
import time

import pytest

from agent.data.calls import CallTable
from agent.data.store import Store
from agent.errors import BackendTimeoutError, BudgetError, TransientError
from agent.llm.backend import Completion, LlmRequest
from agent.llm.budget import Budget, BudgetBackend
from agent.llm.ledger import Ledger, LedgerBackend, MemoryCalls, Price
from agent.llm.scripted import ScriptedBackend
from agent.llm.streams import collect
from agent.llm.usage import bound_of_request, bound_of_score
from agent.settings import CostSettings
from tests.llm.doubles import LockedCalls

REQUEST = LlmRequest("", "x" * 100, "test", max_output_tokens=50)
BOUND = bound_of_request(REQUEST)
ANSWER = Completion("ok", "m", prompt_tokens=30, output_tokens=10)
DAY_S = 86_400


def budgeted(answers, limits, calls, *, clock=time.time):
    inner = ScriptedBackend(answers, score_function=lambda prefix, text: [-1.0])
    price = Price(limits.price_in, limits.price_out, metered=True)
    ledger = LedgerBackend(inner, Ledger(calls), price, clock=clock)
    return BudgetBackend(ledger, Budget(limits, calls, clock=clock)), inner


def test_the_call_that_could_exceed_the_budget_is_not_made():
    limits = CostSettings(tokens_total=BOUND.tokens + 40)
    backend, inner = budgeted(lambda request: ANSWER, limits, MemoryCalls())
    assert backend.complete(REQUEST) is ANSWER
    assert backend.complete(REQUEST) is ANSWER, "40 of the first were really spent, the bound fits again"
    with pytest.raises(BudgetError, match=r"tokens_total") as caught:
        backend.complete(REQUEST)
    assert "80 of" in str(caught.value) and "not made" in str(caught.value)
    assert len(inner.requests) == 2


def test_money_counts_in_the_prices_of_both_ways():
    limits = CostSettings(price_in=1_000_000, price_out=2_000_000, money_total=50 + 1)
    calls = MemoryCalls()
    backend, inner = budgeted([Completion("", "m", prompt_tokens=30, output_tokens=10)], limits, calls)
    with pytest.raises(BudgetError, match="money_total"):
        backend.complete(REQUEST)
    assert not inner.requests
    roomy = CostSettings(price_in=1_000_000, price_out=2_000_000, money_total=10_000)
    backend, _ = budgeted([ANSWER], roomy, calls)
    backend.complete(REQUEST)
    assert calls.calls[-1].cost == pytest.approx(30 + 20)


def test_a_budget_in_money_needs_prices():
    with pytest.raises(ValueError, match="price_in and price_out"):
        CostSettings(money_per_day=1)


@pytest.mark.parametrize("call", ["complete", "stream", "score"])
def test_every_kind_of_call_is_held_to_it(call):
    backend, inner = budgeted([], CostSettings(tokens_per_day=10), MemoryCalls())
    with pytest.raises(BudgetError, match="tokens_per_day"):
        if call == "complete":
            backend.complete(REQUEST)
        elif call == "stream":
            collect(backend.stream(REQUEST))
        else:
            backend.score("prefix", ["continuation"])
    assert not inner.requests and not inner.scored


def test_it_holds_over_restarts_and_is_new_each_day(tmp_path):
    now = [1_000 * DAY_S + 5.0]
    limits = CostSettings(tokens_per_day=BOUND.tokens + 10)
    for expected in ("made", "refused"):
        with Store.open(tmp_path / "store.sqlite") as store:
            backend, _ = budgeted([ANSWER], limits, CallTable(store), clock=lambda: now[0])
            if expected == "made":
                backend.complete(REQUEST)
            else:
                with pytest.raises(BudgetError, match="40 of"):
                    backend.complete(REQUEST)
    now[0] += DAY_S
    with Store.open(tmp_path / "store.sqlite") as store:
        backend, _ = budgeted([ANSWER], limits, CallTable(store), clock=lambda: now[0])
        assert backend.complete(REQUEST) is ANSWER


def test_calls_under_way_count_with_their_bound():
    inside, go_on = threading.Event(), threading.Event()

    def respond(request):
        inside.set()
        go_on.wait(5)
        return ANSWER

    backend, inner = budgeted(respond, CostSettings(tokens_total=BOUND.tokens + 40), MemoryCalls())
    thread = threading.Thread(target=backend.complete, args=(REQUEST,))
    thread.start()
    assert inside.wait(5)
    with pytest.raises(BudgetError):
        backend.complete(REQUEST)
    go_on.set()
    thread.join()
    assert backend.complete(REQUEST) is ANSWER
    assert len(inner.requests) == 2


@pytest.mark.parametrize(
    ("error", "spent"),
    [
        (BackendTimeoutError("late"), BOUND.tokens),
        (TransientError("cut off", charged=True), BOUND.tokens),
        (TransientError("no connection"), 0),
    ],
)
def test_a_failed_call_counts_when_the_server_may_have_charged_it(error, spent):
    calls = MemoryCalls()
    backend, _ = budgeted([error], CostSettings(tokens_total=10_000), calls)
    with pytest.raises(type(error)):
        backend.complete(REQUEST)
    assert calls.spent_since(0)[0] == spent


def test_a_stream_that_is_left_early_counts_with_its_bound():
    calls = MemoryCalls()
    backend, _ = budgeted(["one two three"], CostSettings(tokens_total=10_000), calls)
    stream = backend.stream(REQUEST)
    next(stream)
    stream.close()
    assert calls.spent_since(0)[0] == BOUND.tokens and calls.calls[0].outcome == "abandoned"


@pytest.mark.model
@pytest.mark.parametrize(
    "text", ["给这些商品起个名字：布里奶酪。", "🎬🍿🧀\x00\x01ﷺ" * 6], ids=["Chinese", "rare"]
)
def test_the_bound_is_one(served, smollm, text):
    """Against the counts of a real server and a real tokenizer, with and without a repair turn."""
    schema = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 9}}, "required": ["a"]}
    for request in (
        LlmRequest("Be brief.", text, "test", max_output_tokens=12),
        LlmRequest("Be brief.", text, "test", schema=schema, max_output_tokens=12),
    ):
        bound, found = bound_of_request(request), served.complete(request)
        assert found.prompt_tokens <= bound.prompt_tokens
        assert found.output_tokens <= bound.output_tokens
    scores = smollm.score("Bought:\n", [text, "bread"])
    assert scores.prompt_tokens + scores.scored_tokens <= bound_of_score("Bought:\n", [text, "bread"]).tokens


@pytest.mark.parametrize(
    "limits",
    [
        CostSettings(tokens_total=BOUND.tokens + 40),
        CostSettings(tokens_per_day=BOUND.tokens + 40),
        CostSettings(price_in=1e6, price_out=1e6, money_total=BOUND.tokens + 40),
    ],
)
def test_it_holds_while_the_ledger_cannot_be_written(limits):
    calls = LockedCalls()
    ledger = Ledger(calls)
    inner = ScriptedBackend(lambda request: ANSWER)
    price = Price(limits.price_in, limits.price_out, metered=True)
    backend = BudgetBackend(LedgerBackend(inner, ledger, price), Budget(limits, calls, ledger=ledger))
    backend.complete(REQUEST)
    backend.complete(REQUEST)
    with pytest.raises(BudgetError, match="80 of"):
        backend.complete(REQUEST)
    assert len(inner.requests) == 2
