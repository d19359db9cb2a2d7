"""Talks with models that serve over HTTP: a real one on loopback, and ones that break off in the middle."""

from __future__ import annotations

import pytest

from agent import Agent
from agent.llm.ledger import Ledger, LedgerBackend, MemoryCalls, Price
from agent.llm.scripted import ScriptedBackend
from tests.dialogue.conftest import check_evidence, copied
from tests.llm.conftest import server_url, smollm_path  # noqa: F401 - fixtures
from tests.llm.servers import event, running_server


@pytest.fixture
def served_by(en_made, tmp_path, monkeypatch):
    """An agent whose model is served at a URL."""
    monkeypatch.setenv("DRIFTREC_LLM__API_KEY", "none")
    opened = []

    def open_at(url):
        monkeypatch.setenv("DRIFTREC_LLM__BASE_URL", url)
        opened.append(Agent.open(copied(en_made, tmp_path / "served"), model="openai:smollm2"))
        return opened[-1]

    yield open_at
    for agent in opened:
        agent.close()


@pytest.mark.model
def test_a_real_server_sums_up_and_the_ledger_names_the_person(served_by, server_url):  # noqa: F811
    agent = served_by(server_url)
    talk = agent.chat("c01", keep=False)
    answer = talk.ask("why the first one?")
    assert answer.tool == "explain" and answer.facts["rank"] == 1
    assert answer.worded_by == "model" or answer.cut or answer.note
    assert "failed" not in answer.note
    with agent.session.store.read() as connection:
        rows = connection.exec_driver_sql("select user_id, stage from llm_calls").all()
    assert set(rows) == {("c01", "chat_short")}


def test_a_server_that_breaks_off_leaves_the_facts(served_by):
    def half(body):
        def pieces():
            yield event("“Trekking poles” is numb")

        return 200, {"Content-Type": "text/event-stream"}, pieces()

    with running_server() as server:
        server.handle = half
        agent = served_by(server.url)
        talk = agent.chat("c01", keep=False)
        answer = talk.ask("why the first one?")
        assert server.bodies, "the model was not asked"
        assert answer.worded_by == "facts" and "without a summary" in answer.note
        assert not any("In short" in sentence.text for sentence in answer.sentences)
        assert answer.facts["rank"] == 1 and talk.ask("undo").text


def test_routing_and_wording_are_charged_to_the_person(en, monkeypatch):
    calls = MemoryCalls()
    script = ScriptedBackend(lambda request: {"tool": "profile"} if "rout" in request.stage else "Yes.")
    backend = LedgerBackend(script, Ledger(calls), Price())
    monkeypatch.setattr("agent.chat_host.WorkspaceHost.backend", backend)
    talk = en.chat("c01", keep=False)
    talk.ask("why the first one?")
    talk.ask("frobnicate the whatsit")
    assert {call.user_id for call in calls.calls} == {"c01"}
    assert {call.stage for call in calls.calls} >= {"chat_short"} and len(calls.calls) >= 2


def test_what_was_said_before_a_cut_stays_in_the_talk(en):
    talk = en.chat("c01")
    stream = talk.stream("what are my interests?")
    first = next(stream)
    stream.close()
    assert [turn.answer for turn in talk.turns] == [f"{first} …"]
    again = en.chat("c01", resume="last")
    assert again.turns == talk.turns
    check_evidence(en, again.ask("why the first one?"), "c01")


def test_the_first_list_need_not_be_asked_for(en):
    talk = en.chat("c01", keep=False)
    shown = [str(entry.item_id) for entry in en.recommend("c01", 5, rerank=False)]
    answer = talk.ask("why do you recommend the second one?")
    assert answer.facts["rank"] == 2 and f"item:{shown[1]}" in answer.evidence
    assert list(talk.state.listed) == shown
    fresh = en.chat("c01", keep=False)
    assert "which interest" in fresh.ask("less of that").text and en.feedback("c01") == []


def test_less_of_a_gift_sets_aside_and_shows_less_and_undo_takes_both(en):
    before = [entry.item_id for entry in en.recommend("c01", 50, rerank=False)]
    talk = en.chat("c01", keep=False)
    talk.ask("why the first one?")
    answer = talk.ask("less of that, it was a gift")
    assert answer.tool == "gift" and "You will also see less of" in answer.text
    assert {entry.action for entry in en.feedback("c01")} == {"gift", "less"}
    after = [entry.item_id for entry in en.recommend("c01", 10, rerank=False)]
    assert after != before[:10]
    talk.ask("undo")
    assert "exactly" in talk.last.text
    assert [entry.item_id for entry in en.recommend("c01", 50, rerank=False)] == before
    assert "taken all of it back" in talk.ask("what do you know about me?").text


