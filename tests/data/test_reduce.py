"""Principal components: what they keep, that they are deterministic, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.data.reduce import Pca, ReducedEmbedder, fit_pca, reduced_name
from agent.errors import SettingsError, StoreError


def _vectors(n: int = 60, dim: int = 20, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    scales = np.linspace(3.0, 0.1, dim)
    raw = generator.normal(size=(n, dim)) * scales
    return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)


def test_rows_are_unit_and_components_orthonormal() -> None:
    vectors = _vectors()
    pca = fit_pca(vectors, 5)
    reduced = pca.transform(vectors)
    assert reduced.shape == (60, 5)
    assert reduced.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(reduced, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(pca.components @ pca.components.T, np.eye(5), atol=1e-5)


def test_it_agrees_with_scikit_learn_up_to_the_fixed_sign() -> None:
    from sklearn.decomposition import PCA

    vectors = _vectors()
    oracle = PCA(n_components=4, svd_solver="full").fit(vectors.astype(np.float64))
    pca = fit_pca(vectors, 4)
    np.testing.assert_allclose(np.abs(pca.components @ oracle.components_.T), np.eye(4), atol=1e-4)
    assert pca.explained == pytest.approx(float(oracle.explained_variance_ratio_.sum()), abs=1e-5)


def test_signs_are_fixed_and_the_fit_is_deterministic() -> None:
    first, second = fit_pca(_vectors(), 5), fit_pca(_vectors(), 5)
    largest = np.take_along_axis(first.components, np.abs(first.components).argmax(axis=1)[:, None], axis=1)
    assert (largest > 0).all()
    assert first.fingerprint == second.fingerprint
    assert first.fingerprint != fit_pca(_vectors(seed=1), 5).fingerprint


def test_all_dimensions_keep_all_variance_and_every_distance() -> None:
    vectors = _vectors(dim=8)
    pca = fit_pca(vectors, 8)
    projected = (vectors - pca.mean) @ pca.components.T
    assert pca.explained == pytest.approx(1.0)
    np.testing.assert_allclose(
        np.linalg.norm(projected[:10] - projected[10:20], axis=1),
        np.linalg.norm(vectors[:10] - vectors[10:20], axis=1),
        atol=1e-4,
    )


def test_no_more_dimensions_than_the_data_have() -> None:
    assert len(fit_pca(_vectors(n=4), 10).components) == 3


@pytest.mark.parametrize("vectors", [_vectors(n=1), np.repeat(_vectors(n=1), 5, axis=0)])
def test_texts_without_variance_are_refused(vectors: np.ndarray) -> None:
    with pytest.raises(SettingsError, match="pca_dims = 3 needs at least two different item texts"):
        fit_pca(vectors, 3)


def test_zero_dimensions_are_refused() -> None:
    with pytest.raises(SettingsError, match="at least 1 here, got 0"):
        fit_pca(_vectors(), 0)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 30), st.integers(1, 12), st.integers(0, 5))
def test_a_stored_projection_comes_back_as_it_was(n: int, dims: int, seed: int) -> None:
    pca = fit_pca(_vectors(n=n, seed=seed), dims)
    again = Pca.from_text(pca.to_text())
    assert again.fingerprint == pca.fingerprint
    np.testing.assert_array_equal(again.transform(_vectors()), pca.transform(_vectors()))


@pytest.mark.parametrize("text", ["", "{}", '{"shape": [2, 3], "mean": "", "components": "AAAA"}', "[1]"])
def test_a_damaged_stored_projection_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match="expected a stored PCA"):
        Pca.from_text(text)


def test_an_embedder_behind_a_projection_has_its_name_and_dimension() -> None:
    class Fixed:
        name, dim = "fixed@1", 20

        def encode(self, texts):
            return _vectors(n=len(texts))

    pca = fit_pca(_vectors(), 3)
    reduced = ReducedEmbedder(Fixed(), pca)
    assert reduced.name == reduced_name("fixed@1", pca) == f"fixed@1+pca3-{pca.fingerprint}"
    assert reduced.dim == 3
    np.testing.assert_array_equal(reduced.encode(["a", "b"]), pca.transform(_vectors(n=2)))
