from __future__ import annotations

import pytest

from agent.errors import SettingsError
from agent.llm.registry import model_path
from agent.settings import LlmSettings, load_settings


def write(tmp_path, text):
    path = tmp_path / "driftrec.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_file_over_default_environment_over_file(tmp_path, monkeypatch):
    path = write(tmp_path, "[ranking]\nn_rerank = 12\n[interests]\nmax_worded = 5\n")
    monkeypatch.setenv("DRIFTREC_RANKING__N_RERANK", "15")
    settings = load_settings(path)
    assert settings.ranking.n_rerank == 15
    assert settings.interests.max_worded == 5
    assert settings.ranking.n_candidates == 200


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[ranking]\nn_reranked = 3\n", ["ranking.n_reranked", "Extra inputs"]),
        ("[interests]\nalpha = 2\n", ["interests.alpha", "less than 1", "2"]),
        ("[interests\n", ["driftrec.toml"]),
        ('[interactions.missing]\nvalue = "guess"\n', ["interactions.missing.value", "guess"]),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, parts):
    with pytest.raises(SettingsError) as caught:
        load_settings(write(tmp_path, text))
    assert all(part in str(caught.value) for part in parts), str(caught.value)


def test_a_key_never_shows(tmp_path):
    settings = load_settings(write(tmp_path, '[llm]\napi_key = "sk-very-secret"\n'))
    assert "sk-very-secret" not in repr(settings)
    with pytest.raises(SettingsError) as caught:
        load_settings(write(tmp_path, '[llm]\napi_key = ["sk-very-secret"]\nthreads = -1\n'))
    assert "sk-very-secret" not in str(caught.value)
    assert "llm.threads" in str(caught.value)


def test_a_missing_file_gives_the_defaults(tmp_path):
    assert load_settings(tmp_path / "none.toml") == load_settings()


@pytest.mark.parametrize("name", ["a,b.gguf", "a:b.gguf", "A.GGUF", "none,c:d.Gguf"])
@pytest.mark.parametrize("prefix", ["", "llamacpp:"])
def test_a_model_file_may_have_any_name(tmp_path, name, prefix):
    path = tmp_path / name
    path.write_bytes(b"GGUF")
    assert LlmSettings().with_model(f"{prefix}{path}").chain == (f"llamacpp:{path}",)
    assert model_path(str(path), offline=True) == path


def test_a_model_file_in_a_chain(tmp_path):
    path = tmp_path / "a:b.GGUF"
    path.write_bytes(b"GGUF")
    assert LlmSettings().with_model(f"{path},none").chain == (f"llamacpp:{path}", "none")


@pytest.mark.parametrize("name", ["x" * 5000 + ".gguf", "~no-such-user/m.gguf", "a\0b.gguf", "absent.GGUF"])
def test_a_name_that_is_no_file_is_left_to_the_one_who_opens_it(name):
    assert LlmSettings().with_model(name).chain == (f"llamacpp:{name}",)