def test_one_word_means_the_item_that_stands_highest_and_names_others(en):
    talk = en.chat("c01", keep=False)
    deep = en.recommend("c01", 200, rerank=False)
    # A knife rack is no knife.
    titled = [e for e in deep if "knife" in e.title.casefold() and not e.title.endswith("rack")]
    answer = talk.ask("why not a knife?")
    assert f"item:{titled[0].item_id}" in answer.evidence
    if len({entry.title for entry in titled}) > 1:
        assert "I took you to mean that one" in answer.text


def test_a_wish_that_cannot_be_met_does_not_repeat_the_list(zh):
    talk = zh.chat("u01", keep=False)
    assert talk.ask("给我推荐点东西").listed
    again = talk.ask("给我推荐新一点的，年份更新的")
    assert "保持不变" in again.text and not again.listed


def live(agent):
    return [entry for entry in agent.feedback("c01") if not entry.undone and entry.action != "undo"]


def test_undo_takes_back_all_steps_when_the_answer_was_cut_or_the_talk_is_new(en):
    before = [entry.item_id for entry in en.recommend("c01", 50, rerank=False)]
    for _ in range(2):
        en.give_feedback("c01", "less", "Mystery")
    en.chat("c01").ask("undo")
    assert not live(en)
    talk = en.chat("c01")
    stream = talk.stream("less mystery")
    next(stream)
    stream.close()
    assert live(en) and talk.state.before
    assert "exactly" in talk.ask("undo").text and not live(en)
    assert [entry.item_id for entry in en.recommend("c01", 50, rerank=False)] == before


def test_a_cut_answer_still_forgets_the_talk(en):
    talk = en.chat("c01")
    talk.ask("hello")
    stream = talk.stream("forget this talk")
    next(stream)
    stream.close()
    assert talk.turns == [] and talk.kept_talks() == []


def test_undo_compares_under_the_constraints_of_then(en):
    talk = en.chat("c01", keep=False)
    talk.ask("less mystery")
    talk.ask("recommend something under 20 dollars")
    answer = talk.ask("undo")
    assert "constraints have changed" in answer.text and "exactly" in answer.text
    assert answer.facts["before"] == answer.facts["after"]


def test_undo_of_many_events_is_one_line_with_their_number(en):
    talk = en.chat("c01", keep=False)
    talk.ask("forget my March purchases")
    if talk.state.pending:
        talk.ask("yes")
    n = len(live(en))
    assert n > 1
    answer = talk.ask("undo")
    assert "events count again" in answer.text and "gift" not in answer.text and "exactly" in answer.text


def test_talks_are_counted_without_keeping_this_one(en):
    en.chat("c01").ask("hello")
    talk = en.chat("c01", keep=False)
    assert "I keep 1 talk with you" in talk.ask("what do you know about me?").text
    assert len(talk.kept_talks()) == 1 and talk.talk_id == ""


def test_a_torn_talk_says_so_once(en):
    talk = en.chat("c01")
    talk.ask("hello")
    (path,) = en.workspace.root.rglob(f"{talk.talk_id}.jsonl")
    path.write_bytes(path.read_bytes() + b'{"at": "2024')
    again = en.chat("c01", resume="last")
    assert "cannot be read" in again.ask("hello").note and not again.ask("hello").note
    assert len(en.chat("c01", resume="last").turns) == 3


def test_searches_are_listed_and_the_day_asked_for_is_named(en):
    searched = en.chat("canary", keep=False).ask("show my searches")
    assert searched.facts["search"]["n"] == 1 and "Zanzibar" in searched.text
    assert "as of 2024-04-10" in en.chat("c01", keep=False).ask("show me as I was on 2024-04-10").text


def test_what_is_near_only_by_meaning_is_said_to_be_so(en, monkeypatch):
    log, catalogue = en.session.interests.user_log("c01"), en.session.catalogue
    bought = log.event == log.events.index("purchase")
    row = next(row for row in range(len(log)) if bought[row] and catalogue.text_row[log.item[row]] >= 0)
    near = catalogue.item_vectors(log.item[row : row + 1])[0]
    monkeypatch.setattr("agent.chat_host.WorkspaceHost.embed", lambda self, text: near)
    answer = en.chat("c01", keep=False).ask("did I ever buy zeppelin?")
    assert answer.facts["search"]["how"] == "near" and "No event of yours says “zeppelin”." in answer.text
