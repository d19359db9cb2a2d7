from __future__ import annotations

import dataclasses

import pytest

from agent.data.store import Store
from agent.errors import BackendError
from agent.llm.backend import Completion, LlmRequest
from agent.llm.cached import CachedBackend, completion_key
from agent.llm.lazy import LazyBackend
from agent.llm.scripted import ScriptedBackend

REQUEST = LlmRequest("name it", "Items: brie", "facet_label", schema={"type": "object"})


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
