"""Nothing of a forgotten talk is left: not its file, and no answer of a model in the store."""

from __future__ import annotations

from agent.data.tables import cache
from agent.llm.cached import CachedBackend
from agent.llm.scripted import ScriptedBackend


def test_no_answer_of_a_talk_is_kept_beside_the_talk(en, monkeypatch):
    script = ScriptedBackend(
        lambda request: {"first": "1", "second": "2"} if request.schema else "kept words"
    )
    monkeypatch.setattr("agent.chat_host.WorkspaceHost.backend", CachedBackend(script, en.session.store))
    with en.session.store.read() as connection:
        before = connection.execute(cache.select()).all()
    talk = en.chat("c01")
    answer = talk.ask("why the first one?")
    assert answer.worded_by == "model" and {request.stage for request in script.requests} == {"chat_short"}
    talk.ask("why the first one?")
    assert len(script.requests) == 2, "asked again: nothing was kept"
    talk.ask("forget this talk")
    with en.session.store.read() as connection:
        assert connection.execute(cache.select()).all() == before
    assert not list(en.workspace.root.rglob("*.jsonl"))
