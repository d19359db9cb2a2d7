from __future__ import annotations

import dataclasses

import pytest

from agent.data.store import Store
from agent.errors import BackendError, WorkspaceBusyError
from agent.llm.backend import Capabilities, Completion, LlmRequest
from agent.llm.cached import CachedBackend, completion_key
from agent.llm.lazy import LazyBackend
from agent.llm.scripted import ScriptedBackend

REQUEST = LlmRequest("name it", "Items: brie", "facet_label", schema={"type": "object"})
TEXT = LlmRequest("", "hello", "test")


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "store.sqlite") as store:
        yield store


def test_the_same_question_is_asked_once_across_processes(store):
    first = ScriptedBackend([{"label": "奶酪"}])
    assert CachedBackend(first, store).complete(REQUEST).data == {"label": "奶酪"}
    silent = ScriptedBackend([])
    again = CachedBackend(silent, store).complete(dataclasses.replace(REQUEST, stage="other"))
    assert again.data == {"label": "奶酪"} and again.prompt_tokens == again.output_tokens == 0


@pytest.mark.parametrize("field", ["system", "user", "seed", "temperature", "max_output_tokens", "schema"])
def test_any_other_question_is_another(field):
    other = {"seed": 7, "temperature": 0.5, "max_output_tokens": 9, "schema": {"type": "string"}}.get(
        field, "else"
    )
    changed = dataclasses.replace(REQUEST, **{field: other})
    assert completion_key("m", changed) != completion_key("m", REQUEST) != completion_key("n", REQUEST)


def test_another_file_or_server_of_the_name_is_another_model(store):
    def backend(identity, answer):
        declared = Capabilities(identity=identity)
        return CachedBackend(LazyBackend("m", lambda: ScriptedBackend([answer]), declared=declared), store)

    assert backend("sha256:1", "one").complete(TEXT).text == "one"
    assert backend("sha256:2", "two").complete(TEXT).text == "two"
    assert backend("sha256:1", "three").complete(TEXT).text == "one"


def test_a_store_that_cannot_be_written_costs_no_answer(caplog):
    class Busy:
        def cache_get(self, key):
            return None

        def cache_put(self, key, value):
            raise WorkspaceBusyError("another process is writing")

    assert CachedBackend(ScriptedBackend(["one"]), Busy()).complete(TEXT).text == "one"
    assert "was not kept" in caplog.text


def test_what_went_wrong_is_not_kept(store):
    cut = Completion("{", "scripted:", finish_reason="length", degraded=True)
    backend = CachedBackend(ScriptedBackend([cut, BackendError("gone"), {"label": "Cheese"}]), store)
    assert backend.complete(REQUEST).degraded
    with pytest.raises(BackendError):
        backend.complete(REQUEST)
    assert backend.complete(REQUEST).data == {"label": "Cheese"}


def test_a_lazy_backend_opens_once_and_remembers_that_it_could_not():
    opened = []

    def open_inner():
        opened.append(1)
        return ScriptedBackend(["one", "two"])

    lazy = LazyBackend("scripted:", open_inner)
    assert lazy.name == "scripted:" and not opened
    assert [lazy.complete(REQUEST).text, lazy.complete(REQUEST).text] == ["one", "two"] and opened == [1]
    lazy.close()
    lazy.close()

    def fail():
        opened.append(2)
        raise BackendError("no file")

    broken = LazyBackend("llamacpp:x", fail)
    for _ in range(2):
        with pytest.raises(BackendError, match="no file"):
            broken.complete(REQUEST)
    assert opened == [1, 2]


@pytest.mark.parametrize(
    "kept", ["", "{", "[]", '{"data": {}}', '{"text": 1, "data": null}', '{"text": "[]", "data": []}']
)
def test_what_is_no_answer_is_asked_anew_and_replaced(store, kept):
    inner = ScriptedBackend([{"label": "cheese"}])
    backend = CachedBackend(inner, store)
    store.cache_put(completion_key("scripted:", REQUEST), kept)
    assert [backend.complete(REQUEST).data for _ in range(2)] == [{"label": "cheese"}] * 2
    assert len(inner.requests) == 1
