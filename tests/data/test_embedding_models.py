"""The contract of an embedder, run against the real models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.data.embedders import MINILM_DIM, SentenceTransformerEmbedder, minilm_folder
from agent.data.embedding import Embedder, open_embedder
from agent.errors import ModelFileError, ModelNotFoundError, OfflineError

TEXTS = ["Italian/French bread. Bread", "dry dog food", "", "科幻电影", "a " * 400, "Fantômas (1913)"]


@pytest.fixture(scope="module", params=["minilm", "use-multilingual"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return open_embedder(request.param)


def test_rows_are_unit_float32_in_order(embedder: Embedder) -> None:
    vectors = embedder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert not np.allclose(vectors[0], vectors[1], atol=0.1)


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert embedder.encode([]).shape == (0, embedder.dim)


def test_the_same_texts_give_the_same_vectors(embedder: Embedder) -> None:
    np.testing.assert_array_equal(embedder.encode(TEXTS), embedder.encode(TEXTS))


def test_neither_order_nor_company_matters(embedder: Embedder) -> None:
    together = embedder.encode(TEXTS)
    np.testing.assert_allclose(embedder.encode(TEXTS[::-1])[::-1], together, atol=1e-5)
    alone = np.concatenate([embedder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(alone, together, atol=1e-5)


def test_like_is_nearer_than_unlike_in_english(embedder: Embedder) -> None:
    bread, rolls, oil = embedder.encode(["French bread", "dinner rolls and buns", "motor oil"])
    assert bread @ rolls > bread @ oil + 0.1


def test_the_name_carries_a_version_and_opens_the_same_model(embedder: Embedder) -> None:
    assert "@" in embedder.name
    again = open_embedder(embedder.name, offline=True)
    assert (again.name, again.dim) == (embedder.name, embedder.dim)


def test_chinese_is_understood_by_the_multilingual_model() -> None:
    film, space, romance = open_embedder("use-multilingual").encode(
        ["科幻电影", "星际穿越 太空 冒险", "浪漫爱情喜剧"]
    )
    assert film @ space > film @ romance + 0.1


def test_a_folder_gives_the_name_and_vectors_of_the_model_in_it() -> None:
    packaged = open_embedder("minilm")
    folder = SentenceTransformerEmbedder(minilm_folder(), offline=True)
    assert (folder.name, folder.dim) == (packaged.name, MINILM_DIM)
    np.testing.assert_allclose(folder.encode(["tea"]), packaged.encode(["tea"]), atol=1e-6)


def test_a_few_texts_read_lightly_have_the_vectors_of_many_read_at_once() -> None:
    texts = ["", "tea", "Why is cheese on my list?", "fresh bananas and " * 200, "奶酪"]
    light = open_embedder("minilm", offline=True)
    whole = SentenceTransformerEmbedder(minilm_folder(), offline=True)
    for text in texts:
        np.testing.assert_allclose(light.encode([text]), whole.encode([text]), atol=2e-6)


@pytest.mark.parametrize("n", [1, 9])
def test_weights_that_are_not_the_named_ones_are_refused(n: int) -> None:
    wrong = SentenceTransformerEmbedder(
        minilm_folder(), name="all-MiniLM-L6-v2@00000000", dim=384, light=True
    )
    with pytest.raises(
        ModelFileError, match=r"expected the model 'all-MiniLM-L6-v2@00000000'.*delete that folder"
    ):
        wrong.encode(["tea"] * n)


def test_a_hub_name_offline_and_a_folder_without_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        OfflineError, match="'nobody/no-such-model' is not a folder and not in the local hub cache"
    ):
        open_embedder("nobody/no-such-model", offline=True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(OfflineError, match=r"set .embedding. model to a folder"):
        open_embedder("nobody/no-such-model")
    with pytest.raises(ModelNotFoundError, match="cannot be loaded"):
        open_embedder(str(tmp_path))
