from __future__ import annotations

import dataclasses
import json

import pytest

from agent.errors import BackendError, SettingsError
from agent.llm.backend import Completion, LlmRequest
from agent.llm.record import RecordingBackend, ReplayBackend
from agent.llm.scripted import ScriptedBackend
from agent.llm.streams import collect

OBJECT = LlmRequest("name it", "布里奶酪 \ud800", "facet_label", schema={"type": "object"}, stop=("\n",))
TEXT = LlmRequest("", "tell me", "story")


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "deep" / "calls.jsonl"
    inner = ScriptedBackend(
        [{"label": "奶酪"}, "a story", BackendError("down")],
        score_function=lambda prefix, text: [-1.5] * len(text.split()),
        name="scripted:one",
    )
    backend = RecordingBackend(inner, path)
    answers = [backend.complete(OBJECT), collect(backend.stream(TEXT))[1]]
    with pytest.raises(BackendError):
        backend.complete(dataclasses.replace(TEXT, user="fails"))
    return path, answers, backend.score("prefix", ["a b", "c"])


def test_a_recording_answers_without_the_model(recording):
    path, answers, scores = recording
    replay = ReplayBackend(path)
    assert replay.name == "scripted:one" and replay.capabilities.score
    assert replay.complete(dataclasses.replace(OBJECT, stage="other", prompt_hash="x")) == answers[0]
    assert replay.complete(TEXT) == answers[1]
    assert collect(replay.stream(TEXT)) == (["a story"], answers[1])
    assert replay.score("prefix", ["a b", "c"]) == scores
    replay.close()


def test_what_was_not_recorded_is_named(recording):
    path, _, _ = recording
    replay = ReplayBackend(path, model="scripted:one")
    with pytest.raises(BackendError, match=r"stage 'story'.*'tell me more'.*record") as caught:
        replay.complete(dataclasses.replace(TEXT, user="tell me more"))
    assert str(path) in str(caught.value)
    with pytest.raises(BackendError, match="stage 'rerank'"):
        replay.score("prefix", ["z"])


def test_lines_are_added_and_the_last_counts(recording):
    path, _, _ = recording
    again = RecordingBackend(ScriptedBackend(["another story"], name="scripted:one"), path)
    again.complete(TEXT)
    assert ReplayBackend(path).complete(TEXT).text == "another story"
    assert len(path.read_text().splitlines()) == 4
    assert path.stat().st_mode & 0o077 == 0, "for its owner only"


def test_models_of_one_file_are_told_apart(recording):
    path, answers, _ = recording
    RecordingBackend(ScriptedBackend(["of the other"], name="scripted:two"), path).complete(TEXT)
    assert ReplayBackend(path, model="scripted:two").complete(TEXT).text == "of the other"
    assert ReplayBackend(path, model="scripted:one").complete(TEXT) == answers[1]
    with pytest.raises(BackendError, match="no answer of scripted:three"):
        ReplayBackend(path, model="scripted:three").complete(TEXT)


def test_a_broken_off_stream_leaves_no_line(tmp_path):
    class Breaks(ScriptedBackend):
        def stream(self, request):
            yield "half"
            return Completion("half", "m", finish_reason="error", degraded=True)

    path = tmp_path / "calls.jsonl"
    collect(RecordingBackend(Breaks([]), path).stream(TEXT))
    assert not path.exists()


def test_files_that_cannot_be_used_are_errors(tmp_path):
    with pytest.raises(SettingsError, match="expected a recording"):
        ReplayBackend(tmp_path / "absent.jsonl")
    path = tmp_path / "calls.jsonl"
    for text in ("not JSON\n", json.dumps({"kind": "complete"}) + "\n", ""):
        path.write_text(text)
        with pytest.raises(SettingsError, match="record"):
            ReplayBackend(path)


def test_an_answer_that_cannot_be_recorded_is_kept_and_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    inner = ScriptedBackend(["x", "y"], score_function=lambda prefix, text: [-1.0])
    backend = RecordingBackend(inner, tmp_path / "file" / "calls.jsonl")
    answer = backend.complete(TEXT)
    pieces, streamed = collect(backend.stream(TEXT))
    scores = backend.score("prefix", ["a"])
    assert (answer.text, "".join(pieces), scores.token_logprobs) == ("x", "y", ((-1.0,),))
    for found in (answer, streamed, scores):
        assert "not recorded: llm.calls.record: expected to write" in found.note
