"""The local backend with the smallest real model: crashes, time limits, grammars, likelihoods."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from agent.errors import BackendError, BackendTimeoutError, SchemaError
from agent.llm.backend import LlmRequest
from agent.llm.llamacpp import LlamaCppBackend, available_cores

pytestmark = pytest.mark.model

HELLO = LlmRequest("", "Say hello.", "test", max_output_tokens=8)
STORY = LlmRequest("", "Tell a very long story about a fox.", "test", max_output_tokens=300)
PREFIX = "The person bought:\nbread\nmilk\nbutter\ncheese\n"
CONTINUATIONS = ["yogurt", "motor oil", "cream cheese", "cream crackers", "a large garden hose", "yogurt"]


def _is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_for(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_a_killed_worker_loses_nothing(smollm):
    smollm.complete(HELLO)
    before = smollm.worker_pid
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(smollm.complete, STORY)
        time.sleep(0.3)
        assert not answer.done()
        os.kill(before, signal.SIGKILL)
        completion = answer.result(timeout=60)
    assert completion.output_tokens > 50
    assert smollm.worker_pid != before


def test_a_worker_killed_while_it_scores_loses_nothing(smollm):
    texts = [f"item {number} of a list of things that people buy" for number in range(40)]
    smollm.score(PREFIX, ["tea"])
    before = smollm.worker_pid
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(smollm.score, PREFIX, texts, reuse=False)
        time.sleep(0.2)
        assert not answer.done()
        os.kill(before, signal.SIGKILL)
        scores = answer.result(timeout=60)
    assert smollm.worker_pid != before
    assert scores.token_logprobs == smollm.score(PREFIX, texts, reuse=False).token_logprobs


def test_two_crashes_on_one_request_save_the_prompt(smollm_path, tmp_path, monkeypatch):
    monkeypatch.setenv("DRIFTREC_HOME", str(tmp_path))
    backend = LlamaCppBackend(smollm_path)
    done = threading.Event()

    def kill_every_worker():
        while not done.is_set():
            pid = backend.worker_pid
            if pid and _is_running(pid):
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)

    killer = threading.Thread(target=kill_every_worker)
    killer.start()
    try:
        with pytest.raises(BackendError, match="failed twice") as caught:
            backend.complete(STORY)
    finally:
        done.set()
        killer.join()
    saved = next((tmp_path / "crashes").iterdir())
    assert str(saved) in str(caught.value)
    assert json.loads(saved.read_text())["user"] == STORY.user
    assert backend.complete(HELLO).text
    backend.close()


def test_time_runs_out(smollm_path):
    backend = LlamaCppBackend(smollm_path, timeout_s=0.2)
    with pytest.raises(BackendTimeoutError, match="timeout_s"):
        backend.complete(STORY)
    assert backend.worker_pid is None
    backend.close()
    backend.close()


def test_a_file_that_is_no_model(tmp_path):
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF" + b"\x00" * 100)
    backend = LlamaCppBackend(path)
    with pytest.raises(BackendError, match=r"broken\.gguf"):
        backend.complete(HELLO)
    backend.close()


def test_the_worker_ends_with_its_parent(smollm_path):
    """The parent is a script without a main guard, killed in the middle of a request."""
    script = textwrap.dedent(f"""
        from pathlib import Path
        from agent.llm.backend import LlmRequest
        from agent.llm.llamacpp import LlamaCppBackend
        backend = LlamaCppBackend(Path({str(smollm_path)!r}))
        backend.complete(LlmRequest("", "Hello.", "test", max_output_tokens=4))
        print(backend.worker_pid, flush=True)
        backend.complete(LlmRequest("", "Tell a long story.", "test", max_output_tokens=900))
    """)
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    with parent.stdout:
        worker = int(parent.stdout.readline())
    assert _is_running(worker)
    parent.kill()
    parent.wait()
    _wait_for(lambda: not _is_running(worker))


def test_threads_of_the_caller_wait_for_each_other(smollm):
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(smollm.complete, [HELLO] * 6))
    assert len({answer.text for answer in answers}) == 1


def test_bounds_and_patterns_are_honoured(smollm):
    schema = {
        "type": "object",
        "properties": {
            "score": {"type": "integer", "minimum": 40, "maximum": 42},
            "code": {"type": "string", "pattern": "^[A-C]{3}-7$"},
        },
        "required": ["score", "code"],
        "additionalProperties": False,
    }
    completion = smollm.complete(LlmRequest("Answer in JSON.", "Rate this.", "test", schema=schema))
    assert completion.data is not None
    assert 40 <= completion.data["score"] <= 42
    assert completion.data["code"][3:] == "-7"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "integer"}, "uniqueItems": True},
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}},
    ],
)
def test_unsupported_schemas_are_errors_and_the_worker_lives_on(smollm, schema):
    smollm.complete(HELLO)
    before = smollm.worker_pid
    with pytest.raises(SchemaError):
        smollm.complete(LlmRequest("", "x", "test", schema=schema))
    assert smollm.complete(HELLO).text
    assert smollm.worker_pid == before


def test_truncated_objects_have_no_data(smollm):
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    request = LlmRequest("", "Write a story.", "test", schema=schema, max_output_tokens=6)
    completion = smollm.complete(request)
    assert completion.finish_reason == "length"
    assert completion.degraded
    assert completion.data is None


def test_stop_texts_end_the_answer_and_are_not_part_of_it(smollm):
    whole = smollm.complete(LlmRequest("", "Count: 1, 2, 3, 4", "test", max_output_tokens=30)).text
    mark = whole[len(whole) // 2]
    cut = smollm.complete(LlmRequest("", "Count: 1, 2, 3, 4", "test", max_output_tokens=30, stop=(mark,)))
    assert cut.text == whole[: whole.index(mark)]
    assert cut.finish_reason == "stop"


def test_sampling_is_seeded(smollm):
    def sample(seed):
        request = LlmRequest("", "Name an animal.", "test", max_output_tokens=16, temperature=1.5, seed=seed)
        return smollm.complete(request).text

    assert sample(1) == sample(1)
    assert len({sample(seed) for seed in range(4)}) > 1


def test_scores_agree_with_an_independent_computation(smollm, smollm_path):
    """Against `Llama` with the logits of every position; kernels differ by batch size, so not exactly."""
    import llama_cpp

    options = {"n_ctx": 256, "n_batch": 256, "n_threads": 1, "n_threads_batch": 1}
    oracle = llama_cpp.Llama(str(smollm_path), logits_all=True, verbose=False, **options)
    prefix = oracle.tokenize(PREFIX.encode(), add_bos=False)
    scores = smollm.score(PREFIX, CONTINUATIONS)
    differences = []
    for text, logprobs in zip(CONTINUATIONS, scores.token_logprobs, strict=True):
        tokens = oracle.tokenize(text.encode(), add_bos=False)
        oracle.reset()
        oracle.eval(prefix + tokens)
        rows = oracle.scores[len(prefix) - 1 : len(prefix) + len(tokens) - 1].astype(np.float64)
        top = rows.max(axis=1, keepdims=True)
        logits = rows - top - np.log(np.exp(rows - top).sum(axis=1, keepdims=True))
        expected = logits[np.arange(len(tokens)), tokens]
        assert len(expected) == len(logprobs)
        differences += list(np.abs(expected - logprobs))
    oracle.close()
    assert np.mean(differences) < 0.1
    assert np.max(differences) < 0.5


def test_scores_do_not_depend_on_the_company_or_the_order(smollm):
    together = smollm.score(PREFIX, CONTINUATIONS).token_logprobs
    reverse = smollm.score(PREFIX, CONTINUATIONS[::-1]).token_logprobs[::-1]
    assert together == reverse
    alone = smollm.score(PREFIX, CONTINUATIONS[2:3]).token_logprobs[0]
    np.testing.assert_allclose(alone, together[2], atol=0.5)


def test_a_prefix_is_decoded_once_and_completions_keep_theirs(smollm):
    first = smollm.score(PREFIX + "eggs\n", CONTINUATIONS)
    assert first.meta["decoded_prompt_tokens"] > 0
    smollm.complete(HELLO)
    again = smollm.score(PREFIX + "eggs\n", CONTINUATIONS)
    assert again.meta["decoded_prompt_tokens"] == 0
    assert again.token_logprobs == first.token_logprobs
    assert first.meta["decoded_tokens"] < first.scored_tokens
    assert smollm.score(PREFIX + "eggs\n", ["tea"], reuse=False).meta["decoded_prompt_tokens"] > 0


def test_more_continuations_than_fit_one_batch(smollm):
    texts = [f"item number {number} of a long list of things" for number in range(70)]
    scores = smollm.score(PREFIX, [*texts, ""])
    assert len(scores.token_logprobs) == 71
    assert scores.token_logprobs[70] == ()
    lone = smollm.score(PREFIX, texts[69:70]).token_logprobs[0]
    np.testing.assert_allclose(scores.token_logprobs[69], lone, atol=0.5)


def test_likelihood_prefers_what_fits(smollm):
    likely, unlikely = smollm.score("The capital of France is", [" Paris", " broccoli"]).token_logprobs
    assert sum(likely) > sum(unlikely) + 3


def test_a_prefix_or_continuation_too_long_is_a_clear_error(smollm):
    with pytest.raises(BackendError, match="context"):
        smollm.score("word " * 2000, ["x"])
    with pytest.raises(BackendError, match="context"):
        smollm.score(PREFIX, ["word " * 600])
    assert smollm.score(PREFIX, ["x"]).scored_tokens >= 1


def test_cores_are_those_of_this_process():
    assert 1 <= available_cores() <= len(os.sched_getaffinity(0))


def test_prompt_speed_is_measured(smollm):
    assert smollm.measure_speed(prompt_tokens=64).prompt > 1


def _drain(stream):
    """The pieces of a stream and its completion."""
    pieces = []
    while True:
        try:
            pieces.append(next(stream))
        except StopIteration as end:
            return pieces, end.value


def test_a_stream_tells_what_complete_would(smollm):
    request = LlmRequest("", "Count to ten. 数到十。", "test", max_output_tokens=40)
    pieces, end = _drain(smollm.stream(request))
    whole = smollm.complete(request)
    assert "".join(pieces) == end.text == whole.text
    assert end.output_tokens == whole.output_tokens
    assert len(pieces) > 5


def test_a_stream_never_shows_what_a_stop_text_takes_back(smollm):
    request = LlmRequest("", "Count: 1, 2, 3, 4", "test", max_output_tokens=30)
    whole = smollm.complete(request).text
    middle = len(whole) // 2
    request = dataclasses.replace(request, stop=(whole[middle : middle + 4],))
    pieces, end = _drain(smollm.stream(request))
    assert "".join(pieces) == end.text == smollm.complete(request).text
    assert len(end.text) < len(whole)


def test_a_stream_held_to_a_schema(smollm):
    properties = {"a": {"type": "integer", "minimum": 0, "maximum": 99}}
    schema = {"type": "object", "properties": properties, "required": ["a"], "additionalProperties": False}
    pieces, end = _drain(smollm.stream(LlmRequest("", "A number.", "test", schema=schema)))
    assert json.loads("".join(pieces)) == end.data
    with pytest.raises(SchemaError):
        next(smollm.stream(LlmRequest("", "x", "test", schema={"type": "objekt"})))


def test_a_killed_worker_loses_nothing_of_a_stream(smollm):
    story = dataclasses.replace(STORY, max_output_tokens=60)
    expected = smollm.complete(story).text
    stream = smollm.stream(story)
    pieces = [next(stream) for _ in range(5)]
    os.kill(smollm.worker_pid, signal.SIGKILL)
    more, end = _drain(stream)
    assert "".join(pieces + more) == end.text
    if end.finish_reason == "error":  # numbers may differ by a hair in a fresh worker
        assert "differently" in end.note
    else:
        assert end.text == expected


def test_a_stream_left_early_stops_the_work(smollm):
    started = time.monotonic()
    told = smollm.complete(dataclasses.replace(STORY, max_output_tokens=60)).output_tokens
    pace = (time.monotonic() - started) / told
    stream = smollm.stream(LlmRequest("", "Tell a very long story.", "test", max_output_tokens=900))
    next(stream)
    started = time.monotonic()
    stream.close()
    assert smollm.complete(HELLO).text
    assert time.monotonic() - started < 450 * pace, "half of what the whole story would take"


def test_other_requests_do_not_wait_for_a_slow_reader(smollm):
    stream = smollm.stream(LlmRequest("", "Count to ten.", "test", max_output_tokens=20))
    next(stream)
    assert smollm.complete(HELLO).text, "from the very thread that reads the stream"
    assert _drain(stream)[1].text


def test_a_frozen_worker_is_replaced(smollm_path):
    backend = LlamaCppBackend(smollm_path, hung_s=8.0, timeout_s=60)
    backend.complete(HELLO)
    frozen = backend.worker_pid
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(backend.complete, dataclasses.replace(STORY, max_output_tokens=60))
        time.sleep(0.1)
        os.kill(frozen, signal.SIGSTOP)
        assert answer.result(timeout=50).output_tokens > 30
    assert backend.worker_pid != frozen
    assert not _is_running(frozen)
    backend.close()


def test_an_object_that_a_stop_text_cuts_is_degraded(smollm):
    schema = {
        "type": "object",
        "properties": {"word": {"enum": ["bread and butter"]}},
        "required": ["word"],
        "additionalProperties": False,
    }
    cut = smollm.complete(LlmRequest("", "A word.", "test", schema=schema, stop=(" and",)))
    assert cut.degraded and cut.data is None
    assert "not JSON" in cut.note


def test_an_array_is_not_passed_off_as_an_object(smollm):
    schema = {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 2, "maxItems": 2}
    found = smollm.complete(LlmRequest("", "Two letters.", "test", schema=schema))
    assert found.degraded and found.data is None
    assert "got list" in found.note and isinstance(json.loads(found.text), list)
